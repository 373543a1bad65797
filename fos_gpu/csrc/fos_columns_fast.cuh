// The fast path along columns: loads, stores, shuffles around fos_filter.h. A part of fos_columns.cu.
//
// A thread block makes the table of the block scales' bytes once and takes every `step`-th group of columns. A block
// that is not regular, or whose choice is close, is quantized word for word, read again from memory.
#ifndef FOS_COLUMNS_FAST_CUH
#define FOS_COLUMNS_FAST_CUH

#include "fos_filter.h"

// One block, or a row of a tile with the others of its 16 threads, word for word.
extern "C" __device__ __noinline__ void fos_left_over(const void* x, long long rows, long long cols,
                                                      const float* scales, uint2* codes, u8* bytes, u8* picked,
                                                      long long column, long long block, float* shared, bool mine) {
  Column place = {{x, rows, cols, codes, bytes, picked}, {column, block, true}};
  if constexpr (kRows == 1) quantize_block<kInput>(place, tensor_at(scales, cols, 0));
  else quantize_tile<kInput>(place, tensor_at(scales, cols, 0), shared, mine);
}

namespace {

__device__ __forceinline__ void leave(const Column& p, const float* scales, float* shared, bool mine) {
  fos_left_over(p.k.x, p.k.rows, p.k.cols, scales, p.k.codes, p.k.bytes, p.k.picked, p.at.column, p.at.block, shared,
                mine);
}

// Where a floor is set the byte of a NaN scale may be FF: the table then has entries for it, none of them usable.
constexpr int kTable = kScaleFloor != ScaleFloor::none && kScaleNan == ScaleNan::code_ff ? 256 : kEntries;
static_assert(kAmaxScope == AmaxScope::tensor, "fos: one table is for one tensor scale");

__device__ __forceinline__ void fast_block(const Column& place, Tensor t, const Entry* table,
                                           const float* scales) {
  u32 w[kWords<kInput>];
  column_words<kInput>(place.k.x, place.at.column, place.at.block, place.k.cols, w);
  float b = amax_of<kInput>(w);
  Scales s = scales_for<kInput>(b, t, table);
  Side six, four;
  round_row<kInput>(w, s.six, s.four, six, four);
  bool picks = false, sure = s.regular;
  if constexpr (kChooses) sure = decide(s, six.error, four.error, picks) && sure;
  if (sure) place.write(codes_for<kInput>(w, s, t, picks, six, four), kept_for(s, picks));
  else if (is_blank(b, s, table)) place.write({{0u, 0u}}, kept_blank());
  else leave(place, scales, nullptr, true);
}

__device__ __forceinline__ float over_tile(float error) {
  for (int step = 8; step > 0; step /= 2) error = joined(error, __shfl_xor_sync(kAllLanes, error, step));
  return error;
}

__device__ __forceinline__ void fast_tile(const Column& place, Tensor t, const Entry* table,
                                          const float* scales, float* shared) {
  u32 w[kWords<kInput>];
  column_words<kInput>(place.k.x, place.at.column, place.at.block, place.k.cols, w);
  u32 most = bits_of(amax_of<kInput>(w));
  for (int step = 8; step > 0; step /= 2) most = larger(most, __shfl_xor_sync(kAllLanes, most, step));
  Scales s = scales_for<kInput>(float_of(most), t, table);
  Side six, four;
  round_row<kInput>(w, s.six, s.four, six, four);
  bool picks = false, sure = s.regular;
  if constexpr (kChooses) sure = decide(s, over_tile(six.error), over_tile(four.error), picks) && sure;
  bool blank = is_blank(float_of(most), s, table);
  if (blank && place.at.inside) place.write({{0u, 0u}}, kept_blank());
  else if (sure && place.at.inside)
    place.write(codes_for<kInput>(w, s, t, picks, six, four), kept_for(s, picks));
  sure = sure || blank;
  if (__any_sync(kAllLanes, !sure)) leave(place, scales, shared, place.at.inside && !sure);
}

}  // namespace

// As fos_quantize_columns, with one A, S and D.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_quantize_columns_fast(const void* x, long long rows, long long cols, const float* scales, uint2* codes,
                              u8* bytes, u8* picked, int step) {
  __shared__ Entry table[kTable];
  __shared__ float shared[kRows == 1 ? 1 : kTiles][kRows == 1 ? 1 : kTileFloats];
  Tensor t = tensor_at(scales, cols, 0);
  for (u32 i = threadIdx.x; i < kTable; i += kThreads) table[i] = entry_of<kInput>(i, t);
  __syncthreads();
  long long groups = fos_layout::column_groups(rows, cols);
  for (long long group = blockIdx.x; group < groups; group += step) {
    Column place = {{x, rows, cols, codes, bytes, picked}, fos_layout::column_block(group, threadIdx.x, rows, cols)};
    if constexpr (kRows != 1) fast_tile(place, t, table, scales, shared[threadIdx.x / 16]);
    else if (place.at.inside) fast_block(place, t, table, scales);
  }
}
#endif
