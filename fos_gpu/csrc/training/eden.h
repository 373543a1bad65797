// MS-EDEN of Quartet II's kernels, on rotated values: nearest elements, a corrected scale, rounded stochastically.
// Where the chip has rcp.approx there is a true division here.
namespace fos {

constexpr float kEdenLimit = static_cast<float>(6.0 / ((17.0 / 16.0) * 0.93));  // what a block's largest maps to

struct Eden {
  u32 word[2];  // sixteen codes
  float scale;  // corrected, a value of bfloat16
};

// Two lanes of fused sums, even and odd elements, then their sum.
FOS_HD float lanes_sum(const float (&a)[16], const float (&b)[16]) {
  float even = 0.0f, odd = 0.0f;
  FOS_UNROLL
  for (int i = 0; i < 16; i += 2) {
    even = fused(a[i], b[i], even);
    odd = fused(a[i + 1], b[i + 1], odd);
  }
  return even + odd;
}

FOS_HD Eden eden_block(const float (&y)[16]) {
  u32 most = 0u;
  FOS_UNROLL
  for (int i = 0; i < 16; i++) most = larger(most, magnitude(y[i]));
  float cut = float_of(bits_of(float_of(most) * (1.0f / kEdenLimit)) & 0xFFF80000u);
  float factor = is_zero(cut) ? 0.0f : 1.0f / cut;
  float v[16], q[16];
  Eden found = {{0u, 0u}, 0.0f};
  FOS_UNROLL
  for (int i = 0; i < 16; i++) {
    v[i] = y[i] * factor;
    u32 a = magnitude(v[i]);
    u32 code = a > kInf ? 7u : e2m1_magnitude(smaller(a, 0x41000000u)) | bits_of(v[i]) >> 31 << 3;
    q[i] = e2m1_value(code);
    found.word[i / 8] |= code << (i % 8 * 4);
  }
  float power = lanes_sum(v, v), product = lanes_sum(v, q);
  float correction = is_zero(product) ? 1.0f : power * (1.0f / product);
  found.scale = to_bfloat16(cut * correction);
  return found;
}

// The stored tensor scale, from the largest corrected scale.
FOS_HD float eden_tensor_scale(float most) { return most * 0x1p-8f; }

// The stored block scale; a tensor of zeros has zeros.
FOS_HD u32 eden_scale_byte(float scale, float tensor_scale, u32 noise) {
  if (is_zero(tensor_scale)) return 0u;
  return quartet2_scale(scale * (1.0f / tensor_scale), noise);
}

}  // namespace fos
