// N8: what a value is multiplied or divided by.
namespace fos {

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
  if constexpr (kZeroScale == ZeroScale::product_one) {
    if (is_zero(s * t.decode)) return 1.0f;
  }
  if constexpr (kElementScaling == ElementScaling::divide_by_product) return s * t.decode;
  if constexpr (kElementScaling == ElementScaling::divide_by_quotient) return s / t.encode;
  if constexpr (kElementScaling == ElementScaling::encode_quotient) return t.encode / s;
  if constexpr (kElementScaling == ElementScaling::divide_then_encode) return s;
  if constexpr (kElementScaling == ElementScaling::encode_then_divide) return s;
  if constexpr (kElementScaling == ElementScaling::decode_then_divide) return s;
  return (1.0f / t.decode) / s;  // reciprocal_quotient
}

FOS_HD Candidate candidate(float base, float b, Tensor t) {
  Scale scale = cast_scale(base);
  float s = scale.value;
  if constexpr (kZeroScale == ZeroScale::scale_one) s = is_zero(s) ? 1.0f : s;
  if constexpr (kZeroScale == ZeroScale::scale_2_127) s = is_zero(s) ? 0x1p-127f : s;
  if constexpr (kZeroScale == ZeroScale::scale_2_126) s = is_zero(s) ? 0x1p-126f : s;
  float factor = factor_of(s, t);
  bool zero = false;
  if constexpr (kZeroScale == ZeroScale::zero_codes) zero = is_zero(s);
  if constexpr (kZeroScale == ZeroScale::zero_blocks) zero = is_zero(b);
  if constexpr (kZeroScale == ZeroScale::divisor_zero) zero = is_zero(factor);
  return {b, scale, factor, zero};
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
  if constexpr (kElementScaling == ElementScaling::decode_then_divide)
    return c.zero ? 0.0f : (x / t.decode) / c.factor;
  constexpr bool divides = kElementScaling == ElementScaling::divide_by_product ||
                           kElementScaling == ElementScaling::divide_by_quotient;
  float y = divides ? x / c.factor : x * c.factor;
  return c.zero ? 0.0f : y;
}

}  // namespace fos
