// All arithmetic of an NVFP4 recipe (E2M1 elements, E4M3 block scales), steps N2 to N13 of docs/numerics.md.
//
// One text for two compilers: g++ for the host, NVRTC for the device. It includes nothing. The recipe is a set
// of compile-time constants, written by fos_gpu/build/lower.py as -DFOS_TIE=six and so on: each is the name of a member
// of an enum below, so that a value which is not carried out here does not compile.
//
// Every written operation is one rounding to nearest even, subnormals kept. That asks for -ffp-contract=off of
// g++ and for --fmad=false -ftz=false -prec-div=true of NVRTC. A fused multiply-add is written as fused().
#ifndef FOS_NUMERICS_H
#define FOS_NUMERICS_H

#if defined(__CUDACC_RTC__) || defined(__CUDACC__)
#define FOS_INLINE __host__ __device__ __forceinline__
#define FOS_HD FOS_INLINE
#define FOS_UNROLL _Pragma("unroll")
#else
#define FOS_INLINE inline __attribute__((always_inline))
#define FOS_HD static FOS_INLINE
#define FOS_UNROLL
#endif

namespace fos {

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;

// --- the axes: members have the names of fos_ref/recipes/axes.py in small letters; unset is None -----------------

enum class BlockShape { row_16, tile_16x16 };
enum class ElementFormat { e2m1 };
enum class ScaleFormat { e4m3 };
enum class AmaxScope { tensor, row };
enum class Candidates { six, four, four_over_six };
enum class TensorScale {
  clamped, clamped_zero_is_one, zero_scales, quotient, quotient_zero_is_one, decode_quotient,
  decode_quotient_zero_is_one, decode_quotient_of_four, reciprocal_in_input_dtype,
  decode_reciprocals, reciprocal_times_range, reciprocal_zero_scales, encode_of_product,
  encode_of_quotient, none
};
enum class BlockScale {
  divide_then_multiply, folded_reciprocal, reciprocal_then_multiply, divide_by_decode, divide_then_divide,
  multiply_then_divide, decode_reciprocal, divide_in_input_dtype, reciprocal_per_maximum, normalised
};
enum class Map4Scale { unset, expand_before_rounding, expand_after_rounding, from_block_amax, expand_amax };
enum class ScaleFloor { none, min_normal, zero_is_one, tiny_is_one, zero_is_eighth };
enum class ScaleNan { code_7f, code_ff };
enum class ElementScaling {
  reciprocal_of_product, divide_by_product, divide_by_quotient, reciprocal_quotient, encode_quotient,
  divide_then_encode, encode_then_divide
};
enum class ZeroScale {
  zero_codes, no_special_case, zero_blocks, scale_one, multiplier_zero, product_zero, product_tiny
};
enum class ReciprocalOverflow { clamp_to_max, infinity, minimum_number };
enum class ElementCast { saturate, ties_away, ties_to_smaller, first_nearest, unsaturated };
enum class ElementNan { code_7, code_0, code_8, code_b, wraps };
enum class ZeroSign { sign_bit, negative_values, never };
enum class ErrorDomain {
  unset, input_amax, input_decode, scaled, input_quotient, input_product, fused_residual, trial
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

constexpr float kElementMax = FOS_ELEMENT_MAX;  // 6, or 4 where every block maps to 4
constexpr float kScaleMax = FOS_SCALE_MAX;      // M
constexpr float kRangeMax = kElementMax * kScaleMax;  // C, exact
constexpr bool kChooses = kCandidates == Candidates::four_over_six;
constexpr int kRows = kBlockShape == BlockShape::tile_16x16 ? 16 : 1;
constexpr int kRow = 16;

// --- bits -----------------------------------------------------------------------------------------------------

constexpr u32 kAbs = 0x7FFFFFFFu;
constexpr u32 kInf = 0x7F800000u;
constexpr u32 kOne = 0x3F800000u;
constexpr float kFltMax = 0x1.fffffep127f;

#if defined(__CUDA_ARCH__)
FOS_HD u32 bits_of(float x) { return __float_as_uint(x); }
FOS_HD float float_of(u32 u) { return __uint_as_float(u); }
FOS_HD float fused(float a, float b, float c) { return __fmaf_rn(a, b, c); }
FOS_HD float nearest_integer(float x) { return rintf(x); }
#else
FOS_HD u32 bits_of(float x) { u32 u; __builtin_memcpy(&u, &x, 4); return u; }
FOS_HD float float_of(u32 u) { float x; __builtin_memcpy(&x, &u, 4); return x; }
FOS_HD float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
FOS_HD float nearest_integer(float x) { return __builtin_rintf(x); }
#endif

FOS_HD u32 smaller(u32 a, u32 b) { return a < b ? a : b; }
FOS_HD u32 larger(u32 a, u32 b) { return a > b ? a : b; }
FOS_HD u32 magnitude(float x) { return bits_of(x) & kAbs; }
// By its bits, not by ==: g++ 13 takes A for zero wherever C/A has overflowed, and folds `A == 0 ? 1 : S` to 1.
FOS_HD bool is_zero(float x) { return magnitude(x) == 0u; }
FOS_HD bool is_nan(float x) { return magnitude(x) > kInf; }
FOS_HD float with_sign_of(float size, float x) { return float_of(magnitude(size) | (bits_of(x) & ~kAbs)); }

// A float16's bits as float32: exact, subnormals, infinities and NaN included.
FOS_HD float widen_half(u32 h) {
  u32 v = bits_of(float_of((h & 0x7FFFu) << 13) * 0x1p112f);
  v = (h & 0x7C00u) == 0x7C00u ? v | kInf : v;
  return float_of(v | ((h & 0x8000u) << 16));
}

FOS_HD float to_bfloat16(float x) {
  u32 u = bits_of(x);
  return is_nan(x) ? x : float_of((u + 0x7FFFu + ((u >> 16) & 1u)) & 0xFFFF0000u);
}

// Of a value of 0 and above: float16 with its subnormals and its infinity.
FOS_HD float to_float16(float x) {
  if (is_nan(x)) return x;
  if (x < 0x1p-14f) return (x + 0.5f) - 0.5f;  // the ulp of 0.5 is 2^-24, the smallest float16 subnormal
  u32 u = bits_of(x);
  u32 kept = (u + 0xFFFu + ((u >> 13) & 1u)) & 0xFFFFE000u;
  return kept >= 0x47800000u ? float_of(kInf) : float_of(kept);
}

template <Input kInput>
FOS_HD float in_input_dtype(float x) {
  if constexpr (kInput == Input::bfloat16) return to_bfloat16(x);
  if constexpr (kInput == Input::float16) return to_float16(x);
  return x;
}

// --- N2: the tensor amax, as the maximum of magnitude bits: a NaN has larger bits than any number --------------

FOS_HD u32 amax_bits(u32 most, float x) {
  u32 a = magnitude(x);
  if constexpr (kNonFinite == NonFinite::drop_nan) a = a > kInf ? 0u : a;
  return larger(most, a);
}

// --- N3: encode scale S and decode scale D from the tensor amax A -----------------------------------------------

struct Tensor {
  float amax, encode, decode;
};

FOS_HD float capped(float x) { return x > kFltMax ? kFltMax : x; }  // a NaN passes

FOS_HD Tensor from_encode(float amax, float s) { return {amax, s, 1.0f / s}; }

template <Input kInput>
FOS_HD Tensor tensor_scales(float a) {
  float d = 0.0f;
  if constexpr (kTensorScale == TensorScale::clamped || kTensorScale == TensorScale::clamped_zero_is_one) {
    float s = capped(kRangeMax / a);
    s = is_zero(s) ? 1.0f : s;
    if constexpr (kTensorScale == TensorScale::clamped_zero_is_one) s = is_zero(a) ? 1.0f : s;
    return from_encode(a, s);
  } else if constexpr (kTensorScale == TensorScale::zero_scales) {
    return from_encode(a, is_zero(a) ? 0.0f : kRangeMax / a);
  } else if constexpr (kTensorScale == TensorScale::quotient) {
    return from_encode(a, kRangeMax / a);
  } else if constexpr (kTensorScale == TensorScale::quotient_zero_is_one) {
    return from_encode(a, is_zero(a) ? 1.0f : kRangeMax / a);
  } else if constexpr (kTensorScale == TensorScale::reciprocal_in_input_dtype) {
    float tiny = kInput == Input::float16 ? 0x1p-14f : 0x1p-126f;
    float inverse = in_input_dtype<kInput>(1.0f / (a < tiny ? tiny : a));
    float s = in_input_dtype<kInput>(inverse * kRangeMax);
    return from_encode(a, magnitude(s) >= kInf ? 1.0f : s);
  } else if constexpr (kTensorScale == TensorScale::reciprocal_times_range) {
    return from_encode(a, is_zero(a) ? kFltMax : (1.0f / a) * kRangeMax);
  } else if constexpr (kTensorScale == TensorScale::reciprocal_zero_scales) {
    float s = is_zero(a) ? 0.0f : (1.0f / a) * kRangeMax;
    return {a, s, is_zero(s) ? 0.0f : 1.0f / s};
  } else if constexpr (kTensorScale == TensorScale::encode_of_product) {
    float s = 1.0f / (a * (1.0f / kRangeMax));
    return is_zero(a) ? Tensor{a, 0.0f, 0.0f} : from_encode(a, s);
  } else if constexpr (kTensorScale == TensorScale::encode_of_quotient) {
    return from_encode(a, is_zero(a) ? 1.0f : 1.0f / (a / kRangeMax));
  } else if constexpr (kTensorScale == TensorScale::none) {
    return {a, 1.0f, 1.0f};
  } else if constexpr (kTensorScale == TensorScale::decode_quotient_zero_is_one) {
    d = is_zero(a) ? 1.0f : a / kRangeMax;
  } else if constexpr (kTensorScale == TensorScale::decode_quotient_of_four) {
    d = is_zero(a) ? 1.0f : a / (4.0f * kScaleMax);
  } else if constexpr (kTensorScale == TensorScale::decode_quotient) {
    d = a / kRangeMax;
  } else {
    d = (a * (1.0f / kScaleMax)) * (1.0f / kElementMax);
    d = is_zero(a) ? 1.0f : d;
  }
  return {a, 1.0f / d, d};
}

// --- conversions ------------------------------------------------------------------------------------------------

// The E2M1 magnitude code of magnitude bits up to those of 8.0: adding 2^22 ulps of the binade leaves one
// fraction bit, so the addition itself rounds to nearest even.
FOS_HD u32 e2m1_magnitude(u32 a) {
  u32 m = larger(a & kInf, kOne) + (22u << 23);
  u32 t = bits_of(float_of(a) + float_of(m));
  return smaller((t - m) + ((m - 0x4A800000u) >> 22), 7u);
}

FOS_HD float e2m1_value(u32 code) {
  float size = float_of((code & 7u) << 22) * 0x1p126f;
  return float_of(bits_of(size) | ((code >> 3) << 31));
}

// The E4M3 magnitude code of magnitude bits up to those of 448.0: nearest even, gradual.
FOS_HD u32 e4m3_magnitude(u32 a) {
  u32 normal = ((a + 0x7FFFFu + ((a >> 20) & 1u)) >> 20) - 960u;
  u32 subnormal = bits_of(float_of(a) + 16384.0f) - 0x46800000u;  // the ulp of 2^14 is the smallest subnormal
  return a >= 0x3C800000u ? normal : subnormal;
}

FOS_HD float e4m3_value(u32 code) { return float_of(code << 20) * 0x1p120f; }

// --- N5 to N7: the block scale ----------------------------------------------------------------------------------

// N5. From block amax b, for elements up to m.
template <Input kInput>
FOS_HD float unrounded(float b, Tensor t, float m) {
  if constexpr (kBlockScale == BlockScale::divide_then_multiply) return (b / m) * t.encode;
  if constexpr (kBlockScale == BlockScale::folded_reciprocal) return capped(b * (t.encode * (1.0f / m)));
  if constexpr (kBlockScale == BlockScale::reciprocal_then_multiply) return t.encode * (b * (1.0f / m));
  if constexpr (kBlockScale == BlockScale::divide_by_decode) return b / (m * t.decode);
  if constexpr (kBlockScale == BlockScale::divide_then_divide) return (b / m) / t.decode;
  if constexpr (kBlockScale == BlockScale::multiply_then_divide) return (t.encode * b) / m;
  if constexpr (kBlockScale == BlockScale::decode_reciprocal) return b * (1.0f / (m * t.decode));
  if constexpr (kBlockScale == BlockScale::divide_in_input_dtype) return t.encode * in_input_dtype<kInput>(b / m);
  if constexpr (kBlockScale == BlockScale::reciprocal_per_maximum) return (b * (1.0f / m)) * (1.0f / t.decode);
  float base = b / m;  // normalised
  base = is_zero(base) ? 1.0f : base;
  return (base * kScaleMax) / (t.amax / m);
}

FOS_HD float floored(float base) {  // a NaN passes
  if constexpr (kScaleFloor == ScaleFloor::min_normal) return base < 0x1p-6f ? 0x1p-6f : base;
  if constexpr (kScaleFloor == ScaleFloor::tiny_is_one) return base < 0x1p-63f ? 1.0f : base;
  if constexpr (kScaleFloor == ScaleFloor::zero_is_one) {
    base = is_zero(base) ? 1.0f : base;
    return base < 0x1p-9f ? 0x1p-9f : base;
  }
  return base;
}

struct Scale {
  u32 byte;
  float value;
};

// N7.
FOS_HD Scale cast_scale(float base) {
  u32 a = magnitude(floored(base));
  if (a > kInf) return {kScaleNan == ScaleNan::code_ff ? 0xFFu : 0x7Fu, float_of(a)};
  u32 code = e4m3_magnitude(smaller(a, 0x43E00000u));
  if constexpr (kScaleFloor == ScaleFloor::zero_is_eighth) code = code == 0u ? 0x20u : code;
  return {code, e4m3_value(code)};
}

// N6.
template <Input kInput>
FOS_HD float map4_base(float base, float b, Tensor t) {
  if constexpr (kMap4Scale == Map4Scale::expand_before_rounding) return base * 1.5f;
  if constexpr (kMap4Scale == Map4Scale::expand_after_rounding) return cast_scale(base).value * 1.5f;
  if constexpr (kMap4Scale == Map4Scale::from_block_amax) return unrounded<kInput>(b, t, 4.0f);
  if constexpr (kMap4Scale == Map4Scale::expand_amax) return unrounded<kInput>(b * 1.5f, t, kElementMax);
  return base;
}

// --- N8, N9: elements -------------------------------------------------------------------------------------------

// One way to quantize a block: its amax (map-to-4 sees it times 1.5), scale, and the multiplier or divisor of x.
struct Candidate {
  float amax;
  Scale scale;
  float factor;
  bool zero;  // every scaled value is +0
};

FOS_HD float factor_of(float s, Tensor t) {
  if constexpr (kZeroScale == ZeroScale::multiplier_zero) {
    if (is_zero(s)) return 0.0f;
  }
  if constexpr (kZeroScale == ZeroScale::product_zero || kZeroScale == ZeroScale::product_tiny) {
    if (is_zero(s * t.decode)) return kZeroScale == ZeroScale::product_zero ? 0.0f : 1e-8f;
  }
  if constexpr (kElementScaling == ElementScaling::reciprocal_of_product) {
    float m = 1.0f / (s * t.decode);
    if constexpr (kReciprocalOverflow == ReciprocalOverflow::minimum_number) return m <= kFltMax ? m : kFltMax;
    return kReciprocalOverflow == ReciprocalOverflow::clamp_to_max ? capped(m) : m;
  }
  if constexpr (kElementScaling == ElementScaling::divide_by_product) return s * t.decode;
  if constexpr (kElementScaling == ElementScaling::divide_by_quotient) return s / t.encode;
  if constexpr (kElementScaling == ElementScaling::encode_quotient) return t.encode / s;
  if constexpr (kElementScaling == ElementScaling::divide_then_encode) return s;
  if constexpr (kElementScaling == ElementScaling::encode_then_divide) return s;
  return (1.0f / t.decode) / s;  // reciprocal_quotient
}

FOS_HD Candidate candidate(float base, float b, Tensor t) {
  Scale scale = cast_scale(base);
  float s = scale.value;
  if constexpr (kZeroScale == ZeroScale::scale_one) s = is_zero(s) ? 1.0f : s;
  bool zero = false;
  if constexpr (kZeroScale == ZeroScale::zero_codes) zero = is_zero(s);
  if constexpr (kZeroScale == ZeroScale::zero_blocks) zero = is_zero(b);
  return {b, scale, factor_of(s, t), zero};
}

template <Input kInput>
FOS_HD float scaled(float x, const Candidate& c, Tensor t) {
  if constexpr (kElementScaling == ElementScaling::divide_then_encode) {
    float y = x / c.factor;
    y = with_sign_of(in_input_dtype<kInput>(float_of(magnitude(y))), y) * t.encode;
    return c.zero ? 0.0f : y;
  }
  if constexpr (kElementScaling == ElementScaling::encode_then_divide)
    return c.zero ? 0.0f : (x * t.encode) / c.factor;
  constexpr bool divides = kElementScaling == ElementScaling::divide_by_product ||
                           kElementScaling == ElementScaling::divide_by_quotient;
  float y = divides ? x / c.factor : x * c.factor;
  return c.zero ? 0.0f : y;
}

struct Code {
  u32 code;     // it may pass 15 where the cast does not saturate
  float value;  // what it counts as in the error
};

FOS_HD u32 nan_code() {
  if constexpr (kElementNan == ElementNan::code_7) return 7u;
  if constexpr (kElementNan == ElementNan::code_0) return 0u;
  if constexpr (kElementNan == ElementNan::code_8) return 8u;
  return 0xBu;
}

FOS_HD u32 ties_away(float a) {
  return u32(a >= 0.25f) + u32(a >= 0.75f) + u32(a >= 1.25f) + u32(a >= 1.75f) + u32(a >= 2.5f) + u32(a >= 3.5f) +
         u32(a >= 5.0f);
}

FOS_HD u32 ties_to_smaller(float a) {
  return u32(a > 0.25f) + u32(a > 0.75f) + u32(a > 1.25f) + u32(a > 1.75f) + u32(a > 2.5f) + u32(a > 3.5f) +
         u32(a > 5.0f);
}

FOS_HD u32 first_nearest(float a) {
  float best = a;
  u32 code = 0u;
  FOS_UNROLL
  for (u32 size = 1u; size < 8u; size++) {
    float distance = float_of(magnitude(a - e2m1_value(size)));
    bool nearer = distance < best;
    best = nearer ? distance : best;
    code = nearer ? size : code;
  }
  return code;
}

FOS_HD u32 size_code(u32 a) {
  if constexpr (kElementCast == ElementCast::first_nearest) return first_nearest(float_of(a));
  if constexpr (kElementCast == ElementCast::ties_away) return ties_away(float_of(a));
  if constexpr (kElementCast == ElementCast::ties_to_smaller) return ties_to_smaller(float_of(a));
  return e2m1_magnitude(smaller(a, 0x41000000u));
}

// N9b: the grid continued upward in steps of 2, the code from the bfloat16 bits. A step is a power of two, so a
// division by it is a product with its reciprocal.
FOS_HD Code unsaturated(float y) {
  float a = float_of(magnitude(y));
  float step = a < 2.0f ? 0.5f : a < 4.0f ? 1.0f : 2.0f;
  float steps = a < 2.0f ? 2.0f : a < 4.0f ? 1.0f : 0.5f;
  float q = nearest_integer(a * steps) * step;
  if (is_nan(y) || a + a > kFltMax) return {nan_code(), float_of(0x7FC00000u)};
  u32 u = bits_of(q);
  u32 top = (u + 0x7FFFu + ((u >> 16) & 1u)) >> 16;
  u32 half = (top >> 7) - 126u;
  u32 size = is_zero(q) ? 0u : half == 0u ? 1u : ((half << 1) | ((top >> 6) & 1u));
  return {(size | ((bits_of(y) >> 31) << 3)) & 0xFFu, with_sign_of(q, y)};
}

FOS_HD Code saturated(float y) {
  u32 a = magnitude(y);
  u32 size = size_code(a), code = a > kInf ? nan_code() : size | ((bits_of(y) >> 31) << 3);
  if constexpr (kElementCast == ElementCast::first_nearest) code = size == 0u && a <= kInf ? 0u : code;
  return {code, e2m1_value(code)};
}

// N9.
FOS_HD Code cast_element(float y) {
  Code c = kElementCast == ElementCast::unsaturated ? unsaturated(y) : saturated(y);
  if constexpr (kZeroSign == ZeroSign::negative_values) c.code = is_zero(y) ? 0u : c.code;
  if constexpr (kZeroSign == ZeroSign::never) c.code = c.code == 8u && float_of(magnitude(y)) < 1.0f ? 0u : c.code;
  return c;
}

// --- N10 to N13: the choice -------------------------------------------------------------------------------------

// N10, all but the trial. q is what the code counts as, s the block scale.
FOS_HD float difference(float q, float s, float x, Tensor t) {
  if constexpr (kErrorDomain == ErrorDomain::input_amax) return ((q * s) * t.amax) / kRangeMax - x;
  if constexpr (kErrorDomain == ErrorDomain::input_decode) return (q * s) * t.decode - x;
  if constexpr (kErrorDomain == ErrorDomain::scaled) return q * s - x * t.encode;
  if constexpr (kErrorDomain == ErrorDomain::input_quotient) return q * (s / t.encode) - x;
  if constexpr (kErrorDomain == ErrorDomain::input_product) return q * (s * t.decode) - x;
  if constexpr (kErrorDomain == ErrorDomain::fused_residual) return fused(q, -(s * t.decode), x);
  return 0.0f;
}

// N10g: the scale of a fake quantizer that is not the one whose bits are stored.
FOS_HD float trial_scale(float b, Tensor t) {
  float a = (t.amax * (448.0f / kScaleMax)) / 6.0f;
  a = a <= 0x1p-24f ? 1.0f : a;
  float up = (1.0f / a) * 448.0f;
  u32 v = magnitude((b / 6.0f) * up);
  float rounded = v > kInf ? float_of(v) : e4m3_value(e4m3_magnitude(smaller(v, 0x43E00000u)));
  return rounded * (1.0f / up);
}

FOS_HD float trial_difference(float x, float s) {
  u32 y = bits_of(float_of(magnitude(x)) / s);
  u32 code = y > kInf ? 7u : e2m1_magnitude(smaller(y, 0x41000000u));
  float value = is_zero(s) ? 0.0f : with_sign_of(e2m1_value(code) * s, x);
  return value - x;
}

// N11.
FOS_HD float term(float d) { return kErrorMetric == ErrorMetric::mse ? d * d : float_of(magnitude(d)); }

FOS_HD float chain(const float* d, int first, int count, int stride) {
  float total = term(d[first]);
  FOS_UNROLL
  for (int i = 1; i < count; i++) total = total + term(d[first + i * stride]);
  return total;
}

FOS_HD float fused_chain(const float* d, int first, int count, int stride) {
  float total = 0.0f;
  FOS_UNROLL
  for (int i = 0; i < count; i++) total = fused(d[first + i * stride], d[first + i * stride], total);
  return total;
}

// N12, orders that add each row of a tile alone: 16 differences to one part, then parts to the error.
constexpr bool kRowsApart = kReduction == Reduction::unset || kReduction == Reduction::sequential ||
                            kReduction == Reduction::fused_sequential || kRows == 1;

FOS_HD float largest_term(const float* d, int n) {
  u32 most = 0u;
  FOS_UNROLL
  for (int i = 0; i < n; i++) most = larger(most, magnitude(d[i]));
  return float_of(most);
}

// N12, torch.sum on a CPU: vectors of 8 lanes into up to 4 accumulators, these in order, then the lanes.
template <int kValues>
FOS_HD float torch_sum(const float* d) {
  constexpr int vectors = kValues / 8, parts = vectors < 4 ? vectors : 4;
  float total = 0.0f;
  FOS_UNROLL
  for (int lane = 0; lane < 8; lane++) {
    float sum = chain(d, lane, (vectors + 3) / 4, 32);
    FOS_UNROLL
    for (int a = 1; a < parts; a++) sum = sum + chain(d, a * 8 + lane, (vectors - a + 3) / 4, 32);
    total = lane == 0 ? sum : total + sum;
  }
  return total;
}

// N12: the error of kValues differences in element order. A tile of 256 comes here whole only for an order that
// does not add its rows apart.
template <int kValues>
FOS_HD float block_error(const float* d) {
  if constexpr (kReduction == Reduction::unset) return largest_term(d, kValues);
  if constexpr (kReduction == Reduction::sequential) return chain(d, 0, kValues, 1);
  if constexpr (kReduction == Reduction::fused_sequential) return fused_chain(d, 0, kValues, 1);
  if constexpr (kReduction == Reduction::halves) return chain(d, 0, 8, 1) + chain(d, 8, kValues - 8, 1);
  if constexpr (kReduction == Reduction::fused_even_odd) {
    float first = fused_chain(d, 0, 4, 2) + fused_chain(d, 1, 4, 2);
    return first + (fused_chain(d, 8, (kValues - 8) / 2, 2) + fused_chain(d, 9, (kValues - 8) / 2, 2));
  }
  return torch_sum<kValues>(d);
}

// N12: the rows of a tile, each added up in order, joined by the tree 8, 4, 2, 1.
FOS_HD float join_rows(const float* parts) {
  if constexpr (kReduction == Reduction::unset) return largest_term(parts, 16);
  float r[16];
  FOS_UNROLL
  for (int i = 0; i < 16; i++) r[i] = parts[i];
  FOS_UNROLL
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; i++) r[i] = r[i] + r[i + half];
  return r[0];
}

// N13. A NaN error never wins.
FOS_HD bool picks_four(float error4, float error6) {
  return kTie == Tie::four ? error4 <= error6 : error4 < error6;
}

// --- the walk: what both the host's loop and the kernels call ---------------------------------------------------

struct Pair {
  Candidate six, four;  // `four` is a copy of `six` where there is nothing to choose
};

template <Input kInput>
FOS_HD Pair candidates(float b, Tensor t) {
  float base = unrounded<kInput>(b, t, kElementMax);
  Candidate six = candidate(base, b, t);
  if constexpr (!kChooses) return {six, six};
  return {six, candidate(map4_base<kInput>(base, b, t), b * 1.5f, t)};
}

// Sixteen inputs as words, two to a word where they have 16 bits, the first in the low half.
template <Input kInput>
constexpr int kWords = kInput == Input::float32 ? 16 : 8;

template <Input kInput>
FOS_HD void unpack(const u32 (&w)[kWords<kInput>], float (&x)[kRow]) {
  FOS_UNROLL
  for (int i = 0; i < kRow; i++) {
    if constexpr (kInput == Input::float32) {
      x[i] = float_of(w[i]);
    } else {
      u32 h = (w[i / 2] >> (16 * (i % 2))) & 0xFFFFu;
      x[i] = kInput == Input::bfloat16 ? float_of(h << 16) : widen_half(h);
    }
  }
}

FOS_HD u32 block_amax(const float (&x)[kRow]) {
  u32 most = 0u;
  FOS_UNROLL
  for (int i = 0; i < kRow; i++) most = amax_bits(most, x[i]);
  return most;
}

// Sixteen codes, eight to a word: element 2j in the low nibble of byte j. A code above 15 spills into the high
// nibble of its byte by OR; one in the high nibble loses its top.
struct Codes {
  u32 word[2];
};

// N9 for two values. fos_ptx.cuh has another such type, for devices that have an instruction.
struct EachElement {
  static FOS_INLINE void cast(const float (&y)[2], Code (&out)[2]) {
    out[0] = cast_element(y[0]);
    out[1] = cast_element(y[1]);
  }
};

// N8 to N10 for sixteen values; d receives the differences.
template <Input kInput, class Elements = EachElement>
FOS_HD Codes quantize_row(const float (&x)[kRow], const Candidate& c, Tensor t, float (&d)[kRow]) {
  Codes out = {{0u, 0u}};
  float s = c.scale.value;
  if constexpr (kErrorDomain == ErrorDomain::trial) s = trial_scale(c.amax, t);
  FOS_UNROLL
  for (int i = 0; i < kRow; i += 2) {
    const float y[2] = {scaled<kInput>(x[i], c, t), scaled<kInput>(x[i + 1], c, t)};
    Code code[2];
    Elements::cast(y, code);
    out.word[i / 8] |= ((code[0].code & 0xFFu) | (code[1].code & 0xFu) << 4) << (i % 8 / 2 * 8);
    FOS_UNROLL
    for (int j = 0; j < 2; j++) {
      if constexpr (kErrorDomain == ErrorDomain::trial) d[i + j] = trial_difference(x[i + j], s);
      else if constexpr (kChooses) d[i + j] = difference(code[j].value, s, x[i + j], t);
    }
  }
  return out;
}

// What is kept of a block: its scale byte and its choice.
struct Kept {
  u32 byte;
  bool four;
};

FOS_HD Kept keep(const Pair& pair, float error4, float error6) {
  if constexpr (!kChooses) return {pair.six.scale.byte, kCandidates == Candidates::four};
  bool four = picks_four(error4, error6);
  return {four ? pair.four.scale.byte : pair.six.scale.byte, four};
}

}  // namespace fos
#endif
