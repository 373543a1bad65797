// N5 to N7: a block's scale from its amax, before rounding and after it.
namespace fos {

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

}  // namespace fos
