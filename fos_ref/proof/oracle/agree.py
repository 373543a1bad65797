"""Compare a trace of the model with the exact oracle: every step of every block, bit by bit.

The model's float32 times 2**149 are exact as float64, and the oracle's values are ints in that unit. Python
compares an int with a float exactly, so equal lists are equal bits, but for NaN, which equals NaN here, and
zeros, whose sign is compared where it decides a code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from math import isfinite
from typing import Any

import numpy as np

from fos_ref.errors import BitMismatch
from fos_ref.formats.arrays import AnyArray
from fos_ref.formats.bits import f32_bits, widen
from fos_ref.model.blocks import to_blocks
from fos_ref.model.trace import Trace
from fos_ref.oracle import quantize as oracle
from fos_ref.oracle.exact import from_bits, PRECISIONS, to_bits, Value
from fos_ref.oracle.scales import given_encode_scale, given_tensor_scale, Tensor, tensor_scales
from fos_ref.proof.oracle.lists import CandidateLists, TraceLists
from fos_ref.proof.oracle.random_numbers import of_block
from fos_ref.recipes.recipe import Recipe

#: A step's name, the model's result, the oracle's.
Step = tuple[str, Any, Any]


def compare(x: AnyArray, t: Trace, arguments: dict[str, Any], every: int = 1, first: int = 0) -> int:
    """Return how many blocks were compared: each `every`-th from `first`. BitMismatch names the difference.

    x is the input of the trace, `arguments` what the caller gave with it: amax or tensor_scale.
    """
    count = 0
    for problem in problems(x, t, arguments, every, first):
        if problem is not None:
            raise BitMismatch(problem)
        count += 1
    return count


def problems(
    x: AnyArray, t: Trace, arguments: dict[str, Any], every: int = 1, first: int = 0
) -> Iterator[str | None]:
    """Yield for each `every`-th block None, or the first step in which model and oracle differ."""
    model, r = TraceLists(t), t.recipe
    blocks = f32_bits(to_blocks(widen(x), r.block_rows, r.block_cols))
    scales = tensors(x, t, arguments)
    for i in islice(np.ndindex(blocks.shape[:2]), first, None, every):
        s = scales[model.tensor_place(i)]
        want = oracle.quantize_block(blocks[i].tolist(), s, r, of_block(t, i), _group(blocks, i, r))
        yield _first_problem(_steps(model, i, s, want), i)


def _group(blocks: AnyArray, i: tuple[int, ...], r: Recipe) -> list[list[int]]:
    """Return the bits of the blocks that block i shares a correction with, itself among them."""
    if r.group == r.block_cols:
        return []
    first, count = i[1] * r.block_cols // r.group, r.group // r.block_cols
    found: list[list[int]] = blocks[i[0], first * count : (first + 1) * count].tolist()
    return found


def tensors(x: AnyArray, t: Trace, arguments: dict[str, Any]) -> list[Tensor]:
    """Return the oracle's tensor scales, one or one per row, from the caller's arguments or from x itself."""
    r, dtype = t.recipe, PRECISIONS[x.dtype.name]
    if "tensor_scale" in arguments and not t.scales.amax.ndim:
        return [given_tensor_scale(v, r, dtype) for v in _values(arguments["tensor_scale"])]
    if "encode_scale" in arguments:
        return [given_encode_scale(v, r, dtype) for v in _values(arguments["encode_scale"])]
    if "amax" in arguments:
        return [tensor_scales(v, r, dtype) for v in _values(arguments["amax"])]
    blocks = f32_bits(to_blocks(widen(x), r.block_rows, r.block_cols))
    parts = blocks if t.scales.amax.ndim else blocks.reshape(1, -1, blocks.shape[-1])
    return [tensor_scales(oracle.tensor_amax(part, r, dtype), r, dtype) for part in parts.tolist()]


def _values(v: Any) -> list[Value]:
    return [from_bits(b) for b in f32_bits(np.asarray(v)).ravel().tolist()]


def _steps(model: TraceLists, i: tuple[int, ...], s: Tensor, want: oracle.Block) -> Iterator[Step]:
    """Yield every step of block i, in order."""
    k, row = model.place(i), model.tensor_place(i)
    yield "A", model.amax[row], [s.amax]
    yield "S", model.encode[row], [s.encode]
    yield "D", model.decode[row], [s.decode]
    yield "block amax", model.block_amax[k], [want.block_amax]
    yield "base", model.base[k], [want.base]
    yield from _candidate_steps("map6", model.map6, want.map6, k)
    yield from _candidate_steps("map4", model.map4, want.map4, k)
    rows = len(model.block_scales[k])
    yield "kept codes", model.codes[k], want.codes
    yield "kept block scale", model.block_scales[k], [want.scale_code] * rows
    yield "picked4", model.picked4[k], [want.picked4] * rows
    values = oracle.dequantize_block(want.codes, want.scale_code, s, model.recipe)
    yield "dequantized", model.dequantized[k], values


def _candidate_steps(
    name: str, got: CandidateLists | None, want: oracle.Candidate | None, k: int
) -> Iterator[Step]:
    """Yield the steps of one candidate of block k; a candidate that one side lacks is a difference."""
    if got is None or want is None:
        yield f"candidates, {name}", [got is None], [want is None]
        return
    yield f"base, {name}", got.base[k], [want.base]
    yield f"scale byte, {name}", got.scale_code[k], [want.scale_code]
    yield f"scale, {name}", got.scale[k], [want.scale]
    yield f"multiplier, {name}", got.multiplier[k], [want.multiplier]
    yield f"scaled, {name}", got.scaled[k], want.scaled
    yield f"signs, {name}", _signs(got.negative[k], want), want.negative
    yield f"codes, {name}", got.codes[k], want.codes
    yield f"values, {name}", got.values[k], want.values
    yield f"differences, {name}", got.differences[k] if got.differences else [], want.differences
    yield f"error, {name}", got.error[k] if got.error else [None], [want.error]


def _signs(got: list[bool], want: oracle.Candidate) -> Sequence[bool]:
    """Return the model's signs of the scaled values, but the oracle's own where a NaN has none."""
    if got == want.negative:
        return got
    rows = zip(got, want.negative, want.scaled, strict=True)
    return [minus if v == v else own for minus, own, v in rows]  # noqa: PLR0124 -- false for NaN


def _first_problem(steps: Iterator[Step], i: tuple[int, ...]) -> str | None:
    for name, got, want in steps:
        if got != want and (wrong := _differing(got, want)):
            at = wrong[0]
            where = f"{name} of {i}" + (f", first at {at}" if len(got) > 1 else "")
            model, oracle_ = (_words(v) if isinstance(got[at], float) else v for v in (got[at], want[at]))
            return f"{where}: model {model}, oracle {oracle_}"
    return None


def _differing(got: Sequence[Any], want: Sequence[Any]) -> list[int]:
    """Return the places at which two lists differ, NaN being equal to NaN."""
    pairs = enumerate(zip(got, want, strict=True))
    return [i for i, (g, w) in pairs if g != w and not (g != g and w != w)]  # noqa: PLR0124 -- true for NaN


def _words(v: Value) -> str:
    """Return the float32 bits of a value in units of 2**-149, which float64 may hold as well as an int."""
    return f"{to_bits(int(v) if isfinite(v) else v):08X}"
