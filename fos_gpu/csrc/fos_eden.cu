// MS-EDEN on rotated float32 rows: of Quartet II's kernels in two passes, of its simulator in one after the maximum.
// All arithmetic is in fos_training.h.
#include "fos_device.cuh"
#include "fos_training.h"

using namespace fos;

// y (blocks, 16) -> codes, corrected scales (blocks,), and the largest of them as bits in most (1,), zero before.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_eden_of_blocks(const void* y, long long blocks, uint2* codes, float* scales, u32* most) {
  long long block = blockIdx.x * static_cast<long long>(kThreads) + threadIdx.x;
  if (block >= blocks) return;
  float v[kRow];
  read_row<Input::float32>(y, block * kRow, v);
  Eden e = eden_block(v);
  codes[block] = make_uint2(e.word[0], e.word[1]);
  scales[block] = e.scale;
  atomicMax(most, bits_of(e.scale));
}

// The scale bytes, with noise (blocks,) of 16 bits; the tensor scale into out (1,).
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_eden_of_scales(const float* scales, long long blocks, const u32* most, const u32* noise, u8* bytes,
                       float* out) {
  long long block = blockIdx.x * static_cast<long long>(kThreads) + threadIdx.x;
  if (block >= blocks) return;
  float tensor_scale = eden_tensor_scale(float_of(*most));
  bytes[block] = static_cast<u8>(eden_scale_byte(scales[block], tensor_scale, noise[block]));
  if (block == 0) *out = tensor_scale;
}

// The simulator's: y (groups, 128) and its largest magnitude (1,) -> codes, bytes and corrected scales (groups, 8), with
// words (groups, 8); the tensor scale into out (1,).
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_eden_of_groups(const float* y, long long groups, const float* most, const u32* words, u32* codes, u8* bytes,
                       float* scales, float* out) {
  long long group = blockIdx.x * static_cast<long long>(kThreads) + threadIdx.x;
  if (group >= groups) return;
  float tensor_scale = group_tensor_scale(*most);
  EdenGroup found = eden_group([&](int i) { return y[group * kGroup + i]; }, tensor_scale);
  for (int i = 0; i < kGroup / 8; i++) codes[group * (kGroup / 8) + i] = found.word[i];
  for (int b = 0; b < kGroupBlocks; b++) {
    long long block = group * kGroupBlocks + b;
    scales[block] = found.scale[b];
    bytes[block] = static_cast<u8>(group_scale_byte(found.scale[b], words[block]));
  }
  if (group == 0) *out = tensor_scale;
}
