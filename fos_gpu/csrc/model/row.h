// The walk over sixteen values: words to values, values to codes. Both the host's loop and the kernels call it.
namespace fos {

template <Input kInput>
constexpr int kWords = kInput == Input::float32 ? 16 : 8;

template <Input kInput>
FOS_HD void unpack(const u32 (&w)[kWords<kInput>], float (&x)[kRow]) {
  FOS_UNROLL
  for (int i = 0; i < kRow; i++) {
    if constexpr (kInput == Input::float32) {
      x[i] = float_of(w[i]);
    } else {
      u32 h = (w[i / 2] >> (16 * (i % 2))) & 0xFFFFu;
      x[i] = kInput == Input::bfloat16 ? float_of(h << 16) : widen_half(h);
    }
  }
}

FOS_HD u32 block_amax(const float (&x)[kRow]) {
  u32 most = 0u;
  FOS_UNROLL
  for (int i = 0; i < kRow; i++) most = amax_bits(most, x[i]);
  return most;
}

// Sixteen codes, eight to a word: element 2j in the low nibble of byte j. A code above 15 spills into the high
// nibble of its byte by OR; one in the high nibble loses its top.
struct Codes {
  u32 word[2];
};

// N9 for two values. fos_ptx.cuh has another such type, for devices that have an instruction.
struct EachElement {
  static FOS_INLINE void cast(const float (&y)[2], Code (&out)[2]) {
    out[0] = cast_element(y[0]);
    out[1] = cast_element(y[1]);
  }
};

// N8 to N10 for sixteen values; d receives the differences.
template <Input kInput, class Elements = EachElement>
FOS_HD Codes quantize_row(const float (&x)[kRow], const Candidate& c, Tensor t, float (&d)[kRow]) {
  Codes out = {{0u, 0u}};
  float s = c.scale.value;
  if constexpr (kErrorDomain == ErrorDomain::trial) s = trial_scale(c.amax, t);
  FOS_UNROLL
  for (int i = 0; i < kRow; i += 2) {
    const float y[2] = {scaled<kInput>(x[i], c, t), scaled<kInput>(x[i + 1], c, t)};
    Code code[2];
    Elements::cast(y, code);
    out.word[i / 8] |= ((code[0].code & 0xFFu) | (code[1].code & 0xFu) << 4) << (i % 8 / 2 * 8);
    FOS_UNROLL
    for (int j = 0; j < 2; j++) {
      if constexpr (kErrorDomain == ErrorDomain::trial) d[i + j] = trial_difference(x[i + j], s);
      else if constexpr (kChooses) d[i + j] = difference(code[j].value, s, x[i + j], t);
    }
  }
  return out;
}

}  // namespace fos
