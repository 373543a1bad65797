// N8 and N9 with random numbers: the codes of a row of 16, and a block's choice where there are two candidates.
namespace fos {

enum class ElementRounding { sr_a, sr_b, sr_c, te_software, fouroversix_torch, quartet2_simulator };

constexpr ElementRounding kRounding = ElementRounding::FOS_ELEMENT_ROUNDING;
constexpr Feed kFeed = Feed::FOS_RANDOM_FEED;
constexpr int kRandomBits = FOS_RANDOM_WIDTH;
constexpr int kServed = elements_of(kFeed);  // elements of a word

// The code of a scaled value that is a number.
FOS_HD u32 stochastic_element(float y, u32 random) {
  if constexpr (kRounding == ElementRounding::te_software) return te_software(y, random);
  if constexpr (kRounding == ElementRounding::fouroversix_torch) return fouroversix_torch(y, torch_uniform(random));
  if constexpr (kRounding == ElementRounding::quartet2_simulator) return quartet2_simulator(y, triton_uniform(random));
  constexpr bool b = kRounding == ElementRounding::sr_b, c = kRounding == ElementRounding::sr_c;
  constexpr Rule rule = b ? Rule::b : c ? Rule::c : Rule::a;
  return stochastic_code(y, random, rule, kRandomBits, kE2M1);
}

// N9. In fouroversix's reference a magnitude that overflows when it is doubled is NaN, and counts as one.
FOS_HD Code stochastic_cast(float y, u32 random) {
  constexpr bool torch = kRounding == ElementRounding::fouroversix_torch;
  bool nan = is_nan(y) || (torch && magnitude(y) >= 0x7F000000u);
  u32 code = with_zero_sign(y, nan ? nan_code() : stochastic_element(y, random));
  return {code, torch && nan ? float_of(0x7FC00000u) : e2m1_value(code)};
}

// A row under one candidate. `word` gives the words of the row, in order; d receives the differences.
template <Input kInput, class Word>
FOS_HD Codes stochastic_row(const float (&x)[kRow], const Candidate& c, Tensor t, Word word, float (&d)[kRow]) {
  Codes out = {};
  u32 held = 0u;
  FOS_UNROLL
  for (int i = 0; i < kRow; i++) {
    if (i % kServed == 0) held = word(i / kServed);
    u32 random = dealt(held, kFeed, i % kServed) >> (width_of(kFeed) - kRandomBits);
    Code found = stochastic_cast(scaled<kInput>(x[i], c, t), random);
    out.word[i / kPerWord] |= found.code << (i % kPerWord * 4);
    if constexpr (kChooses) d[i] = difference(found.value, c.scale.value, x[i], t);
  }
  return out;
}

struct Stochastic {
  Codes codes;
  Kept kept;
};

// A block of 16. Candidate map-to-6 has the words of `six`, map-to-4 those of `four`.
template <Input kInput, class Six, class Other>
FOS_HD Stochastic stochastic_block(const float (&x)[kRow], Tensor t, Six six, Other four) {
  float d6[kRow] = {}, d4[kRow] = {};
  Pair pair = candidates<kInput>(float_of(block_amax(x)), t);
  Codes first = stochastic_row<kInput>(x, pair.six, t, six, d6);
  if constexpr (!kChooses) return {first, keep(pair, 0.0f, 0.0f)};
  Codes second = stochastic_row<kInput>(x, pair.four, t, four, d4);
  Kept kept = keep(pair, block_error<kRow>(d4), block_error<kRow>(d6));
  return {kept.four ? second : first, kept};
}

}  // namespace fos
