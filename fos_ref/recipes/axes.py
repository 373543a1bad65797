"""The axes along which public NVFP4 implementations differ: one enum each.

A member's value is its name in JSON, in `fos recipes` and in the docs. The function that carries a member
out stands in fos_ref/model under the same name; the labels N1.. are those of docs/numerics.md.
"""

from __future__ import annotations

from enum import Enum


class BlockShape(Enum):
    """Which values share one block scale (N4)."""

    ROW_16 = "1x16"  #: 16 consecutive values of a row
    TILE_16X16 = "16x16"  #: a square tile; its scale is repeated for each of its 16 rows


class AmaxScope(Enum):
    """Which values share one tensor amax (N2)."""

    TENSOR = "tensor"
    ROW = "row"


class Candidates(Enum):
    """The largest element code a block may be scaled to (N6)."""

    SIX = "6"  #: plain NVFP4
    FOUR = "4"  #: every block to 4, tensor scale included
    FOUR_OVER_SIX = "4/6"  #: both; the better one is kept


class TensorScale(Enum):
    """Encode scale S and decode scale D from the tensor amax A, with C = element max * scale_max (N3)."""

    CLAMPED = "min(C/A,max)"  #: S = min(C/A, FLT_MAX), 1 where that is 0; D = 1/S
    CLAMPED_ZERO_IS_ONE = "min(C/A,max);A=0:1"  #: the same, and S = 1 for A = 0
    ZERO_SCALES = "C/A;A=0:scales=0"  #: S = C/A, which may overflow; A = 0 makes every block scale 0


class BlockScale(Enum):
    """The block scale before rounding, from block amax b and S (N5)."""

    DIVIDE_THEN_MULTIPLY = "(b/6)*S"  #: two roundings
    FOLDED_RECIPROCAL = "b*(S*(1/6))"  #: S*RN(1/6) once per tensor, then one product


class Map4Scale(Enum):
    """The map-to-4 candidate's scale (N6)."""

    EXPAND_BEFORE_ROUNDING = "E4M3(1.5*base)"


class ZeroScale(Enum):
    """Codes of a block whose scale rounded to zero (N8)."""

    ZERO_CODES = "codes=0"
    NO_SPECIAL_CASE = "reciprocal-of-0"  #: 1/0 is infinity; see ReciprocalOverflow


class ReciprocalOverflow(Enum):
    """What 1/(scale * D) becomes where it overflows (N8)."""

    CLAMP_TO_MAX = "FLT_MAX"
    INFINITY = "inf"


class ScaleNan(Enum):
    """The byte of a block scale that is NaN (N7)."""

    CODE_7F = "7F"
    CODE_FF = "FF"  #: with the sign bit, as 0*inf and NaN inputs come out of torch on x86


class ElementCast(Enum):
    """How a scaled value becomes a code (N9)."""

    SATURATE = "saturate"  #: magnitudes above 6 are 6
    UNSATURATED = "unsaturated"  #: 8 and above keep their rounded value; the code wraps (8 -> code 8)


class ElementNan(Enum):
    """The code of a scaled value that is NaN (N9)."""

    CODE_7 = "7"  #: +6, as the hardware conversion gives
    CODE_0 = "0"  #: no comparison of a ladder is true
    WRAPS = "wraps"  #: the exponent field of NaN wraps into the code: 0xB


class ZeroSign(Enum):
    """When a code that is zero carries the sign bit (N9)."""

    SIGN_BIT = "sign-bit"  #: as the hardware: also for a scaled value of -0.0
    NEGATIVE_VALUES = "negative-values"  #: below zero only: -0.0 gives +0, -0.1 gives -0


class ErrorDomain(Enum):
    """Where a candidate's element error is measured (N10)."""

    INPUT_AMAX = "((q*s)*A)/C-x"  #: two roundings to the value (q*s is exact), one for the difference
    INPUT_DECODE = "(q*s)*D-x"
    SCALED = "q*s-x*S"


class ErrorMetric(Enum):
    """What is minimised over a block (N11)."""

    MSE = "mse"
    MAE = "mae"
    ABS_MAX = "absmax"


class Reduction(Enum):
    """The order in which a block's error terms are added (N12)."""

    SEQUENTIAL = "sequential"  #: 0..15 in order; 16x16: each row so, then rows by the tree 8, 4, 2, 1
    TORCH_CPU = "torch-cpu"  #: torch.sum on a CPU: 8 lanes of pairs, then the lanes in order


class Tie(Enum):
    """The winner when both errors are equal (N13)."""

    SIX = "six"
    FOUR = "four"  #: no implementation in the catalog; kept as a control


class Dequantize(Enum):
    """The expression that turns codes back into values (N14)."""

    AMAX_DIVIDE = "((q*s)*A)/C"
    AMAX_RECIPROCAL = "q*((s*A)*(1/C))"
    DECODE = "(q*s)*D"


class NonFinite(Enum):
    """What a NaN or an infinity in the input does (N2)."""

    RAISE = "raise"
    PROPAGATE = "propagate"  #: the maxima and the arithmetic carry it
