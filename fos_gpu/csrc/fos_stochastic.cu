// A recipe's quantizer with stochastic elements, blocks along rows. All arithmetic is in fos_stochastic.h.
//
// Compiled for one recipe, one input dtype (FOS_INPUT) and one way to round. One thread a block of 16.
#include "fos_device.cuh"
#include "fos_stochastic.h"

using namespace fos;

namespace {

constexpr Input kInput = Input::FOS_INPUT;
constexpr int kWordsOfBlock = kRow / kServed;

__device__ __forceinline__ void write(const Stochastic& found, long long block, uint2* codes, u8* bytes, u8* picked) {
  codes[block] = make_uint2(found.codes.word[0], found.codes.word[1]);
  bytes[block] = static_cast<u8>(found.kept.byte);
  picked[block] = found.kept.four;
}

}  // namespace

// words (rows, cols / kServed): those of map-to-6, and those of map-to-4, which may be the same.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_quantize_with_words(const void* x, long long rows, long long cols, const float* scales, const u32* words,
                            const u32* words4, uint2* codes, u8* bytes, u8* picked) {
  long long block = blockIdx.x * static_cast<long long>(kThreads) + threadIdx.x, per_row = cols / kRow;
  if (block >= rows * per_row) return;
  float v[kRow];
  read_row<kInput>(x, block * kRow, v);
  auto six = [&](int i) { return words[block * kWordsOfBlock + i]; };
  auto four = [&](int i) { return words4[block * kWordsOfBlock + i]; };
  write(stochastic_block<kInput>(v, tensor_at(scales, rows, block / per_row), six, four), block, codes, bytes, picked);
}

// The same with the words of a map, drawn here; both candidates have the same.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_quantize_and_draw(const void* x, long long rows, long long cols, const float* scales, int map,
                          unsigned long long seed, unsigned long long offset, int rounds, int choice, int tile_tokens,
                          int tile_features, uint2* codes, u8* bytes, u8* picked) {
  long long block = blockIdx.x * static_cast<long long>(kThreads) + threadIdx.x, per_row = cols / kRow;
  if (block >= rows * per_row) return;
  Request q = {static_cast<Map>(map), rows, cols, seed, offset, rounds, choice, tile_tokens, tile_features};
  float v[kRow];
  read_row<kInput>(x, block * kRow, v);
  long long row = block / per_row, first = block % per_row * kWordsOfBlock;
  u32 drawn[kWordsOfBlock];
  FOS_LOOP
  for (int i = 0; i < kWordsOfBlock; i++) drawn[i] = word_of(q, row, first + i);
  auto word = [&](int i) { return drawn[i]; };
  write(stochastic_block<kInput>(v, tensor_at(scales, rows, row), word, word), block, codes, bytes, picked);
}
