// Which bits of a word an element gets. Feeds have the names of fos_ref.random.Feed in small letters.
namespace fos {

enum class Feed { byte_lane, pair_reversed, byte_natural, half_reversed, half, word };

FOS_HD constexpr int elements_of(Feed feed) { return feed == Feed::word ? 1 : feed == Feed::half ? 2 : 4; }

FOS_HD constexpr int width_of(Feed feed) {
  return feed == Feed::word ? 32 : feed == Feed::byte_lane || feed == Feed::byte_natural ? 8 : 16;
}

FOS_HD u32 reversed_half(u32 v) {  // of 16 bits
  v = (v & 0x5555u) << 1 | (v >> 1 & 0x5555u);
  v = (v & 0x3333u) << 2 | (v >> 2 & 0x3333u);
  v = (v & 0x0F0Fu) << 4 | (v >> 4 & 0x0F0Fu);
  return (v & 0x00FFu) << 8 | v >> 8;
}

// Of each half of a word one byte, that of the high half on top: operands e, f have the low bytes, a, b the high ones.
FOS_HD u32 bytes_of_halves(u32 w, int pair) {
  u32 at = w >> (8 * pair);
  return (at >> 8 & 0xFF00u) | (at & 0xFFu);
}

// The random number of one of the elements that a word serves, in the order of memory.
FOS_HD u32 dealt(u32 w, Feed feed, int element) {
  u32 half = w >> (16 * (element >> 1)) & 0xFFFFu;
  switch (feed) {
    case Feed::byte_lane: return w >> (16 * (element & 1) + 8 * (element >> 1)) & 0xFFu;
    case Feed::byte_natural: return w >> (8 * element) & 0xFFu;
    case Feed::pair_reversed:
      half = bytes_of_halves(w, element >> 1);
      return element & 1 ? reversed_half(half) : half;
    case Feed::half_reversed: return element & 1 ? reversed_half(half) : half;
    case Feed::half: return w >> (16 * element) & 0xFFFFu;
    case Feed::word: return w;
  }
  return w;
}

}  // namespace fos
