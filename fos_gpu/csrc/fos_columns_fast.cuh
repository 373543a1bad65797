// The fast path along columns: loads, stores, shuffles around fos_filter.h. A part of fos_columns.cu.
//
// A thread block makes the table of the block scales' bytes once and takes every `step`-th group of columns. A block
// that is not regular, or whose choice is close, is quantized word for word, read again from memory.
#ifndef FOS_COLUMNS_FAST_CUH
#define FOS_COLUMNS_FAST_CUH

#include "fos_filter.h"

namespace {

// Where a floor is set the byte of a NaN scale may be FF: the table then has entries for it, none of them usable.
constexpr int kTable = kScaleFloor != ScaleFloor::none && kScaleNan == ScaleNan::code_ff ? 256 : kEntries;
static_assert(kAmaxScope == AmaxScope::tensor, "fos: one table is for one tensor scale");

__device__ __noinline__ void left_over(const void* x, long long rows, long long cols, float a, float s, float d,
                                       uint2* codes, u8* bytes, u8* picked, long long column, long long block) {
  quantize_block({x, rows, cols, {a, s, d}, codes, bytes, picked}, {column, block, true});
}

__device__ __noinline__ void left_over_tile(const void* x, long long rows, long long cols, float a, float s, float d,
                                            uint2* codes, u8* bytes, u8* picked, long long column, long long block,
                                            float* shared, bool mine) {
  quantize_tile({x, rows, cols, {a, s, d}, codes, bytes, picked}, {column, block, true}, shared, mine);
}

__device__ __forceinline__ void fast_block(const Columns& k, fos_layout::ColumnBlock at, const Entry* table) {
  u32 w[kWords<kInput>];
  column_words<kInput>(k.x, at.column, at.block, k.cols, w);
  float b = amax_of<kInput>(w);
  Scales s = scales_for<kInput>(b, k.scales, table);
  Side six, four;
  round_row<kInput>(w, s.six, s.four, six, four);
  bool picks = false, sure = s.regular;
  if constexpr (kChooses) sure = decide(s, six.error, four.error, picks) && sure;
  if (sure) write_block(k, at, codes_for<kInput>(w, s, k.scales, picks, six, four), kept_for(s, picks));
  else if (is_blank(b, s, table)) write_block(k, at, {{0u, 0u}}, kept_blank());
  else
    left_over(k.x, k.rows, k.cols, k.scales.amax, k.scales.encode, k.scales.decode, k.codes, k.bytes, k.picked,
              at.column, at.block);
}

__device__ __forceinline__ float over_tile(float error) {
  for (int step = 8; step > 0; step /= 2) error = joined(error, __shfl_xor_sync(kAllLanes, error, step));
  return error;
}

__device__ __forceinline__ void fast_tile(const Columns& k, fos_layout::ColumnBlock at, const Entry* table,
                                          float* shared) {
  u32 w[kWords<kInput>];
  column_words<kInput>(k.x, at.column, at.block, k.cols, w);
  u32 most = bits_of(amax_of<kInput>(w));
  for (int step = 8; step > 0; step /= 2) most = larger(most, __shfl_xor_sync(kAllLanes, most, step));
  Scales s = scales_for<kInput>(float_of(most), k.scales, table);
  Side six, four;
  round_row<kInput>(w, s.six, s.four, six, four);
  bool picks = false, sure = s.regular;
  if constexpr (kChooses) sure = decide(s, over_tile(six.error), over_tile(four.error), picks) && sure;
  bool blank = is_blank(float_of(most), s, table);
  if (blank && at.inside) write_block(k, at, {{0u, 0u}}, kept_blank());
  else if (sure && at.inside)
    write_block(k, at, codes_for<kInput>(w, s, k.scales, picks, six, four), kept_for(s, picks));
  sure = sure || blank;
  if (__any_sync(kAllLanes, !sure))
    left_over_tile(k.x, k.rows, k.cols, k.scales.amax, k.scales.encode, k.scales.decode, k.codes, k.bytes, k.picked,
                   at.column, at.block, shared, at.inside && !sure);
}

}  // namespace

// As fos_quantize_columns, with one A, S and D.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_quantize_columns_fast(const void* x, long long rows, long long cols, const float* scales, uint2* codes,
                              u8* bytes, u8* picked, int step) {
  __shared__ Entry table[kTable];
  __shared__ float shared[kRows == 1 ? 1 : kTiles][kRows == 1 ? 1 : kTileFloats];
  Columns k = {x, rows, cols, tensor_at(scales, cols, 0), codes, bytes, picked};
  for (u32 i = threadIdx.x; i < kTable; i += kThreads) table[i] = entry_of<kInput>(i, k.scales);
  __syncthreads();
  long long groups = fos_layout::column_groups(rows, cols);
  for (long long group = blockIdx.x; group < groups; group += step) {
    fos_layout::ColumnBlock at = fos_layout::column_block(group, threadIdx.x, rows, cols);
    if constexpr (kRows != 1) fast_tile(k, at, table, shared[threadIdx.x / 16]);
    else if (at.inside) fast_block(k, at, table);
  }
}
#endif
