"""The axes along which public NVFP4 implementations differ: one enum each.

A member's value is its name in JSON, in `fos recipes` and in the docs. The function that carries a member
out stands in fos_ref/model under the same name; the labels N1.. are those of docs/numerics.md.
"""

from __future__ import annotations

from enum import Enum


class BlockShape(Enum):
    """Which values share one block scale (N4)."""

    ROW_16 = "1x16"  #: 16 consecutive values of a row
    ROW_8 = "1x8"  #: 8 consecutive values
    ROW_32 = "1x32"  #: 32 consecutive values (MX)
    TILE_16X16 = "16x16"  #: a square tile; its scale is repeated for each of its 16 rows


class ElementFormat(Enum):
    """What an element code means (N1). Widths, grids and constants stand in fos_ref/recipes/elements.py.

    Of two formats each block takes one: the scale's sign bit says that it is the integers, whose step is the
    ratio of both maxima.
    """

    E2M1 = "E2M1"
    INT4 = "INT4"  #: two's complement, -7..7
    E2M1_OR_INT4 = "E2M1|INT4"  #: INT4 counts in units of 6/7
    E2M0 = "E2M0"  #: 0, 1, 2, 4 and a sign
    E2M3 = "E2M3"  #: up to 7.5
    E3M2 = "E3M2"  #: up to 28
    E4M3 = "E4M3"  #: up to 448 (MX)
    E5M2 = "E5M2"  #: up to 57344 (MX)
    INT3 = "INT3"  #: sign and magnitude, -3..3, no -0
    INT6 = "INT6"  #: sign and magnitude, -31..31, no -0
    INT8 = "INT8"  #: two's complement, -127/64..127/64 in steps of 1/64 (MX)
    E2M0_OR_INT3 = "E2M0|INT3"  #: INT3 counts in units of 4/3
    E2M3_OR_INT6 = "E2M3|INT6"  #: INT6 counts in units of 0.2419355, about 7.5/31
    E3M2_OR_INT6 = "E3M2|INT6"  #: INT6 counts in units of 28/31


class ScaleFormat(Enum):
    """The block scale's format and how it is rounded (N7).

    E8M0 is a power of two. The three that take the exponent of the block amax leave some of it to the
    elements: 2 for E2M1, because 4 is the largest power of two among its values.
    """

    E4M3 = "E4M3"  #: to nearest even, saturating at 448
    E8M0_UP = "E8M0-up"  #: to the next power of two upward, 2^-126 and above
    E8M0_FLOOR = "E8M0-floor"  #: 2^(floor(log2(b)) - 2), as the MX specification has it
    E8M0_EVEN = "E8M0-even"  #: the same; a significand of b from 1.75 on counts as 2
    E8M0_CEIL = "E8M0-ceil"  #: 2^(ceil(log2(b)) - 2)
    E8M0_UP_SATFINITE = "E8M0-up-satfinite"  #: to the next power of two upward, from 2^-127 to 2^127
    E8M0_UP_WRAPS = "E8M0-up-wraps"  #: the same; the byte of a smaller one wraps
    E8M0_NEAREST_LOG2 = "E8M0-nearest-log2"  #: to the power of two that is nearest as a logarithm
    E5M3 = "E5M3"  #: 8 bits without a sign: to nearest even, saturating at 114688; NaN is FF
    E4M3_HALF_UP = "E4M3-half-up"  #: ties upward, but for one step; from 248 on 448; NaN is 0 (ggml)

    @property
    def is_power(self) -> bool:
        """Whether a scale is a power of two."""
        return self not in (ScaleFormat.E4M3, ScaleFormat.E5M3, ScaleFormat.E4M3_HALF_UP)

    @property
    def largest(self) -> int:
        """The largest bound that `scale_max` may have: what a scale can be, 448 for a power of two."""
        return 114688 if self is ScaleFormat.E5M3 else 448

    @property
    def of_amax(self) -> bool:
        """Whether it is the exponent of the block amax that is taken."""
        return self in (ScaleFormat.E8M0_FLOOR, ScaleFormat.E8M0_EVEN, ScaleFormat.E8M0_CEIL)


class AmaxScope(Enum):
    """Which values share one tensor amax (N2)."""

    TENSOR = "tensor"
    ROW = "row"


