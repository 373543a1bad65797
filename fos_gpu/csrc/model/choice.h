// N6 and N13: the two candidates of a block, and which of them is kept.
namespace fos {

// N13. A NaN error never wins.
FOS_HD bool picks_four(float error4, float error6) {
  return kTie == Tie::four ? error4 <= error6 : error4 < error6;
}

constexpr Which kSecond = kFloatOrInt ? Which::second : Which::first;  // the second candidate's grid
constexpr u32 kIntegers = 0x80u;  // of a scale byte: its codes are integers

struct Pair {
  Candidate six, four;  // `four` is a copy of `six` where both have one scale, or there is nothing to choose
};

template <Input kInput>
FOS_HD Pair candidates(float b, Tensor t) {
  float base = unrounded<kInput>(b, t, kElementMax);
  Candidate six = candidate(base, b, t);
  if constexpr (!kChooses || kFloatOrInt) return {six, six};
  return {six, candidate(map4_base<kInput>(base, b, t), b * 1.5f, t)};
}

// What is kept of a block: its scale byte, its choice, and whose codes.
struct Kept {
  u32 byte;
  bool four, second;
};

FOS_HD Kept keep(const Pair& pair, float error4, float error6) {
  if constexpr (!kChooses) return {pair.six.scale.byte, kCandidates == Candidates::four, false};
  bool four = picks_four(error4, error6);
  u32 byte = four ? pair.four.scale.byte : pair.six.scale.byte;
  if constexpr (!kFloatOrInt) return {byte, four, four};
  byte = (byte + (four ? kIntegers : 0u)) & 0xFFu;
  return {byte, four, (byte & kIntegers) != 0u};
}

}  // namespace fos
