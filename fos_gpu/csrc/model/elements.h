// N9: a scaled value's code, and what it counts as.
namespace fos {

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

}  // namespace fos
