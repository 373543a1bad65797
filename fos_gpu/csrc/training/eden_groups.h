// MS-EDEN of Quartet II's simulator: 128 values of a row correct the nearest scales of their eight blocks.
namespace fos {

constexpr int kGroup = 128, kGroupBlocks = 8;
constexpr float kGroupBound = 255.99f;  // M

struct EdenGroup {
  u32 word[kGroup / 8];
  float scale[kGroupBlocks];  // corrected, not yet rounded
};

// N3p: D from the largest magnitude.
FOS_HD float group_tensor_scale(float most) { return is_zero(most) ? 1.0f : (most / kGroupBound) / kEdenLimit; }

// N7: the nearest scale; one that is 0 is 1.
FOS_HD float nearest_scale(float base) {
  u32 a = magnitude(base);
  if (a > kInf) return base;
  u32 code = e4m3_magnitude(smaller(a, 0x43E00000u));
  return e4m3_value(code == 0u ? 0x38u : code);
}

// N9c: every comparison of the program's ladder, and a sign unless the value is above zero.
FOS_HD u32 ladder(float v) {
  float a = float_of(magnitude(v));
  u32 size = (a >= 0.25f) + (a >= 0.75f) + (a >= 1.25f) + (a >= 1.75f) + (a >= 2.5f) + (a >= 3.5f) + (a >= 5.0f);
  return size | (v > 0.0f ? 0u : 8u);
}

// N6i: `at` gives the values of the group, finite, by their place.
template <class At>
FOS_HD EdenGroup eden_group(At at, float tensor_scale) {
  EdenGroup found = {};
  float square = 0.0f, product = 0.0f;
  for (int block = 0; block < kGroupBlocks; block++) {
    u32 most = 0u;
    for (int i = 0; i < 16; i++) most = larger(most, magnitude(at(16 * block + i)));
    float scale = nearest_scale((float_of(most) / kEdenLimit) / tensor_scale), divisor = scale * tensor_scale;
    found.scale[block] = scale;
    for (int i = 0; i < 16; i++) {
      float v = at(16 * block + i) / divisor;
      u32 code = ladder(v);
      found.word[2 * block + i / 8] |= code << (i % 8 * 4);
      square = square + v * v;
      product = product + v * e2m1_value(code);
    }
  }
  float correction = is_zero(product) ? 1.0f : square / product;
  for (int block = 0; block < kGroupBlocks; block++) found.scale[block] = found.scale[block] * correction;
  return found;
}

// N7m: the stored block scale, by a word; above 448 it saturates, NaN gives 7F.
FOS_HD u32 group_scale_byte(float scale, u32 word) {
  u32 a = magnitude(scale);
  if (a > kInf) return 0x7Fu;
  return quartet2_simulator_scale(float_of(smaller(a, 0x43E00000u)), triton_uniform(word));
}

}  // namespace fos
