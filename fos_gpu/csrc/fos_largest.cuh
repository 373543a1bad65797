// The largest magnitude that a thread block finds.
#ifndef FOS_LARGEST_CUH
#define FOS_LARGEST_CUH

#include "fos_device.cuh"

namespace fos {

// Of part `part` of `parts`: the largest magnitude that a thread block finds in its part of `groups` blocks, in its first thread. From
// the last one to the first: the quantizer goes the other way, and what it reads first is in the cache.
template <Input kInput>
__device__ __forceinline__ u32 largest_of_block(const void* x, long long from, long long groups, u32 part, u32 parts) {
  __shared__ u32 of_warps[kThreads / 32];
  u32 most = 0u;
  for (long long i = part * static_cast<long long>(kThreads) + threadIdx.x; i < groups;
       i += static_cast<long long>(kThreads) * parts) {
    float v[kRow];
    read_row<kInput>(x, from + (groups - 1 - i) * kRow, v);
    most = larger(most, block_amax(v));
  }
  for (int step = 16; step > 0; step /= 2) most = larger(most, __shfl_xor_sync(kAllLanes, most, step));
  if (threadIdx.x % 32 == 0) of_warps[threadIdx.x / 32] = most;
  __syncthreads();
  for (int i = 0; i < kThreads / 32; i++) most = larger(most, of_warps[i]);
  return most;
}

}  // namespace fos
#endif
