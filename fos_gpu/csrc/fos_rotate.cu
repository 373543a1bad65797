// The rotation of 16 values, rows of bfloat16 or float32. All arithmetic is in fos_training.h.
//
// Compiled for one order (FOS_ORDER), one input dtype (FOS_INPUT) and one output dtype (FOS_NARROW: bfloat16).
#include "fos_device.cuh"
#include "fos_training.h"

using namespace fos;

// One thread 16 values.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_rotate_rows(const void* x, long long blocks, unsigned signs, int inverse, void* out) {
  long long block = blockIdx.x * static_cast<long long>(kThreads) + threadIdx.x;
  if (block >= blocks) return;
  float v[kRow];
  read_row<Input::FOS_INPUT>(x, block * kRow, v);
  rotate<Order::FOS_ORDER, FOS_NARROW>(v, signs, inverse != 0);
  for (int i = 0; i < kRow; i++) {
    if constexpr (FOS_NARROW) static_cast<u16*>(out)[block * kRow + i] = static_cast<u16>(bits_of(v[i]) >> 16);
    else static_cast<float*>(out)[block * kRow + i] = v[i];
  }
}
