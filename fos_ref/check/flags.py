"""The bug classes by name, in the order of the walk, with the words a diagnosis uses for them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: Flag -> what it says. The order decides between explanations that nothing else tells apart.
FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "NothingWritten": "codes, or codes and scales, are one constant: zeros, poison, rows nobody wrote",
        "NibbleOrder": "the two codes of each byte are swapped",
        "ScaleLayout": "the block scales are in another layout than the one asked for",
        "ScaleTransposed": "the block scales are laid out column by column",
        "Transposed": "blocks run down the columns where they should run along the rows",
        "RowPermutation": "the rows are in another order: halves exchanged, or interleaved",
        "StridesIgnored": "a view was read as if it were contiguous",
        "Bound": "the tensor scale maps to another E4M3 bound",
        "TensorScaleInverted": "the tensor scale is inverted: a multiplier where a divisor is meant",
        "TensorScale": "the block scales follow another tensor scale than the recipe's",
        "AmaxPrecision": "the amax is rounded, or belongs to other values",
        "BlockAmax": "the block's amax is taken over other values, or without the magnitude",
        "TieRule": "candidates with equal errors: the other one is kept",
        "AlwaysSix": "no selection: every block maps to 6",
        "AlwaysFour": "no selection: every block maps to 4",
        "MetricMse": "candidates are compared by their squared error",
        "MetricMae": "candidates are compared by their absolute error",
        "MetricAbsMax": "candidates are compared by their largest error",
        "ScaleCeil": "block scales are rounded up where they should go to the nearest",
        "ScaleFloor": "block scales are rounded down where they should go to the nearest",
        "ScaleCarry": "the carry out of the block scale's mantissa is lost",
        "ScaleOffset": "every block scale byte is off by the same constant",
        "ScaleSubnormalFlush": "subnormal block scales are flushed to zero or raised to 2^-6",
        "ScaleNaN": "a block scale that should saturate becomes NaN",
        "UnroundedScale": "the codes are made with the block scale before its rounding",
        "ScaleDecode": "the stored block scale is read back as another value for the codes",
        "ExpandAfterRounding": "the map-to-4 scale is 1.5 times the rounded six-scale, or the reverse",
        "ScaleAssociation": "the scales' products and quotients are taken in another order",
        "ReciprocalForDivision": "a product with a reciprocal where the recipe divides, or the reverse",
        "E2m1TiesAway": "E2M1 midpoints go to the larger magnitude where that is not even",
        "E2m1TiesZero": "E2M1 midpoints go to the smaller magnitude where that is not even",
        "E2m1Truncation": "scaled magnitudes are cut toward zero",
        "E2m1NoSaturation": "scaled magnitudes above 6 are not clamped to code 7",
        "ZeroScalePolicy": "codes or scale byte of a block whose scale is zero",
        "NegativeZero": "the sign of a code that is zero",
        "SignLost": "magnitudes are right, signs are gone or turned",
        "DoubleRounding": "the scaled value is rounded to a 16-bit type before E2M1",
        "FlushToZero": "subnormal float32 intermediates are flushed to zero",
        "ErrorDomain": "the error is measured in another domain",
        "FmaContraction": "the error is taken with fused multiply-add, or without where the recipe fuses",
        "ReductionOrder": "the error terms are added in another order",
        "StochasticRounding": "scales are right, every code is one of its value's two neighbours, by chance",
        "ScaleSearch": "other block scales than the recipe's, with smaller errors: a search chose them",
        "HardwareDecides": "harmless: under an approximate reciprocal a step of one unit decides these bytes",
        "NearTie": "harmless: the other of two candidates whose errors are a few float32 steps apart",
        "Unexplained": "no known mistake reproduces these bytes",
    }
)
#: Flag -> what it says, of kernels that round stochastically: named by `check_stochastic` alone.
STOCHASTIC_FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "RhtMissing": "the values are not rotated",
        "RhtSigns": "the values are rotated with other signs, or with none",
        "RhtNoRound": "the rotated values are not rounded to bfloat16 before they are quantized",
        "RhtAmax": "the tensor amax is that of the values before the rotation",
        "SrMissing": "codes are rounded to nearest where random bits should decide",
        "SrRule": "another rule than the recipe's takes values up",
        "SrClipNo16_17": "the factor 16/17 on the largest value is missing, or is there where none is meant",
        "SrGridNoise": "values that E2M1 has are moved as well",
        "SrBitsNarrow": "fewer random bits are used than the recipe has",
        "SrSharedNoise": "several values share a random number that should have one each",
        "SrBitFeed": "the bits of a word go to its values in another order",
        "EdenGroup128": "scales are corrected over 128 values where 16 are meant, or the reverse",
        "ScaleSrSubnormal": "scales below 2^-6 are stochastic where nearest is meant, or the reverse",
        "RngCounterMap": "the random words are those of another map, seed, offset or place",
        "RngRounds": "the generator has another number of rounds",
    }
)
#: Named when no mistake is: not part of a search.
OUTCOMES = ("HardwareDecides", "NearTie", "Unexplained")
#: Mistakes of the choice that only show where the two errors are nearly equal.
OF_LAST_BITS = ("TieRule", "ErrorDomain", "FmaContraction", "ReductionOrder", "ReciprocalForDivision")
#: Mistakes that normally change a large share of all blocks: not the first guess where a few differ.
SWEEPING = ("ScaleOffset", "AlwaysSix", "AlwaysFour", "MetricMse", "MetricMae", "MetricAbsMax")
