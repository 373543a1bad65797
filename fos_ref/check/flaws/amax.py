"""Flaws of the maxima and the tensor scale: its bound, its precision, its inversion (N2-N4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.check.flaws.flaw import Flaw, Wrap
from fos_ref.formats.arrays import F32
from fos_ref.model.rounding import to_dtype
from fos_ref.model.scales import FLT_MAX, ONE
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import AmaxScope, TensorScale
from fos_ref.recipes.recipe import Recipe, SCALE_BOUNDS

BF16 = np.dtype(ml_dtypes.bfloat16)
FP16 = np.dtype(np.float16)
_OTHERS = ("tensor", "row", "column of blocks", "128 values", "128x128 tile")
_NAMED = ("tensor", "row")  #: the granularities that recipes have
_FRACTION = np.uint32(0xFFFF)  #: the bits of a float32 that bfloat16 has not


def flaws(r: Recipe) -> Iterator[Flaw]:
    """Yield the flaws of this part of the walk under r."""
    if r.scale_max in SCALE_BOUNDS:
        other = next(b for b in SCALE_BOUNDS if b != r.scale_max)
        yield Flaw("Bound", f"the bound is {other} where the recipe says {r.scale_max}", {"scale_max": other})
    yield from _amaxes()
    if r.tensor_scale is not TensorScale.NONE:
        yield from _missing()
        yield from _of_rows(r)
        yield from _inversions()
        yield from _forms(r)


# --- which amax, and with how many bits ----------------------------------------------------------------


def _amaxes() -> Iterator[Flaw]:
    for name in _OTHERS:
        what = f"the amax is that of the {name}, where the recipe or the caller gives another"
        yield Flaw("AmaxPrecision", what, wraps={"amax": _taken_over(name)}, usual=name in _NAMED)
    roundings: dict[str, Callable[[F32], F32]] = {
        "rounded to bfloat16": lambda a: to_dtype(a, BF16),
        "rounded to float16": lambda a: to_dtype(a, FP16),
        "cut to bfloat16": _cut,
    }
    for how, rounding in roundings.items():
        yield Flaw("AmaxPrecision", f"the tensor amax is {how}", wraps={"amax": _then(rounding)})
        yield Flaw("AmaxPrecision", f"the block amax is {how}", wraps={"block_amax": _then(rounding)})


def _taken_over(name: str) -> Wrap:
    return lambda _: lambda p: p.amaxes[name]


def _then(f: Callable[[Any], Any]) -> Wrap:
    return lambda old: lambda *given: f(old(*given))


def _cut(a: F32) -> F32:
    """Return a with the low half of its bits gone."""
    return (a.view(np.uint32) & ~_FRACTION).view(np.float32)


# --- missing -------------------------------------------------------------------------------------------


def _missing() -> Iterator[Flaw]:
    """Yield S left out of the elements, or of the block scales: S = D = 1 there."""
    yield Flaw(
        "TensorScale",
        "the tensor scale is missing from the elements: they are divided by the block scale alone",
        wraps={"scaling": lambda old: lambda blocks, s, r: old(_alone(blocks), s, r)},
    )
    yield Flaw(
        "TensorScale",
        "the tensor scale is missing from the block scales, and not from the elements",
        wraps={"base": lambda old: lambda b, t, m, r: old(b, _of_one(t), m, r)},
    )


def _of_rows(r: Recipe) -> Iterator[Flaw]:
    """Yield other tensor scales of rows: no one number could be solved from the scale bytes for them."""
    if r.amax_scope is not AmaxScope.ROW:
        return
    for kind in (BF16, FP16):
        wraps: dict[str, Wrap] = {"scales": _then(_in(kind))}
        yield Flaw("TensorScale", f"S of each row is rounded to {kind.name}", wraps=wraps)
    yield Flaw("TensorScale", "there is no tensor scale: S is 1", wraps={"scales": _then(_none)})
    signed: Wrap = lambda _: lambda p: p.largest_of_row()  # noqa: E731
    yield Flaw("TensorScale", "the amax of each row is max(x), not max|x|", wraps={"amax": signed})


def _in(kind: np.dtype[Any]) -> Callable[[Scales], Scales]:
    return lambda t: _following(t, to_dtype(t.encode, kind))


def _none(t: Scales) -> Scales:
    return _following(t, np.ones_like(t.encode))


def _following(t: Scales, encode: F32) -> Scales:
    """Return the tensor scale S with what belongs to it: D = 1/S, A = C/S."""
    return replace(t, encode=encode, decode=ONE / encode, amax=t.range_max / encode)


def _of_one(t: Scales) -> Scales:
    one = np.ones_like(t.encode)
    return replace(t, encode=one, decode=one)


def _alone(blocks: Any) -> Any:
    return replace(blocks, scales=_of_one(blocks.scales))


# --- inverted -----------------------------------------------------------------------------------------


def inverted(t: Scales) -> Scales:
    """Return the scales with S and D exchanged."""
    return replace(t, encode=t.decode, decode=t.encode)


def _inversions() -> Iterator[Flaw]:
    yield Flaw("TensorScaleInverted", "S and D are exchanged", wraps={"scales": _then(inverted)})
    yield Flaw(
        "TensorScaleInverted",
        "block scales are taken with D in place of S",
        wraps={"base": lambda old: lambda b, t, m, r: old(b, inverted(t), m, r)},
    )
    yield Flaw(
        "TensorScaleInverted",
        "elements are scaled with S in place of D",
        wraps={"scaling": lambda old: lambda blocks, s, r: old(_inverted_blocks(blocks), s, r)},
        usual=False,  # where S is far from 1, leaving it out gives the same codes
    )


def _inverted_blocks(blocks: Any) -> Any:
    return replace(blocks, scales=inverted(blocks.scales))


# --- other forms of S and D ----------------------------------------------------------------------------


def _forms(r: Recipe) -> Iterator[Flaw]:
    yield _form("ReciprocalForDivision", "S is RN(1/A) * C where the recipe divides", _reciprocal_first)
    yield _form("ReciprocalForDivision", "D is A * RN(1/C), and S its reciprocal", _by_constant)
    yield _form("ScaleAssociation", "S is C/A and D is A/C, each by a division of its own", _own_quotients)
    for member in TensorScale:
        if member is not TensorScale.NONE and member is not r.tensor_scale:
            by = "ReciprocalForDivision" if member in _BY_RECIPROCALS else "ScaleAssociation"
            flag = "ZeroScalePolicy" if _alike(member, r) else by
            what = f"the tensor scale is {member.value} where the recipe has {r.tensor_scale.value}"
            yield Flaw(flag, what, {"tensor_scale": member})


_BY_RECIPROCALS = (
    TensorScale.RECIPROCAL_IN_INPUT_DTYPE,
    TensorScale.DECODE_RECIPROCALS,
    TensorScale.RECIPROCAL_TIMES_RANGE,
    TensorScale.RECIPROCAL_ZERO_SCALES,
    TensorScale.ENCODE_OF_PRODUCT,
)
_BY_DIVISION = (
    TensorScale.CLAMPED,
    TensorScale.CLAMPED_ZERO_IS_ONE,
    TensorScale.ZERO_SCALES,
    TensorScale.QUOTIENT_ZERO_IS_ONE,
)


def _alike(member: TensorScale, r: Recipe) -> bool:
    """Return whether two forms part only where the amax is zero, infinite or next to it."""
    return member in _BY_DIVISION and r.tensor_scale in _BY_DIVISION


def _form(flag: str, what: str, form: Callable[[F32, Recipe], tuple[F32, F32]]) -> Flaw:
    def wrap(old: Any) -> Any:
        def scales(a: F32, r: Recipe, dtype: np.dtype[Any]) -> tuple[F32, F32]:
            plain = old(a, r, dtype)
            return tuple(np.where(a == 0, was, now) for was, now in zip(plain, form(a, r), strict=True))  # type: ignore[return-value]

        return scales

    return Flaw(flag, what, wraps={"tensor": wrap})


def _reciprocal_first(a: F32, r: Recipe) -> tuple[F32, F32]:
    s = np.minimum((ONE / a) * np.float32(r.range_max), FLT_MAX)
    return s, ONE / s


def _by_constant(a: F32, r: Recipe) -> tuple[F32, F32]:
    d = a * (ONE / np.float32(r.range_max))
    return ONE / d, d


def _own_quotients(a: F32, r: Recipe) -> tuple[F32, F32]:
    c = np.float32(r.range_max)
    return np.minimum(c / a, FLT_MAX), a / c
