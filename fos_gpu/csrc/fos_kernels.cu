// Blocks along rows: indexing, loads, stores, shuffles. All arithmetic is in fos_numerics.h.
//
// Compiled by fos_gpu/build/nvrtc.py for one recipe and one input dtype (FOS_INPUT). The recipe word for word; with FOS_FAST
// the kernel of the fast path too.
#include "fos_block.cuh"

using namespace fos;

namespace {

constexpr Input kInput = Input::FOS_INPUT;

// A block of 16, or a row of a tile: `block` counts along rows.
struct Row {
  const void* x;
  uint2* codes;
  u8 *bytes, *picked;
  long long block;

  __device__ __forceinline__ void read(float (&v)[kRow]) const { read_row<kInput>(x, block * kRow, v); }
  __device__ __forceinline__ void write(Codes c, Kept kept) const { write_at(codes, bytes, picked, block, c, kept); }
};

}  // namespace

// x (rows, cols), scales (3, rows or 1): A, S, D. One thread a block of 16, or a row of a 16x16 tile.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_quantize(const void* x, long long rows, long long cols, const float* scales, uint2* codes, u8* bytes,
                 u8* picked) {
  long long per_row = cols / kRow;
  long long thread = blockIdx.x * static_cast<long long>(kThreads) + threadIdx.x;
  if constexpr (kRows == 1) {
    if (thread >= rows * per_row) return;
    Row row = {x, codes, bytes, picked, thread};
    quantize_block<kInput>(row, tensor_at(scales, rows, thread / per_row));
  } else {
    __shared__ float shared[kTiles][kTileFloats];
    long long tile = thread / 16, tiles = rows / 16 * per_row;
    bool mine = tile < tiles;
    tile = mine ? tile : tiles - 1;  // the threads past the end work on the last tile and write nothing
    Row row = {x, codes, bytes, picked, (tile / per_row * 16 + thread % 16) * per_row + tile % per_row};
    quantize_tile<kInput>(row, tensor_at(scales, rows, 0), shared[threadIdx.x / 16], mine);
  }
}

#if defined(FOS_FAST)
#include "fos_fast.cuh"
#endif
