"""Mutants of the block amax and of both scales that the first mutants lacked (N3 to N7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from fos_ref.formats import decode, UE4M3
from fos_ref.formats.arrays import AnyArray, F32, U8
from fos_ref.model.blocks import to_blocks
from fos_ref.model.candidates import e4m3, NAN_CODE, SCALE_FORMAT
from fos_ref.model.quantize import quantize_matrix, tensor_scales
from fos_ref.model.rounding import to_dtype
from fos_ref.model.trace import Scales
from fos_ref.mutants.amax import BF16
from fos_ref.mutants.mutant import Mutant
from fos_ref.mutants.plant import entry, step, Swap
from fos_ref.mutants.reported.blocks import with_block_amax
from fos_ref.recipes.axes import ScaleFormat
from fos_ref.recipes.recipe import Recipe

_VALUES: F32 = decode(np.arange(NAN_CODE), UE4M3).astype(np.float32)
_BINADE, _LARGEST, _OF_256, _FIRST_NORMAL = 8, 0x7E, 0x78, 8


def _cast(change: Callable[[F32, U8], U8]) -> tuple[Swap, ...]:
    """Return the swap that stores other E4M3 bytes, NaN aside, and takes their values."""

    def cast(base: F32) -> tuple[U8, F32]:
        codes, values = e4m3(base)
        new = np.where(codes == NAN_CODE, codes, change(base, codes)).astype(np.uint8)
        return new, np.where(codes == NAN_CODE, values, _VALUES[np.minimum(new, _LARGEST)])

    return (entry(SCALE_FORMAT, {ScaleFormat.E4M3: cast}),)


def _read(change: Callable[[F32, U8, F32], AnyArray]) -> tuple[Swap, ...]:
    """Return the swap that stores the right E4M3 bytes and takes another value for the elements."""

    def cast(base: F32) -> tuple[U8, F32]:
        codes, values = e4m3(base)
        return codes, np.where(codes == NAN_CODE, values, change(base, codes, values)).astype(np.float32)

    return (entry(SCALE_FORMAT, {ScaleFormat.E4M3: cast}),)


def _carry_lost(base: F32, codes: U8) -> U8:
    """Return the byte whose exponent missed the carry of a mantissa that was rounded up to 8/8."""
    rounded_up = _VALUES[np.minimum(codes, _LARGEST)] > base
    return np.where(rounded_up & (codes % _BINADE == 0) & (codes > 0), codes - _BINADE, codes)


def _hidden_one(_base: F32, codes: U8, values: F32) -> AnyArray:
    subnormal = (codes > 0) & (codes < _FIRST_NORMAL)
    return np.where(subnormal, (1 + codes / np.float32(8)) * np.float32(2.0**-7), values)


def _without(s: Scales) -> Scales:
    one = np.ones_like(s.encode)
    return replace(s, amax=np.full_like(one, s.range_max), encode=one, decode=one)


def _in_bfloat16(s: Scales) -> Scales:
    encode = to_dtype(s.encode, BF16)
    return replace(s, encode=encode, decode=np.float32(1) / encode, amax=s.range_max / encode)


def _pairs(x: F32, r: Recipe) -> F32:
    """Return the amax of two blocks side by side; a last one alone keeps its own."""
    own = _own(x, r)
    paired = own.copy()
    even = own.shape[1] // 2 * 2
    both = np.maximum(own[:, 0:even:2], own[:, 1:even:2])
    paired[:, 0:even:2], paired[:, 1:even:2] = both, both
    return paired


def _next(x: F32, r: Recipe) -> F32:
    own = _own(x, r)
    return np.append(own[:, 1:], own[:, -1:], axis=1)


def _own(x: F32, r: Recipe) -> F32:
    return np.asarray(np.abs(to_blocks(x, r.block_rows, r.block_cols)).max(axis=-1), dtype=np.float32)


def _largest_value(x: F32, r: Recipe) -> F32:
    largest = to_blocks(x, r.block_rows, r.block_cols).max(axis=-1)
    return np.asarray(np.maximum(largest, np.float32(0)), dtype=np.float32)


#: Those that take values of other blocks.
OF_NEIGHBOURS = frozenset({"block-amax-of-pairs", "block-amax-of-the-next"})
MUTANTS = (
    Mutant(
        name="block-amax-of-pairs",
        flag="BlockAmax",
        edition=2,
        comment="The block amax is that of 32 values, two blocks. The smaller of both loses bits. Whoever "
        "reduces over the lanes that MXFP4 needs, as MLX did after its first group of threads.",
        swaps=(step(quantize_matrix, with_block_amax(_pairs)),),
    ),
    Mutant(
        name="block-amax-of-the-next",
        flag="BlockAmax",
        edition=2,
        comment="Each block has the amax of its right neighbour. Elements saturate or lose bits. Whoever "
        "reads a shuffled maximum from the wrong lane.",
        swaps=(step(quantize_matrix, with_block_amax(_next)),),
    ),
    Mutant(
        name="block-amax-signed",
        flag="BlockAmax",
        edition=2,
        comment="The block amax is max(x), not max|x|. Wrong where the largest magnitude is negative, half of"
        " all blocks. Whoever forgets the absolute value.",
        swaps=(step(quantize_matrix, with_block_amax(_largest_value)),),
    ),
    Mutant(
        name="tensor-scale-left-out",
        flag="TensorScale",
        edition=2,
        comment="There is no tensor scale: S = D = 1. Every byte differs unless the amax is C. Whoever has "
        "block scales only, as MLX and Triton call NVFP4.",
        swaps=(step(tensor_scales, lambda old: lambda *given: _without(old(*given))),),
    ),
    Mutant(
        name="tensor-scale-in-bfloat16",
        flag="TensorScale",
        edition=2,
        comment="S is rounded to bfloat16. Scale bytes beside a midpoint of E4M3 change. Whoever computes the"
        " global scale in the tensor's own dtype.",
        swaps=(step(tensor_scales, lambda old: lambda *given: _in_bfloat16(old(*given))),),
    ),
    Mutant(
        name="scale-carry-lost",
        flag="ScaleCarry",
        edition=2,
        comment="Where rounding carries out of the mantissa of E4M3, the exponent stays: the byte is 8 too "
        "low. One scale in 80. Whoever adds the rounding bit to three bits alone.",
        swaps=_cast(_carry_lost),
    ),
    Mutant(
        name="scale-unrounded",
        flag="UnroundedScale",
        edition=2,
        comment="Codes are made with the block scale before its rounding, the stored one is rounded. One code"
        " in twenty is not the nearest any more. Whoever divides before the cast, as in exports to "
        "ONNX.",
        swaps=_read(lambda base, _, values: np.where(values == 0, values, base)),
    ),
    Mutant(
        name="scale-read-with-hidden-one",
        flag="ScaleDecode",
        edition=2,
        comment="A subnormal scale byte is read as 2^-7 * (1 + m/8) for the codes: values under it are too "
        "small. Whoever decodes E4M3 by shifting it into float32.",
        swaps=_read(_hidden_one),
    ),
    Mutant(
        name="scale-of-256-is-448",
        flag="ScaleDecode",
        edition=2,
        comment="Block scales of 256 and more become 448. Seen in the largest blocks alone. Whoever takes the"
        " largest exponent of E4M3 for that of its NaN.",
        swaps=_cast(lambda _, codes: np.where((codes >= _OF_256) & (codes < NAN_CODE), _LARGEST, codes)),
    ),
)
