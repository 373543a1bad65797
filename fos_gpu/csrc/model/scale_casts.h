// N7: the casts of a block scale that are not to E4M3, ties to even: powers of two, and ggml's.
namespace fos {

constexpr u32 kFraction = 0x7FFFFFu, kField = 0xFFu;

// log2 of a finite number above zero, rounded once from float64, which is within a few of its own ulps: no float32 has a
// logarithm so near to where it would count. 2/ln(2) * atanh(s) with s = (m - 1)/(m + 1), at most 0.172, as a series:
// no compiler's or device's own function, and nothing fused.
FOS_HD float logarithm(float x) {
  bool small = magnitude(x) < 0x800000u;
  u32 u = bits_of(small ? x * 0x1p24f : x), fraction = u & kFraction;
  bool upper = fraction > 0x3504F3u;  // the root of 2
  int e = static_cast<int>(u >> 23) - 127 - (small ? 24 : 0) + (upper ? 1 : 0);
  double m = float_of(fraction | (upper ? 0x3F000000u : kOne)), s = (m - 1.0) / (m + 1.0), z = s * s, sum = 0.0;
  FOS_UNROLL
  for (int k = 23; k > 0; k -= 2) sum = sum * z + 1.0 / k;
  return static_cast<float>(e + s * sum * 2.8853900817779268);
}

// 2^e for e from -149 to 128, where it is infinity.
FOS_HD float power_of_two(int e) { return float_of(e >= -126 ? bits_of_power(e) : 1u << (e + 149)); }

struct Scale {
  u32 byte;
  float value;
};

constexpr bool kPowerScale = kScaleFormat != ScaleFormat::e4m3 && kScaleFormat != ScaleFormat::e5m3 &&
                             kScaleFormat != ScaleFormat::e4m3_half_up;
// An exponent field, and the float32 that has it: 0 for 0, infinity for FF.
FOS_HD Scale of_field(u32 field) { return {field & kField, float_of((field & kField) << 23)}; }

// N7d to N7f. The exponent of the block amax, less what is left to the elements.
FOS_HD Scale of_amax(float base) {
  u32 a = magnitude(base), fraction = a & kFraction, field = a >> 23;
  if constexpr (kScaleFormat == ScaleFormat::e8m0_even) field += fraction >= 0x600000u ? 1u : 0u;
  if constexpr (kScaleFormat == ScaleFormat::e8m0_ceil) field += fraction != 0u ? 1u : 0u;
  return of_field(a > kInf ? kField : larger(field, FOS_ELEMENT_EXPONENT) - FOS_ELEMENT_EXPONENT);
}

// ceil(log2) of the magnitude bits of a finite number above zero.
FOS_HD int exponent_up(u32 a) {
  if (a >= 0x800000u) return static_cast<int>(a >> 23) - 127 + ((a & kFraction) != 0u ? 1 : 0);
  int e = -149;
  while ((1u << (e + 149)) < a) e++;
  return e;
}

// N7g.
FOS_HD Scale up_satfinite(float base) {
  u32 a = magnitude(base), code = smaller((a >> 23) + ((a & kFraction) != 0u ? 1u : 0u), kField - 1u);
  if (a > kInf) return {kField, float_of(a)};
  return of_field(a > 0x400000u ? code : 0u);  // 0 up to 2^-127
}

// N7h.
FOS_HD Scale up_wraps(float base) {
  u32 a = magnitude(base);
  if (a == 0u || a >= kInf) return {a == 0u ? 0u : kField, float_of(a)};
  int e = exponent_up(a);
  return {static_cast<u32>(e + 127) & kField, power_of_two(e)};
}

// N7i.
FOS_HD Scale nearest_log2(float base) {
  if (is_zero(base)) return {0u, 0.0f};
  if (magnitude(base) >= kInf) return of_field(kField);
  float exponent = logarithm(base), size = float_of(magnitude(exponent));
  int down = static_cast<int>(size), near = size - static_cast<float>(down) >= 0.5f ? down + 1 : down;
  near = near > 127 ? 127 : near;
  return of_field(static_cast<u32>(exponent < 0.0f ? 127 - near : 127 + near));
}

FOS_HD Scale cast_power(float base) {
  if constexpr (kScaleFormat == ScaleFormat::e8m0_up) {  // N7b
    u32 u = bits_of(base);
    return of_field((u >> 23) + ((u & kFraction) != 0u ? 1u : 0u));
  }
  if constexpr (kScaleFormat == ScaleFormat::e8m0_up_satfinite) return up_satfinite(base);
  if constexpr (kScaleFormat == ScaleFormat::e8m0_up_wraps) return up_wraps(base);
  if constexpr (kScaleFormat == ScaleFormat::e8m0_nearest_log2) return nearest_log2(base);
  return of_amax(base);
}

// N7k. Ties upward; what reaches 256 is 448; below 2^-6 at most 7 steps. What is not above 0, and NaN, is 0.
FOS_HD u32 half_up(float base) {
  float v = !(base > 0.0f) ? 0.0f : base < 448.0f ? base : 448.0f;
  if (v < 0x1p-6f) return smaller(static_cast<u32>(v * 512.0f + 0.5f), 7u);
  u32 code = (bits_of(v) >> 20) - 960u + ((bits_of(v) >> 19) & 1u);
  return code >= 0x78u ? 0x7Eu : code;
}

}  // namespace fos
