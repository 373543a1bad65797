// Quantize the transpose of a matrix that stays as it is: blocks along its columns. The recipe word for word; with
// FOS_FAST the fast path of fos_filter.h too, for recipes that it is proved for and one tensor scale.
#include "fos_device.cuh"

using namespace fos;

namespace {

constexpr Input kInput = Input::FOS_INPUT;
constexpr int kTiles = kThreads / 16;                     // of a thread block: one thread a row of a tile
constexpr int kTileFloats = kRowsApart ? 16 : 16 * kRow;  // that its threads share

// x (rows, cols) to codes (cols, rows / 2), bytes and picked (cols, rows / 16) under one A, S and D.
struct Columns {
  const void* x;
  long long rows, cols;
  Tensor scales;
  uint2* codes;
  u8 *bytes, *picked;
};

__device__ __forceinline__ void write_block(const Columns& k, fos_layout::ColumnBlock at, Codes c, Kept kept) {
  long long block = at.column * (k.rows / kRow) + at.block;
  k.codes[block] = make_uint2(c.word[0], c.word[1]);
  k.bytes[block] = static_cast<u8>(kept.byte);
  k.picked[block] = kept.four;
}

__device__ __forceinline__ void quantize_block(const Columns& k, fos_layout::ColumnBlock at) {
  float v[kRow], d6[kRow] = {}, d4[kRow] = {};
  read_column<kInput>(k.x, at.column, at.block, k.cols, v);
  Pair pair = candidates<kInput>(float_of(block_amax(v)), k.scales);
  Codes six = quantize_row(v, pair.six, k.scales, d6);
  if constexpr (kChooses) {
    Codes four = quantize_row(v, pair.four, k.scales, d4);
    Kept kept = keep(pair, block_error<kRow>(d4), block_error<kRow>(d6));
    write_block(k, at, kept.four ? four : six, kept);
  } else {
    write_block(k, at, six, keep(pair, 0.0f, 0.0f));
  }
}

// Every thread of a tile comes here with its own row of the transpose; it writes if the tile is its own.
__device__ __forceinline__ void quantize_tile(const Columns& k, fos_layout::ColumnBlock at, float* shared, bool mine) {
  float v[kRow], d6[kRow] = {}, d4[kRow] = {};
  int row = threadIdx.x % 16;
  read_column<kInput>(k.x, at.column, at.block, k.cols, v);
  u32 most = block_amax(v);
  for (int step = 8; step > 0; step /= 2) most = larger(most, __shfl_xor_sync(kAllLanes, most, step));
  Pair pair = candidates<kInput>(float_of(most), k.scales);
  Codes six = quantize_row(v, pair.six, k.scales, d6), four = six;
  Kept kept = keep(pair, 0.0f, 0.0f);
  if constexpr (kChooses) {
    four = quantize_row(v, pair.four, k.scales, d4);
    float e6 = error_of_tile(d6, shared, row);
    kept = keep(pair, error_of_tile(d4, shared, row), e6);
  }
  if (mine) write_block(k, at, kChooses && kept.four ? four : six, kept);
}

}  // namespace

// scales (3, cols or 1): A, S, D. One thread a block of 16, or a row of a 16x16 tile of the transpose.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_quantize_columns(const void* x, long long rows, long long cols, const float* scales, uint2* codes, u8* bytes,
                         u8* picked) {
  fos_layout::ColumnBlock at = fos_layout::column_block(blockIdx.x, threadIdx.x, rows, cols);
  Columns k = {x, rows, cols, tensor_at(scales, cols, at.column), codes, bytes, picked};
  if constexpr (kRows == 1) {
    if (at.inside) quantize_block(k, at);
  } else {
    __shared__ float shared[kTiles][kTileFloats];
    quantize_tile(k, at, shared[threadIdx.x / 16], at.inside);
  }
}

#if defined(FOS_FAST)
#include "fos_columns_fast.cuh"
#endif
