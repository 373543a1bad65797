// MS-EDEN on rotated float32 rows, in two passes. All arithmetic is in fos_training.h.
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
