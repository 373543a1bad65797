// The rounders of programs onto E2M1, operation by operation in float32: none of them is quite a rule.
namespace fos {

#if defined(__CUDA_ARCH__)
FOS_HD float whole_below(float x) { return floorf(x); }
FOS_HD float rounded_from(u32 v) { return __uint2float_rn(v); }
#else
FOS_HD float whole_below(float x) { return __builtin_floorf(x); }
FOS_HD float rounded_from(u32 v) { return static_cast<float>(v); }
#endif

FOS_HD float lesser(float a, float b) { return a < b ? a : b; }

// The E2M1 code of a value of E2M1 and a sign.
FOS_HD u32 code_of_value(float q, bool negative) { return e2m1_magnitude(magnitude(q)) | (negative ? 8u : 0u); }

// Triton's tl.rand: the word as a signed number, folded, rounded to float32, times 2FFFFFFF.
FOS_HD float triton_uniform(u32 word) {
  u32 folded = word >> 31 != 0u ? ~word : word;
  return rounded_from(folded) * float_of(0x2FFFFFFFu);
}

// A whole number of 24 bits as a uniform number: torch's.
FOS_HD float torch_uniform(u32 digits) { return rounded_from(digits) * 0x1p-24f; }

// TransformerEngine without cvt.rs: a byte, one fma.
FOS_HD u32 te_software(float y, u32 byte) {
  bool nan = is_nan(y);
  float a = nan ? 6.0f : lesser(float_of(magnitude(y)), 12.0f);
  float step = a >= 4.0f ? 2.0f : a >= 2.0f ? 1.0f : 0.5f;
  float t = fused(rounded_from(byte) * 0x1p-8f, step, a);
  float wide = t >= 4.0f ? 2.0f : t >= 2.0f ? 1.0f : 0.5f, steps = t >= 4.0f ? 0.5f : t >= 2.0f ? 1.0f : 2.0f;
  return code_of_value(lesser(whole_below(t * steps) * wide, 6.0f), !nan && bits_of(y) >> 31 != 0u);
}

// fouroversix's PyTorch reference. NaN is not for it.
FOS_HD u32 fouroversix_torch(float y, float uniform) {
  float a = float_of(magnitude(y)), r = uniform - 0.5f, doubled = 2.0f * a + r;
  float q = lesser(2.0f * nearest_integer(a * 0.5f + r), 6.0f);
  if (a < 4.0f) q = nearest_integer(a + r);
  if (a < 2.0f) q = nearest_integer(doubled) * 0.5f;
  return code_of_value(q, (y < 0.0f) != (is_zero(q) && doubled < 0.0f));
}

// Quartet II's simulator: the largest value below a magnitude and the smallest above, never itself. NaN is not for it.
FOS_HD u32 quartet2_simulator(float y, float uniform) {
  float a = lesser(float_of(magnitude(y)), 12.0f), low = 0.0f, high = 6.0f;
  FOS_UNROLL
  for (u32 code = 1u; code < 7u; code++) low = e2m1_value(code) < a ? e2m1_value(code) : low;
  FOS_UNROLL
  for (u32 code = 7u; code > 0u; code--) high = e2m1_value(code) > a ? e2m1_value(code) : high;
  float p = (a - low) / (high - low);
  return code_of_value(uniform < p ? high : low, !(y > 0.0f));
}

}  // namespace fos
