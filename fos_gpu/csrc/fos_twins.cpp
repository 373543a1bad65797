// The conversions' twins on the host: loops around fos_ptx.cuh, called through ctypes. No arithmetic here.
#include "fos_ptx.cuh"

extern "C" void fos_twin_e2m1(const float* x, fos::u8* out, long long n) {
  for (long long i = 0; i < n; i++) out[i] = static_cast<fos::u8>(fos::e2m1_code(x[i]));
}

extern "C" void fos_twin_e4m3(const float* x, fos::u8* out, long long n) {
  for (long long i = 0; i < n; i++) out[i] = static_cast<fos::u8>(fos::e4m3_code(x[i]));
}

extern "C" void fos_pairs_e2m1(const float* high, const float* low, fos::u16* out, long long n) {
  for (long long i = 0; i < n; i++) out[i] = static_cast<fos::u16>(fos::cast_e2m1_pair(high[i], low[i]));
}

extern "C" void fos_pairs_e4m3(const float* high, const float* low, fos::u16* out, long long n) {
  for (long long i = 0; i < n; i++) out[i] = static_cast<fos::u16>(fos::cast_e4m3_pair(high[i], low[i]));
}
