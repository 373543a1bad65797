"""Tensor scales that people have used by mistake, each with the name that a diagnosis gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.check.flaws.flaw import Flaw, steps_with, Wrap
from fos_ref.check.population import Population, SIGNED
from fos_ref.check.steps import tensor_scales
from fos_ref.formats.arrays import AnyArray, F32, F64
from fos_ref.model.rounding import to_dtype
from fos_ref.model.scales import FLT_MAX, ONE
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import Recipe

FLAG = "TensorScale"
_SIXTEEN_BITS = {"bfloat16": np.dtype(ml_dtypes.bfloat16), "float16": np.dtype(np.float16)}
_NUMERATORS = (2688, 1536, 448, 256, 240, 6, 1)
_CONSTANTS = (2688.0, 1536.0, 448.0, 256.0, 6.0, 1 / 6, 1 / 256, 1 / 448, 1 / 1536, 1 / 2688)
_SOME_ROWS = 64  #: rows of which each may have lent its amax


@dataclass(frozen=True, slots=True)
class Named:
    """A tensor scale by its name, and the mistake that puts it in the place of the recipe's."""

    name: str
    flaw: Flaw


Form = Callable[[F32, F32], Any]


def named(r: Recipe, x: AnyArray) -> Iterator[Named]:
    """Yield the tensor scales that have a name under r, the more usual ones first."""
    yield _form("none", "there is no tensor scale: S is 1", lambda s, _: np.ones_like(s))
    for name, kind in _SIXTEEN_BITS.items():
        yield _form(name, f"S is rounded to {name}", partial(_rounded, kind))
    yield Named("max(x)", Flaw(FLAG, "the tensor amax is max(x), not max|x|", wraps={"amax": _signed}))
    for k in _NUMERATORS:
        yield _form(f"{k}/amax", f"S is {k}/amax", partial(_over_amax, k))
    yield _form("1/S", "the tensor scale is 1/S in place of S", lambda s, _: ONE / s)
    for k in _NUMERATORS[:4]:
        yield _form(f"amax/{k}", f"S is amax/{k}", partial(_of_amax, k))
    for v in _CONSTANTS:
        name = f"{v:g}" if v >= 1 else f"1/{1 / v:g}"
        yield _form(name, f"S is the constant {name}", partial(_constant, v))
    yield from _of_rows(r, x)


def _rounded(kind: np.dtype[Any], s: F32, _: F32) -> F32:
    return to_dtype(s, kind)


def _over_amax(k: int, _: F32, a: F32) -> F32:
    return np.asarray(np.float32(k) / a)


def _of_amax(k: int, _: F32, a: F32) -> F32:
    return np.asarray(a / np.float32(k))


def _constant(v: float, s: F32, _: F32) -> F32:
    return np.full_like(s, v)


def _signed(_: Any) -> Any:
    return lambda p: p.amaxes[SIGNED]


def _of_rows(r: Recipe, x: AnyArray) -> Iterator[Named]:
    """Yield the amaxes of single rows, where they are few enough for a match to mean something."""
    if not 1 < len(x) <= _SOME_ROWS or r.amax_scope is AmaxScope.ROW:
        return
    with np.errstate(invalid="ignore"):
        amaxes = np.abs(x.astype(np.float32)).max(axis=1)
    for i, a in enumerate(amaxes):
        what = f"the tensor amax is that of row {i}"
        yield Named(f"amax of row {i}", Flaw(FLAG, what, wraps={"amax": _lent(a)}))


def _lent(a: np.float32) -> Wrap:
    return lambda _: lambda p: np.full_like(p.amaxes[SIGNED], a)


def _form(name: str, what: str, form: Form) -> Named:
    """Return the tensor scale `form` of the recipe's S and A."""
    return Named(name, Flaw(FLAG, what, wraps={"scales": _instead(form)}))


def _instead(form: Form) -> Wrap:
    """Return the wrap that puts `form` of S and A in the place of S, and what belongs to it beside."""

    def wrap(old: Any) -> Any:
        def scales(t: Scales) -> Scales:
            t = old(t)
            with np.errstate(all="ignore"):
                s: F32 = np.minimum(np.asarray(form(t.encode, t.amax), dtype=np.float32), FLT_MAX)
                return replace(t, encode=s, decode=np.asarray(ONE / s), amax=np.asarray(t.range_max / s))

        return scales

    return wrap


def constant(s: np.float32) -> Flaw:
    """Return the mistake of a tensor scale that has no name."""
    what = f"the block scales follow the tensor scale {s:.7g}"
    return Flaw(FLAG, what, wraps={"scales": _instead(partial(_constant, float(s)))}, usual=False)


def encode_scales(r: Recipe, p: Population, flaws: tuple[Flaw, ...] = ()) -> F64:
    """Return the tensor scale (N,) that blocks are quantized with, under some flaws."""
    steps = steps_with(r, flaws)
    assert steps is not None
    return np.asarray(tensor_scales(p, steps).encode, dtype=np.float64)[:, 0]
