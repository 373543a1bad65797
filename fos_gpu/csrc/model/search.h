// N6e, N6g: a search over more block scales than two. The first candidate of the least error is kept; a NaN error
// replaces none.
namespace fos {

FOS_TABLE constexpr u32 kTries[] = {FOS_TRIES};  // bits of factors of the block amax, or scale bytes
constexpr int kTryCount = sizeof(kTries) / sizeof(u32);

template <Input kInput>
FOS_HD Candidate tried(int i, float b, Tensor t) {
  if constexpr (kTried == Tried::scale) return candidate(e4m3_value(kTries[i]), b, t);
  float amax = b * float_of(kTries[i]);
  return candidate(unrounded<kInput>(amax, t, kElementMax), amax, t);
}

// What a search keeps of a block of values x with amax b, and its codes.
template <Input kInput, class Elements = EachElement>
FOS_HD Kept searched(const float (&x)[kRow], float b, Tensor t, Codes& codes) {
  float d[kRow] = {}, least = 0.0f;
  u32 byte = 0u;
  codes = Codes{};
  for (int i = 0; i < kTryCount; i++) {
    Candidate c = tried<kInput>(i, b, t);
    Codes own = quantize_row<kInput, Which::first, Elements>(x, c, t, d);
    float error = block_error<kRow>(d);
    bool better = i == 0 || error < least;
    least = better ? error : least;
    byte = better ? c.scale.byte : byte;
    codes = better ? own : codes;
  }
  return {byte, false, false};
}

}  // namespace fos
