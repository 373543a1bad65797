// Quantize the transpose of a matrix that stays as it is: blocks along its columns. The recipe word for word; with
// FOS_FAST the fast path of fos_filter.h too, for recipes that it is proved for and one tensor scale.
#include "fos_block.cuh"

using namespace fos;

namespace {

constexpr Input kInput = Input::FOS_INPUT;

// x (rows, cols) to codes (cols, rows / codes a byte), bytes and picked (cols, rows / block).
struct Columns {
  const void* x;
  long long rows, cols;
  uint2* codes;
  u8 *bytes, *picked;
};

// A block along a column, or a row of a tile of the transpose.
struct Column {
  Columns k;
  fos_layout::ColumnBlock at;

  __device__ __forceinline__ void read(float (&v)[kRow]) const {
    read_column<kInput>(k.x, at.column, at.block, k.cols, v);
  }
  __device__ __forceinline__ void write(Codes c, Kept kept) const {
    write_at(k.codes, k.bytes, k.picked, at.column * (k.rows / kRow) + at.block, c, kept);
  }
};

}  // namespace

// scales (3, cols or 1): A, S, D. One thread a block, or a row of a 16x16 tile of the transpose.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_quantize_columns(const void* x, long long rows, long long cols, const float* scales, uint2* codes, u8* bytes,
                         u8* picked) {
  fos_layout::ColumnBlock at = fos_layout::column_block(blockIdx.x, threadIdx.x, rows, cols, kRow);
  Column column = {{x, rows, cols, codes, bytes, picked}, at};
  Tensor t = tensor_at(scales, cols, at.column);
  if constexpr (kRows == 1) {
    if (at.inside) quantize_block<kInput>(column, t);
  } else {
    __shared__ float shared[kTiles][kTileFloats];
    quantize_tile<kInput>(column, t, shared[threadIdx.x / 16], at.inside);
  }
}

#if defined(FOS_FAST)
#include "fos_columns_fast.cuh"
#endif