class Candidates(Enum):
    """The largest element code a block may be scaled to (N6)."""

    SIX = "6"  #: plain NVFP4
    FOUR = "4"  #: every block to 4, tensor scale included
    SEVEN = "7"  #: plain INT4
    FOUR_OVER_SIX = "4/6"  #: both; the better one is kept
    FLOAT_OR_INT = "fp/int"  #: a float format or an integer one under one scale; the better one is kept
    LARGEST = "max"  #: the largest value of an element format other than E2M1 and INT4
    FACTORS = "search-102"  #: 6, from the block amax times 1.00 and then 0.50 to 1.51; the best is kept
    RANGES = "search-111"  #: 6, from ranges of 1.8 down to 0.81 block amaxes, chosen before the tensor scale
    SCALES = "search-126"  #: 6 under every finite E4M3 scale above 0, the smallest first; the best is kept
    EDEN_16 = "eden-16"  #: 6, and each block scale is corrected by what the rounding of its 16 values lost
    EDEN_128 = "eden-128"  #: the same, by what the rounding of 128 values lost


class TensorScale(Enum):
    """Encode scale S and decode scale D from the tensor amax A, with C = element max * scale_max (N3)."""

    CLAMPED = "min(C/A,max)"  #: S = min(C/A, FLT_MAX), 1 where that is 0; D = 1/S
    CLAMPED_ZERO_IS_ONE = "min(C/A,max);A=0:1"  #: the same, and S = 1 for A = 0
    ZERO_SCALES = "C/A;A=0:scales=0"  #: S = C/A, which may overflow; A = 0 makes every block scale 0
    QUOTIENT = "C/A"  #: S = C/A, which may overflow and is infinite for A = 0
    QUOTIENT_ZERO_IS_ONE = "C/A;A=0:1"  #: S = C/A, which may overflow; S = 1 for A = 0
    DECODE_QUOTIENT = "D=A/C"  #: D = A/C, S = 1/D
    DECODE_QUOTIENT_ZERO_IS_ONE = "D=A/C;A=0:1"  #: the same, and D = 1 for A = 0
    DECODE_QUOTIENT_OF_FOUR = "D=A/(4*M);A=0:1"  #: D = A/(4*M), 1 for A = 0: A itself can map to 4; S = 1/D
    RECIPROCAL_IN_INPUT_DTYPE = "RN_T(RN_T(1/A)*C)"  #: S in the input's dtype T; D = 1/S; NaN and inf give 1
    DECODE_RECIPROCALS = "D=A*(1/M)*(1/6)"  #: D = (A*RN(1/M))*RN(1/6), 1 for A = 0; S = 1/D
    RECIPROCAL_TIMES_RANGE = "RN(1/A)*C;A=0:max"  #: S = RN(1/A)*C, which may overflow; FLT_MAX for A = 0
    RECIPROCAL_ZERO_SCALES = "RN(1/A)*C;A=0:scales=0"  #: the same, and D = 0 where S is 0; S = 0 for A = 0
    ENCODE_OF_PRODUCT = "S=1/(A*(1/C));A=0:scales=0"  #: S = 1/(A*RN(1/C)), D = 1/S; both 0 for A = 0
    ENCODE_OF_QUOTIENT = "S=1/(A/C);A=0:1"  #: S = 1/RN(A/C), 1 for A = 0; D = 1/S
    DECODE_TWO_QUOTIENTS = "D=(A/M)/6;A=0:1"  #: D = RN(A/M)/E, 1 for A = 0; S = 1/D
    DECODE_TWO_QUOTIENTS_SHORT = "D=(A/(M-0.01))/6;A=0:1"  #: the same under a bound a hundredth smaller
    OF_SCALES = (
        "D=A*(1/M);D=0:S=0"  #: A the largest corrected block scale: D = A*RN(1/M); S = 1/D, 0 for D = 0
    )
    NONE = "1"  #: no tensor scale (MX)


