"""Flaws of the elements: scaling, the cast, zeros, double rounding (N8, N9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

from fos_ref.check.flaws.amax import BF16, FP16
from fos_ref.check.flaws.flaw import Flaw, Wrap
from fos_ref.check.signs import magnitudes, with_sign
from fos_ref.formats import E2M1, FormatInfo
from fos_ref.formats.arrays import F32, U8
from fos_ref.formats.catalog import Negatives
from fos_ref.model.elements import code_values, Grid, midpoints, unsaturated
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

_SIGN, _MAGNITUDE = np.uint8(8), np.uint8(7)  #: of E2M1
_INT32, _OF_SIX = 2.0**31 - 5, 3  #: the end of 32 bits, and the steps of 2 in 6
_TIE = 7  #: of 6 and 8, where the grid of E2M1 goes on
_FEW = 8  #: magnitudes of a format whose midpoints are tried one by one
_MULTIPLIES = (
    ElementScaling.RECIPROCAL_OF_PRODUCT,
    ElementScaling.RECIPROCAL_QUOTIENT,
    ElementScaling.ENCODE_QUOTIENT,
)


def flaws(r: Recipe) -> Iterator[Flaw]:
    """Yield the flaws of this part of the walk under r."""
    yield from _scalings(r)
    yield from _ties(r)
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


_SIDES = (("E2m1TiesAway", 1, "larger"), ("E2m1TiesZero", 0, "smaller"))


def _ties(r: Recipe) -> Iterator[Flaw]:
    """Yield midpoints that go to one side: all of them, and those of a short format one by one."""
    for flag, side, where in _SIDES:
        for fmt in r.element.formats:
            every = f"every {fmt.name} midpoint goes to the {where} magnitude"
            yield Flaw(flag, every, wraps={"cast": _midpoints(fmt, side)}, ties=True)
            odd = (c for c in range(fmt.max_code) if c + side & 1)  # the others go there to nearest even
            for c in odd if fmt.max_code < _FEW else ():
                what = f"the {fmt.name} midpoint {float(midpoints(fmt)[c])} goes to the {where} magnitude"
                yield Flaw(flag, what, wraps={"cast": _midpoints(fmt, side, c)}, ties=True)
        if len(r.element.formats) > 1:
            every = f"every midpoint of both formats goes to the {where} magnitude"
            yield Flaw(flag, every, wraps={"cast": _midpoints(None, side)}, ties=True)
    if r.element_cast in _OTHER_TIES:
        what = f"midpoints go to the even code where the recipe has {r.element_cast.value}"
        axes = {"element_cast": ElementCast.SATURATE}
        yield Flaw(_OTHER_TIES[r.element_cast], what, axes, ties=True)


#: Rules of ties that are not to even, and the flag of what is to even in their place.
_OTHER_TIES = {
    ElementCast.TIES_AWAY: "E2m1TiesZero",
    ElementCast.TIES_TO_SMALLER: "E2m1TiesAway",
    ElementCast.FIRST_NEAREST: "E2m1TiesAway",
}


def _midpoints(fmt: FormatInfo | None, side: int, one: int | None = None) -> Wrap:
    """Return the wrap that sends midpoints of a format to one side; None: of any format, one: of all."""

    def wrap(old: Any) -> Any:
        def cast(y: F32, r: Recipe, grid: Grid) -> tuple[U8, F32]:
            codes, values = old(y, r, grid)
            if fmt not in (None, grid.format):
                return codes, values
            middles, size = midpoints(grid.format), np.abs(y)
            at = np.minimum(np.searchsorted(middles, size), len(middles) - 1)
            hit = (middles[at] == size) & (True if one is None else at == one)
            new = with_sign(at + side, np.signbit(y), grid.format)
            new = np.where((at + side == 0) & (magnitudes(codes, grid.format) == 0), codes, new)
            codes = np.where(hit, new, codes).astype(np.uint8)
            return codes, np.where(hit, grid.values[codes & (len(grid.values) - 1)], values)

        return cast

    return wrap


def _through(kind: np.dtype[Any]) -> Wrap:
    return lambda old: lambda y, r, grid: old(to_dtype(y, kind), r, grid)


# --- N9: saturation -------------------------------------------------------------------------------------


def _saturation(r: Recipe) -> Iterator[Flaw]:
    if r.element.first.format is not E2M1:
        yield from _beyond(r)
        return
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


def _beyond(r: Recipe) -> Iterator[Flaw]:
    """Yield formats other than E2M1 without a clamp: the code after the largest, or the largest's field."""
    fmt = r.element.first.format
    most = f"{float(code_values(fmt)[fmt.max_code]):g}"
    step = "the next step and above" if fmt.exponent_bits else "the next whole number and above"
    after = _AFTER.get(fmt.name, "the code that follows the largest")
    what = f"magnitudes above {most} are not clamped: {step} become {after}"
    yield Flaw("E2m1NoSaturation", what, wraps={"cast": _no_clamp(fmt, nearest=True)})
    what = f"magnitudes above {most} become {after}"
    yield Flaw("E2m1NoSaturation", what, wraps={"cast": _no_clamp(fmt, nearest=False)}, usual=False)


