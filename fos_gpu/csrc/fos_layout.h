// Where things stand: the 128x4 swizzle of block scales (N16), and blocks along the columns of a matrix. Index
// arithmetic in 64 bits, no value is touched. For g++ and NVRTC; it includes nothing.
#ifndef FOS_LAYOUT_H
#define FOS_LAYOUT_H

#if defined(__CUDACC_RTC__) || defined(__CUDACC__)
#define FOS_INDEX __host__ __device__ __forceinline__
#else
#define FOS_INDEX static inline __attribute__((always_inline))
#endif

namespace fos_layout {

using index = long long;

struct Place {
  index row, col;
};

FOS_INDEX index tiles_of(index n, index size) { return (n + size - 1) / size; }

// N16. The byte of (row, col) where a row of tiles has `tiles` of them.
FOS_INDEX index swizzled_at(index row, index col, index tiles) {
  return (row / 128 * tiles + col / 4) * 512 + row % 32 * 16 + row % 128 / 32 * 4 + col % 4;
}

// Its inverse: what stands at `at`; it may lie in the padding.
FOS_INDEX Place swizzled_place(index at, index tiles) {
  index tile = at / 512, in = at % 512;
  return {tile / tiles * 128 + in % 16 / 4 * 32 + in / 16, tile % tiles * 4 + in % 4};
}

// Blocks along the columns of x (rows, cols), which are the rows of its transpose: block k of column c holds
// x[16k..16k+15][c] and stands at c * (rows / 16) + k, or so for another number of `values`. A thread block takes 32
// columns and 4 blocks of each, so that neighbouring threads read neighbouring values.
constexpr int kColumnsAtOnce = 32, kBlocksAtOnce = 4;

struct ColumnBlock {
  index column, block;
  bool inside;
};

FOS_INDEX index column_groups(index rows, index cols, index values = 16) {
  return tiles_of(cols, kColumnsAtOnce) * tiles_of(rows / values, kBlocksAtOnce);
}

// The block of a thread. One outside gets a block that is inside: of its last 16 columns where those are outside,
// so that the 16 threads of a tile stay together.
FOS_INDEX ColumnBlock column_block(index group, int thread, index rows, index cols, index values = 16) {
  index across = tiles_of(cols, kColumnsAtOnce), blocks = rows / values;
  index column = group % across * kColumnsAtOnce + thread % kColumnsAtOnce;
  index block = group / across * kBlocksAtOnce + thread / kColumnsAtOnce;
  bool inside = column < cols && block < blocks;
  if (column >= cols) column = cols > 16 ? column - 16 : thread % 16;
  if (column >= cols) column = cols - 1;
  return {column, block < blocks ? block : blocks - 1, inside};
}

FOS_INDEX index column_value_at(index column, index block, int i, index cols, index values = 16) {
  return (block * values + i) * cols + column;
}

}  // namespace fos_layout
#endif
