"""All 65,536 bfloat16 and all 65,536 float16 inputs: widened exactly, and encoded alike by everybody.

The values and the codes that all are held against come from fos_ref.oracle.exact: whole numbers and a table
of magnitudes. ml_dtypes casts the 16-bit values themselves, and NVIDIA's headers have conversions of their
own for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import inf, isnan, nan
from pathlib import Path
from typing import NamedTuple

import ml_dtypes
import numpy as np

from fos_ref.fast.sweep import e2m1_codes, e4m3_codes
from fos_ref.formats import E2M1, E4M3, encode, FormatInfo
from fos_ref.formats.arrays import AnyArray, F32, U8
from fos_ref.formats.bits import f32_bits, widen
from fos_ref.oracle import exact
from fos_ref.proof.result import Finding, Progress
from fos_ref.proof.sweeps.header import compiled_or_reason, convert
from fos_ref.proof.sweeps.pool import Tally
from fos_ref.proof.sweeps.rules import (
    ABOVE_464_IS_NAN,
    compare,
    DIFFERING,
    finding,
    nan_is,
    PATTERNS,
    Rule,
    Side,
    UNEXPLAINED,
)

INPUTS = {"bfloat16": (ml_dtypes.bfloat16, exact.BFLOAT16), "float16": (np.float16, exact.FLOAT16)}
_SIGN = 0x8000


class Target(NamedTuple):
    """A format to encode to: its magnitudes, its NaN code, and who else knows it."""

    format: FormatInfo
    magnitudes: Sequence[int]
    compiled: Callable[[F32, U8], None]
    cast: type
    nan: Rule
    calls: tuple[str, ...]


TARGETS = (
    Target(
        E2M1, exact.E2M1, e2m1_codes, ml_dtypes.float4_e2m1fn, nan_is(0x8, 0x0, "NaN is a zero"), ("E2M1",)
    ),
    Target(
        E4M3,
        exact.E4M3,
        e4m3_codes,
        ml_dtypes.float8_e4m3fn,
        nan_is(0x7F, 0xFF, "NaN keeps its sign"),
        ("E4M3", "E4M3 NOSAT"),
    ),
)


def short_inputs(progress: Progress, jobs: int) -> Finding:  # noqa: ARG001 -- seconds of work in one process
    """Compare every 16-bit input."""
    found: Tally = Counter()
    sides: list[Side] = []
    with compiled_or_reason() as (library, reason):
        for done, source in enumerate(INPUTS):
            progress(done, len(INPUTS))
            sides += _one_input(source, library, found)
    return finding(found, sides, reason)


def _one_input(source: str, library: Path | None, found: Tally) -> list[Side]:
    """Compare the inputs of one dtype, adding to `found`; return the sides."""
    dtype, precision = INPUTS[source]
    raw = np.arange(1 << 16, dtype=np.uint16)
    values = [short_value(int(c), precision) for c in raw]
    x = widen(raw.view(dtype))
    sides = [widening(source, raw, values, x, found)]
    for target in TARGETS:
        mine = exact_codes(raw, values, target)
        for side, theirs in _codes(source, raw, x, target):
            sides.append(side)
            if library is not None or not side.needs_header:
                with np.errstate(all="ignore"):
                    found.update(compare(side, f32_bits(x), mine, theirs(library)))
    return sides


def short_value(code: int, precision: exact.Precision) -> exact.Value:
    """Return the magnitude of a 16-bit float: whole units of 2^-149, infinity or NaN."""
    fraction_bits = precision.digits - 1
    field, fraction = (code & ~_SIGN) >> fraction_bits, code & ((1 << fraction_bits) - 1)
    if field == (~_SIGN & 0xFFFF) >> fraction_bits:
        return nan if fraction else inf
    return (
        fraction * precision.step
        if field == 0
        else (fraction + (1 << fraction_bits)) * precision.step << (field - 1)
    )


def widening(source: str, raw: AnyArray, values: Sequence[exact.Value], x: F32, found: Tally) -> Side:
    """Count where the float32 is not the same value with the same sign; NaN has to stay NaN, payload free."""
    side = Side(name=f"{source}: widened to float32")
    wrong = 0
    for code, value, bits in zip(raw.tolist(), values, f32_bits(x).tolist(), strict=True):
        got = exact.from_bits(bits & 0x7FFFFFFF)
        same = isnan(got) if isnan(value) else got == value
        wrong += not (same and bits >> 31 == code >> 15)
    found.update(
        {(side.name, k): n for k, n in ((PATTERNS, raw.size), (DIFFERING, wrong), (UNEXPLAINED, wrong))}
    )
    return side


def exact_codes(raw: AnyArray, values: Sequence[exact.Value], target: Target) -> U8:
    """Return the code of the nearest magnitude, ties to even, saturating, with the input's sign. N1."""
    sign_shift, nan_code = target.format.sign_shift, target.format.nan_code
    assert nan_code is not None
    codes = [
        nan_code if isnan(v) else exact.nearest(v, target.magnitudes) | (c >> 15) << sign_shift
        for c, v in zip(raw.tolist(), values, strict=True)
    ]
    return np.array(codes, dtype=np.uint8)


def _codes(
    source: str, raw: AnyArray, x: F32, t: Target
) -> list[tuple[Side, Callable[[Path | None], AnyArray]]]:
    """Return the implementations of one conversion."""
    name = f"{source} to {t.format.name}"
    overflow = (ABOVE_464_IS_NAN,) if t.format is E4M3 else ()
    dtype, _ = INPUTS[source]

    def fast(_: Path | None) -> AnyArray:
        out = np.empty(x.size, dtype=np.uint8)
        t.compiled(x, out)
        return out

    def by_header(call: str) -> Callable[[Path | None], AnyArray]:
        def codes(library: Path | None) -> AnyArray:
            assert library is not None
            return convert(library, f"{source} to {call}", raw)

        return codes

    headers = [
        (
            Side(
                name=f"{name}: header {call}",
                rules=overflow if call.endswith("NOSAT") else (),
                needs_header=True,
            ),
            by_header(call),
        )
        for call in t.calls
    ]
    return [
        (Side(name=f"{name}: readable codec"), lambda _: encode(x, t.format)),
        (Side(name=f"{name}: compiled codec"), fast),
        (
            Side(name=f"{name}: ml_dtypes", rules=(*overflow, t.nan)),
            lambda _: raw.view(dtype).astype(t.cast).view(np.uint8),
        ),
        *headers,
    ]