class BlockScale(Enum):
    """The block scale before rounding, from block amax b and S (N5)."""

    DIVIDE_THEN_MULTIPLY = "(b/6)*S"  #: two roundings
    FOLDED_RECIPROCAL = "b*(S*(1/6))"  #: S*RN(1/6) once per tensor, then one product
    RECIPROCAL_THEN_MULTIPLY = "S*(b*(1/6))"  #: b*RN(1/6) per block, then a product
    DIVIDE_BY_DECODE = "b/(6*D)"  #: 6*D once per tensor, then one division
    DIVIDE_THEN_DIVIDE = "(b/6)/D"  #: two divisions
    DECODE_RECIPROCAL = "b*(1/(6*D))"  #: the reciprocal once per tensor, then one product
    MULTIPLY_THEN_DIVIDE = "(S*b)/6"  #: two roundings
    DIVIDE_IN_INPUT_DTYPE = "S*RN_T(b/6)"  #: b/6 rounded to the input's dtype T, then a product
    RECIPROCAL_PER_MAXIMUM = "(b*(1/m))*(1/D)"  #: m is 6 or 4: each candidate from b itself
    NORMALISED = "((b/6)*M)/(A/6)"  #: three roundings, and A/6 once per tensor
    AMAX = "b"  #: the block amax itself, for a scale format that takes its exponent (MX)
    LOGARITHM = "2^RN(log2(b/6))"  #: b/6; the power of two where its float32 logarithm is whole (MX)
    LOGARITHM_IN_INPUT_DTYPE = "2^RN_T(log2(RN_T(b/6)))"  #: the same in the input's dtype T (MX)
    DECODE_THEN_DIVIDE = "(b/D)/m"  #: two divisions; m is 6 or 4: each candidate from b itself


class Map4Scale(Enum):
    """The map-to-4 candidate's scale (N6)."""

    EXPAND_BEFORE_ROUNDING = "E4M3(1.5*base)"
    EXPAND_AFTER_ROUNDING = "E4M3(1.5*E4M3(base))"
    FROM_BLOCK_AMAX = "base(m=4)"  #: the block scale's expression with 4 in place of 6
    EXPAND_AMAX = "base(1.5*b)"  #: the block scale's expression on 1.5*b
    EXPAND_QUOTIENT = "((b/6)*1.5)/D"  #: the product between both divisions of the block scale


class ScaleFloor(Enum):
    """What keeps a block scale away from zero (N7)."""

    NONE = "none"
    MIN_NORMAL = "max(base,2^-6)"  #: never subnormal, never zero
    ZERO_IS_ONE = "0:1,max(base,2^-9)"  #: a zero base is 1.0, then at least the smallest subnormal
    TINY_IS_ONE = "base<2^-63:1"  #: a base below the root of the smallest normal is 1.0
    ZERO_IS_EIGHTH = "E4M3=0:0.125"  #: after the cast
    ZERO_ALONE_IS_ONE = "0:1"  #: a zero base is 1.0
    MIN_SUBNORMAL = "max(base,2^-9)"  #: never zero
    ZERO_CODE_IS_ONE = "E4M3=0:1"  #: after the cast


class ElementScaling(Enum):
    """How an element is divided by its scales (N8)."""

    RECIPROCAL_OF_PRODUCT = "x*(1/(s*D))"
    DIVIDE_BY_PRODUCT = "x/(s*D)"
    DIVIDE_BY_QUOTIENT = "x/(s/S)"
    RECIPROCAL_QUOTIENT = "x*((1/D)/s)"
    ENCODE_QUOTIENT = "x*(S/s)"
    DIVIDE_THEN_ENCODE = "RN_T(x/s)*S"  #: the quotient rounded to the input's dtype T
    ENCODE_THEN_DIVIDE = "(x*S)/s"
    DECODE_THEN_DIVIDE = "(x/D)/s"


class Reciprocal(Enum):
    """Who computes the reciprocals of the scales (N5, N8)."""

    EXACT = "exact"  #: a division, correctly rounded
    APPROXIMATE = "approximate"  #: rcp.approx.ftz, within 1 ulp: the hardware decides; modelled as exact


