// The tensor amax, A, S and D, codes, block scales and choices by one launch. The recipe word for word.
//
// With one tensor amax all `parts` thread blocks have to be there at once, which a cooperative launch promises: each
// finds the largest of its blocks, waits until all have, and quantizes them. A row with scales of its own is one thread
// block's, and no thread block waits for another.
#include "fos_block.cuh"
#include "fos_largest.cuh"

using namespace fos;

namespace {

constexpr Input kInput = Input::FOS_INPUT;
constexpr bool kByRow = kAmaxScope == AmaxScope::row;

// A block along a row, or a row of a tile.
struct Row {
  const void* x;
  uint2* codes;
  u8 *bytes, *picked;
  long long block;

  __device__ __forceinline__ void read(float (&v)[kRow]) const { read_row<kInput>(x, block * kRow, v); }
  __device__ __forceinline__ void write(Codes c, Kept kept) const { write_at(codes, bytes, picked, block, c, kept); }
};

// The largest of all thread blocks, in the first thread of each. work: the largest so far, and how many have come, and
// then gone; both are zero before and after.
__device__ __forceinline__ u32 largest_of_all(u32* work, u32 parts, u32 own) {
  atomicMax(work, own);
  __threadfence();
  atomicAdd(work + 1, 1u);
  while (atomicAdd(work + 1, 0u) < parts) __nanosleep(32);
  __threadfence();
  u32 most = atomicAdd(work, 0u);
  if (atomicAdd(work + 1, 1u) + 1u == 2u * parts) {
    work[0] = 0u;
    work[1] = 0u;
  }
  return most;
}

// scales (3, n): A, S and D at `at`.
__device__ __forceinline__ void write_scales(float* scales, long long n, long long at, Tensor t) {
  scales[at] = t.amax;
  scales[n + at] = t.encode;
  scales[2 * n + at] = t.decode;
}

// Thread `thread` of `threads` takes the blocks from there on; a tile is that of 16 neighbours, one row each.
__device__ __forceinline__ void quantize_part(Row row, long long first, long long blocks, long long per_row, Tensor t,
                                              long long thread, long long threads) {
  if constexpr (kRows == 1) {
    for (long long i = thread; i < blocks; i += threads) {
      row.block = first + i;
      quantize_block<kInput>(row, t);
    }
  } else {
    __shared__ float shared[kTiles][kTileFloats];
    long long tiles = blocks / 16;
    for (long long from = thread - threadIdx.x; from < blocks; from += threads) {
      long long tile = (from + threadIdx.x) / 16;
      bool mine = tile < tiles;
      tile = mine ? tile : tiles - 1;  // the threads past the end work on the last tile and write nothing
      row.block = (tile / per_row * 16 + threadIdx.x % 16) * per_row + tile % per_row;
      quantize_tile<kInput>(row, t, shared[threadIdx.x / 16], mine);
    }
  }
}

}  // namespace

// x (rows, cols) to scales (3, 1), or (3, rows) where each row has its own, and the three outputs. `parts` thread
// blocks; as many as rows where each row has its own scales.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_quantize_whole(const void* x, long long rows, long long cols, int parts, u32* work, float* scales, uint2* codes,
                       u8* bytes, u8* picked) {
  __shared__ Tensor found;
  long long per_row = cols / kRow, blocks = kByRow ? per_row : rows * per_row, row = kByRow ? blockIdx.x : 0;
  u32 part = kByRow ? 0u : blockIdx.x, count = kByRow ? 1u : static_cast<u32>(parts);
  u32 most = largest_of_block<kInput>(x, row * cols, blocks, part, count);
  if (threadIdx.x == 0) {
    if constexpr (!kByRow) most = largest_of_all(work, count, most);
    found = tensor_scales<kInput>(float_of(most));
    if (part == 0u) write_scales(scales, kByRow ? rows : 1, row, found);
  }
  __syncthreads();
  long long thread = part * static_cast<long long>(kThreads) + threadIdx.x;
  quantize_part({x, codes, bytes, picked, 0}, row * per_row, blocks, per_row, found, thread,
                static_cast<long long>(kThreads) * count);
}
