"""Mistakes that no flag names: reported as Unexplained, but in words of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from fos_ref.check.flaws.amax import BF16, FP16
from fos_ref.check.flaws.flaw import Flaw, Wrap
from fos_ref.formats.arrays import F32, U8
from fos_ref.model.rounding import to_dtype
from fos_ref.recipes.axes import ElementNan
from fos_ref.recipes.recipe import Recipe

FLAG = "Unexplained"


def flaws(r: Recipe) -> Iterator[Flaw]:
    """Yield the mistakes of this kind under r."""
    for kind in (BF16, FP16):
        what = f"a float32 input is rounded to {kind.name} first"
        yield _other(what, x=_rounded(kind))
        yield _other(f"{what}, its amax too", x=_rounded(kind), amax=_rounded(kind))
    for member in ElementNan:
        if member is not r.element_nan:
            what = f"the code of a scaled NaN is {member.value} where the recipe has {r.element_nan.value}"
            yield replace(_other(what), axes={"element_nan": member})
    if not r.chooses:
        return
    yield _other("the candidate with the larger error is kept", pick=_worse)
    yield _other("the codes are the winner's, the scale is always map-to-6's", keep=_scale_of("map6"))
    yield _other("the codes are the winner's, the scale is always map-to-4's", keep=_scale_of("map4"))
    if r.reduction is not None:
        yield _other("the error leaves out the last value", total=_part(slice(None, -1)))
        yield _other("the error leaves out the first value", total=_part(slice(1, None)))


def _other(what: str, **wraps: Wrap) -> Flaw:
    return Flaw(FLAG, what, wraps=wraps, usual=False)


def _rounded(kind: np.dtype[Any]) -> Wrap:
    return lambda old: lambda given: to_dtype(old(given), kind)


def _worse(_: Any) -> Any:
    return lambda err4, err6, r: err4 > err6  # noqa: ARG005


def _scale_of(side: str) -> Wrap:
    def wrap(old: Any) -> Any:
        def keep(map6: Any, map4: Any, picked4: Any, r: Recipe) -> tuple[U8, U8]:
            codes, _ = old(map6, map4, picked4, r)
            return codes, (map6 if side == "map6" else map4).scale_code

        return keep

    return wrap


def _part(part: slice) -> Wrap:
    return lambda old: lambda d, r: old(_without(d, part), r)


def _without(d: F32, part: slice) -> F32:
    """Return the differences with zeros outside `part`: adding a zero changes no sum."""
    kept = np.zeros_like(d)
    kept[..., part] = d[..., part]
    return kept