class ZeroScale(Enum):
    """Codes of a block whose scale rounded to zero (N8)."""

    ZERO_CODES = "codes=0"
    NO_SPECIAL_CASE = "reciprocal-of-0"  #: 1/0 is infinity; see ReciprocalOverflow
    ZERO_BLOCKS = "b=0:codes=0"  #: codes 0 for an all-zero block only, whatever the signs of its zeros
    SCALE_ONE = "s=1"  #: scaled as if the scale were 1; the byte stays 0
    MULTIPLIER_ZERO = "s=0:m=0"  #: the multiplier is 0: zeros with the signs of the values
    PRODUCT_ZERO = "s*D=0:m=0"  #: the multiplier is 0 where s*D is
    PRODUCT_TINY = "s*D=0:m=1e-8"  #: the multiplier is RN(1e-8) where s*D is 0
    SCALE_2_127 = "s=2^-127"  #: as if it were 2^-127, which byte 0 is in E8M0
    SCALE_2_126 = "s=2^-126"  #: as if it were 2^-126, the smallest normal float32
    DIVISOR_ZERO = "s*D=0:codes=0"  #: codes 0 where s*D is 0, whatever the signs of the values
    PRODUCT_ONE = "s*D=0:s*D=1"  #: the divisor s*D is 1 where it is 0


class ReciprocalOverflow(Enum):
    """What 1/(scale * D) becomes where it overflows (N8)."""

    CLAMP_TO_MAX = "FLT_MAX"
    INFINITY = "inf"
    MINIMUM_NUMBER = "fmin(FLT_MAX)"  #: FLT_MAX, and so is a multiplier that is NaN: fminf drops it


class ScaleNan(Enum):
    """The byte of a block scale that is NaN (N7)."""

    CODE_7F = "7F"
    CODE_FF = "FF"  #: with the sign bit, as 0*inf and NaN inputs come out of torch on x86


class ElementCast(Enum):
    """How a scaled value becomes a code of a float format (N9). Integers go to the nearest, ties to even."""

    SATURATE = "saturate"  #: to nearest even; magnitudes above the largest are the largest
    TIES_AWAY = "ties-away"  #: saturates; a tie goes to the larger magnitude
    TIES_TO_SMALLER = "ties-to-smaller"  #: saturates; a tie goes to the smaller magnitude
    FIRST_NEAREST = "first-nearest"  #: the first code whose |y - value|, rounded, is the smallest
    UNSATURATED = "unsaturated"  #: 8 and above keep their rounded value; the code wraps (8 -> code 8)
    NEAREST_PRODUCT = "nearest-product"  #: the first code whose |value*(s*D) - x|, rounded, is the smallest


class ElementNan(Enum):
    """The code of a scaled value that is NaN (N9). Integers have 0. Codes are named as those of E2M1."""

    CODE_7 = "7"  #: as the hardware conversion gives: +6, the largest value, or NaN where the format has it
    CODE_0 = "0"  #: no comparison of a ladder is true
    CODE_8 = "8"  #: -0
    CODE_B = "B"  #: -1.5: the bits of an x86 processor's NaN, with its sign, rounded as if they were a number
    WRAPS = "wraps"  #: the exponent field of NaN wraps into the code: 0xB


class ZeroSign(Enum):
    """When a code that is zero carries the sign bit (N9)."""

    SIGN_BIT = "sign-bit"  #: as the hardware: also for a scaled value of -0.0
    NEGATIVE_VALUES = "negative-values"  #: below zero only: -0.0 gives +0, -0.1 gives -0
    NEVER = "never"  #: a zero code is +0
    NOT_POSITIVE = "not-positive"  #: unless above zero: +0.0 gives -0 too
    ALWAYS = "always"  #: every zero code is -0


class ErrorDomain(Enum):
    """Where a candidate's element error is measured (N10)."""

    INPUT_AMAX = "((q*s)*A)/C-x"  #: two roundings to the value (q*s is exact), one for the difference
    INPUT_DECODE = "(q*s)*D-x"
    SCALED = "q*s-x*S"
    INPUT_QUOTIENT = "q*(s/S)-x"
    INPUT_PRODUCT = "q*(s*D)-x"
    FUSED_RESIDUAL = "fma(q,-(s*D),x)"
    DECODED = "q*s-x/D"
    RECIPROCALS = "q*(1/(1/(s*D)))-x"  #: the reciprocal of 0 is 0
    UNSCALED = "unscaled"  #: a fake quantizer in the dtype of the input; see fos_ref/model/unscaled.py
    STRAIGHT_THROUGH = "(x+(q*(s*D)-x))-x"  #: s*D is 1 where it is 0; gradients pass through
    TRIAL = "trial"  #: a fake quantizer of its own; see fos_ref/model/trial.py


class ErrorMetric(Enum):
    """What is minimised over a block (N11)."""

    MSE = "mse"
    MAE = "mae"
    ABS_MAX = "absmax"
    POWER = "power-2.4"  #: the sum of |d|^2.4, the exponent and each power rounded to the input's dtype T


