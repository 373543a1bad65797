// N9: a scaled value's code, and what it counts as.
namespace fos {

struct Code {
  u32 code;     // it may pass 15 where the cast does not saturate
  float value;  // what it counts as in the error
};

FOS_HD u32 nan_code() {
  if constexpr (kElementNan == ElementNan::code_7) return kFirstGrid.nan;
  if constexpr (kElementNan == ElementNan::code_0) return 0u;
  if constexpr (kElementNan == ElementNan::code_8) return kMinusZero;
  return 0xBu;
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

// N9g, of values that are not scaled: the first code whose |value * d - x| is the smallest, d being the divisor. What is
// no number is never nearer.
FOS_HD Code nearest_product(float x, float d, float y) {
  float a = float_of(magnitude(x)), best = float_of(magnitude(0.0f * d - a));
  best = is_nan(best) ? float_of(kInf) : best;
  u32 code = 0u;
  FOS_UNROLL
  for (u32 size = 1u; size < 8u; size++) {
    float distance = float_of(magnitude(e2m1_value(size) * d - a));
    bool nearer = distance < best;
    best = nearer ? distance : best;
    code = nearer ? size : code;
  }
  code = is_nan(y) ? nan_code() : code != 0u ? code | (bits_of(x) >> 31) << 3 : 0u;
  return {code, e2m1_value(code)};
}

FOS_HD u32 size_code(u32 a) {
  if constexpr (kElementCast == ElementCast::first_nearest) return first_nearest(float_of(a));
  if constexpr (kElementCast == ElementCast::ties_away) return nearest_code<Which::first, -1>(a);
  if constexpr (kElementCast == ElementCast::ties_to_smaller) return nearest_code<Which::first, 1>(a);
  return nearest_code<Which::first>(a);
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
  u32 a = magnitude(y), minus = bits_of(y) >> 31;
  u32 size = size_code(a), code = a > kInf ? nan_code() : size | (minus << (kWidth - 1));
  if constexpr (kElementCast == ElementCast::first_nearest) code = size == 0u && a <= kInf ? 0u : code;
  return {code, value_of_code<Which::first>(code)};
}

// N9d. Integers: no -0, and NaN is 0.
template <Which kWhich>
FOS_HD Code whole(float y) {
  constexpr Grid g = kGrid<kWhich>;
  u32 a = magnitude(y), size = a > kInf ? 0u : nearest_code<kWhich>(a);
  bool negative = (bits_of(y) >> 31) != 0u && size != 0u;
  u32 code = size;
  if (negative) code = g.turned ? (0u - size) & kCodeMask : size | kMinusZero;
  return {code, value_of_code<kWhich>(code)};
}

FOS_HD u32 with_zero_sign(float y, u32 code) {
  if constexpr (kZeroSign == ZeroSign::negative_values) return is_zero(y) ? 0u : code;
  if constexpr (kZeroSign == ZeroSign::never) return code == kMinusZero && float_of(magnitude(y)) < 1.0f ? 0u : code;
  if constexpr (kZeroSign == ZeroSign::not_positive) return is_zero(y) && code == 0u ? kMinusZero : code;
  if constexpr (kZeroSign == ZeroSign::always) return code == 0u ? kMinusZero : code;
  return code;
}

// N9.
template <Which kWhich = Which::first>
FOS_HD Code cast_element(float y) {
  constexpr Grid g = kGrid<kWhich>;
  if constexpr (g.rescale != kOne) y = y * float_of(g.rescale);
  if constexpr (is_whole(g)) return whole<kWhich>(y);
  Code c = kElementCast == ElementCast::unsaturated ? unsaturated(y) : saturated(y);
  c.code = with_zero_sign(y, c.code);
  return c;
}

}  // namespace fos
