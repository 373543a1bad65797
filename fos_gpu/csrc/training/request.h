// What is asked of a word map, and where it says that a word is. Maps have the names of fos_ref.random.MAPS.
namespace fos {

enum class Map {
  te_fused_row, te_fused_column, te_tuned_row, te_tuned_column, te_general_row, te_general_column,
  torchao_triton, torchao_cute_row, torchao_cute_column, fouroversix_triton, fouroversix_triton_uniform,
  quartet2_simulator, quartet2_simulator_scales, quartet2_scales
};

// rows and cols are those of the tensor that is quantized, in the orientation it is quantized in.
struct Request {
  Map map;
  long long rows, cols;
  u64 seed, offset;
  int rounds;
  int choice;  // the number of the value of `copies` or `copy` among those that the map allows
  int tile_tokens, tile_features;
};

// A group is the consecutive values of a row that one word serves.
struct Draw {
  Four counter;  // the finalizer takes the first word only
  u64 key;
  u32 lane, shift;  // which word of the draw, and where in it the bits begin
};

FOS_HD long long parts(long long size, long long of) { return (size + of - 1) / of; }

// A cuRAND state: 128 bits of counter, `offset` + draw in the low half with a carry into the sequence.
FOS_HD Draw sequence_draw(const Request& q, long long sequence, long long draw, u32 lane) {
  u64 low = q.offset + static_cast<u64>(draw);
  u64 high = static_cast<u64>(sequence) + (low < q.offset ? 1u : 0u);
  return {{{low_of(low), high_of(low), low_of(high), high_of(high)}}, q.seed, lane, 0u};
}

// The first word of the counter (index, 0, 0, 0).
FOS_HD Draw indexed_draw(u64 key, u64 index) { return {{{low_of(index), 0u, 0u, 0u}}, key, 0u, 0u}; }

}  // namespace fos
