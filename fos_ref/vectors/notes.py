"""The flags: which mistakes a vector can catch, what each does, and who is known to have made it.

`seen` names a project only where docs/divergences.md (entries D1..) or a public thread shows it; None: nobody
is known. Much of it is another design and no mistake there: it is one where a recipe asks for something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Note:
    """What stands behind a flag."""

    bug: str
    effect: str
    seen: str | None = None


_NOTES = {
    "NothingWritten": Note(
        "Codes, or codes and scales, are one constant: nobody wrote them, or they were written over.",
        "Rows of zeros or poison. Whatever else is wrong does not show there.",
        "flashinfer-ai/flashinfer#3398: every code is zero.",
    ),
    "NibbleOrder": Note(
        "The two codes of each byte are swapped: the even element is in the high nibble.",
        "Every byte of two different codes is wrong; neighbouring values change places.",
        "A switch between both orders was asked for in Comfy-Org/comfy-kitchen#41.",
    ),
    "ScaleLayout": Note(
        "Block scales are in the 128x4 swizzle where linear ones were asked, or the reverse.",
        "Values are multiplied by the scale of another block; nothing fails.",
        "vllm-project/vllm#50084: swizzled scales read as linear ones; modular/modular#6600: swizzled twice.",
    ),
    "ScaleTransposed": Note(
        "Block scales are stored column by column.",
        "As ScaleLayout. Nothing shows in a tensor of one row, or of one block a row.",
    ),
    "RowPermutation": Note(
        "Rows stand in another order: halves exchanged, or interleaved row by row or in groups.",
        "Each row is right, the matrix is another one; nothing fails.",
        "Gate and up projections: flashinfer-ai/flashinfer#4874, vllm-project/vllm#46880.",
    ),
    "StridesIgnored": Note(
        "A view, such as a slice of columns, is read as if it were contiguous.",
        "The first row is right, the others are made of other values.",
        "vllm-project/vllm#49092: a slice given to `scaled_fp4_quant`.",
    ),
    "Bound": Note(
        "448 stands in the tensor scale where the recipe says 256, or the reverse.",
        "Every block scale differs. Under 448 the largest blocks have no second candidate.",
        "Both are offered by TransformerEngine and by FlashInfer, whose default is 448 (D1).",
    ),
    "MetricMae": Note(
        "The candidates are compared by absolute errors where the recipe says otherwise.",
        "About one block in six of N(0, 1) is kept in the other form than by squared errors.",
        "The default of TransformerEngine, FlashInfer and torchao; the published method squares (D12).",
    ),
    "MetricMse": Note(
        "The candidates are compared by squared errors where the recipe says otherwise.",
        "As MetricMae.",
        "The default of fouroversix, ModelOpt, llm-compressor and Quartet II (D12).",
    ),
    "MetricAbsMax": Note(
        "The candidates are compared by their largest error where the recipe says otherwise.",
        "More than one block in five of N(0, 1) is kept in the other form than by squared errors.",
        "One of the three rules of fouroversix (D12).",
    ),
    "TieRule": Note(
        "Equal errors keep map-to-4; the comparison is not strict.",
        "Shows for exact ties only: rare in N(0, 1), two blocks in five of coarse data, every zero block.",
        "A public benchmark, scalesweep, keeps 4 (D14).",
    ),
    "AlwaysSix": Note(
        "No selection: every block is mapped to 6.",
        "Nearly half of all blocks differ and lose what the method gains.",
    ),
    "AlwaysFour": Note(
        "No selection: every block is mapped to 4.",
        "More than half of all blocks differ.",
    ),
    "ExpandAfterRounding": Note(
        "The factor 1.5 is applied to the map-to-6 scale after its rounding to E4M3, not before.",
        "The map-to-4 scale is rounded twice and need not be the nearest: one block in eight of N(0, 1).",
        "llm-compressor (D4).",
    ),
    "ReductionOrder": Note(
        "The error terms of a block are added in another order.",
        "The last bits of both errors move, so that nearly equal candidates change places.",
        "fouroversix on a CPU takes the order of torch.sum; FlashInfer built by nvcc before 12.9 adds by "
        "halves; Triton leaves the order to its compiler (D13).",
    ),
    "FmaContraction": Note(
        "e + d * d is one fused multiply-add where the recipe rounds the square, or the reverse.",
        "As ReductionOrder.",
        "What nvcc makes of the sum by default: fouroversix does not forbid it (read, not run; D13).",
    ),
    "ErrorDomain": Note(
        "The error is measured in scaled units, or with the decode scale in place of amax / C.",
        "Other roundings: nearly equal candidates change places.",
        "FlashInfer takes the decode scale; the fast paths of TransformerEngine and FlashInfer take scaled "
        "units; ModelOpt measures codes that it does not store (D11).",
    ),
    "ScaleAssociation": Note(
        "A scale's products and quotients are taken in another order, as b*(S*(1/6)) for (b/6)*S.",
        "Scales and scaled values move by a step or two, so those beside a midpoint change.",
        "TransformerEngine's own two paths differ so, with 4/6 and without (D3).",
    ),
    "ReciprocalForDivision": Note(
        "The recipe divides and the implementation multiplies by a rounded reciprocal, or the reverse.",
        "As ScaleAssociation. Random data rarely shows it; values on a midpoint do.",
        "FlashInfer's default path (D3, D8). arch-hdl-lang/arch-com#905 counted none of 504,000 random "
        "values and 294 of 6,174 on boundaries.",
    ),
    "E2m1TiesAway": Note(
        "A value on an E2M1 midpoint goes to the larger magnitude, not to the even code.",
        "Shows for exact midpoints only: coarse data, powers of two.",
        "Quartet II's Triton simulator (D9); ROCm/aiter#3992.",
    ),
    "E2m1TiesZero": Note(
        "A value on an E2M1 midpoint goes to the smaller magnitude, not to the even code.",
        "As E2m1TiesAway.",
    ),
    "E2m1NoSaturation": Note(
        "Scaled magnitudes above 6 are not clamped to code 7.",
        "Under a scale that was rounded down the largest value of a block reads as -0 or another small code.",
        "fouroversix's PyTorch reference; its kernels saturate (D9).",
    ),
    "ScaleSubnormalFlush": Note(
        "E4M3 subnormal block scales are flushed to zero, or raised to 2^-6.",
        "Blocks below about 1/28,000 of the tensor amax vanish or lose bits.",
        "torchao's plain path raises them to 2^-6 (D5).",
    ),
    "ScaleCeil": Note(
        "The block scale is rounded up, or its midpoints are; the recipe rounds to nearest, ties to even.",
        "One scale in two is a step higher; for midpoints alone, rare.",
    ),
    "ScaleFloor": Note(
        "The block scale is rounded down.",
        "One scale in two is a step lower, and the largest elements saturate.",
    ),
    "ScaleNaN": Note(
        "7F, a NaN, is the scale of a block of finite values.",
        "The whole block dequantizes to NaN.",
        "Casts that do not saturate, as that of ml_dtypes above 464; fouroversix's PyTorch reference gives "
        "zero blocks of a tiny tensor a NaN scale (D19).",
    ),
    "ZeroScalePolicy": Note(
        "The codes of a block whose scale rounded to zero are not the recipe's.",
        "No value changes for a reader that multiplies; every byte does, and a reader of codes sees 6.",
        "Peers differ by design; FlashInfer's default path turns the zeros of such a block into 6 (D6).",
    ),
    "NegativeZero": Note(
        "The sign of a zero code is lost or added.",
        "No value changes; bytes do.",
        "The Python references of TransformerEngine and FlashInfer differ here from their kernels (D10).",
    ),
    "AmaxPrecision": Note(
        "An amax is rounded to bfloat16, or is taken over a row for the tensor, or the reverse.",
        "Scales move by up to 0.4 %, or every row has scales of its own.",
    ),
    "TensorScaleInverted": Note(
        "Encode scale and decode scale are exchanged: a multiplier stands where a divisor is meant.",
        "Nothing is left of the tensor unless both are near 1.",
        "Readers of checkpoints: modular/modular#6600 and #6699 (compressed-tensors stores the reciprocal).",
    ),
    "TensorScale": Note(
        "Block scales or elements follow another tensor scale: none, one of 16 bits, one left out somewhere.",
        "The scale bytes tell which, to three digits; codes may be right under it.",
        "No tensor scale at all: ml-explore/mlx#2962, triton-lang/triton#11668. Left out: jax-ml/jax#30467. "
        "Rounded to bfloat16: flashinfer-ai/flashinfer#3398.",
    ),
    "BlockAmax": Note(
        "The block amax is taken over other values: two blocks, the neighbour, or signs count.",
        "The block's largest value saturates, or its small ones lose bits.",
        "ml-explore/mlx#3557: 32 values but for the first group of threads.",
    ),
    "ScaleCarry": Note(
        "A carry out of the mantissa is lost when the block scale is rounded: its byte is 8 too low.",
        "One scale in 80 is half of what it should be, and its block saturates.",
        "The interpreter of Triton 3.9.0 casts to E4M3 so.",
    ),
    "ScaleOffset": Note(
        "Every block scale byte is off by one constant.",
        "8 is a binade: all values are half or twice as large.",
    ),
    "UnroundedScale": Note(
        "Codes are made with the block scale before its rounding; the rounded one is stored.",
        "One code in twenty is not the nearest under the scale that a reader has.",
        "NVIDIA/Model-Optimizer#2243 (export to ONNX); kekzl/imp#250 (MXFP4).",
    ),
    "ScaleDecode": Note(
        "The stored block scale is taken for another value when codes are made.",
        "Values under such a scale are too small or too large.",
        "Subnormal scales: flashinfer-ai/flashinfer#3932. 256 and more as 448: ggml-org/llama.cpp#25446.",
    ),
    "E2m1Truncation": Note(
        "Scaled magnitudes are cut toward zero, not rounded.",
        "Half of all codes are one lower.",
        "PTO-ISA/SuperNPUBench#122.",
    ),
    "SignLost": Note(
        "Magnitudes are right, signs are gone or turned.",
        "Every negative value has the wrong sign.",
        "PTO-ISA/SuperNPUBench#122.",
    ),
    "StochasticRounding": Note(
        "Each code is one of its value's two neighbours, by chance.",
        "No two runs are equal; the mean is right, the error larger.",
        "Asked for in pytorch/ao#3264 and triton-lang/triton#9693, for gradients.",
    ),
    "ScaleSearch": Note(
        "The block scale was searched for the smallest error.",
        "Other bytes, smaller errors: no mistake in the values, but not the recipe.",
        "intel/auto-round#2362.",
    ),
    "FlushToZero": Note(
        "Subnormal float32 inputs or intermediates count as zero.",
        "Tiny tensors, and choices whose squared errors are below 2^-126.",
        "FlashInfer is built with it (D8); CuPy appends -ftz=true to what it compiles.",
    ),
    "DoubleRounding": Note(
        "The scaled value is rounded to bfloat16 or float16 before E2M1.",
        "Values close to a midpoint land on it and may go the other way.",
        "compressed-tensors on a GPU (read, not run).",
    ),
    "Transposed": Note(
        "Blocks run down the columns where they should run along the rows.",
        "The bytes are those of the transposed tensor.",
    ),
    "NearTie": Note(
        "No mistake: both errors are at most 4 float32 steps apart, the candidates worth different values.",
        "Another legal order of operations may keep the other candidate: harmless, but other bits.",
        "Wherever two implementations of one recipe add in another order (docs/proofs.md, Near ties).",
    ),
}
#: Flag -> note, in the order in which a quantizer's output is explained: layout first, near ties last.
NOTES: Mapping[str, Note] = MappingProxyType(_NOTES)
