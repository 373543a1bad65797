// N5 to N7: a block's scale from its amax, before rounding and after it.
namespace fos {

// N5l, N5m. 2^l where l, log2(base) rounded to a dtype, is a whole number; base elsewhere.
template <Input kInput>
FOS_HD float near_power(float base) {
  if (is_zero(base) || magnitude(base) >= kInf) return base;
  float exponent = logarithm(base), size = in_input_dtype<kInput>(float_of(magnitude(exponent)));
  if (size != nearest_integer(size)) return base;
  int whole = static_cast<int>(size);
  return power_of_two(exponent < 0.0f ? -whole : whole);
}

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
  if constexpr (kBlockScale == BlockScale::decode_then_divide) return (b / t.decode) / m;
  if constexpr (kBlockScale == BlockScale::amax) return b;
  if constexpr (kBlockScale == BlockScale::logarithm) return near_power<Input::float32>(b / m);
  if constexpr (kBlockScale == BlockScale::logarithm_in_input_dtype)
    return near_power<kInput>(in_input_dtype<kInput>(b / m));
  float base = b / m;  // normalised
  base = is_zero(base) ? 1.0f : base;
  return (base * kScaleMax) / (t.amax / m);
}

FOS_HD float floored(float base) {  // a NaN passes
  if constexpr (kScaleFloor == ScaleFloor::min_normal) return base < 0x1p-6f ? 0x1p-6f : base;
  if constexpr (kScaleFloor == ScaleFloor::min_subnormal) return base < 0x1p-9f ? 0x1p-9f : base;
  if constexpr (kScaleFloor == ScaleFloor::zero_alone_is_one) return is_zero(base) ? 1.0f : base;
  if constexpr (kScaleFloor == ScaleFloor::tiny_is_one) return base < 0x1p-63f ? 1.0f : base;
  if constexpr (kScaleFloor == ScaleFloor::zero_is_one) {
    base = is_zero(base) ? 1.0f : base;
    return base < 0x1p-9f ? 0x1p-9f : base;
  }
  return base;
}

// N7.
FOS_HD Scale cast_scale(float base) {
  float floor = floored(base);
  if constexpr (kPowerScale) return cast_power(floor);
  u32 a = magnitude(floor);
  if constexpr (kScaleFormat == ScaleFormat::e4m3_half_up) {
    u32 code = half_up(floor);
    return {code, e4m3_value(code)};
  }
  if constexpr (kScaleFormat == ScaleFormat::e5m3) {
    if (a > kInf) return {kScaleGrid.nan, float_of(a)};
    u32 code = nearest_code<Which::scale>(a);
    return {code, value_of_code<Which::scale>(code)};
  }
  if (a > kInf) return {kScaleNan == ScaleNan::code_ff ? 0xFFu : 0x7Fu, float_of(a)};
  u32 code = e4m3_magnitude(smaller(a, 0x43E00000u));
  if constexpr (kScaleFloor == ScaleFloor::zero_is_eighth) code = code == 0u ? 0x20u : code;
  if constexpr (kScaleFloor == ScaleFloor::zero_code_is_one) code = code == 0u ? 0x38u : code;
  return {code, e4m3_value(code)};
}

// N6.
template <Input kInput>
FOS_HD float map4_base(float base, float b, Tensor t) {
  if constexpr (kMap4Scale == Map4Scale::expand_before_rounding) return base * 1.5f;
  if constexpr (kMap4Scale == Map4Scale::expand_after_rounding) return cast_scale(base).value * 1.5f;
  if constexpr (kMap4Scale == Map4Scale::from_block_amax) return unrounded<kInput>(b, t, 4.0f);
  if constexpr (kMap4Scale == Map4Scale::expand_amax) return unrounded<kInput>(b * 1.5f, t, kElementMax);
  if constexpr (kMap4Scale == Map4Scale::expand_quotient) return ((b / kElementMax) * 1.5f) / t.decode;
  return base;
}

}  // namespace fos
