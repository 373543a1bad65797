// TransformerEngine's maps: a thread is a sequence, and each block of 16 that it rounds is a draw of four words.
namespace fos {

constexpr long long kTeTile = 128;

// The fused kernel: a work item has up to 8 token tiles of one feature tile; each tile has 512 sequences.
FOS_HD long long fused_sequence(const Request& q, bool column, long long token, long long feature, long long thread) {
  long long tokens = column ? q.cols : q.rows, features = column ? q.rows : q.cols;
  long long most = parts(tokens, kTeTile) < 8 ? parts(tokens, kTeTile) : 8;
  long long tile = token / kTeTile, item = feature / kTeTile + tile / most * parts(features, kTeTile);
  return thread + (tile % most + (column ? 0 : 1) + item * most) * 512;
}

FOS_HD Draw te_fused_row(const Request& q, long long token, long long group) {
  long long feature = 4 * group, thread = 256 + 2 * (token % kTeTile) + feature % kTeTile / 64;
  return sequence_draw(q, fused_sequence(q, false, token, feature, thread), feature % 64 / 16, group & 3);
}

FOS_HD Draw te_fused_column(const Request& q, long long feature, long long group) {
  long long token = 4 * group, thread = 128 + feature % kTeTile;
  return sequence_draw(q, fused_sequence(q, true, token, feature, thread), token % kTeTile / 16, group & 3);
}

// The tuned and the general kernel: 128 threads for each 128x128 tile, tiles along features first.
FOS_HD long long tile_sequence(long long thread, long long token, long long feature, long long features) {
  return thread + kTeTile * (feature / kTeTile + parts(features, kTeTile) * (token / kTeTile));
}

// Lanes 16 to 31 of a warp round the upper eight values of a block first.
FOS_HD u32 upper_first(long long group, long long thread) {
  return static_cast<u32>(group & 3) ^ (thread % 32 >= 16 ? 2u : 0u);
}

FOS_HD long long stage_of(long long token, long long feature) {  // of 64x64 values
  return token % kTeTile / 64 * 2 + feature % kTeTile / 64;
}

FOS_HD Draw te_tuned_row(const Request& q, long long token, long long group) {
  long long feature = 4 * group, thread = 4 * (token % 32) + feature % 64 / 16;
  long long draw = stage_of(token, feature) * (q.choice == 0 ? 4 : 2) + token % 64 / 32;
  return sequence_draw(q, tile_sequence(thread, token, feature, q.cols), draw, upper_first(group, thread));
}

FOS_HD Draw te_tuned_column(const Request& q, long long feature, long long group) {
  long long token = 4 * group, lane = feature % 64 / 2;
  long long warp = (token % 64 / 16 + 64 - lane / 2) % 4, draw = stage_of(token, feature) * 4 + 2 + feature % 2;
  return sequence_draw(q, tile_sequence(32 * warp + lane, token, feature, q.rows), draw, group & 3);
}

// Stages of 32 tokens; where both copies are asked for, the columns come before the rows.
FOS_HD Draw te_general_row(const Request& q, long long token, long long group) {
  long long feature = 4 * group, thread = 8 * (token % 16) + feature % kTeTile / 16;
  long long draws = q.choice == 0 ? 4 : 2, draw = token % kTeTile / 32 * draws + draws - 2 + token % 32 / 16;
  return sequence_draw(q, tile_sequence(thread, token, feature, q.cols), draw, upper_first(group, thread));
}

FOS_HD Draw te_general_column(const Request& q, long long feature, long long group) {
  long long token = 4 * group, draw = token % kTeTile / 32 * 4 + token % 32 / 16;
  return sequence_draw(q, tile_sequence(feature % kTeTile, token, feature, q.rows), draw, group & 3);
}

}  // namespace fos
