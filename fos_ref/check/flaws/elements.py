"""Flaws of the elements: scaling, the cast to E2M1, zeros, double rounding (N8, N9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

from fos_ref.check.flaws.amax import BF16, FP16
from fos_ref.check.flaws.flaw import Flaw, Wrap
from fos_ref.formats import E2M1
from fos_ref.formats.arrays import F32, U8
from fos_ref.model.elements import E2M1_VALUES, unsaturated
from fos_ref.model.rounding import to_dtype
from fos_ref.model.scales import FLT_MAX, ONE
from fos_ref.model.trace import Blocks
from fos_ref.recipes.axes import (
    ElementCast,
    ElementNan,
    ElementScaling,
    ReciprocalOverflow,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.recipe import Recipe

#: E2M1 midpoint -> (code of the smaller, of the larger neighbour).
_MIDPOINTS = {m: (c, c + 1) for c, m in enumerate((0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0))}
_SIGN, _MAGNITUDE = np.uint8(8), np.uint8(7)
_INT32, _OF_SIX = 2.0**31 - 5, 3  #: the end of 32 bits, and the steps of 2 in 6
_TIE = 7  #: of 6 and 8, where the grid of E2M1 goes on
_MULTIPLIES = (
    ElementScaling.RECIPROCAL_OF_PRODUCT,
    ElementScaling.RECIPROCAL_QUOTIENT,
    ElementScaling.ENCODE_QUOTIENT,
)


def flaws(r: Recipe) -> Iterator[Flaw]:
    """Yield the flaws of this part of the walk under r."""
    yield from _scalings(r)
    if r.element.first.format is E2M1:
        yield from _ties()
        yield from _saturation(r)
    for kind in (BF16, FP16):
        what = f"the scaled value is rounded to {kind.name} before its cast"
        yield Flaw("DoubleRounding", what, wraps={"cast": _through(kind)})
    yield from _zero_scales(r)
    yield from _zero_signs(r)


# --- N8 ------------------------------------------------------------------------------------------------


def _scalings(r: Recipe) -> Iterator[Flaw]:
    own = {form for _, form, _ in _OWN_SCALINGS}
    for member in ElementScaling:
        if member is not r.element_scaling and member.value not in own:
            swapped = (member in _MULTIPLIES) is not (r.element_scaling in _MULTIPLIES)
            flag = "ReciprocalForDivision" if swapped else "ScaleAssociation"
            yield Flaw(flag, _elements_are(member.value, r), {"element_scaling": member})
            if r.element_nan is not ElementNan.CODE_7 and r.element_cast is not ElementCast.UNSATURATED:
                axes = {"element_scaling": member, "element_nan": ElementNan.CODE_7}
                yield Flaw(flag, f"{_elements_are(member.value, r)}, and 0/0 gives code 7", axes)
    for flag, form, scaled in _OWN_SCALINGS:
        if form != r.element_scaling.value:
            yield Flaw(flag, _elements_are(form, r), wraps={"scaling": _instead(scaled)}, usual=False)


def _elements_are(form: str, r: Recipe) -> str:
    return f"elements are scaled by {form} where the recipe has {r.element_scaling.value}"


def _instead(scaled: Callable[[F32, F32, F32, F32], F32]) -> Wrap:
    """Return the wrap that scales by (x, s, S, D); blocks of a zero scale stay as they were."""

    def wrap(old: Any) -> Any:
        def scaling(blocks: Blocks, s: F32, r: Recipe) -> F32:
            t = blocks.scales.per_element()
            new = scaled(blocks.x, s[..., None], t.encode, t.decode)
            return np.where(s[..., None] == 0, old(blocks, s, r), new)

        return scaling

    return wrap


def _capped(m: F32) -> F32:
    return np.minimum(m, FLT_MAX)


#: Scalings that leave blocks of a zero scale to the recipe.
_OWN_SCALINGS: tuple[tuple[str, str, Callable[[F32, F32, F32, F32], F32]], ...] = (
    ("ScaleAssociation", "x*(S/s)", lambda x, s, e, d: x * _capped(e / s)),  # noqa: ARG005
    ("ScaleAssociation", "(x*S)/s", lambda x, s, e, d: (x * e) / s),  # noqa: ARG005
    ("ScaleAssociation", "(x/D)/s", lambda x, s, e, d: (x / d) / s),  # noqa: ARG005
    ("ReciprocalForDivision", "(x*S)*(1/s)", lambda x, s, e, d: (x * e) * (ONE / s)),  # noqa: ARG005
    ("ReciprocalForDivision", "x*(S*(1/s))", lambda x, s, e, d: x * _capped(e * (ONE / s))),  # noqa: ARG005
    ("ReciprocalForDivision", "x*(1/(s/S))", lambda x, s, e, d: x * _capped(ONE / (s / e))),  # noqa: ARG005
    ("ReciprocalForDivision", "x*((1/s)*(1/D))", lambda x, s, e, d: x * _capped((ONE / s) * (ONE / d))),  # noqa: ARG005
)


# --- N9: midpoints --------------------------------------------------------------------------------------


def _ties() -> Iterator[Flaw]:
    for flag, side, where in (("E2m1TiesAway", 1, "larger"), ("E2m1TiesZero", 0, "smaller")):
        moved = [m for m, codes in _MIDPOINTS.items() if codes[side] & 1]
        every = f"every E2M1 midpoint goes to the {where} magnitude"
        yield Flaw(flag, every, wraps={"cast": _midpoints(moved, side)}, ties=True)
        for m in moved:
            yield Flaw(
                flag,
                f"the E2M1 midpoint {m} goes to the {where} magnitude",
                wraps={"cast": _midpoints([m], side)},
                ties=True,
            )


def _midpoints(moved: list[float], side: int) -> Wrap:
    def wrap(old: Any) -> Any:
        def cast(y: F32, r: Recipe, grid: Any) -> tuple[U8, F32]:
            codes, values = old(y, r, grid)
            magnitude = np.abs(y)
            for m in moved:
                hit = magnitude == np.float32(m)
                codes = np.where(hit, (codes & _SIGN) | np.uint8(_MIDPOINTS[m][side]), codes)
                values = np.where(hit, E2M1_VALUES[codes & 15], values)
            return codes, values

        return cast

    return wrap


def _through(kind: np.dtype[Any]) -> Wrap:
    return lambda old: lambda y, r, grid: old(to_dtype(y, kind), r, grid)


# --- N9: saturation -------------------------------------------------------------------------------------


def _saturation(r: Recipe) -> Iterator[Flaw]:
    if r.element_cast is ElementCast.UNSATURATED:
        axes = {"element_cast": ElementCast.SATURATE, "element_nan": ElementNan.CODE_7}
        yield Flaw("E2m1NoSaturation", "magnitudes above 6 are clamped where the recipe does not clamp", axes)
        return
    axes = {"element_cast": ElementCast.UNSATURATED, "element_nan": ElementNan.WRAPS}
    yield Flaw("E2m1NoSaturation", "8 and above keep their value; the code spills into its neighbour", axes)
    for what, mask in _OVERFLOWS:
        yield Flaw("E2m1NoSaturation", f"8 and above {what}", wraps={"cast": _unclamped(mask)})
    for beyond, of_seven in product((0, -1), (8, 6)):
        counted = (
            f"codes are counted on above 7, and wrap; 7 becomes {of_seven}, what no integer holds {beyond}"
        )
        yield Flaw("E2m1NoSaturation", counted, wraps={"cast": _counted_on(beyond, of_seven)})


#: What becomes of a magnitude code above 7, beside the sign.
_OVERFLOWS: tuple[tuple[str, Callable[[U8, U8], Any]], ...] = (
    ("wrap within the nibble: 8 reads as -0", lambda code, sign: (code | sign) & 15),
    ("wrap within the magnitude: 8 reads as 0", lambda code, sign: (code & _MAGNITUDE) | sign),
    ("become zero", lambda code, sign: sign),  # noqa: ARG005
)


def _counted_on(beyond: int, of_seven: int) -> Wrap:
    """Return the wrap that counts codes on in steps of 2.

    `beyond` is the code of what a 32-bit integer cannot hold, `of_seven` what the tie of 6 and 8 becomes.
    """

    def wrap(old: Any) -> Any:
        def cast(y: F32, r: Recipe, grid: Any) -> tuple[U8, F32]:
            codes, values = old(y, r, grid)
            steps = np.where(np.abs(y) == _TIE, of_seven / 2, np.rint(np.abs(y) / 2))
            count = np.where(steps < _INT32, steps, 0).astype(np.int64) + 4
            low = np.where(steps < _INT32, count, beyond) | np.where(np.signbit(y), int(_SIGN), 0)
            over = steps > _OF_SIX
            raw = np.copysign(steps * 2, y).astype(np.float32)
            return np.where(over, low & 15, codes).astype(np.uint8), np.where(over, raw, values)

        return cast

    return wrap


def _unclamped(mask: Callable[[U8, U8], Any]) -> Wrap:
    def wrap(old: Any) -> Any:
        def cast(y: F32, r: Recipe, grid: Any) -> tuple[U8, F32]:
            codes, values = old(y, r, grid)
            wide, raw = unsaturated(np.abs(y))
            sign = np.where(np.signbit(y), _SIGN, np.uint8(0))
            over = wide > _MAGNITUDE
            return np.where(over, mask(wide, sign), codes).astype(np.uint8), np.where(
                over, np.copysign(raw, y), values
            )

        return cast

    return wrap


# --- zeros ----------------------------------------------------------------------------------------------


def _zero_scales(r: Recipe) -> Iterator[Flaw]:
    for member in ZeroScale:
        if member is not r.zero_scale:
            what = f"a block of scale zero: {member.value} where the recipe has {r.zero_scale.value}"
            yield Flaw("ZeroScalePolicy", what, {"zero_scale": member})
    for overflow in ReciprocalOverflow:
        if overflow is not r.reciprocal_overflow:
            what = (
                f"an overflowing 1/(s*D) is {overflow.value} where it should be {r.reciprocal_overflow.value}"
            )
            yield Flaw("ZeroScalePolicy", what, {"reciprocal_overflow": overflow})
            divides = {"zero_scale": ZeroScale.NO_SPECIAL_CASE, "reciprocal_overflow": overflow}
            if r.zero_scale is not ZeroScale.NO_SPECIAL_CASE:
                yield Flaw("ZeroScalePolicy", f"a block of scale zero: times {overflow.value}", divides)
    for what, y in (("zeros with the sign of the value", 0.0), ("the largest codes", np.inf)):
        yield Flaw("ZeroScalePolicy", f"a block of scale zero: {what}", wraps={"scaling": _at_zero(y)})


def _at_zero(magnitude: float) -> Wrap:
    def wrap(old: Any) -> Any:
        def scaling(blocks: Blocks, s: F32, r: Recipe) -> F32:
            y = np.copysign(np.float32(magnitude), blocks.x)
            return np.where(s[..., None] == 0, y, old(blocks, s, r))

        return scaling

    return wrap


def _zero_signs(r: Recipe) -> Iterator[Flaw]:
    for member in ZeroSign:
        if member is not r.zero_sign:
            what = f"a zero code carries a sign: {member.value} where the recipe has {r.zero_sign.value}"
            yield Flaw("NegativeZero", what, {"zero_sign": member})
    yield Flaw("NegativeZero", "an input of +0 gives code 8", wraps={"cast": _always_signed})
    yield Flaw("NegativeZero", "the sign of every zero code is the other one", wraps={"cast": _flipped})


def _always_signed(old: Any) -> Any:
    def cast(y: F32, r: Recipe, grid: Any) -> tuple[U8, F32]:
        codes, values = old(y, r, grid)
        return np.where(y == 0, codes | _SIGN, codes), values

    return cast


def _flipped(old: Any) -> Any:
    def cast(y: F32, r: Recipe, grid: Any) -> tuple[U8, F32]:
        codes, values = old(y, r, grid)
        zero = (codes & _MAGNITUDE == 0) & (np.abs(y) < 1)
        return np.where(zero, codes ^ _SIGN, codes), values

    return cast
