// What a quantized matrix costs against its input: per block and in all, float64, in an order of its own.
#include "fos_decode.h"
#include "fos_device.cuh"

using namespace fos;

namespace {
constexpr Input kInput = Input::FOS_INPUT;
constexpr bool kColumnwise = FOS_COLUMNWISE;
constexpr int kJoining = 1024;
}  // namespace

// Thread p takes the blocks p, p + parts, p + 2 parts and so on, in that order. per_block (3, blocks): of each block
// the sum of e*e, of |e| and the largest |e|. partial (5, parts): of each thread these, and of x the sum of x*x and
// of |x|. codes, bytes, scales as for fos_dequantize; x (rows, cols), or (cols, rows) where kColumnwise.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_errors(const void* x, const void* codes, const u8* bytes, const float* scales, long long rows, long long cols,
               long long parts, double* per_block, double* partial) {
  long long thread = blockIdx.x * static_cast<long long>(kThreads) + threadIdx.x;
  long long per_row = cols / kRow, blocks = rows * per_row;
  if (thread >= parts) return;
  Statistics total = {{0.0, 0.0, 0.0, 0.0, 0.0}};
  for (long long block = thread; block < blocks; block += parts) {
    float v[kRow], y[kRow];
    decode_row(read_codes(codes, block), bytes[block], tensor_at(scales, rows, block / per_row), v);
    read_block<kInput, kColumnwise>(x, block, rows, cols, y);
    Statistics s = statistics_of(v, y);
    for (int j = 0; j < 3; j++) per_block[j * blocks + block] = s.of[j];
    for (int j = 0; j < kStatistics; j++) total.of[j] = joined(j, total.of[j], s.of[j]);
  }
  for (int j = 0; j < kStatistics; j++) partial[j * parts + thread] = total.of[j];
}

// Joins partial (5, parts), parts a power of two, by halves: i takes i + parts / 2, then i + parts / 4, down to 1.
// The result stands at (j, 0). One thread block.
extern "C" __global__ void __launch_bounds__(kJoining) fos_join(double* partial, long long parts) {
  for (long long half = parts / 2; half > 0; half /= 2) {
    for (int j = 0; j < kStatistics; j++) {
      double* own = partial + j * parts;
      for (long long i = threadIdx.x; i < half; i += kJoining) own[i] = joined(j, own[i], own[i + half]);
    }
    __syncthreads();
  }
}
