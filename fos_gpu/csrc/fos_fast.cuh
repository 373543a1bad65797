// The kernel of the fast path (fos_filter.h): loads, stores, shuffles, no arithmetic. A part of fos_kernels.cu.
//
// One thread a block of 16, or a row of a tile, then the next one a stride away: so the table of what the block
// scales' bytes decide is made once for many. A block that is not regular, or whose choice is close, is put on a list;
// in the end the threads take what is on it side by side, read it again and quantize it word for word.
#ifndef FOS_FAST_CUH
#define FOS_FAST_CUH

#include "fos_filter.h"

// Threads of a thread block, how many of these an SM holds, blocks of 16 that are read before they are needed.
#ifndef FOS_THREADS
#define FOS_THREADS 256
#endif
#ifndef FOS_RESIDENT
#define FOS_RESIDENT 4
#endif
#ifndef FOS_AHEAD
#define FOS_AHEAD 1
#endif
#ifndef FOS_PICKED
#define FOS_PICKED 1
#endif
// Loads and stores: 0 as usual, 1 both read or written once, 2 loads through the read-only cache, 3 stores alone.
#ifndef FOS_STREAM
#define FOS_STREAM 2
#endif

namespace {

constexpr int kFastThreads = FOS_THREADS;
constexpr int kQuads = kWords<kInput> / 4;
constexpr bool kAhead = FOS_AHEAD != 0;
constexpr bool kWritesPicked = FOS_PICKED != 0;
constexpr int kStream = FOS_STREAM;

constexpr u32 kPending = 2048;  // what a list holds; beyond that a block is not put off

// The blocks that a thread block has put off: of a tile its first row's.
struct Pending {
  u32 count, block[kPending];
};

struct Words {
  u32 w[kWords<kInput>];
};

__device__ __forceinline__ Words words_at(const void* x, u32 block) {
  const uint4* from = static_cast<const uint4*>(x) + static_cast<unsigned long long>(block) * kQuads;
  Words out;
#pragma unroll
  for (int i = 0; i < kQuads; i++) {
    uint4 q = kStream == 1 ? __ldcs(from + i) : kStream == 2 ? __ldg(from + i) : from[i];
    out.w[4 * i] = q.x;
    out.w[4 * i + 1] = q.y;
    out.w[4 * i + 2] = q.z;
    out.w[4 * i + 3] = q.w;
  }
  return out;
}

__device__ __forceinline__ void write_fast(const Work& k, u32 block, Codes c, Kept kept) {
  uint2 both = make_uint2(c.word[0], c.word[1]);
  if constexpr (kStream != 0) __stcs(k.codes + block, both);
  else k.codes[block] = both;
  k.bytes[block] = static_cast<u8>(kept.byte);
  if constexpr (kWritesPicked) k.picked[block] = kept.four;
}

__device__ __noinline__ void left_over(const void* x, long long rows, long long cols, const float* scales,
                                       uint2* codes, u8* bytes, u8* picked, u32 block) {
  long long row = kAmaxScope == AmaxScope::row ? block / (cols / kRow) : 0;
  quantize_block({x, scales_at(scales, rows, row), codes, bytes, picked}, block);
}

__device__ __noinline__ void left_over_tile(const void* x, const float* scales, uint2* codes, u8* bytes, u8* picked,
                                            u32 block, float* shared, bool mine) {
  quantize_tile({x, scales_at(scales, 1, 0), codes, bytes, picked}, block, threadIdx.x % 16, shared, mine);
}

// The kernel's own arguments, and the list.
struct Given {
  const void* x;
  long long rows, cols;
  const float* scales;
  uint2* codes;
  u8 *bytes, *picked;
  Pending* pending;
};

__device__ __forceinline__ bool put_off(Pending* pending, u32 block) {
  u32 at = atomicAdd(&pending->count, 1u);
  if (at < kPending) pending->block[at] = block;
  return at < kPending;
}

__device__ __forceinline__ void one_block(const Given& g, const Work& k, const Entry* table, u32 block,
                                          const Words& x) {
  float b = amax_of<kInput>(x.w);
  Scales s = scales_for<kInput>(b, k.scales, table);
  Side six, four;
  round_row<kInput>(x.w, s.six, s.four, six, four);
  bool picks = false, sure = s.regular;
  if constexpr (kChooses) sure = decide(s, six.error, four.error, picks) && sure;
  if (sure) write_fast(k, block, codes_for<kInput>(x.w, s, k.scales, picks, six, four), kept_for(s, picks));
  else if (is_blank(b, s, table)) write_fast(k, block, {{0u, 0u}}, kept_blank());
  else if (!put_off(g.pending, block))
    left_over(g.x, g.rows, g.cols, g.scales, g.codes, g.bytes, g.picked, block);
}

__device__ __forceinline__ float over_tile(float error) {
  for (int step = 8; step > 0; step /= 2) error = joined(error, __shfl_xor_sync(kAll, error, step));
  return error;
}

__device__ __forceinline__ void one_tile(const Given& g, const Work& k, const Entry* table, u32 block, const Words& x,
                                         float* shared, bool mine) {
  u32 most = bits_of(amax_of<kInput>(x.w));
  for (int step = 8; step > 0; step /= 2) most = larger(most, __shfl_xor_sync(kAll, most, step));
  Scales s = scales_for<kInput>(float_of(most), k.scales, table);
  Side six, four;
  round_row<kInput>(x.w, s.six, s.four, six, four);
  bool picks = false, sure = s.regular;
  if constexpr (kChooses) sure = decide(s, over_tile(six.error), over_tile(four.error), picks) && sure;
  bool blank = is_blank(float_of(most), s, table);
  if (blank && mine) write_fast(k, block, {{0u, 0u}}, kept_blank());
  else if (sure && mine)
    write_fast(k, block, codes_for<kInput>(x.w, s, k.scales, picks, six, four), kept_for(s, picks));
  u32 late = 0u;  // of a tile whose list is full
  if (!sure && !blank && mine && threadIdx.x % 16 == 0) late = !put_off(g.pending, block);
  for (int step = 8; step > 0; step /= 2) late |= __shfl_xor_sync(kAll, late, step);
  if (__any_sync(kAll, late != 0u))
    left_over_tile(g.x, g.scales, g.codes, g.bytes, g.picked, block, shared, late != 0u);
}

// Threads that walk together over `count` blocks of 16 from block `first` on: a whole tensor, or a row of it.
__device__ __forceinline__ void walk(const Given& g, const Work& k, const Entry* table, u32 first, u32 count, u32 part,
                                     u32 parts) {
  u32 i = part * kFastThreads + threadIdx.x, step = parts * kFastThreads;
  if (i >= count) return;
  Words x = words_at(k.x, first + i);
  for (;;) {
    bool more = count - i > step;
    Words next = x;
    if (kAhead && more) next = words_at(k.x, first + i + step);
    one_block(g, k, table, first + i, x);
    if (!more) return;
    i += step;
    x = kAhead ? next : words_at(k.x, first + i);
  }
}

// The same over one line of tiles, 16 rows high; `first` is its first block of 16, `across` how many a row has.
__device__ __forceinline__ void walk_tiles(const Given& g, const Work& k, const Entry* table, u32 first, u32 across,
                                           u32 part, u32 parts, float (*shared)[kTileFloats]) {
  u32 row = threadIdx.x % 16;
  for (u32 at = part * (kFastThreads / 16); at < across; at += parts * (kFastThreads / 16)) {
    u32 tile = at + threadIdx.x / 16;
    bool mine = tile < across;
    u32 block = first + row * across + (mine ? tile : across - 1);
    one_tile(g, k, table, block, words_at(k.x, block), shared[threadIdx.x / 16], mine);
  }
}

// What was put off, by all threads of the thread block.
__device__ __forceinline__ void catch_up(const Given& g) {
  __syncthreads();
  u32 count = smaller(g.pending->count, kPending);
  for (u32 i = threadIdx.x; i < count; i += kFastThreads)
    left_over(g.x, g.rows, g.cols, g.scales, g.codes, g.bytes, g.picked, g.pending->block[i]);
}

__device__ __forceinline__ void catch_up_tiles(const Given& g, float (*shared)[kTileFloats]) {
  __syncthreads();
  u32 own = threadIdx.x / 16, count = smaller(g.pending->count, kPending);
  u32 down = threadIdx.x % 16 * static_cast<u32>(g.cols / kRow);
  for (u32 i = 0; i < count; i += kFastThreads / 16) {
    bool mine = i + own < count;
    u32 block = g.pending->block[mine ? i + own : count - 1] + down;
    left_over_tile(g.x, g.scales, g.codes, g.bytes, g.picked, block, shared[own], mine);
  }
}

}  // namespace

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
  if (threadIdx.x == 0) pending.count = 0u;
  for (u32 run = begin; run < runs; run += gridDim.x / parts) {
    Work k = {x, scales_at(scales, rows, run), codes, bytes, picked};
    if (own || run == begin) {
      __syncthreads();
#pragma unroll 1
      for (u32 i = threadIdx.x; i < kEntries; i += kFastThreads) table[i] = entry_of<kInput>(i, k.scales);
      __syncthreads();
    }
    if constexpr (kRows == 1) {
      walk(g, k, table, run * across, count, part, parts);
    } else {
      __shared__ float shared[kFastThreads / 16][kTileFloats];
      walk_tiles(g, k, table, run * kRows * across, across, part, parts, shared);
      if (run + gridDim.x / parts >= runs) catch_up_tiles(g, shared);
    }
  }
  if constexpr (kRows == 1) catch_up(g);
}
#endif