_AFTER = {"E4M3": "NaN", "E5M2": "infinity"}


def _no_clamp(fmt: FormatInfo, *, nearest: bool) -> Wrap:
    """Return the wrap that gives the code after the largest: from the midpoint between on, or at once."""
    values = code_values(fmt)
    most = values[fmt.max_code]
    step = most - values[fmt.max_code - 1]
    limit = most + step / 2 if nearest else most

    def wrap(old: Any) -> Any:
        def cast(y: F32, r: Recipe, grid: Grid) -> tuple[U8, F32]:
            codes, counted = old(y, r, grid)
            size = np.abs(y)
            over = (size > limit) | ((size == limit) & nearest & (fmt.max_code & 1 == 1))
            over &= np.asarray(grid.format is fmt)
            new = with_sign(fmt.max_code + 1, np.signbit(y), fmt) & (len(values) - 1)
            return np.where(over, new, codes).astype(np.uint8), np.where(over, values[new], counted)

        return cast

    return wrap


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
        def cast(y: F32, r: Recipe, grid: Grid) -> tuple[U8, F32]:
            codes, values = old(y, r, grid)
            if grid.format is not E2M1:
                return codes, values
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
        def cast(y: F32, r: Recipe, grid: Grid) -> tuple[U8, F32]:
            codes, values = old(y, r, grid)
            if grid.format is not E2M1:
                return codes, values
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
    if all(fmt.negatives is Negatives.SIGN_MAGNITUDE for fmt in r.element.formats):
        minus = 1 << r.element.first.format.sign_shift
        what = f"an input of +0 gives code {minus}"
        yield Flaw("NegativeZero", what, wraps={"cast": _zeros(lambda y, _: y == 0, turned=False)})
        what = "the sign of every zero code is the other one"
        flipped = _zeros(lambda y, size: (size == 0) & (np.abs(y) < 1), turned=True)
        yield Flaw("NegativeZero", what, wraps={"cast": flipped})


def _zeros(where: Callable[[F32, U8], Any], *, turned: bool) -> Wrap:
    """Return the wrap that turns or sets the sign of codes, by their scaled values and magnitudes."""

    def wrap(old: Any) -> Any:
        def cast(y: F32, r: Recipe, grid: Grid) -> tuple[U8, F32]:
            codes, values = old(y, r, grid)
            fmt = grid.format
            sign = np.uint8(1 << fmt.sign_shift)
            new = codes ^ sign if turned else codes | sign
            return np.where(where(y, magnitudes(codes, fmt)), new, codes), values

        return cast

    return wrap
