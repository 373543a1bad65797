"""Compare a trace of the model with the exact oracle, step by step and bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from fos_ref.formats.bits import widen
from fos_ref.model import exact, oracle
from fos_ref.model.candidates import EXPANSION
from fos_ref.model.elements import ELEMENT_FORMAT
from fos_ref.model.errors import ERROR_DOMAIN
from fos_ref.model.exact import from_bits, to_bits, Value
from fos_ref.model.oracle_scales import given_tensor_scale, Tensor, tensor_scales
from fos_ref.model.trace import Blocks, Candidate, Trace
from fos_ref.model.trial import trial_difference
from fos_ref.recipes.axes import ErrorDomain

NAN_BITS = 0x7FC00000
PRECISIONS = {"float32": exact.FLOAT32, "bfloat16": exact.BFLOAT16, "float16": exact.FLOAT16}


def compare(x: np.ndarray, t: Trace, arguments: dict[str, Any], every: int = 1) -> int:
    """Assert that every step of each `every`-th block agrees; return the number of blocks compared."""
    found = [(name, c, differences(t, c)) for name, c in (("map6", t.map6), ("map4", t.map4))]
    count = 0
    for i, rows, cols, scales in islice(walk(x, t, arguments), None, None, every):
        for name, want in (("A", scales.amax), ("S", scales.encode), ("D", scales.decode)):
            field = {"A": t.scales.amax, "S": t.scales.encode, "D": t.scales.decode}[name]
            same(plain(at_row(field, i[0])), [to_bits(want)], f"{name} of {i}")
        block = oracle.quantize_block(bits_of(widen(x[rows, cols])), scales, t.recipe)
        same(plain(t.block_amax[i]), [to_bits(block.block_amax)], f"block amax of {i}")
        same(plain(t.base[i]), [to_bits(block.base)], f"base of {i}")
        for (name, got, d), want in zip(found, (block.map6, block.map4), strict=True):
            assert (got is None) == (want is None), f"{name} of {i}: only one side has it"
            if got is not None:
                compare_candidate(got, d, want, i, f"{name} of {i}")
        codes, bytes_ = t.codes[rows, cols], t.block_scales[rows, i[1]]
        same(codes.ravel().tolist(), block.codes, f"kept codes of {i}")
        same(bytes_.tolist(), [block.scale_code] * len(bytes_), f"kept block scale of {i}")
        same(set(t.picked4[rows, i[1]].tolist()), {block.picked4}, f"picked4 of {i}")
        count += 1
    return count


def compare_candidate(
    got: Candidate, d: np.ndarray | None, want: oracle.Candidate, i: tuple[int, int], what: str
) -> None:
    """Assert that one candidate agrees in every step; d are the model's differences."""
    same(plain(got.base[i]), [to_bits(want.base)], f"base, {what}")
    same(int(got.scale_code[i]), want.scale_code, f"scale byte, {what}")
    same(plain(got.scale[i]), [to_bits(want.scale)], f"scale, {what}")
    same(plain(got.multiplier[i]), [to_bits(want.multiplier)], f"multiplier, {what}")
    signs = zip(want.negative, want.scaled, strict=True)
    same(signed(got.scaled[i]), [with_sign(v, minus) for minus, v in signs], f"scaled, {what}")
    same(got.codes[i].tolist(), want.codes, f"codes, {what}")
    same(plain(got.values[i]), [to_bits(v) for v in want.values], f"values, {what}")
    if d is None:
        assert got.error is want.error is None, f"{what}: an error without a choice"
        return
    same(plain(d[i]), [to_bits(v) for v in want.differences], f"differences, {what}")
    same(plain(got.error[i]), [to_bits(want.error)], f"error, {what}")


def walk(x: np.ndarray, t: Trace, arguments: dict[str, Any]) -> Iterator[tuple[Any, slice, slice, Tensor]]:
    """Yield (block index, its rows, its columns, the oracle's tensor scales)."""
    height, width = t.recipe.block_rows, t.recipe.block_cols
    whole = None if t.scales.amax.ndim else tensor(x, t, arguments)
    for i in range(x.shape[0] // height):
        rows = slice(i * height, (i + 1) * height)
        scales = tensor(x[rows], t, arguments) if whole is None else whole
        for j in range(x.shape[1] // width):
            yield (i, j), rows, slice(j * width, (j + 1) * width), scales


def tensor(x: np.ndarray, t: Trace, arguments: dict[str, Any]) -> Tensor:
    """Return the oracle's tensor scales of a tensor or row, from the caller's arguments or from x itself."""
    dtype = PRECISIONS[x.dtype.name]
    if "tensor_scale" in arguments and not t.scales.amax.ndim:
        d = from_bits(bits_of(np.float32(arguments["tensor_scale"]))[0])
        return given_tensor_scale(d, t.recipe, dtype)
    if "amax" in arguments:
        return tensor_scales(from_bits(bits_of(arguments["amax"])[0]), t.recipe, dtype)
    return tensor_scales(oracle.block_amax(bits_of(widen(x)), t.recipe), t.recipe, dtype)


def differences(t: Trace, c: Candidate | None) -> np.ndarray | None:
    """Return the model's element differences of a candidate (the trace keeps only their sum)."""
    r = t.recipe
    if c is None or r.error_domain is None:
        return None
    with np.errstate(all="ignore"):
        if r.error_domain is ErrorDomain.TRIAL:
            amax = t.block_amax if c is t.map6 else t.block_amax * EXPANSION
            return trial_difference(Blocks(x=t.x, amax=amax, scales=t.scales), r)
        unit = ELEMENT_FORMAT[r.element_format][0 if c is t.map6 else 1].unit
        return ERROR_DOMAIN[r.error_domain](c.values, c.scale[..., None], t.x, t.scales.per_element(), unit)


def at_row(v: np.ndarray, row: int) -> np.ndarray:
    return v[row] if v.ndim else v


def bits_of(v: Any) -> list[int]:
    return np.ascontiguousarray(v, dtype=np.float32).view(np.uint32).ravel().tolist()


def plain(v: Any) -> list[int]:
    """Return bits with one NaN and one zero: a sum of differences has no sign of zero to compare."""
    return [0 if b == 0x80000000 else b for b in signed(v)]


def signed(v: Any) -> list[int]:
    """Return bits with one NaN; zeros keep their sign."""
    return [NAN_BITS if b & 0x7FFFFFFF > 0x7F800000 else b for b in bits_of(v)]


def with_sign(v: Value, negative: bool) -> int:
    b = to_bits(v)
    return b if b == NAN_BITS else b | negative << 31


def same(got: Any, want: Any, what: str) -> None:
    if got != want:
        where = (
            ""
            if not isinstance(got, list)
            else f", first at {[g != w for g, w in zip(got, want, strict=True)].index(True)}"
        )
        msg = f"{what}{where}: model {shown(got)}, oracle {shown(want)}"
        raise AssertionError(msg)


def shown(v: Any) -> Any:
    return [f"{b:X}" for b in v] if isinstance(v, list) else v
