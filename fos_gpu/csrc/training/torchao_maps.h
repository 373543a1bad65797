// torchao's maps: Triton's, a word for each packed byte of a tile, and CuTe's, a mixed state for each block of 16.
namespace fos {

// The tile's number in the persistent grid: groups of eight tiles of features, each row by row. In a narrower last group
// the rows begin where the number is a multiple of the width.
FOS_HD long long torchao_tile(long long down, long long across, long long rows, long long columns) {
  long long first = across / 8 * 8, width = columns - first < 8 ? columns - first : 8, start = first * rows;
  return start + down * width + (across - first + width - start % width) % width;
}

FOS_HD Draw torchao_triton(const Request& q, long long row, long long group) {
  bool column = q.choice == 1;
  long long height = column ? q.tile_features : q.tile_tokens, width = column ? q.tile_tokens : q.tile_features;
  long long tokens = column ? q.cols : q.rows, features = column ? q.rows : q.cols;
  long long along = 4 * group / width, across = row / height;  // tiles along a row, and across rows
  long long tile = torchao_tile(column ? along : across, column ? across : along, parts(tokens, q.tile_tokens),
                                parts(features, q.tile_features));
  long long byte = group / 2 * 4 + group % 2;
  long long index = tile * (height * width / 2) + row % height * (width / 2) + byte % (width / 2);
  return {{{low_of(q.offset), low_of(static_cast<u64>(index)), 0u, 0u}}, q.seed, 0u, 0u};
}

// Of seed ^ offset 31 bits reach the kernel. The state of a block becomes four words by four turns.
FOS_HD u32 cute_turned(const Request& q, u32 state, long long group) {
  constexpr u32 turns[4] = {0u, 0x9E3779B9u, 0x7F4A7C15u, 0xBB67AE85u};
  return (low_of(q.seed ^ q.offset) & 0x7FFFFFFFu) ^ state ^ turns[group & 3];
}

FOS_HD Draw torchao_cute_row(const Request& q, long long row, long long group) {
  u32 state = low_of(static_cast<u64>(row)) * 0x9E3779B1u ^ low_of(static_cast<u64>(group / 4)) * 0x85EBCA77u;
  return {{{cute_turned(q, state ^ 0x00B00200u, group), 0u, 0u, 0u}}, 0u, 0u, 0u};
}

// The number of the 256-token tile is not in the state.
FOS_HD Draw torchao_cute_column(const Request& q, long long row, long long group) {
  u32 state = low_of(static_cast<u64>(row)) << 8 ^ static_cast<u32>(group / 4 % 16);
  return {{{cute_turned(q, state ^ 0x00C01000u, group), 0u, 0u, 0u}}, 0u, 0u, 0u};
}

}  // namespace fos
