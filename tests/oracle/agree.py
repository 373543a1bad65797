"""Compare a trace of the model with the exact oracle, step by step and bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fos_ref.model import oracle
from fos_ref.model.errors import ERROR_DOMAIN
from fos_ref.model.exact import from_bits, to_bits, Value
from fos_ref.model.trace import Candidate, Trace

NAN_BITS = 0x7FC00000


def compare(x: np.ndarray, t: Trace, arguments: dict[str, Any]) -> int:
    """Assert that every step of every block agrees; return the number of blocks compared."""
    count = 0
    for where, rows, cols, scales in walk(x, t, arguments):
        i = where
        for name, want in (("A", scales.amax), ("S", scales.encode), ("D", scales.decode)):
            field = {"A": t.scales.amax, "S": t.scales.encode, "D": t.scales.decode}[name]
            same(plain(at_row(field, i[0])), [to_bits(want)], f"{name} of {where}")
        block = oracle.quantize_block(bits_of(x[rows, cols]), scales, t.recipe)
        same(plain(t.block_amax[i]), [to_bits(block.block_amax)], f"block amax of {where}")
        same(plain(t.base[i]), [to_bits(block.base)], f"base of {where}")
        for name, got, want in (("map6", t.map6, block.map6), ("map4", t.map4, block.map4)):
            compare_candidate(t, got, want, i, f"{name} of {where}")
        codes, bytes_ = t.codes[rows, cols], t.block_scales[rows, cols.start // 16]
        same(codes.ravel().tolist(), block.codes, f"kept codes of {where}")
        same(bytes_.tolist(), [block.scale_code] * len(bytes_), f"kept block scale of {where}")
        same(set(t.picked4[rows, cols.start // 16].tolist()), {block.picked4}, f"picked4 of {where}")
        count += 1
    return count


def compare_candidate(
    t: Trace, got: Candidate | None, want: oracle.Candidate | None, i: tuple[int, int], what: str
) -> None:
    """Assert that one candidate agrees in every step."""
    assert (got is None) == (want is None), f"{what}: only one side has it"
    if got is None or want is None:
        return
    same(plain(got.base[i]), [to_bits(want.base)], f"base, {what}")
    same(int(got.scale_code[i]), want.scale_code, f"scale byte, {what}")
    same(plain(got.scale[i]), [to_bits(want.scale)], f"scale, {what}")
    same(plain(got.multiplier[i]), [to_bits(want.multiplier)], f"multiplier, {what}")
    signs = zip(want.negative, want.scaled, strict=True)
    same(signed(got.scaled[i]), [with_sign(v, minus) for minus, v in signs], f"scaled, {what}")
    same(got.codes[i].tolist(), want.codes, f"codes, {what}")
    same(plain(got.values[i]), [to_bits(v) for v in want.values], f"values, {what}")
    if t.recipe.error_domain is None:
        assert got.error is want.error is None, f"{what}: an error without a choice"
        return
    same(plain(differences(t, got)[i]), [to_bits(v) for v in want.differences], f"differences, {what}")
    same(plain(got.error[i]), [to_bits(want.error)], f"error, {what}")


def walk(
    x: np.ndarray, t: Trace, arguments: dict[str, Any]
) -> Iterator[tuple[Any, slice, slice, oracle.Tensor]]:
    """Yield (block index, its rows, its columns, the oracle's tensor scales)."""
    height = t.recipe.block_rows
    for i in range(x.shape[0] // height):
        rows = slice(i * height, (i + 1) * height)
        scales = tensor(x, rows, t, arguments)
        for j in range(x.shape[1] // 16):
            yield (i, j), rows, slice(j * 16, (j + 1) * 16), scales


def tensor(x: np.ndarray, rows: slice, t: Trace, arguments: dict[str, Any]) -> oracle.Tensor:
    """Return the oracle's tensor scales for the rows, from the caller's arguments or from x itself."""
    if "tensor_scale" in arguments and not t.scales.amax.ndim:
        return oracle.given_tensor_scale(
            from_bits(bits_of(np.float32(arguments["tensor_scale"]))[0]), t.recipe
        )
    if "amax" in arguments:
        return oracle.tensor_scales(from_bits(bits_of(arguments["amax"])[0]), t.recipe)
    part = x[rows] if t.scales.amax.ndim else x
    magnitudes = np.abs(part).view(np.uint32).ravel()  # ordered as integers; a NaN is above infinity
    return oracle.tensor_scales(from_bits(int(magnitudes.max())), t.recipe)


def differences(t: Trace, c: Candidate) -> np.ndarray:
    """Return the model's element differences of a candidate (the trace keeps only their sum)."""
    with np.errstate(all="ignore"):
        return ERROR_DOMAIN[t.recipe.error_domain](c.values * c.scale[..., None], t.x, t.scales.per_element())


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
