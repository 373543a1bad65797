// fouroversix's and Quartet II's maps: numbers in a tile, numbers in memory, threads.
namespace fos {

// The number of a block's first word, counted inside of the 16x64 tile: the tile's own number is nowhere.
FOS_HD long long first_in_tile(long long row, long long column) { return row % 16 * 64 + column % 64 / 16 * 16; }

// cvt.rs's words: of a block's eight those of its bytes 0, 1, 4 and 5.
FOS_HD Draw fouroversix_triton(const Request& q, long long row, long long group) {
  long long used = group % 4 / 2 * 4 + group % 2;
  return indexed_draw(q.seed, static_cast<u64>(first_in_tile(row, 4 * group) + used));
}

// Where cvt.rs is missing: a word for each value, the odd ones' from the next seed.
FOS_HD Draw fouroversix_triton_uniform(const Request& q, long long row, long long value) {
  return indexed_draw(q.seed + static_cast<u64>(value & 1),
                      static_cast<u64>(first_in_tile(row, value) + value % 16 / 2));
}

FOS_HD Draw quartet2_simulator_draw(const Request& q, long long row, long long value) {
  return indexed_draw(q.seed, static_cast<u64>(row * q.cols + value));
}

FOS_HD Draw quartet2_simulator_scales_draw(const Request& q, long long row, long long block) {
  return indexed_draw(q.seed, static_cast<u64>(row * (q.cols / 16) + block));
}

// 16 bits for a block scale, from its column and from which half of 64 rows it is in.
FOS_HD Draw quartet2_scales_draw(const Request& q, long long row, long long block) {
  long long eight = block / 8, k = block % 8;
  return {{{static_cast<u32>(eight % 8), low_of(static_cast<u64>(eight / 8)), 0u, 0u}},
          q.seed + static_cast<u64>(k / 4),
          static_cast<u32>(k % 4),
          row % 64 >= 32 ? 16u : 0u};
}

}  // namespace fos
