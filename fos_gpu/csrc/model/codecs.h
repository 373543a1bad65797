// The codecs of E2M1 and E4M3: magnitudes to codes and back.
namespace fos {

// The E2M1 magnitude code of magnitude bits up to those of 8.0: adding 2^22 ulps of the binade leaves one
// fraction bit, so the addition itself rounds to nearest even.
FOS_HD u32 e2m1_magnitude(u32 a) {
  u32 m = larger(a & kInf, kOne) + (22u << 23);
  u32 t = bits_of(float_of(a) + float_of(m));
  return smaller((t - m) + ((m - 0x4A800000u) >> 22), 7u);
}

FOS_HD float e2m1_value(u32 code) {
  float size = float_of((code & 7u) << 22) * 0x1p126f;
  return float_of(bits_of(size) | ((code >> 3) << 31));
}

// The E4M3 magnitude code of magnitude bits up to those of 448.0: nearest even, gradual.
FOS_HD u32 e4m3_magnitude(u32 a) {
  u32 normal = ((a + 0x7FFFFu + ((a >> 20) & 1u)) >> 20) - 960u;
  u32 subnormal = bits_of(float_of(a) + 16384.0f) - 0x46800000u;  // the ulp of 2^14 is the smallest subnormal
  return a >= 0x3C800000u ? normal : subnormal;
}

FOS_HD float e4m3_value(u32 code) { return float_of(code << 20) * 0x1p120f; }

}  // namespace fos
