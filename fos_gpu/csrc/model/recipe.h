// The recipe: the axes as enums and the constants that a build gives. Members have the names of
// fos_ref/recipes/axes.py in small letters; unset is None. See ../fos_numerics.h.
namespace fos {

enum class BlockShape { row_16, row_8, row_32, tile_16x16 };
enum class ElementFormat {
  e2m1, int4, e2m1_or_int4, e2m0, e2m3, e3m2, e4m3, e5m2, int3, int6, int8, e2m0_or_int3, e2m3_or_int6, e3m2_or_int6
};
enum class ScaleFormat {
  e4m3, e5m3, e4m3_half_up, e8m0_up, e8m0_floor, e8m0_even, e8m0_ceil, e8m0_up_satfinite, e8m0_up_wraps,
  e8m0_nearest_log2
};
enum class AmaxScope { tensor, row };
enum class Candidates { six, four, seven, four_over_six, float_or_int, largest, factors, scales };
enum class Tried { none, amax, scale };  // what a search varies
enum class TensorScale {
  clamped, clamped_zero_is_one, zero_scales, quotient, quotient_zero_is_one, decode_quotient,
  decode_quotient_zero_is_one, decode_quotient_of_four, reciprocal_in_input_dtype,
  decode_reciprocals, reciprocal_times_range, reciprocal_zero_scales, encode_of_product,
  encode_of_quotient, decode_two_quotients, decode_two_quotients_short, none
};
enum class BlockScale {
  divide_then_multiply, folded_reciprocal, reciprocal_then_multiply, divide_by_decode, divide_then_divide,
  multiply_then_divide, decode_reciprocal, divide_in_input_dtype, reciprocal_per_maximum, normalised,
  decode_then_divide, amax, logarithm, logarithm_in_input_dtype
};
enum class Map4Scale { unset, expand_before_rounding, expand_after_rounding, from_block_amax, expand_amax, expand_quotient };
enum class ScaleFloor {
  none, min_normal, min_subnormal, zero_is_one, tiny_is_one, zero_is_eighth, zero_alone_is_one, zero_code_is_one
};
enum class ScaleNan { code_7f, code_ff };
enum class ElementScaling {
  reciprocal_of_product, divide_by_product, divide_by_quotient, reciprocal_quotient, encode_quotient,
  divide_then_encode, encode_then_divide, decode_then_divide
};
enum class ZeroScale {
  zero_codes, no_special_case, zero_blocks, scale_one, multiplier_zero, product_zero, product_tiny,
  scale_2_127, scale_2_126, divisor_zero, product_one
};
enum class ReciprocalOverflow { clamp_to_max, infinity, minimum_number };
enum class ElementCast { saturate, ties_away, ties_to_smaller, first_nearest, unsaturated, nearest_product };
enum class ElementNan { code_7, code_0, code_8, code_b, wraps };
enum class ZeroSign { sign_bit, negative_values, never, not_positive, always };
enum class ErrorDomain {
  unset, input_amax, input_decode, scaled, input_quotient, input_product, fused_residual, trial,
  decoded, straight_through, reciprocals
};
enum class ErrorMetric { unset, mse, mae, abs_max };
enum class Reduction { unset, sequential, fused_sequential, halves, fused_even_odd, torch_cpu };
enum class Tie { unset, six, four };
enum class NonFinite { raise, propagate, drop_nan };
enum class Input { float32, bfloat16, float16 };

constexpr BlockShape kBlockShape = BlockShape::FOS_BLOCK_SHAPE;
constexpr ElementFormat kElementFormat = ElementFormat::FOS_ELEMENT_FORMAT;
constexpr ScaleFormat kScaleFormat = ScaleFormat::FOS_SCALE_FORMAT;
constexpr AmaxScope kAmaxScope = AmaxScope::FOS_AMAX_SCOPE;
constexpr Candidates kCandidates = Candidates::FOS_CANDIDATES;
constexpr TensorScale kTensorScale = TensorScale::FOS_TENSOR_SCALE;
constexpr BlockScale kBlockScale = BlockScale::FOS_BLOCK_SCALE;
constexpr Map4Scale kMap4Scale = Map4Scale::FOS_MAP4_SCALE;
constexpr ScaleFloor kScaleFloor = ScaleFloor::FOS_SCALE_FLOOR;
constexpr ScaleNan kScaleNan = ScaleNan::FOS_SCALE_NAN;
constexpr ElementScaling kElementScaling = ElementScaling::FOS_ELEMENT_SCALING;
constexpr ZeroScale kZeroScale = ZeroScale::FOS_ZERO_SCALE;
constexpr ReciprocalOverflow kReciprocalOverflow = ReciprocalOverflow::FOS_RECIPROCAL_OVERFLOW;
constexpr ElementCast kElementCast = ElementCast::FOS_ELEMENT_CAST;
constexpr ElementNan kElementNan = ElementNan::FOS_ELEMENT_NAN;
constexpr ZeroSign kZeroSign = ZeroSign::FOS_ZERO_SIGN;
constexpr ErrorDomain kErrorDomain = ErrorDomain::FOS_ERROR_DOMAIN;
constexpr ErrorMetric kErrorMetric = ErrorMetric::FOS_ERROR_METRIC;
constexpr Reduction kReduction = Reduction::FOS_REDUCTION;
constexpr Tie kTie = Tie::FOS_TIE;
constexpr NonFinite kNonFinite = NonFinite::FOS_NONFINITE;

constexpr float kElementMax = FOS_ELEMENT_MAX;  // E: the largest element; 4 where every block maps to 4
constexpr float kScaleMax = FOS_SCALE_MAX;      // M
constexpr float kBound = FOS_BOUND;            // M, or a hundredth less
constexpr float kRangeMax = FOS_RANGE_MAX;      // C
constexpr bool kFloatOrInt = kCandidates == Candidates::float_or_int;
constexpr bool kChooses = kCandidates == Candidates::four_over_six || kFloatOrInt;
constexpr Tried kTried = Tried::FOS_TRIED;
constexpr bool kSearches = kTried != Tried::none;
constexpr int kRows = kBlockShape == BlockShape::tile_16x16 ? 16 : 1;
constexpr int kRow = FOS_BLOCK_COLS;  // consecutive values of a row under one block scale

}  // namespace fos
