// The kernel of the fast path (fos_filter.h): loads, stores, shuffles, no arithmetic. A part of fos_kernels.cu.
//
// One thread a block of 16, then the next one a stride away: so the table of what the block scales' bytes decide is
// made once for many. A block that is not regular, or whose choice is close, is put on a list of its warp. Whenever 32
// are on it, and in the end all that the thread block still has, they are read again and quantized word for word side
// by side. fos_fast_tiles.cuh has the same for 16x16 tiles.
#ifndef FOS_FAST_CUH
#define FOS_FAST_CUH

#include "fos_filter.h"

// FOS_THREADS of a thread block and FOS_RESIDENT, how many of these an SM holds, come from fos_gpu/build/grid.py.
#ifndef FOS_PICKED
#define FOS_PICKED 1
#endif

// One block, or a row of a tile with the others of its 16 threads, word for word.
extern "C" __device__ __noinline__ void fos_left_over(const void* x, long long rows, long long cols,
                                                      const float* scales, uint2* codes, u8* bytes, u8* picked,
                                                      u32 block, float* shared, bool mine) {
  long long row = kAmaxScope == AmaxScope::row ? block / (cols / kRow) : 0;
  Row place = {x, codes, bytes, picked, block};
  if constexpr (kRows == 1) quantize_block<kInput>(place, tensor_at(scales, rows, row));
  else quantize_tile<kInput>(place, tensor_at(scales, rows, row), shared, mine);
}

namespace {

constexpr int kFastThreads = FOS_THREADS;
constexpr int kQuads = kWords<kInput> / 4;
constexpr bool kWritesPicked = FOS_PICKED != 0;

constexpr u32 kWarp = 32, kWarps = kFastThreads / kWarp;
constexpr u32 kPending = kRows == 1 ? kFastThreads : 1024;  // never more: a warp keeps 31, of tiles see fos_fast_tiles

// The blocks that a thread block has put off: of a tile its first row's.
struct Pending {
  u32 count, block[kPending], of_warp[kRows == 1 ? kWarps : 1][2 * kWarp];
};

// What a thread block works on.
struct Work {
  const void* x;
  Tensor scales;
  uint2* codes;
  u8 *bytes, *picked;
};

struct Words {
  u32 w[kWords<kInput>];
};

__device__ __forceinline__ Words words_at(const void* x, u32 block) {
  const uint4* from = static_cast<const uint4*>(x) + static_cast<unsigned long long>(block) * kQuads;
  Words out;
#pragma unroll
  for (int i = 0; i < kQuads; i++) {
    uint4 q = __ldg(from + i);
    out.w[4 * i] = q.x;
    out.w[4 * i + 1] = q.y;
    out.w[4 * i + 2] = q.z;
    out.w[4 * i + 3] = q.w;
  }
  return out;
}

__device__ __forceinline__ void write_fast(const Work& k, u32 block, Codes c, Kept kept) {
  __stcs(k.codes + block, make_uint2(c.word[0], c.word[1]));
  k.bytes[block] = static_cast<u8>(kept.byte);
  if constexpr (kWritesPicked) k.picked[block] = kept.four;
}

// The kernel's own arguments, and the list.
struct Given {
  const void* x;
  long long rows, cols;
  const float* scales;
  uint2* codes;
  u8 *bytes, *picked;
  Pending* pending;

