// Block scales between their two layouts (N16).
#include "fos_layout.h"

namespace {
using namespace fos_layout;
constexpr int kThreads = 128;
}  // namespace

// linear (rows, cols) to out, whole 128x4 tiles, zeros in the padding. One thread a byte of `out`.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_swizzle(const unsigned char* linear, long long rows, long long cols, unsigned char* out) {
  index at = blockIdx.x * static_cast<index>(kThreads) + threadIdx.x, tiles = tiles_of(cols, 4);
  if (at >= tiles_of(rows, 128) * tiles * 512) return;
  Place p = swizzled_place(at, tiles);
  out[at] = p.row < rows && p.col < cols ? linear[p.row * cols + p.col] : 0;
}

// The reverse: one thread a byte of `linear` (rows, cols).
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_unswizzle(const unsigned char* swizzled, long long rows, long long cols, unsigned char* linear) {
  index at = blockIdx.x * static_cast<index>(kThreads) + threadIdx.x;
  if (at < rows * cols) linear[at] = swizzled[swizzled_at(at / cols, at % cols, tiles_of(cols, 4))];
}