class Reduction(Enum):
    """The order in which a block's error terms are added (N12)."""

    SEQUENTIAL = "sequential"  #: 0..15 in order; 16x16: each row so, then rows by the tree 8, 4, 2, 1
    FUSED_SEQUENTIAL = "fma-sequential"  #: e = fma(d, d, e) in element order; tiles as SEQUENTIAL
    HALVES = "halves"  #: elements 0..7 and 8..15 in order, then one addition
    FUSED_EVEN_ODD = "fma-even-odd"  #: per half: even and odd elements by fma, added; then the halves
    TORCH_CPU = "torch-cpu"  #: torch.sum on a CPU: 8 lanes of pairs, then the lanes in order


class Tie(Enum):
    """The winner when both errors are equal (N13)."""

    SIX = "six"
    FOUR = "four"


class Dequantize(Enum):
    """The expression that turns codes back into values (N14)."""

    AMAX_DIVIDE = "((q*s)*A)/C"
    AMAX_RECIPROCAL = "q*((s*A)*(1/C))"
    DECODE = "(q*s)*D"
    DECODE_PRODUCT = "q*(s*D)"
    DECODE_QUOTIENT = "q*(s/S)"
    AMAX_QUOTIENT = "q*(s*(A/C))"
    ENCODE_DIVIDE = "(q*s)/S"


class NonFinite(Enum):
    """What a NaN or an infinity in the input does (N2)."""

    RAISE = "raise"
    PROPAGATE = "propagate"  #: the maxima and the arithmetic carry it
    DROP_NAN = "drop-nan"  #: the maxima skip NaN; the arithmetic carries it


class ElementRounding(Enum):
    """Which of its two neighbours a scaled value is rounded to (N9): the nearest, or as random bits say.

    The rules A, B and C are those of P3109; the others are programs' own (fos_ref/random/programs).
    """

    NEAREST = "rne"  #: as `element_cast` says
    SR_A = "sr-a"  #: floor(nu 2^N) + R >= 2^N goes up: cvt.rs
    SR_B = "sr-b"  #: floor(nu 2^(N+1)) + 2R + 1 >= 2^(N+1)
    SR_C = "sr-c"  #: RNE(nu 2^N) + R >= 2^N
    TE_SOFTWARE = "te-software"  #: a fused multiply-add, then down: 8 bits
    FOUROVERSIX_TORCH = "fouroversix-torch"  #: a uniform number is added, then to nearest even: 24 bits
    QUARTET2_SIMULATOR = "quartet2-simulator"  #: by the quotient, values of the format too: 32 bits


class RandomFeed(Enum):
    """Which bits of a random word a value gets (N9): as fos_ref/random/feeds.py has it, or not known."""

    BYTE_LANE = "byte-lane"  #: four values a word
    PAIR_REVERSED = "pair-bit-reversed"  #: four values a word
    BYTE_NATURAL = "byte-natural"  #: four values a word
    HALF_REVERSED = "half-bit-reversed"  #: four values a word
    HALF = "half"  #: two values a word
    WORD = "word"  #: one value a word
    HARDWARE_DECIDES = "hardware-decides"  #: not known: a chip has to say, so no bits are given


class RandomDraws(Enum):
    """Whether the two candidates of a block are rounded by the same random numbers (N9)."""

    SHARED = "shared"
    OWN = "own"  #: the words of map-to-6, then those of map-to-4


class ScaleRounding(Enum):
    """Which of its two E4M3 neighbours a block scale is rounded to (N7)."""

    NEAREST = "rne"  #: as `scale_format` says
    QUARTET2_SCALES = "quartet2-scales"  #: up where the bits that are cut off exceed 16 random bits
    QUARTET2_SIMULATOR = "quartet2-simulator-scales"  #: up where a uniform number is below the quotient


class RangeFactor(Enum):
    """What the largest element is multiplied by where a range is made of it (N3, N5).

    The largest value of a block is scaled to E times this, so that a block scale that is rounded down does
    not clip it.
    """

    ONE = "1"
    SIXTEEN_SEVENTEENTHS = "16/17"
    EDEN = "16/17/0.93"  #: the largest value is clipped, where a corrected scale makes up for that
