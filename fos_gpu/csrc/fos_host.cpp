// The recipe on the host: loops over blocks around fos_numerics.h, called through ctypes. No arithmetic here.
#include "fos_numerics.h"

namespace {

using namespace fos;


template <Input kInput>
void read(const void* x, long long at, float (&out)[kRow]) {
  u32 words[kWords<kInput>];
  __builtin_memcpy(words, static_cast<const char*>(x) + at * sizeof(words) / kRow, sizeof(words));
  unpack<kInput>(words, out);
}

// The error of one block from the differences of its rows.
float error_of(const float (&d)[kRows][kRow]) {
  if constexpr (kRows == 1) return block_error<kRow>(d[0]);
  if constexpr (!kRowsApart) return block_error<kRows * kRow>(&d[0][0]);
  float parts[16];
  for (int i = 0; i < kRows; i++) parts[i] = block_error<kRow>(d[i]);
  return join_rows(parts);
}

template <Input kInput>
void quantize(const void* x, long long rows, long long cols, const float* scales, void* codes, u8* bytes, u8* picked) {
  long long per_row = cols / kRow, lines = rows / kRows;
  long long own = kAmaxScope == AmaxScope::row ? rows : 1;
  for (long long i = 0; i < lines * per_row; i++) {
    long long line = i / per_row, column = i % per_row;
    long long at = kAmaxScope == AmaxScope::row ? line : 0;
    Tensor t = {scales[at], scales[own + at], scales[2 * own + at]};
    float v[kRows][kRow], d6[kRows][kRow] = {}, d4[kRows][kRow] = {};
    Codes six[kRows], four[kRows];
    u32 most = 0u;
    for (int r = 0; r < kRows; r++) {
      read<kInput>(x, (line * kRows + r) * cols + column * kRow, v[r]);
      most = larger(most, block_amax(v[r]));
    }
    Pair pair = candidates<kInput>(float_of(most), t);
    for (int r = 0; r < kRows; r++) six[r] = quantize_row(v[r], pair.six, t, d6[r]);
    float e6 = 0.0f, e4 = 0.0f;
    if constexpr (kChooses) {
      for (int r = 0; r < kRows; r++) four[r] = quantize_row(v[r], pair.four, t, d4[r]);
      e6 = error_of(d6);
      e4 = error_of(d4);
    }
    Kept kept = keep(pair, e4, e6);
    for (int r = 0; r < kRows; r++) {
      long long block = (line * kRows + r) * per_row + column;
      const Codes& mine = kChooses && kept.four ? four[r] : six[r];
      __builtin_memcpy(static_cast<char*>(codes) + block * 8, &mine, 8);
      bytes[block] = static_cast<u8>(kept.byte);
      picked[block] = kept.four;
    }
  }
}

template <Input kInput>
void amax(const void* x, long long rows, long long cols, float* out) {
  for (long long row = 0; row < rows; row++) {
    u32 most = 0u;
    for (long long i = 0; i < cols; i += kRow) {
      float v[kRow];
      read<kInput>(x, row * cols + i, v);
      most = larger(most, block_amax(v));
    }
    out[row] = float_of(most);
  }
}

template <Input kInput>
void scales_of(const float* amaxes, long long count, float* out) {
  for (long long i = 0; i < count; i++) {
    Tensor t = tensor_scales<kInput>(amaxes[i]);
    out[i] = t.amax;
    out[count + i] = t.encode;
    out[2 * count + i] = t.decode;
  }
}

}  // namespace

#define FOS_ENTRIES(kind)                                                                                       \
  extern "C" void fos_quantize_##kind(const void* x, long long rows, long long cols, const float* scales,       \
                                      void* codes, fos::u8* bytes, fos::u8* picked) {                           \
    quantize<fos::Input::kind>(x, rows, cols, scales, codes, bytes, picked);                                    \
  }                                                                                                             \
  extern "C" void fos_amax_##kind(const void* x, long long rows, long long cols, float* out) {                  \
    amax<fos::Input::kind>(x, rows, cols, out);                                                                 \
  }                                                                                                             \
  extern "C" void fos_tensor_scales_##kind(const float* amaxes, long long count, float* out) {                  \
    scales_of<fos::Input::kind>(amaxes, count, out);                                                            \
  }

FOS_ENTRIES(float32)
FOS_ENTRIES(bfloat16)
FOS_ENTRIES(float16)
