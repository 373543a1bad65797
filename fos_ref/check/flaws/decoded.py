"""Flaws between the stored block scale and the codes: it was not rounded yet, or is read as another value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np

from fos_ref.check.flaws.books import book_of, E4M3, E5M3, FIRST_NORMAL
from fos_ref.check.flaws.flaw import Flaw, Wrap
from fos_ref.formats.arrays import F32, U8
from fos_ref.model.scales import FLT_MAX
from fos_ref.model.trace import Blocks
from fos_ref.recipes.recipe import Recipe

#: scale bytes -> the values that they are taken for
Decoding: TypeAlias = Callable[[U8], Any]
#: (block, unrounded scale s, S, D, b / E) -> scaled values
Scaling: TypeAlias = Callable[[F32, F32, F32, F32, F32], F32]

_FROM_256 = np.uint8(0x78)
_EXPONENT = np.uint32(23)


def flaws(r: Recipe) -> Iterator[Flaw]:
    """Yield the flaws of this part of the walk under r."""
    yield from _unrounded(r)
    yield from _decoded(r)


# --- UnroundedScale ------------------------------------------------------------------------------------


def _unrounded(r: Recipe) -> Iterator[Flaw]:
    """Yield codes of the unrounded scale: whichever scale the error takes, cut off at 448 or not."""
    words = "codes are made with the block scale before its rounding, which is stored rounded"
    k = book_of(r)
    most = None if k is None else k.most
    errors = (False, True) if r.chooses else (False,)
    for cap, guard, measured in product(dict.fromkeys((None, most)), (False, True), errors):
        what = words + ("" if cap is None else f"; at most {cap:g}") + "; zeros under a stored zero" * guard
        what += "; so is the error" * measured
        read = _before_rounding(cap=cap, guard=guard, measured=measured)
        yield Flaw("UnroundedScale", what, wraps={"read_scale": read}, usual=cap is None or not guard)
    for form, scaled in _OWN_SCALINGS:
        wraps: dict[str, Wrap] = {
            "read_scale": _before_rounding(cap=None, guard=False, measured=False),
            "scaling": _instead(scaled),
        }
        what = f"elements are scaled by {form}, s being the block scale before its rounding"
        yield Flaw("UnroundedScale", what, wraps=wraps, usual=False)


def _before_rounding(*, cap: np.float32 | None, guard: bool, measured: bool) -> Wrap:
    def wrap(old: Any) -> Any:
        def read(base: F32, byte: U8, value: F32, r: Recipe) -> tuple[F32, F32]:
            used = base if cap is None else np.minimum(base, cap)
            used = np.where(value == 0, np.float32(0), used) if guard else used
            return used, used if measured else old(base, byte, value, r)[1]

        return read

    return wrap


def _instead(scaled: Scaling) -> Wrap:
    """Return the wrap that scales by a form of its own; blocks of a zero scale stay as they were."""

    def wrap(old: Any) -> Any:
        def scaling(blocks: Blocks, s: F32, r: Recipe) -> F32:
            t = blocks.scales.per_element()
            mapped = (blocks.amax / np.float32(r.element_max))[..., None]
            new = scaled(blocks.x, s[..., None], t.encode, t.decode, mapped)
            return np.where(s[..., None] == 0, old(blocks, s, r), new)

        return scaling

    return wrap


#: Scalings that never meet a rounded block scale; b/E is what the block's scale would be without S.
_OWN_SCALINGS: tuple[tuple[str, Scaling], ...] = (
    ("x/(s*D)", lambda x, s, e, d, m: x / (s * d)),  # noqa: ARG005
    ("x*(1/(s*D))", lambda x, s, e, d, m: x * np.minimum(1 / (s * d), FLT_MAX)),  # noqa: ARG005
    ("x*(S/s)", lambda x, s, e, d, m: x * np.minimum(e / s, FLT_MAX)),  # noqa: ARG005
    ("(x*S)/s", lambda x, s, e, d, m: (x * e) / s),  # noqa: ARG005
    ("x/(b/6)", lambda x, s, e, d, m: x / m),  # noqa: ARG005
    ("x*(6/b)", lambda x, s, e, d, m: x * np.minimum(1 / m, FLT_MAX)),  # noqa: ARG005
)


# --- ScaleDecode ---------------------------------------------------------------------------------------


def _decoded(r: Recipe) -> Iterator[Flaw]:
    k = book_of(r)
    for words, decoding in {None: _E8M0_DECODINGS, E4M3: _E4M3_DECODINGS, E5M3: _E5M3_DECODINGS}[k]:
        what = f"codes are made with the stored block scale, read {words}"
        yield Flaw("ScaleDecode", what, wraps={"read_scale": _read_as(decoding)})
    if k is E4M3:
        wraps = {"cast_scale": _from_256_on}
        yield Flaw("ScaleDecode", "block scales of 256 and more are stored and read as 448", wraps=wraps)


def _read_as(decoding: Decoding) -> Wrap:
    def read(_base: F32, byte: U8, _value: F32, _: Recipe) -> tuple[F32, F32]:
        value = np.asarray(decoding(byte), dtype=np.float32)
        return value, value

    return lambda _: read


def _subnormal_as_normal(byte: U8) -> F32:
    """Return 2^-7 * (1 + m/8) for a subnormal of mantissa m: its hidden bit is taken for set."""
    return np.asarray((8 + byte.astype(np.float32)) * np.float32(2.0**-10))


def _power(byte: U8, off: int) -> F32:
    exponent = np.clip(byte.astype(np.int32) + off, 0, 255).astype(np.uint32)
    return np.asarray((exponent << _EXPONENT).view(np.float32))


_E4M3_DECODINGS: tuple[tuple[str, Decoding], ...] = (
    (
        "with a hidden one in subnormals: 2^-7 * (1 + m/8)",
        lambda c: np.where((c > 0) & (c < FIRST_NORMAL), _subnormal_as_normal(c), E4M3.value(c)),
    ),
    (
        "with a hidden one in subnormals and in zero: 2^-7 * (1 + m/8)",
        lambda c: np.where(c < FIRST_NORMAL, _subnormal_as_normal(c), E4M3.value(c)),
    ),
    ("with subnormals as zero", lambda c: np.where(c < FIRST_NORMAL, 0, E4M3.value(c))),
    (
        "with 256 and more as 448",
        lambda c: np.where((c >= _FROM_256) & (c <= E4M3.largest), E4M3.most, E4M3.value(c)),
    ),
    ("with an exponent bias of 8: half its value", lambda c: E4M3.value(c) / 2),
    ("with an exponent bias of 6: twice its value", lambda c: E4M3.value(c) * 2),
    ("as an E5M2 number", lambda c: c.view(ml_dtypes.float8_e5m2).astype(np.float32)),
    ("as a whole number", lambda c: c),
)
_E5M3_DECODINGS: tuple[tuple[str, Decoding], ...] = (
    ("with subnormals as zero", lambda c: np.where(c < FIRST_NORMAL, 0, E5M3.value(c))),
    ("with an exponent bias of 16: half its value", lambda c: E5M3.value(c) / 2),
    ("with an exponent bias of 14: twice its value", lambda c: E5M3.value(c) * 2),
    ("as an E4M3 number", E4M3.value),
)
_E8M0_DECODINGS: tuple[tuple[str, Decoding], ...] = (
    ("with an exponent bias of 128: half its value", lambda c: _power(c, -1)),
    ("with an exponent bias of 126: twice its value", lambda c: _power(c, 1)),
    ("as a whole number", lambda c: c),
    ("as an E4M3 number", lambda c: c.view(ml_dtypes.float8_e4m3fn).astype(np.float32)),
)


def _from_256_on(old: Any) -> Any:
    def cast(base: F32, r: Recipe) -> tuple[U8, F32]:
        codes, values = old(base, r)
        large = (codes >= _FROM_256) & (codes <= E4M3.largest)
        return np.where(large, E4M3.largest, codes), np.where(large, E4M3.most, values)

    return cast
