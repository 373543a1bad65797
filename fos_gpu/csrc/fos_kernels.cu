// The kernels: indexing, loads, stores, shuffles. All arithmetic is in fos_numerics.h.
//
// Compiled by fos_gpu/nvrtc.py for one recipe and one input dtype (FOS_INPUT). The recipe word for word: both
// candidates, errors, the choice. With FOS_FAST the kernel of the fast path too.
#include "fos_numerics.h"

using namespace fos;

namespace {

constexpr Input kInput = Input::FOS_INPUT;
constexpr int kThreads = 128;
constexpr int kTiles = kThreads / 16;  // of a thread block: one thread a row of a tile
constexpr int kTileFloats = kRowsApart ? 16 : 16 * kRow;  // that its threads share
constexpr u32 kAll = 0xFFFFFFFFu;

// Sixteen values from an address that is a multiple of 16 bytes.
__device__ __forceinline__ void read16(const void* x, long long at, float (&out)[kRow]) {
  constexpr int quads = kWords<kInput> / 4;
  const uint4* from = static_cast<const uint4*>(x) + at / kRow * quads;
  u32 words[kWords<kInput>];
#pragma unroll
  for (int i = 0; i < quads; i++) {
    uint4 q = from[i];
    words[4 * i] = q.x;
    words[4 * i + 1] = q.y;
    words[4 * i + 2] = q.z;
    words[4 * i + 3] = q.w;
  }
  unpack<kInput>(words, out);
}

__device__ __forceinline__ void write16(uint2* codes, u8* bytes, u8* picked, long long block, Codes c, Kept kept) {
  codes[block] = make_uint2(c.word[0], c.word[1]);
  bytes[block] = static_cast<u8>(kept.byte);
  picked[block] = kept.four;
}

__device__ __forceinline__ Tensor scales_at(const float* scales, long long rows, long long row) {
  long long own = kAmaxScope == AmaxScope::row ? rows : 1, at = kAmaxScope == AmaxScope::row ? row : 0;
  return {scales[at], scales[own + at], scales[2 * own + at]};
}

// A tile's error: each thread holds the differences of one row, every thread of the tile gets the result.
__device__ __forceinline__ float tile_error(const float (&d)[kRow], float* shared, int row) {
  constexpr int values = kRowsApart ? 1 : kRow;
  __syncwarp();
  if constexpr (kRowsApart) {
    shared[row] = block_error<kRow>(d);
  } else {
    for (int i = 0; i < kRow; i++) shared[row * values + i] = d[i];
  }
  __syncwarp();
  if constexpr (kRowsApart) return join_rows(shared);
  return block_error<16 * kRow>(shared);
}

// What a thread works on: a block of 16, or a row of a tile.
struct Work {
  const void* x;
  Tensor scales;
  uint2* codes;
  u8 *bytes, *picked;
};

__device__ __forceinline__ void quantize_block(const Work& k, long long block) {
  float v[kRow], d6[kRow], d4[kRow];
  read16(k.x, block * kRow, v);
  Pair pair = candidates<kInput>(float_of(block_amax(v)), k.scales);
  Codes six = quantize_row(v, pair.six, k.scales, d6);
  if constexpr (kChooses) {
    Codes four = quantize_row(v, pair.four, k.scales, d4);
    Kept kept = keep(pair, block_error<kRow>(d4), block_error<kRow>(d6));
    write16(k.codes, k.bytes, k.picked, block, kept.four ? four : six, kept);
  } else {
    write16(k.codes, k.bytes, k.picked, block, six, keep(pair, 0.0f, 0.0f));
  }
}

// Every thread of a tile comes here with its own row's block; it writes if the tile is its own.
__device__ __forceinline__ void quantize_tile(const Work& k, long long block, int row, float* shared, bool mine) {
  float v[kRow], d6[kRow], d4[kRow];
  read16(k.x, block * kRow, v);
  u32 most = block_amax(v);
  for (int step = 8; step > 0; step /= 2) most = larger(most, __shfl_xor_sync(kAll, most, step));
  Pair pair = candidates<kInput>(float_of(most), k.scales);
  Codes six = quantize_row(v, pair.six, k.scales, d6), four = six;
  Kept kept = keep(pair, 0.0f, 0.0f);
  if constexpr (kChooses) {
    four = quantize_row(v, pair.four, k.scales, d4);
    float e6 = tile_error(d6, shared, row);
    kept = keep(pair, tile_error(d4, shared, row), e6);
  }
  if (mine) write16(k.codes, k.bytes, k.picked, block, kChooses && kept.four ? four : six, kept);
}

}  // namespace

// x (rows, cols), scales (3, rows or 1): A, S, D. One thread a block of 16, or a row of a 16x16 tile.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_quantize(const void* x, long long rows, long long cols, const float* scales, uint2* codes, u8* bytes,
                 u8* picked) {
  long long per_row = cols / kRow;
  long long thread = blockIdx.x * static_cast<long long>(kThreads) + threadIdx.x;
  if constexpr (kRows == 1) {
    if (thread >= rows * per_row) return;
    quantize_block({x, scales_at(scales, rows, thread / per_row), codes, bytes, picked}, thread);
  } else {
    __shared__ float shared[kTiles][kTileFloats];
    long long tile = thread / 16, tiles = rows / 16 * per_row;
    int row = thread % 16;
    bool mine = tile < tiles;
    tile = mine ? tile : tiles - 1;  // the threads past the end work on the last tile and write nothing
    long long block = (tile / per_row * 16 + row) * per_row + tile % per_row;
    quantize_tile({x, scales_at(scales, rows, 0), codes, bytes, picked}, block, row, shared[threadIdx.x / 16], mine);
  }
}

// The largest magnitude of each of `rows` runs of `cols` values, as float32 bits, into out (rows,), zero before.
// `parts` thread blocks work on one run.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_amax(const void* x, long long cols, int parts, u32* out) {
  long long row = blockIdx.x / parts, groups = cols / kRow;
  u32 most = 0u;
  for (long long i = blockIdx.x % parts * static_cast<long long>(kThreads) + threadIdx.x; i < groups;
       i += static_cast<long long>(kThreads) * parts) {
    float v[kRow];
    read16(x, row * cols + i * kRow, v);
    most = larger(most, block_amax(v));
  }
  for (int step = 16; step > 0; step /= 2) most = larger(most, __shfl_xor_sync(kAll, most, step));
  if (threadIdx.x % 32 == 0 && most != 0u) atomicMax(out + row, most);
}

#if defined(FOS_FAST)
#include "fos_fast.cuh"
#endif
