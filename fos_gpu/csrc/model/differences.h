// N10: the difference between what a code stands for and the input.
namespace fos {

// N10, all but the trial. q is what the code counts as, s the block scale.
template <Which kWhich = Which::first>
FOS_HD float counted(float v) {  // times the worth of a step
  constexpr u32 unit = kGrid<kWhich>.unit;
  if constexpr (unit == kOne) return v;
  return v * float_of(unit);
}

FOS_HD float reciprocal(float v) { return is_zero(v) ? 0.0f : 1.0f / v; }

template <Which kWhich = Which::first>
FOS_HD float difference(float q, float s, float x, Tensor t) {
  if constexpr (kErrorDomain == ErrorDomain::input_amax) return counted<kWhich>((q * s) * t.amax) / kRangeMax - x;
  if constexpr (kErrorDomain == ErrorDomain::input_decode) return counted<kWhich>((q * s) * t.decode) - x;
  if constexpr (kErrorDomain == ErrorDomain::scaled) return counted<kWhich>(q * s) - x * t.encode;
  if constexpr (kErrorDomain == ErrorDomain::input_quotient) return counted<kWhich>(q * (s / t.encode)) - x;
  if constexpr (kErrorDomain == ErrorDomain::input_product) return counted<kWhich>(q * (s * t.decode)) - x;
  if constexpr (kErrorDomain == ErrorDomain::fused_residual) return fused(counted<kWhich>(q), -(s * t.decode), x);
  if constexpr (kErrorDomain == ErrorDomain::decoded) return counted<kWhich>(q * s) - x / t.decode;
  if constexpr (kErrorDomain == ErrorDomain::straight_through) {
    float product = s * t.decode;
    product = is_zero(product) ? 1.0f : product;
    return (x + (counted<kWhich>(q * product) - x)) - x;
  }
  if constexpr (kErrorDomain == ErrorDomain::reciprocals)
    return counted<kWhich>(q * reciprocal(reciprocal(s * t.decode))) - x;
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

}  // namespace fos
