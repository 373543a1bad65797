// Stochastic rounding by P3109's rules A, B and C, onto E2M1 and E4M3, in whole numbers.
namespace fos {

enum class Rule { a, b, c };

// A format of floats without infinity: its values are what its codes say; the sign is the bit `sign`.
struct Target {
  int fraction, least;  // fraction bits, exponent of the smallest normal value
  u32 most, nan;
  int sign;
};

constexpr Target kE2M1 = {1, 0, 7u, 7u, 3}, kE4M3 = {3, -6, 0x7Eu, 0x7Fu, 7};

// nu = rest / 2^shift, times 2^digits: cut, or rounded to nearest even. rest < 2^24, so 25 places are as good as more.
FOS_HD u64 places_of(u64 rest, int shift, int digits, bool nearest) {
  int over = shift - digits;
  if (over <= 0) return rest << -over;
  over = over > 40 ? 40 : over;
  u64 kept = rest >> over, lost = rest - (kept << over), half = u64{1} << (over - 1);
  return kept + (nearest && (lost > half || (lost == half && (kept & 1u) != 0u)) ? 1u : 0u);
}

// Whether a value goes up: n bits of random, R one of 2^n whole numbers.
FOS_HD bool goes_up(u64 rest, int shift, u32 random, Rule rule, int n) {
  if (rule == Rule::b) return places_of(rest, shift, n + 1, false) + 2u * u64{random} + 1u >= u64{1} << (n + 1);
  return places_of(rest, shift, n, rule == Rule::c) + random >= u64{1} << n;
}

// The code of any float32. NaN has no sign; what is above the largest value is the largest value.
FOS_HD u32 stochastic_code(float y, u32 random, Rule rule, int n, Target to) {
  u32 a = magnitude(y), field = a >> 23, sign = bits_of(y) >> 31 << to.sign;
  if (a > kInf) return to.nan;
  u64 digits = field == 0u ? a : (a & 0x7FFFFFu) | 0x800000u;
  int own = static_cast<int>(field == 0u ? 1u : field) - 127, e = own > to.least ? own : to.least;
  int shift = 23 - to.fraction + e - own, cut = shift > 40 ? 40 : shift;
  u64 steps = digits >> cut, rest = digits - (steps << cut);
  u32 code = (static_cast<u32>(e - to.least) << to.fraction) + low_of(steps);
  code += goes_up(rest, shift, random, rule, n) ? 1u : 0u;
  return smaller(code, to.most) | sign;
}

}  // namespace fos
