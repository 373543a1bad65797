// A recipe's quantizer with stochastic elements, blocks along rows. All arithmetic is in fos_stochastic.h.
//
// Compiled for one recipe, one input dtype (FOS_INPUT) and one way to round. One thread a block of 16, or a row of a
// 16x16 tile: the sixteen of a tile lie side by side.
#include "fos_device.cuh"
#include "fos_stochastic.h"

using namespace fos;

namespace {

constexpr Input kInput = Input::FOS_INPUT;
constexpr int kWordsOfBlock = kRow / kServed;
constexpr int kTiles = kThreads / 16;                     // of a thread block
constexpr int kTileFloats = kRowsApart ? 16 : 16 * kRow;  // that the threads of a tile share

// The block of this thread along rows, and whether it is there: threads past the end repeat the last tile.
struct Own {
  long long block;
  bool mine;
};

__device__ __forceinline__ Own own_block(long long rows, long long per_row) {
  long long thread = blockIdx.x * static_cast<long long>(kThreads) + threadIdx.x;
  if constexpr (kRows == 1) return {thread, thread < rows * per_row};
  long long tile = thread / 16, tiles = rows / 16 * per_row;
  bool mine = tile < tiles;
  tile = mine ? tile : tiles - 1;
  return {(tile / per_row * 16 + thread % 16) * per_row + tile % per_row, mine};
}

// The row of this thread in its tile: all threads of the tile come here.
template <class Six, class Other>
__device__ __forceinline__ Stochastic tile_row(const float (&x)[kRow], Tensor t, Six six, Other four) {
  __shared__ float shared[kTiles][kTileFloats];
  float d6[kRow] = {}, d4[kRow] = {};
  u32 most = block_amax(x);
  for (int step = 8; step > 0; step /= 2) most = larger(most, __shfl_xor_sync(kAllLanes, most, step));
  Pair pair = candidates<kInput>(float_of(most), t);
  Codes first = stochastic_row<kInput>(x, pair.six, t, six, d6);
  if constexpr (!kChooses) return {first, keep(pair, 0.0f, 0.0f)};
  Codes second = stochastic_row<kInput>(x, pair.four, t, four, d4);
  float* parts = shared[threadIdx.x / 16];
  int row = static_cast<int>(threadIdx.x % 16);
  float e6 = error_of_tile(d6, parts, row);
  Kept kept = keep(pair, error_of_tile(d4, parts, row), e6);
  return {kept.four ? second : first, kept};
}

template <class Six, class Other>
__device__ __forceinline__ Stochastic quantized(const float (&x)[kRow], Tensor t, Six six, Other four) {
  if constexpr (kRows == 1) return stochastic_block<kInput>(x, t, six, four);
  else return tile_row(x, t, six, four);
}

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
  long long per_row = cols / kRow;
  Own own = own_block(rows, per_row);
  if (kRows == 1 && !own.mine) return;
  long long block = own.block;
  float v[kRow];
  read_row<kInput>(x, block * kRow, v);
  auto six = [&](int i) { return words[block * kWordsOfBlock + i]; };
  auto four = [&](int i) { return words4[block * kWordsOfBlock + i]; };
  Stochastic found = quantized(v, tensor_at(scales, rows, block / per_row), six, four);
  if (own.mine) write(found, block, codes, bytes, picked);
}

// The same with the words of a map, drawn here; both candidates have the same.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_quantize_and_draw(const void* x, long long rows, long long cols, const float* scales, int map,
                          unsigned long long seed, unsigned long long offset, int rounds, int choice, int tile_tokens,
                          int tile_features, uint2* codes, u8* bytes, u8* picked) {
  long long per_row = cols / kRow;
  Own own = own_block(rows, per_row);
  if (kRows == 1 && !own.mine) return;
  long long block = own.block;
  Request q = {static_cast<Map>(map), rows, cols, seed, offset, rounds, choice, tile_tokens, tile_features};
  float v[kRow];
  read_row<kInput>(x, block * kRow, v);
  long long row = block / per_row, first = block % per_row * kWordsOfBlock;
  u32 drawn[kWordsOfBlock];
  FOS_LOOP
  for (int i = 0; i < kWordsOfBlock; i++) drawn[i] = word_of(q, row, first + i);
  auto word = [&](int i) { return drawn[i]; };
  Stochastic found = quantized(v, tensor_at(scales, rows, row), word, word);
  if (own.mine) write(found, block, codes, bytes, picked);
}
