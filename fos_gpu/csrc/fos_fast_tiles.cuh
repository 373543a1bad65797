// The fast path for 16x16 tiles: one thread a row. A part of fos_fast.cuh.
//
// A thread block takes as many tiles next to each other as it has threads for 16 rows of them: thread 0 has the first
// row of the first tile, thread 1 that of the second. So each row is read and written in one long run, and the threads
// of a tile meet in shared memory: for its maximum, and for its errors.
#ifndef FOS_FAST_TILES_CUH
#define FOS_FAST_TILES_CUH

namespace {

constexpr u32 kAcross = kFastThreads / 16;  // tiles of a thread block
static_assert(kAcross <= kWarp, "fos: a warp holds whole rows");

struct alignas(8) Errors {
  float six, four;
};

// What each warp has found of each tile: it holds some rows of all of them.
struct Strip {
  u32 most[kWarps][kAcross];
  Errors errors[kWarps][kAcross];
};

// What was put off, by all threads of the thread block, 16 next to each other for a tile. The list is empty then.
__device__ __forceinline__ void catch_up_tiles(const Given& g) {
  __shared__ float shared[kAcross][kTileFloats];
  __syncthreads();
  u32 own = threadIdx.x / 16, count = g.pending->count, down = threadIdx.x % 16 * static_cast<u32>(g.cols / kRow);
  for (u32 i = 0; i < count; i += kAcross) {
    bool mine = i + own < count;
    u32 block = g.pending->block[mine ? i + own : count - 1] + down;
    g.leave(block, shared[own], mine);
  }
  __syncthreads();
  if (threadIdx.x == 0) g.pending->count = 0u;
  __syncthreads();
}

__device__ __forceinline__ float amax_of_tile(Strip& strip, float own) {
  u32 tile = threadIdx.x % kAcross, most = bits_of(own);
  for (u32 step = kAcross; step < kWarp; step *= 2) most = larger(most, __shfl_xor_sync(kAllLanes, most, step));
  strip.most[threadIdx.x / kWarp][tile] = most;
  __syncthreads();
#pragma unroll
  for (u32 i = 0; i < kWarps; i++) most = larger(most, strip.most[i][tile]);
  return float_of(most);
}

__device__ __forceinline__ Errors both(Errors a, Errors b) { return {joined(a.six, b.six), joined(a.four, b.four)}; }

__device__ __forceinline__ Errors errors_of_tile(Strip& strip, Errors own) {
  u32 tile = threadIdx.x % kAcross;
  for (u32 step = kAcross; step < kWarp; step *= 2)
    own = both(own, {__shfl_xor_sync(kAllLanes, own.six, step), __shfl_xor_sync(kAllLanes, own.four, step)});
  strip.errors[threadIdx.x / kWarp][tile] = own;
  __syncthreads();
  Errors all = strip.errors[0][tile];
#pragma unroll
  for (u32 i = 1; i < kWarps; i++) all = both(all, strip.errors[i][tile]);
  return all;
}

// Every thread of the thread block comes here: `mine` says whether its tile is in the tensor. Between two barriers the
// list is either read or written. Returns whether it has to be worked off before the next tiles but one.
__device__ __forceinline__ bool one_tile(const Given& g, const Work& k, const Entry* table, u32 block, const Words& x,
                                         Strip& strip, bool mine) {
  float b = amax_of_tile(strip, amax_of<kInput>(x.w));
  bool full = g.pending->count > kPending - 2 * kAcross;
  Scales s = scales_for<kInput>(b, k.scales, table);
  Side six, four;
  round_row<kInput>(x.w, s.six, s.four, six, four);
  bool picks = false, sure = s.regular;
  if constexpr (kChooses) {
    Errors e = errors_of_tile(strip, {six.error, four.error});
    sure = decide(s, e.six, e.four, picks) && sure;
  } else {
    __syncthreads();
  }
  if (mine && is_blank(b, s, table)) write_fast(k, block, {{0u, 0u}}, kept_blank());
  else if (mine && sure)
    write_fast(k, block, codes_for<kInput>(x.w, s, k.scales, picks, six, four), kept_for(s, picks));
  else if (mine && threadIdx.x < kAcross) put_off(g.pending, block);
  return full;
}

// One line of tiles, 16 rows high; `first` is its first block of 16, `across` how many a row has.
__device__ __forceinline__ void walk_tiles(const Given& g, const Work& k, const Entry* table, u32 first, u32 across,
                                           u32 part, u32 parts, Strip& strip) {
  u32 at = part * kAcross, step = parts * kAcross, last = across - 1, own = threadIdx.x % kAcross;
  first += threadIdx.x / kAcross * across;
  while (at < across) {
    Words x = words_at(k.x, first + smaller(at + own, last)), next = x;
    bool full = false;
    while (at < across && !full) {
      if (at + step < across) next = words_at(k.x, first + smaller(at + step + own, last));
      full = one_tile(g, k, table, first + smaller(at + own, last), x, strip, at + own < across);
      at += step;
      x = next;
    }
    if (full) catch_up_tiles(g);
  }
}

}  // namespace
#endif
