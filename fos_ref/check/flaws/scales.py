"""Flaws of the block scale: its expression, the map-to-4 scale, the cast (N5-N7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from fos_ref.check.flaws.amax import BF16, FP16
from fos_ref.check.flaws.books import Book, book_of, FIRST_NORMAL
from fos_ref.check.flaws.flaw import Flaw, Wrap
from fos_ref.formats.arrays import F32, U8
from fos_ref.model.rounding import to_dtype
from fos_ref.model.scales import ONE
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import BlockScale, ElementCast, ElementNan, Map4Scale, ScaleFloor, ScaleFormat
from fos_ref.recipes.recipe import Recipe

#: (base, code, value) -> the code that the mistake gives instead
Recode: TypeAlias = Callable[[F32, U8, F32], Any]
#: The same of the bytes in a book.
OfBook: TypeAlias = Callable[[Book, F32, U8, F32], Any]


def flaws(r: Recipe) -> Iterator[Flaw]:
    """Yield the flaws of this part of the walk under r."""
    yield from _expressions(r)
    yield from _map4(r)
    yield from _floors(r)
    k = book_of(r)
    if k is None:
        for flag, what, recode in () if r.scale_format.of_amax else _E8M0_CASTS:
            yield Flaw(flag, what, wraps={"cast_scale": recoded(recode)})
    else:
        yield from _casts(k)
        yield from _nans(r, k)
    yield from _other_casts(r)


def _casts(k: Book) -> Iterator[Flaw]:
    normal, least = (f"2^{int(np.log2(k.values[c]))}" for c in (FIRST_NORMAL, 1))
    for flag, what, recode in _BOOK_CASTS:
        ties = recode in _OF_TIES
        words = what.replace("2^-6", normal).replace("2^-9", least)
        yield Flaw(flag, words, wraps={"cast_scale": recoded(partial(recode, k))}, usual=not ties, ties=ties)


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
            k = book_of(r)
            powers = (new.astype(np.uint32) << np.uint32(23)).view(np.float32)
            return new, powers if k is None else k.value(new)

        return cast

    return wrap


def _up(k: Book, base: F32, c: U8, v: F32) -> Any:
    return np.where((v < base) & (c < k.largest), c + 1, c)


def _down(_: Book, base: F32, c: U8, v: F32) -> Any:
    return np.where((v > base) & (c > 0), c - 1, c)


def _ties_up(k: Book, base: F32, c: U8, v: F32) -> Any:
    above = k.values[np.minimum(c + 1, k.largest)]
    return np.where((c < k.largest) & (base == (v + above) / 2), c + 1, c)


def _ties_down(k: Book, base: F32, c: U8, v: F32) -> Any:
    below = k.values[np.minimum(np.where(c == 0, c, c - 1), k.largest)]
    return np.where((c > 0) & (c < k.nan) & (base == (v + below) / 2), c - 1, c)


def _nearest_normal(k: Book, base: F32, c: U8, v: F32) -> Any:  # noqa: ARG001
    return np.where(c < FIRST_NORMAL, np.where(base > k.least_normal / 2, FIRST_NORMAL, 0), c)


_BOOK_CASTS: tuple[tuple[str, str, OfBook], ...] = (
    ("ScaleCeil", "block scales are rounded up", _up),
    ("ScaleFloor", "block scales are rounded down", _down),
    ("ScaleCeil", "block scales halfway between two values go up", _ties_up),
    ("ScaleFloor", "block scales halfway between two values go down", _ties_down),
    (
        "ScaleSubnormalFlush",
        "subnormal block scales are zero",
        lambda k, base, c, v: np.where(c < FIRST_NORMAL, 0, c),  # noqa: ARG005
    ),
    (
        "ScaleSubnormalFlush",
        "block scales below 2^-6 before rounding are zero",
        lambda k, base, c, v: np.where(base < k.least_normal, 0, c),  # noqa: ARG005
    ),
    (
        "ScaleSubnormalFlush",
        "subnormal block scales become 2^-6, zero stays",
        lambda k, base, c, v: np.where((c > 0) & (c < FIRST_NORMAL), FIRST_NORMAL, c),  # noqa: ARG005
    ),
    (
        "ScaleSubnormalFlush",
        "block scales below 2^-6 become 2^-6 unless the block is zero",
        lambda k, base, c, v: np.where((base > 0) & (c < FIRST_NORMAL), FIRST_NORMAL, c),  # noqa: ARG005
    ),
    ("ScaleSubnormalFlush", "block scales below 2^-6 go to the nearer of 0 and 2^-6", _nearest_normal),
    (
        "ZeroScalePolicy",
        "block scales are at least 2^-9, also of a zero block",
        lambda k, base, c, v: np.maximum(c, 1),  # noqa: ARG005
    ),
    (
        "ZeroScalePolicy",
        "block scales of values are at least 2^-9",
        lambda k, base, c, v: np.where((base > 0) & (c == 0), 1, c),  # noqa: ARG005
    ),
    (
        "ZeroScalePolicy",
        "a block scale of zero is stored as 1",
        lambda k, base, c, v: np.where(c == 0, np.searchsorted(k.values[: k.largest], ONE), c),  # noqa: ARG005
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


# --- another cast ----------------------------------------------------------------------------------------

#: Casts by the size of what they give. Those of one size differ in the smallest and the largest scales.
_SIZES = {
    ScaleFormat.E4M3: 0,
    ScaleFormat.E4M3_HALF_UP: 1,
    ScaleFormat.E8M0_FLOOR: 0,
    ScaleFormat.E8M0_EVEN: 1,
    ScaleFormat.E8M0_NEAREST_LOG2: 1,
    ScaleFormat.E8M0_UP: 2,
    ScaleFormat.E8M0_UP_SATFINITE: 2,
    ScaleFormat.E8M0_UP_WRAPS: 2,
    ScaleFormat.E8M0_CEIL: 3,
}


def _other_casts(r: Recipe) -> Iterator[Flaw]:
    """Yield the casts that other recipes have; where one takes the block amax, the block scale follows."""
    own = r.scale_format
    for member in _SIZES if own in _SIZES else ():
        if member is own or member.is_power is not own.is_power:
            continue
        axes: dict[str, Any] = {"scale_format": member}
        if member.of_amax is not own.of_amax:
            axes["block_scale"] = BlockScale.AMAX if member.of_amax else BlockScale.DIVIDE_THEN_MULTIPLY
        more = _SIZES[member] - _SIZES[own]
        flag = "ScaleCeil" if more > 0 else "ScaleFloor" if more < 0 else "ScaleSubnormalFlush"
        what = f"block scales are {member.value} where the recipe has {own.value}"
        yield Flaw(flag, what, axes, usual=own.of_amax)


# --- NaN -----------------------------------------------------------------------------------------------


def _nans(r: Recipe, k: Book) -> Iterator[Flaw]:
    over, most = f"{k.overflow:g}", f"{k.most:g}"
    cast = {"cast_scale": recoded(lambda base, c, v: np.where(base > k.overflow, k.nan, c))}  # noqa: ARG005
    early = {"cast_scale": recoded(lambda base, c, v: np.where(base > k.most, k.nan, c))}  # noqa: ARG005
    yield Flaw("ScaleNaN", f"a block scale above {over} is NaN, not {most}", wraps=cast)
    yield Flaw("ScaleNaN", f"a block scale above {most} is NaN", wraps=early)
    if r.chooses:
        wins: dict[str, Wrap] = {"pick": lambda old: lambda e4, e6, r: old(e4, e6, r) | np.isnan(e4)}
        yield Flaw("ScaleNaN", f"a block scale above {over} is NaN, and a NaN error wins", wraps=cast | wins)
        yield Flaw("ScaleNaN", f"a block scale above {most} is NaN, and a NaN error wins", wraps=early | wins)
    name = f"0x{k.nan:02X}"
    for what, of in (("a saturated block scale", k.largest), ("a zero block", np.uint8(0))):
        words = f"the byte of {what} is {name}" if of else f"the scale byte of {what} is {name}"
        yield Flaw("ScaleNaN", words, wraps={"keep": _relabelled(of, k.nan)})
    what = f"the largest block scale is {k.beyond:g}, of byte {name}"
    yield Flaw("ScaleNaN", what, wraps={"cast_scale": _up_to_beyond(k)})
    for limit, overflow in ((over, cast), (most, early)):
        what = f"a block scale above {limit} is NaN, whatever the codes"
        yield Flaw("ScaleNaN", what, wraps=overflow | {"free": _of_nan(k)}, usual=False)
    yield from _of_zero_tensors(r, k)


def _of_zero_tensors(r: Recipe, k: Book) -> Iterator[Flaw]:
    """Yield 0 times an infinite S, which is NaN, with each code that a NaN may get."""
    what = "where the tensor amax is zero, block scales are 0 times infinity: NaN"
    wraps: dict[str, Wrap] = {
        "base": _nan_of_zero,
        "cast_scale": recoded(lambda base, c, v: np.where(np.isnan(base), k.nan, c)),  # noqa: ARG005
    }
    yield Flaw("ScaleNaN", what, wraps=wraps)
    if r.element_nan is not ElementNan.CODE_7 and r.element_cast is not ElementCast.UNSATURATED:
        yield Flaw("ScaleNaN", f"{what}, and codes 7", {"element_nan": ElementNan.CODE_7}, wraps)


def _of_nan(k: Book) -> Wrap:
    """Return the wrap of the step that says nothing about codes under a NaN."""
    return lambda old: lambda scale: old(scale) | (scale & k.nan == k.nan)


def _nan_of_zero(old: Any) -> Any:
    return lambda b, t, m, r: np.where(t.amax == 0, np.float32(np.nan), old(b, t, m, r))


def _up_to_beyond(k: Book) -> Wrap:
    def wrap(old: Any) -> Any:
        def cast(base: F32, r: Recipe) -> tuple[U8, F32]:
            codes, values = old(base, r)
            over = base > k.overflow
            return np.where(over, k.nan, codes), np.where(over, k.beyond, values)

        return cast

    return wrap


def _relabelled(code: np.uint8, nan: np.uint8) -> Wrap:
    """Return the wrap that stores NaN for one scale byte and leaves the codes."""

    def wrap(old: Any) -> Any:
        def keep(*given: Any) -> tuple[U8, U8]:
            codes, scales = old(*given)
            return codes, np.where(scales == code, nan, scales)

        return keep

    return wrap
