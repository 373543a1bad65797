// Quartet II's stochastic rounding of positive block scales to E4M3: its kernels', and its simulator's.
namespace fos {

// Below 2^-6 and above 448 to nearest even. NaN gives 7F.
FOS_HD u32 quartet2_scale(float scale, u32 noise) {
  constexpr u32 cut = 0xFFFFFu;
  u32 a = magnitude(scale);
  if (a > kInf) return 0x7Fu;
  if (a < 0x3C800000u || a > 0x43E00000u) return e4m3_magnitude(smaller(a, 0x43E00000u));
  u32 low = (a >> 20) - 960u;  // the code that the cut bits leave
  return low + ((a & cut) > noise << 4 ? 1u : 0u);
}

// The neighbours of the scale by code; up where uniform < (scale - low) / (high - low). Scales up to 448.
FOS_HD u32 quartet2_simulator_scale(float scale, float uniform) {
  u32 nearest = e4m3_magnitude(magnitude(scale));
  u32 low = nearest - (e4m3_value(nearest) > scale ? 1u : 0u), high = smaller(low + 1u, 0x7Eu);
  float below = e4m3_value(low), gap = high > low ? e4m3_value(high) - below : 1.0f;
  return uniform < (scale - below) / gap ? high : low;
}

}  // namespace fos
