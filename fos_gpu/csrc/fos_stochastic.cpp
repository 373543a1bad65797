// A recipe with stochastic elements on the host: loops over blocks and tiles around fos_stochastic.h, called through
// ctypes, for float32 values. No arithmetic here.
#include "fos_stochastic.h"

using namespace fos;

namespace {

constexpr Input kInput = Input::float32;
constexpr int kWordsOfBlock = kRow / kServed;

// The words of a block of 16, in order.
struct Words {
  const u32* words;
  long long block;
  u32 operator()(int i) const { return words[block * kWordsOfBlock + i]; }
};

float error_of(const float (&d)[kRows][kRow]) {
  if constexpr (kRows == 1) return block_error<kRow>(d[0]);
  if constexpr (!kRowsApart) return block_error<kRows * kRow>(&d[0][0]);
  float parts[16];
  for (int i = 0; i < kRows; i++) parts[i] = block_error<kRow>(d[i]);
  return join_rows(parts);
}

}  // namespace

// x (rows, cols), scales (3,): A, S, D; words (rows, cols / kServed) of map-to-6 and of map-to-4, perhaps the same.
extern "C" void fos_stochastic(const float* x, long long rows, long long cols, const float* scales, const u32* words6,
                               const u32* words4, u32* codes, u8* bytes, u8* picked) {
  Tensor t = {scales[0], scales[1], scales[2]};
  long long per_row = cols / kRow;
  for (long long i = 0; i < rows / kRows * per_row; i++) {
    float v[kRows][kRow], d6[kRows][kRow] = {}, d4[kRows][kRow] = {};
    Codes six[kRows], four[kRows] = {};
    long long first = i / per_row * kRows * per_row + i % per_row;
    u32 most = 0u;
    for (int r = 0; r < kRows; r++) {
      for (int j = 0; j < kRow; j++) v[r][j] = x[(first + r * per_row) * kRow + j];
      most = larger(most, block_amax(v[r]));
    }
    Pair pair = candidates<kInput>(float_of(most), t);
    for (int r = 0; r < kRows; r++) {
      long long block = first + r * per_row;
      six[r] = stochastic_row<kInput>(v[r], pair.six, t, Words{words6, block}, d6[r]);
      if constexpr (kChooses) four[r] = stochastic_row<kInput>(v[r], pair.four, t, Words{words4, block}, d4[r]);
    }
    Kept kept = kChooses ? keep(pair, error_of(d4), error_of(d6)) : keep(pair, 0.0f, 0.0f);
    for (int r = 0; r < kRows; r++) {
      long long block = first + r * per_row;
      const Codes& own = kept.four ? four[r] : six[r];
      codes[2 * block] = own.word[0];
      codes[2 * block + 1] = own.word[1];
      bytes[block] = static_cast<u8>(kept.byte);
      picked[block] = kept.four;
    }
  }
}
