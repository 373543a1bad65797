// Quantize the transpose of a matrix that stays as it is: blocks along its columns. The recipe word for word.
#include "fos_device.cuh"

using namespace fos;

namespace {
constexpr Input kInput = Input::FOS_INPUT;
constexpr int kTiles = kThreads / 16;

__device__ __forceinline__ void write_block(uint2* codes, u8* bytes, u8* picked, long long block, Codes c, Kept kept) {
  codes[block] = make_uint2(c.word[0], c.word[1]);
  bytes[block] = static_cast<u8>(kept.byte);
  picked[block] = kept.four;
}
}  // namespace

// x (rows, cols) to codes (cols, rows / 2), bytes and picked (cols, rows / 16); scales (3, cols or 1): A, S, D.
// One thread a block of 16, or a row of a 16x16 tile of the transpose.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_quantize_columns(const void* x, long long rows, long long cols, const float* scales, uint2* codes, u8* bytes,
                         u8* picked) {
  fos_layout::ColumnBlock at = fos_layout::column_block(blockIdx.x, threadIdx.x, rows, cols);
  long long block = at.column * (rows / kRow) + at.block;
  Tensor t = tensor_at(scales, cols, at.column);
  float v[kRow], d6[kRow] = {}, d4[kRow] = {};
  if constexpr (kRows == 1) {
    if (!at.inside) return;
    read_column<kInput>(x, at.column, at.block, cols, v);
    Pair pair = candidates<kInput>(float_of(block_amax(v)), t);
    Codes six = quantize_row(v, pair.six, t, d6);
    if constexpr (kChooses) {
      Codes four = quantize_row(v, pair.four, t, d4);
      Kept kept = keep(pair, block_error<kRow>(d4), block_error<kRow>(d6));
      write_block(codes, bytes, picked, block, kept.four ? four : six, kept);
    } else {
      write_block(codes, bytes, picked, block, six, keep(pair, 0.0f, 0.0f));
    }
  } else {
    __shared__ float shared[kTiles][kRowsApart ? 16 : 16 * kRow];
    int row = threadIdx.x % 16;
    read_column<kInput>(x, at.column, at.block, cols, v);
    u32 most = block_amax(v);
    for (int step = 8; step > 0; step /= 2) most = larger(most, __shfl_xor_sync(kAllLanes, most, step));
    Pair pair = candidates<kInput>(float_of(most), t);
    Codes six = quantize_row(v, pair.six, t, d6), four = six;
    Kept kept = keep(pair, 0.0f, 0.0f);
    if constexpr (kChooses) {
      four = quantize_row(v, pair.four, t, d4);
      float* own = shared[threadIdx.x / 16];
      float e6 = error_of_tile(d6, own, row);
      kept = keep(pair, error_of_tile(d4, own, row), e6);
    }
    if (at.inside) write_block(codes, bytes, picked, block, kChooses && kept.four ? four : six, kept);
  }
}
