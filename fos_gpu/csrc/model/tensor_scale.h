// N2 and N3: the tensor amax, and the scales S and D from it.
namespace fos {

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
  } else if constexpr (kTensorScale == TensorScale::decode_two_quotients ||
                       kTensorScale == TensorScale::decode_two_quotients_short) {
    d = is_zero(a) ? 1.0f : (a / kBound) / kElementMax;
  } else if constexpr (kTensorScale == TensorScale::decode_quotient) {
    d = a / kRangeMax;
  } else {
    d = (a * (1.0f / kScaleMax)) * (1.0f / kElementMax);
    d = is_zero(a) ? 1.0f : d;
  }
  return {a, 1.0f / d, d};
}

}  // namespace fos