  __device__ __forceinline__ void leave(u32 block, float* shared = nullptr, bool mine = true) const {
    fos_left_over(x, rows, cols, scales, codes, bytes, picked, block, shared, mine);
  }
};

__device__ __forceinline__ void put_off(Pending* pending, u32 block) {
  pending->block[atomicAdd(&pending->count, 1u)] = block;
}

// Returns whether the block is left to the recipe.
__device__ __forceinline__ bool one_block(const Work& k, const Entry* table, u32 block, const Words& x) {
  float b = amax_of<kInput>(x.w);
  Scales s = scales_for<kInput>(b, k.scales, table);
  Side six, four;
  round_row<kInput>(x.w, s.six, s.four, six, four);
  bool picks = false, sure = s.regular;
  if constexpr (kChooses) sure = decide(s, six.error, four.error, picks) && sure;
  if (sure) write_fast(k, block, codes_for<kInput>(x.w, s, k.scales, picks, six, four), kept_for(s, picks));
  else if (is_blank(b, s, table)) write_fast(k, block, {{0u, 0u}}, kept_blank());
  else return true;
  return false;
}

// All threads of a warp, on whose list `open` blocks are; returns how many then are: fewer than 64.
__device__ __forceinline__ u32 put_off_by_warp(Pending* pending, u32 open, bool left, u32 block) {
  u32 which = __ballot_sync(kAllLanes, left), before = which & ((1u << threadIdx.x % kWarp) - 1u);
  if (left) pending->of_warp[threadIdx.x / kWarp][open + __popc(before)] = block;
  return open + __popc(which);
}

// The last 32 of them.
__device__ __forceinline__ void catch_up_by_warp(const Given& g, u32 open) {
  __syncwarp();
  u32 block = g.pending->of_warp[threadIdx.x / kWarp][open - kWarp + threadIdx.x % kWarp];
  __syncwarp();
  g.leave(block);
}

// Threads that walk together over `count` blocks of 16 from block `first` on: a whole tensor, or a row of it. The
// threads of a warp stay together to the end. The next block is read before this one is done. What is put off is worked
// off outside the inner loop, which so needs no room for a call.
__device__ __forceinline__ void walk(const Given& g, const Work& k, const Entry* table, u32 first, u32 count, u32 part,
                                     u32 parts, u32& open) {
  u32 i = part * kFastThreads + threadIdx.x, step = parts * kFastThreads, lane = threadIdx.x % kWarp;
  bool more = i - lane < count;
  while (more) {
    Words x = {}, next = {};
    if (i < count) x = words_at(k.x, first + i);
    for (;;) {
      bool inside = i < count;
      if (inside && count - i > step) next = words_at(k.x, first + i + step);
      open = put_off_by_warp(g.pending, open, inside && one_block(k, table, first + i, x), first + i);
      more = count - (i - lane) > step;
      i += step;
      if (!more || open >= kWarp) break;
      x = next;
    }
    if (open < kWarp) continue;
    catch_up_by_warp(g, open);
    open -= kWarp;
  }
}

// What is still put off, by all threads of the thread block.
__device__ __forceinline__ void catch_up(const Given& g, u32 open) {
  u32 lane = threadIdx.x % kWarp;
  __syncwarp();
  if (lane < open) put_off(g.pending, g.pending->of_warp[threadIdx.x / kWarp][lane]);
  __syncthreads();
  if (threadIdx.x < g.pending->count) g.leave(g.pending->block[threadIdx.x]);
}

}  // namespace

#include "fos_fast_tiles.cuh"

// x (rows, cols), scales (3, rows or 1): A, S, D, fewer than 2^31 blocks of 16. `parts` thread blocks share a run:
// the whole tensor, a row where each has its own scales, or a line of tiles.
extern "C" __global__ void __launch_bounds__(kFastThreads, FOS_RESIDENT)
    fos_quantize_fast(const void* x, long long rows, long long cols, const float* scales, uint2* codes, u8* bytes,
                      u8* picked, int parts) {
  __shared__ Entry table[kEntries];
  __shared__ Pending pending;
  constexpr bool own = kAmaxScope == AmaxScope::row;
  Given g = {x, rows, cols, scales, codes, bytes, picked, &pending};
  u32 across = static_cast<u32>(cols / kRow), runs = static_cast<u32>(own ? rows : kRows > 1 ? rows / kRows : 1);
  u32 count = own ? across : static_cast<u32>(rows) * across, part = blockIdx.x % parts, begin = blockIdx.x / parts;
  u32 open = 0u;
  if (threadIdx.x == 0) pending.count = 0u;
  for (u32 run = begin; run < runs; run += gridDim.x / parts) {
    Work k = {x, tensor_at(scales, rows, run), codes, bytes, picked};
    if (own || run == begin) {
      __syncthreads();
#pragma unroll 1
      for (u32 i = threadIdx.x; i < kEntries; i += kFastThreads) table[i] = entry_of<kInput>(i, k.scales);
      __syncthreads();
    }
    if constexpr (kRows == 1) {
      walk(g, k, table, run * across, count, part, parts, open);
    } else {
      __shared__ Strip strip;
      walk_tiles(g, k, table, run * kRows * across, across, part, parts, strip);
    }
  }
  if constexpr (kRows == 1) catch_up(g, open);
  else catch_up_tiles(g);
}
#endif
