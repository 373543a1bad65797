// The random word of a place: the map's draw, the generator, and the part of the draw that is the word.
namespace fos {

FOS_HD Draw draw_of(const Request& q, long long row, long long group) {
  switch (q.map) {
    case Map::te_fused_row: return te_fused_row(q, row, group);
    case Map::te_fused_column: return te_fused_column(q, row, group);
    case Map::te_tuned_row: return te_tuned_row(q, row, group);
    case Map::te_tuned_column: return te_tuned_column(q, row, group);
    case Map::te_general_row: return te_general_row(q, row, group);
    case Map::te_general_column: return te_general_column(q, row, group);
    case Map::torchao_triton: return torchao_triton(q, row, group);
    case Map::torchao_cute_row: return torchao_cute_row(q, row, group);
    case Map::torchao_cute_column: return torchao_cute_column(q, row, group);
    case Map::fouroversix_triton: return fouroversix_triton(q, row, group);
    case Map::fouroversix_triton_uniform: return fouroversix_triton_uniform(q, row, group);
    case Map::quartet2_simulator: return quartet2_simulator_draw(q, row, group);
    case Map::quartet2_simulator_scales: return quartet2_simulator_scales_draw(q, row, group);
    case Map::quartet2_scales: return quartet2_scales_draw(q, row, group);
  }
  return {};
}

FOS_HD bool is_finalized(Map map) { return map == Map::torchao_cute_row || map == Map::torchao_cute_column; }
FOS_HD u32 mask_of(Map map) { return map == Map::quartet2_scales ? 0xFFFFu : 0xFFFFFFFFu; }

FOS_HD u32 word_of(const Request& q, long long row, long long group) {
  Draw d = draw_of(q, row, group);
  if (is_finalized(q.map)) return murmur3_finalizer(d.counter.word[0]);
  Four four = philox4x32(d.counter, d.key, q.rounds);
  u32 low = d.lane & 1u ? four.word[1] : four.word[0], high = d.lane & 1u ? four.word[3] : four.word[2];
  return ((d.lane & 2u ? high : low) >> d.shift) & mask_of(q.map);
}

}  // namespace fos
