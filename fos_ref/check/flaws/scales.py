"""Flaws of the block scale: its expression, the map-to-4 scale, the cast (N5-N7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from fos_ref.check.flaws.amax import BF16, FP16
from fos_ref.check.flaws.flaw import Flaw, Wrap
from fos_ref.formats import decode, UE4M3
from fos_ref.formats.arrays import F32, U8
from fos_ref.model.rounding import to_dtype
from fos_ref.model.scales import ONE
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import BlockScale, ElementCast, ElementNan, Map4Scale, ScaleFloor, ScaleFormat
from fos_ref.recipes.recipe import Recipe

#: (base, code, value) -> the code that the mistake gives instead
Recode: TypeAlias = Callable[[F32, U8, F32], Any]

E4M3_VALUES: F32 = decode(np.arange(128), UE4M3).astype(np.float32)
_NAN, _LARGEST, _FIRST_NORMAL = np.uint8(0x7F), np.uint8(0x7E), np.uint8(8)
_MIN_NORMAL = np.float32(2.0**-6)
_OVERFLOW, _MAX = np.float32(464), np.float32(448)
_BEYOND = np.float32(480)  #: what 0x7F would be in a format without NaN


def flaws(r: Recipe) -> Iterator[Flaw]:
    """Yield the flaws of this part of the walk under r."""
    yield from _expressions(r)
    yield from _map4(r)
    yield from _floors(r)
    of_powers = _E8M0_CASTS if r.scale_format.is_power else ()
    for flag, what, recode in _E4M3_CASTS if r.scale_format is ScaleFormat.E4M3 else of_powers:
        ties = recode in _OF_TIES
        yield Flaw(flag, what, wraps={"cast_scale": recoded(recode)}, usual=not ties, ties=ties)
    if r.scale_format is ScaleFormat.E4M3:
        yield from _nans(r)


# --- N5 ------------------------------------------------------------------------------------------------


def _expressions(r: Recipe) -> Iterator[Flaw]:
    for member in BlockScale:
        if member is r.block_scale:
            continue
        by = not _BY_RECIPROCALS.isdisjoint((member, r.block_scale))
        flag = "ReciprocalForDivision" if by else "ScaleAssociation"
        what = f"the block scale is {member.value} where the recipe has {r.block_scale.value}"
        yield Flaw(flag, what, {"block_scale": member})
    for flag, form, expression in _OWN_FORMS:
        what = f"the block scale is {form} where the recipe has {r.block_scale.value}"
        yield Flaw(flag, what, wraps={"base": _instead(expression)})
    for kind in (BF16, FP16):
        what = f"the unrounded block scale is rounded to {kind.name} before its cast"
        yield Flaw("DoubleRounding", what, wraps={"cast_scale": _through(kind)}, usual=False)


def _instead(expression: Callable[[F32, Scales, np.float32], F32]) -> Wrap:
    return lambda _: lambda b, t, m, r: expression(b, t, m)  # noqa: ARG005 -- the steps' signature


_BY_RECIPROCALS = frozenset({BlockScale.RECIPROCAL_THEN_MULTIPLY, BlockScale.DECODE_RECIPROCAL})
#: Expressions that no recipe has: b is the block amax, m what it maps to.
_OWN_FORMS: tuple[tuple[str, str, Callable[[F32, Scales, np.float32], F32]], ...] = (
    ("ScaleAssociation", "b*(S/6)", lambda b, t, m: b * (t.encode / m)),
    ("ReciprocalForDivision", "(b*S)*(1/6)", lambda b, t, m: (b * t.encode) * (ONE / m)),
    ("ReciprocalForDivision", "(b*(1/6))*(1/D)", lambda b, t, m: (b * (ONE / m)) * (ONE / t.decode)),
)


def _through(kind: np.dtype[Any]) -> Wrap:
    return lambda old: lambda base, r: old(to_dtype(base, kind), r)


# --- N6 ------------------------------------------------------------------------------------------------


def _map4(r: Recipe) -> Iterator[Flaw]:
    if r.map4_scale is None:
        return
    for member in Map4Scale:
        after = Map4Scale.EXPAND_AFTER_ROUNDING in (member, r.map4_scale)
        flag = "ExpandAfterRounding" if after else "ScaleAssociation"
        if member is not r.map4_scale:
            what = f"the map-to-4 scale is {member.value} where the recipe has {r.map4_scale.value}"
            yield Flaw(flag, what, {"map4_scale": member})


# --- N7 ------------------------------------------------------------------------------------------------


def _floors(r: Recipe) -> Iterator[Flaw]:
    for member in ScaleFloor:
        subnormal = ScaleFloor.MIN_NORMAL in (member, r.scale_floor)
        flag = "ScaleSubnormalFlush" if subnormal else "ZeroScalePolicy"
        if member is not r.scale_floor:
            what = f"the floor of block scales is {member.value} where the recipe has {r.scale_floor.value}"
            yield Flaw(flag, what, {"scale_floor": member})


def recoded(recode: Recode) -> Wrap:
    """Return the wrap that gives other scale bytes, and their values."""

    def wrap(old: Any) -> Any:
        def cast(base: F32, r: Recipe) -> tuple[U8, F32]:
            codes, values = old(base, r)
            new = np.asarray(recode(base, codes, values)).astype(np.uint8)
            if r.scale_format is ScaleFormat.E4M3:
                return new, E4M3_VALUES[new & _NAN]
            return new, (new.astype(np.uint32) << np.uint32(23)).view(np.float32)

        return cast

    return wrap


def _up(base: F32, c: U8, v: F32) -> Any:
    return np.where((v < base) & (c < _LARGEST), c + 1, c)


def _down(base: F32, c: U8, v: F32) -> Any:
    return np.where((v > base) & (c > 0), c - 1, c)


def _ties_up(base: F32, c: U8, v: F32) -> Any:
    above = E4M3_VALUES[np.minimum(c + 1, _LARGEST)]
    return np.where((c < _LARGEST) & (base == (v + above) / 2), c + 1, c)


def _ties_down(base: F32, c: U8, v: F32) -> Any:
    below = E4M3_VALUES[np.minimum(np.where(c == 0, c, c - 1), _LARGEST)]
    return np.where((c > 0) & (c < _NAN) & (base == (v + below) / 2), c - 1, c)


def _nearest_normal(base: F32, c: U8, v: F32) -> Any:  # noqa: ARG001
    return np.where(c < _FIRST_NORMAL, np.where(base > _MIN_NORMAL / 2, _FIRST_NORMAL, 0), c)


_E4M3_CASTS: tuple[tuple[str, str, Recode], ...] = (
    ("ScaleCeil", "block scales are rounded up", _up),
    ("ScaleFloor", "block scales are rounded down", _down),
    ("ScaleCeil", "block scales halfway between two values go up", _ties_up),
    ("ScaleFloor", "block scales halfway between two values go down", _ties_down),
    (
        "ScaleSubnormalFlush",
        "subnormal block scales are zero",
        lambda base, c, v: np.where(c < _FIRST_NORMAL, 0, c),  # noqa: ARG005
    ),
    (
        "ScaleSubnormalFlush",
        "block scales below 2^-6 before rounding are zero",
        lambda base, c, v: np.where(base < _MIN_NORMAL, 0, c),  # noqa: ARG005
    ),
    (
        "ScaleSubnormalFlush",
        "subnormal block scales become 2^-6, zero stays",
        lambda base, c, v: np.where((c > 0) & (c < _FIRST_NORMAL), _FIRST_NORMAL, c),  # noqa: ARG005
    ),
    (
        "ScaleSubnormalFlush",
        "block scales below 2^-6 become 2^-6 unless the block is zero",
        lambda base, c, v: np.where((base > 0) & (c < _FIRST_NORMAL), _FIRST_NORMAL, c),  # noqa: ARG005
    ),
    ("ScaleSubnormalFlush", "block scales below 2^-6 go to the nearer of 0 and 2^-6", _nearest_normal),
    (
        "ZeroScalePolicy",
        "block scales are at least 2^-9, also of a zero block",
        lambda base, c, v: np.maximum(c, 1),  # noqa: ARG005
    ),
    (
        "ZeroScalePolicy",
        "block scales of values are at least 2^-9",
        lambda base, c, v: np.where((base > 0) & (c == 0), 1, c),  # noqa: ARG005
    ),
    (
        "ZeroScalePolicy",
        "a block scale of zero is stored as 1",
        lambda base, c, v: np.where(c == 0, 0x38, c),  # noqa: ARG005
    ),
)
#: Relatives of the two directions: they change exact midpoints only, as a reordered product may, too.
_OF_TIES = (_ties_up, _ties_down)
_E8M0_CASTS: tuple[tuple[str, str, Recode], ...] = (
    (
        "ScaleFloor",
        "block scales are rounded down to a power of two",
        lambda base, c, v: np.where(v > base, c - 1, c),
    ),
    (
        "ScaleFloor",
        "block scales go to the nearest power of two",
        lambda base, c, v: np.where((v > base) & (base < v * np.float32(0.75)), c - 1, c),
    ),
    (
        "ScaleFloor",
        "block scales are floor(log2(b)) - 2, as the MX specification has them",
        lambda base, c, v: np.where(v > base * np.float32(1.5), c - 1, c),
    ),
    ("ScaleCeil", "block scales are one power of two up", lambda base, c, v: np.where(c > 0, c + 1, c)),  # noqa: ARG005
)


# --- NaN -----------------------------------------------------------------------------------------------


def _nans(r: Recipe) -> Iterator[Flaw]:
    cast = {"cast_scale": recoded(lambda base, c, v: np.where(base > _OVERFLOW, _NAN, c))}  # noqa: ARG005
    early = {"cast_scale": recoded(lambda base, c, v: np.where(base > _MAX, _NAN, c))}  # noqa: ARG005
    yield Flaw("ScaleNaN", "a block scale above 464 is NaN, not 448", wraps=cast)
    yield Flaw("ScaleNaN", "a block scale above 448 is NaN", wraps=early)
    if r.chooses:
        wins: dict[str, Wrap] = {"pick": lambda old: lambda e4, e6, r: old(e4, e6, r) | np.isnan(e4)}
        yield Flaw("ScaleNaN", "a block scale above 464 is NaN, and a NaN error wins", wraps=cast | wins)
        yield Flaw("ScaleNaN", "a block scale above 448 is NaN, and a NaN error wins", wraps=early | wins)
    yield Flaw(
        "ScaleNaN", "the byte of a saturated block scale is 0x7F", wraps={"keep": _relabelled(_LARGEST)}
    )
    yield Flaw("ScaleNaN", "the scale byte of a zero block is 0x7F", wraps={"keep": _relabelled(np.uint8(0))})
    yield Flaw("ScaleNaN", "the largest block scale is 480, of byte 0x7F", wraps={"cast_scale": _up_to_480})
    for limit, overflow in ((464, cast), (448, early)):
        what = f"a block scale above {limit} is NaN, whatever the codes"
        yield Flaw("ScaleNaN", what, wraps=overflow | {"free": _of_nan}, usual=False)
    yield from _of_zero_tensors(r)


def _of_zero_tensors(r: Recipe) -> Iterator[Flaw]:
    """Yield 0 times an infinite S, which is NaN, with each code that a NaN may get."""
    what = "where the tensor amax is zero, block scales are 0 times infinity: NaN"
    wraps: dict[str, Wrap] = {
        "base": _nan_of_zero,
        "cast_scale": recoded(lambda base, c, v: np.where(np.isnan(base), _NAN, c)),  # noqa: ARG005
    }
    yield Flaw("ScaleNaN", what, wraps=wraps)
    if r.element_nan is not ElementNan.CODE_7 and r.element_cast is not ElementCast.UNSATURATED:
        yield Flaw("ScaleNaN", f"{what}, and codes 7", {"element_nan": ElementNan.CODE_7}, wraps)


def _of_nan(old: Any) -> Any:
    """Return the step that says nothing about codes under a NaN."""
    return lambda scale: old(scale) | (scale & _NAN == _NAN)


def _nan_of_zero(old: Any) -> Any:
    return lambda b, t, m, r: np.where(t.amax == 0, np.float32(np.nan), old(b, t, m, r))


def _up_to_480(old: Any) -> Any:
    def cast(base: F32, r: Recipe) -> tuple[U8, F32]:
        codes, values = old(base, r)
        over = base > _OVERFLOW
        return np.where(over, _NAN, codes), np.where(over, _BEYOND, values)

    return cast


def _relabelled(code: np.uint8) -> Wrap:
    """Return the wrap that stores 0x7F for one scale byte and leaves the codes."""

    def wrap(old: Any) -> Any:
        def keep(*given: Any) -> tuple[U8, U8]:
            codes, scales = old(*given)
            return codes, np.where(scales == code, _NAN, scales)

        return keep

    return wrap
