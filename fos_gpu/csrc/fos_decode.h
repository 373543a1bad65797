// From codes and scales back to values (N14), and what a block costs. For g++ and NVRTC, as fos_numerics.h,
// which is all it includes. fos_gpu/build/modules.py writes the constants.
#ifndef FOS_DECODE_H
#define FOS_DECODE_H

#include "fos_numerics.h"

namespace fos {

enum class Dequantize {
  amax_divide, amax_reciprocal, decode, decode_product, decode_quotient, amax_quotient, encode_divide
};
constexpr Dequantize kDequantize = Dequantize::FOS_DEQUANTIZE;

// What a scale byte says. The sign bit of E4M3 is a flag, not a sign; ggml's 7F counts as 0. A power of two is the
// exponent field of a float32: of N7b as it stands, of the others 0 is 2^-127 and FF is NaN.
FOS_HD float scale_value(u32 byte) {
  constexpr u32 nan = 0x7FC00000u;
  if constexpr (kScaleFormat == ScaleFormat::e8m0_up) return float_of(byte << 23);
  if constexpr (kPowerScale) return byte == kField ? float_of(nan) : power_of_two(static_cast<int>(byte) - 127);
  if constexpr (kScaleFormat == ScaleFormat::e5m3)
    return byte == kScaleGrid.nan ? float_of(nan) : value_of_code<Which::scale>(byte);
  u32 code = byte & 0x7Fu;
  if (code == 0x7Fu) return kScaleFormat == ScaleFormat::e4m3_half_up ? 0.0f : float_of(nan);
  return e4m3_value(code);
}

// N14. q times s is exact.
FOS_HD float decoded(float q, float s, Tensor t) {
  if constexpr (kDequantize == Dequantize::amax_divide) return ((q * s) * t.amax) / kRangeMax;
  if constexpr (kDequantize == Dequantize::amax_reciprocal) return q * ((s * t.amax) * (1.0f / kRangeMax));
  if constexpr (kDequantize == Dequantize::decode) return (q * s) * t.decode;
  if constexpr (kDequantize == Dequantize::decode_product) return q * (s * t.decode);
  if constexpr (kDequantize == Dequantize::amax_quotient) return q * (s * (t.amax / kRangeMax));
  if constexpr (kDequantize == Dequantize::encode_divide) return (q * s) / t.encode;
  return q * (s / t.encode);  // decode_quotient
}

template <Which kWhich>
FOS_HD void decode_row_as(const Codes& c, float s, Tensor t, float (&v)[kRow]) {
  FOS_UNROLL
  for (int i = 0; i < kRow; i++) {
    u32 code = (c.word[i / kPerWord] >> (i % kPerWord * (32 / kPerWord))) & kCodeMask;
    v[i] = counted<kWhich>(decoded(value_of_code<kWhich>(code), s, t));
  }
}

// Where there are two formats, the sign bit of the scale byte says that the codes are integers.
FOS_HD void decode_row(const Codes& c, u32 byte, Tensor t, float (&v)[kRow]) {
  constexpr bool flagged = kSecondGrid.unit != kOne;
  if (flagged && (byte & kIntegers) != 0u) decode_row_as<Which::second>(c, scale_value(byte), t, v);
  else decode_row_as<Which::first>(c, scale_value(byte), t, v);
}

// --- float32 to the bits of a type: nearest even, gradual underflow, one NaN -------------------------------------

FOS_HD u32 bfloat16_bits(float x) { return is_nan(x) ? 0x7FC0u : bits_of(to_bfloat16(x)) >> 16; }

FOS_HD u32 float16_bits(float x) {
  float size = to_float16(float_of(magnitude(x)));
  u32 sign = (bits_of(x) >> 16) & 0x8000u, a = bits_of(size);
  if (a > kInf) return 0x7E00u;
  if (a == kInf) return sign | 0x7C00u;
  if (a < 0x38800000u) return sign | (bits_of(size + 0.5f) - 0x3F000000u);  // counts units of 2^-24
  return sign | ((a >> 13) - 0x1C000u);
}

// The values of a block as words, two to a word where they have 16 bits, the first in the low half.
template <Input kOutput>
FOS_HD void pack(const float (&v)[kRow], u32 (&w)[kWords<kOutput>]) {
  FOS_UNROLL
  for (int i = 0; i < kWords<kOutput>; i++) {
    if constexpr (kOutput == Input::float32) w[i] = is_nan(v[i]) ? 0x7FC00000u : bits_of(v[i]);
    if constexpr (kOutput == Input::bfloat16) w[i] = bfloat16_bits(v[2 * i]) | bfloat16_bits(v[2 * i + 1]) << 16;
    if constexpr (kOutput == Input::float16) w[i] = float16_bits(v[2 * i]) | float16_bits(v[2 * i + 1]) << 16;
  }
}

// --- what a block costs: float64, each operation rounded once, in element order ----------------------------------

constexpr int kStatistics = 5;
constexpr int kLargest = 2;  // the statistic that is a maximum; the others are sums

// Of the differences e = v - x: sum of e*e, sum of |e|, largest |e|; and of x: sum of x*x, sum of |x|.
struct Statistics {
  double of[kStatistics];
};

FOS_HD double size_of(double x) { return x < 0.0 ? -x : x; }
FOS_HD double larger_or_nan(double a, double b) { return b > a || b != b ? b : a; }  // a NaN stays

FOS_HD double joined(int statistic, double a, double b) { return statistic == kLargest ? larger_or_nan(a, b) : a + b; }

FOS_HD Statistics statistics_of(const float (&v)[kRow], const float (&x)[kRow]) {
  Statistics s = {{0.0, 0.0, 0.0, 0.0, 0.0}};
  FOS_UNROLL
  for (int i = 0; i < kRow; i++) {
    double y = x[i], e = static_cast<double>(v[i]) - y;
    double terms[kStatistics] = {e * e, size_of(e), size_of(e), y * y, size_of(y)};
    FOS_UNROLL
    for (int j = 0; j < kStatistics; j++) s.of[j] = joined(j, s.of[j], terms[j]);
  }
  return s;
}

}  // namespace fos
#endif
