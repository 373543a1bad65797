// Values from codes, block scales and tensor scales (N14).
#include "fos_decode.h"
#include "fos_device.cuh"

using namespace fos;

namespace {
constexpr Input kOutput = Input::FOS_OUTPUT;
}

// codes (rows, cols / codes a byte), bytes (rows, cols / block), scales (3, rows or 1) to out (rows, cols), at a multiple
// of 16 bytes. One thread a block.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_dequantize(const void* codes, const u8* bytes, const float* scales, long long rows, long long cols,
                   uint4* out) {
  long long per_row = cols / kRow;
  long long block = blockIdx.x * static_cast<long long>(kThreads) + threadIdx.x;
  if (block >= rows * per_row) return;
  float v[kRow];
  decode_row(read_codes(codes, block), bytes[block], tensor_at(scales, rows, block / per_row), v);
  u32 w[kWords<kOutput>];
  pack<kOutput>(v, w);
#pragma unroll
  for (int i = 0; i < kWords<kOutput> / 4; i++)
    out[block * (kWords<kOutput> / 4) + i] = make_uint4(w[4 * i], w[4 * i + 1], w[4 * i + 2], w[4 * i + 3]);
}
