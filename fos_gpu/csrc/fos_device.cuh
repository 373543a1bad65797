// What the kernels share beside the numerics: loads of a block, tensor scales of a row, the error of a tile.
#ifndef FOS_DEVICE_CUH
#define FOS_DEVICE_CUH

#include "fos_layout.h"
#include "fos_numerics.h"

namespace fos {

constexpr int kThreads = 128;  // of a thread block
constexpr u32 kAllLanes = 0xFFFFFFFFu;

// The values of a block from value `at` on, whose address is a multiple of 16 bytes.
template <Input kInput>
__device__ __forceinline__ void read_row(const void* x, long long at, float (&v)[kRow]) {
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
  unpack<kInput>(words, v);
}

// The words of the values of a block along a column, as a row of them would have.
template <Input kInput>
__device__ __forceinline__ void column_words(const void* x, long long column, long long block, long long cols,
                                             u32 (&words)[kWords<kInput>]) {
#pragma unroll
  for (int i = 0; i < kWords<kInput>; i++) words[i] = 0u;
#pragma unroll
  for (int i = 0; i < kRow; i++) {
    long long at = fos_layout::column_value_at(column, block, i, cols, kRow);
    if constexpr (kInput == Input::float32) {
      words[i] = static_cast<const u32*>(x)[at];
    } else {
      words[i / 2] |= static_cast<u32>(static_cast<const u16*>(x)[at]) << (i % 2 * 16);
    }
  }
}

template <Input kInput>
__device__ __forceinline__ void read_column(const void* x, long long column, long long block, long long cols,
                                            float (&v)[kRow]) {
  u32 words[kWords<kInput>];
  column_words<kInput>(x, column, block, cols, words);
  unpack<kInput>(words, v);
}

// Block `block` of the quantized matrix (rows, cols), whose rows are the columns of x where kColumnwise.
template <Input kInput, bool kColumnwise>
__device__ __forceinline__ void read_block(const void* x, long long block, long long rows, long long cols,
                                           float (&v)[kRow]) {
  if constexpr (kColumnwise) read_column<kInput>(x, block / (cols / kRow), block % (cols / kRow), rows, v);
  else read_row<kInput>(x, block * kRow, v);
}

// The codes of a block.
__device__ __forceinline__ Codes read_codes(const void* codes, long long block) {
  constexpr int words = sizeof(Codes) / 4;
  Codes c;
  if constexpr (words % 4 == 0) {
#pragma unroll
    for (int i = 0; i < words / 4; i++) {
      uint4 q = static_cast<const uint4*>(codes)[block * (words / 4) + i];
      c.word[4 * i] = q.x;
      c.word[4 * i + 1] = q.y;
      c.word[4 * i + 2] = q.z;
      c.word[4 * i + 3] = q.w;
    }
  } else if constexpr (words == 2) {
    uint2 two = static_cast<const uint2*>(codes)[block];
    c.word[0] = two.x;
    c.word[1] = two.y;
  } else {
#pragma unroll
    for (int i = 0; i < words; i++) c.word[i] = static_cast<const u32*>(codes)[block * words + i];
  }
  return c;
}

// scales (3, 1 or rows): A, S, D.
__device__ __forceinline__ Tensor tensor_at(const float* scales, long long rows, long long row) {
  long long own = kAmaxScope == AmaxScope::row ? rows : 1, at = kAmaxScope == AmaxScope::row ? row : 0;
  return {scales[at], scales[own + at], scales[2 * own + at]};
}

// A tile's error: each thread holds the differences of one row, every thread of the tile gets the result.
__device__ __forceinline__ float error_of_tile(const float (&d)[kRow], float* shared, int row) {
  __syncwarp();
  if constexpr (kRowsApart) {
    shared[row] = block_error<kRow>(d);
  } else {
    for (int i = 0; i < kRow; i++) shared[row * kRow + i] = d[i];
  }
  __syncwarp();
  if constexpr (kRowsApart) return join_rows(shared);
  return block_error<16 * kRow>(shared);
}

}  // namespace fos
#endif
