"""What is planted: the mistakes of the plain quantizer by flag, and the presets that it can stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from fos_ref.proof.checker.plain.quantizer import Plain

#: Preset -> the plain quantizer that gives its bytes.
QUANTIZERS: Mapping[str, Plain] = MappingProxyType(
    {
        "4over6": Plain(),
        "4over6-mae": Plain(metric="mae"),
        "4over6-absmax": Plain(metric="absmax"),
        "nvfp4": Plain(bound=448, choose=False),
        "te-mse-448": Plain(bound=448, guarded=False, signed=False),
        "te-mae-256-row": Plain(metric="mae", by_row=True, guarded=False, signed=False),
    }
)
#: Flag -> the ways in which the plain quantizer makes that mistake.
BUGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "NothingWritten": ("zeros", "rows-unwritten", "zero-codes", "poison"),
        "NibbleOrder": ("nibbles",),
        "ScaleLayout": ("swizzled", "token-groups"),
        "ScaleTransposed": ("column-major",),
        "Transposed": ("transposed",),
        "RowPermutation": (
            "halves-exchanged",
            "interleaved",
            "interleaved-8",
            "codes-permuted",
            "scales-permuted",
            "reversed",
        ),
        "StridesIgnored": ("strides-ignored",),
        "Bound": ("other-bound",),
        "TensorScaleInverted": ("inverted",),
        "TensorScale": ("no-tensor-scale", "no-elements-scale", "bf16-scale", "amax-signed"),
        "AmaxPrecision": ("bf16-amax", "other-granularity"),
        "BlockAmax": ("pair-amax", "pair-amax-late", "neighbour-amax", "signed-amax", "half-amax"),
        "MetricMse": ("metric-mse",),
        "MetricMae": ("metric-mae",),
        "MetricAbsMax": ("metric-absmax",),
        "TieRule": ("four-wins-ties",),
        "AlwaysSix": ("always-six",),
        "AlwaysFour": ("always-four", "to-four"),
        "ScaleCeil": ("scale-up", "scale-ties-up"),
        "ScaleFloor": ("scale-down",),
        "ScaleCarry": ("carry-lost",),
        "ScaleOffset": ("scale-minus-8", "scale-plus-3", "scale-minus-1"),
        "ScaleSubnormalFlush": ("scale-flushed", "scale-clamped"),
        "ScaleNaN": ("scale-nan", "scale-480", "nan-of-zero"),
        "UnroundedScale": ("unrounded",),
        "ScaleDecode": ("subnormal-as-normal", "from-256-as-448", "half-scale", "int-scale"),
        "ExpandAfterRounding": ("expand-after",),
        "ScaleAssociation": ("folded", "product-first"),
        "ReciprocalForDivision": ("reciprocal-amax", "sixth", "divided", "reciprocal-error"),
        "E2m1TiesAway": ("ties-away",),
        "E2m1TiesZero": ("ties-to-zero",),
        "E2m1Truncation": ("truncated", "cut-to-halves"),
        "E2m1NoSaturation": ("unsaturated",),
        "ZeroScalePolicy": ("zero-scale",),
        "NegativeZero": ("no-negative-zero", "zero-sign"),
        "SignLost": ("unsigned", "sign-turned", "sign-turned-but-zero"),
        "DoubleRounding": ("via-bf16", "via-fp16"),
        "FlushToZero": ("ftz", "ftz-input", "ftz-scales", "ftz-error"),
        "ErrorDomain": ("scaled-domain", "decode-domain"),
        "FmaContraction": ("fma", "fma-halves", "fma-four-accumulators"),
        "ReductionOrder": (
            "order-numpy",
            "order-reversed",
            "order-threads",
            "order-shuffle",
            "order-four-accumulators",
        ),
        "StochasticRounding": ("stochastic",),
        "ScaleSearch": ("scale-search",),
    }
)


#: Where a mistake cannot be made: mistake -> whether the plain quantizer may have it.
NEEDS: Mapping[str, Callable[[Plain], bool]] = MappingProxyType(
    {
        "transposed": lambda q: not q.by_row,
        "to-four": lambda q: not q.choose,
        "stochastic": lambda q: not q.choose,
        "scale-search": lambda q: not q.choose,
    }
)


def planted(preset: str, *bugs: str) -> Plain:
    """Return the quantizer that stands for a preset, with these mistakes."""
    return replace(QUANTIZERS[preset], bug=frozenset(bugs))
