// The walk over a row of a block: words to values, values to codes. Both the host's loop and the kernels call it.
namespace fos {

template <Input kInput>
constexpr int kWords = kInput == Input::float32 ? kRow : kRow / 2;

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

// The codes of a row. Of 4 bits eight to a word: element 2j in the low nibble of byte j. A code above 15 spills into the
// high nibble of its byte by OR; one in the high nibble loses its top. Others have a byte each.
constexpr int kPerWord = kPacked ? 8 : 4;
struct Codes {
  u32 word[kRow / kPerWord];
};

FOS_HD u32 joined_codes(u32 low, u32 high) {
  if constexpr (!kPacked) return low | high << 8;
  return (low & 0xFFu) | (high & 0xFu) << 4;
}

// N9 for two values. fos_ptx.cuh has another such type, for devices that have an instruction.
struct EachElement {
  template <Which kWhich>
  static FOS_INLINE void cast(const float (&y)[2], Code (&out)[2]) {
    out[0] = cast_element<kWhich>(y[0]);
    out[1] = cast_element<kWhich>(y[1]);
  }
};

// N8 to N10 for a row; d receives the differences.
template <Input kInput, Which kWhich = Which::first, class Elements = EachElement>
FOS_HD Codes quantize_row(const float (&x)[kRow], const Candidate& c, Tensor t, float (&d)[kRow]) {
  Codes out = {};
  float s = c.scale.value;
  if constexpr (kErrorDomain == ErrorDomain::trial) s = trial_scale(c.amax, t);
  FOS_UNROLL
  for (int i = 0; i < kRow; i += 2) {
    const float y[2] = {scaled<kInput>(x[i], c, t), scaled<kInput>(x[i + 1], c, t)};
    Code code[2];
    if constexpr (kElementCast == ElementCast::nearest_product && !is_whole(kGrid<kWhich>)) {
      for (int j = 0; j < 2; j++) code[j] = nearest_product(x[i + j], c.factor, y[j]);
    } else {
      Elements::template cast<kWhich>(y, code);
    }
    out.word[i / kPerWord] |= joined_codes(code[0].code, code[1].code) << (i % kPerWord * (32 / kPerWord));
    FOS_UNROLL
    for (int j = 0; j < 2; j++) {
      if constexpr (kErrorDomain == ErrorDomain::trial) d[i + j] = trial_difference(x[i + j], s);
      else if constexpr (kChooses || kSearches) d[i + j] = difference<kWhich>(code[j].value, s, x[i + j], t);
    }
  }
  return out;
}

}  // namespace fos
