// One block of 16 or one tile, word for word: both candidates, errors, the choice. For blocks along rows and along
// columns: a Place is a thread's sixteen values, with read(values) and write(codes, what is kept).
#ifndef FOS_BLOCK_CUH
#define FOS_BLOCK_CUH

#include "fos_device.cuh"
#include "fos_ptx.cuh"

namespace fos {

constexpr int kTiles = kThreads / 16;                     // of a thread block: one thread a row of a tile
constexpr int kTileFloats = kRowsApart ? 16 : 16 * kRow;  // that its threads share

// The codes of a row, their scale byte and their choice at their place in the outputs.
__device__ __forceinline__ void write_at(uint2* codes, u8* bytes, u8* picked, long long block, Codes c, Kept kept) {
  constexpr int words = sizeof(Codes) / 4;
  if constexpr (words == 2) {
    codes[block] = make_uint2(c.word[0], c.word[1]);
  } else {
#pragma unroll
    for (int i = 0; i < words; i++) reinterpret_cast<u32*>(codes)[block * words + i] = c.word[i];
  }
  bytes[block] = static_cast<u8>(kept.byte);
  picked[block] = kept.four;
}

template <Input kInput, class Place>
__device__ __forceinline__ void quantize_block(const Place& place, Tensor t) {
  float v[kRow], d6[kRow] = {}, d4[kRow] = {};
  place.read(v);
  if constexpr (kSearches) {
    Codes best = {};
    Kept kept = searched<kInput, PairedElements>(v, float_of(block_amax(v)), t, best);
    return place.write(best, kept);
  }
  Pair pair = candidates<kInput>(float_of(block_amax(v)), t);
  Codes six = quantize_row<kInput, Which::first, PairedElements>(v, pair.six, t, d6);
  if constexpr (kChooses) {
    Codes four = quantize_row<kInput, kSecond, PairedElements>(v, pair.four, t, d4);
    Kept kept = keep(pair, block_error<kRow>(d4), block_error<kRow>(d6));
    place.write(kept.second ? four : six, kept);
  } else {
    place.write(six, keep(pair, 0.0f, 0.0f));
  }
}

// The 16 threads of a tile, next to each other, come here, each with its own row; they write if the tile is theirs.
template <Input kInput, class Place>
__device__ __forceinline__ void quantize_tile(const Place& place, Tensor t, float* shared, bool mine) {
  float v[kRow], d6[kRow] = {}, d4[kRow] = {};
  int row = threadIdx.x % 16;
  place.read(v);
  u32 most = block_amax(v);
  for (int step = 8; step > 0; step /= 2) most = larger(most, __shfl_xor_sync(kAllLanes, most, step));
  Pair pair = candidates<kInput>(float_of(most), t);
  Codes six = quantize_row<kInput, Which::first, PairedElements>(v, pair.six, t, d6), four = six;
  Kept kept = keep(pair, 0.0f, 0.0f);
  if constexpr (kChooses) {
    four = quantize_row<kInput, kSecond, PairedElements>(v, pair.four, t, d4);
    float e6 = error_of_tile(d6, shared, row);
    kept = keep(pair, error_of_tile(d4, shared, row), e6);
  }
  if (mine) place.write(kChooses && kept.second ? four : six, kept);
}

}  // namespace fos
#endif
