// float32 and its bits, and the roundings to bfloat16 and float16.
namespace fos {

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

}  // namespace fos
