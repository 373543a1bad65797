// N1: a number format as numbers, and its codes: what rounds onto its grid, and what a code is worth.
//
// In binade e the grid's step is 2^(max(e, least) - fraction). Adding 2^23 steps rounds to it, to nearest even, and the
// bits of the sum count the steps passed. An integer of n bits is a float with fraction = least = n: all its values
// are subnormal. The numbers come from fos_ref/recipes/elements.py and fos_ref/formats/catalog.py, by the build.
namespace fos {

struct Grid {
  int width, exponent_bits, fraction, bias;
  u32 most, nan;         // the largest magnitude code; the code of NaN
  bool turned;           // two's complement
  u32 rescale, unit;     // bits: what a scaled value is multiplied by before the cast, and the worth of a step
};

constexpr Grid kFirstGrid = {FOS_FIRST_GRID}, kSecondGrid = {FOS_SECOND_GRID}, kScaleGrid = {FOS_SCALE_GRID};
enum class Which { first, second, scale };

template <Which kWhich>
constexpr Grid kGrid = kWhich == Which::first ? kFirstGrid : kWhich == Which::second ? kSecondGrid : kScaleGrid;

constexpr int kWidth = kFirstGrid.width;  // of an element's code
constexpr bool kPacked = kWidth == 4;     // two codes share a byte
constexpr u32 kCodeMask = (1u << kWidth) - 1u, kMinusZero = 1u << (kWidth - 1);

FOS_HD constexpr u32 bits_of_power(int exponent) { return static_cast<u32>(exponent + 127) << 23; }
FOS_HD constexpr bool is_whole(Grid g) { return g.exponent_bits == 0; }
FOS_HD constexpr u32 least_of(Grid g) { return bits_of_power(is_whole(g) ? g.fraction - g.bias : 1 - g.bias); }

// The bits of the power of two from which on everything is the largest value.
FOS_HD constexpr u32 beyond(Grid g) {
  return bits_of_power(is_whole(g) ? g.fraction - g.bias : static_cast<int>(g.most >> g.fraction) - g.bias + 1);
}

// The magnitude code of magnitude bits, ties to even, to the smaller where kTie is 1, to the larger where it is -1. A
// sum that was rounded by half a step the other way is one too far.
template <Which kWhich, int kTie = 0>
FOS_HD u32 nearest_code(u32 a) {
  constexpr Grid g = kGrid<kWhich>;
  a = smaller(a, beyond(g));
  u32 e = larger(a & kInf, least_of(g)), m = e + (static_cast<u32>(23 - g.fraction) << 23);
  float sum = float_of(a) + float_of(m);
  u32 code = bits_of(sum) - m + ((e - least_of(g)) >> (23 - g.fraction));
  if constexpr (kTie != 0) {
    float half = float_of(m - (24u << 23)), over = (sum - float_of(m) - float_of(a)) * static_cast<float>(kTie);
    code = over == half ? code - static_cast<u32>(kTie) : code;
  }
  return smaller(code, g.most);
}

// What a code counts as. Codes of NaN and infinity count as the numbers that their bits would be.
template <Which kWhich>
FOS_HD float value_of_code(u32 code) {
  constexpr Grid g = kGrid<kWhich>;
  u32 mask = (1u << (g.width - 1)) - 1u, negative = kWhich == Which::scale ? 0u : (code >> (g.width - 1)) & 1u;
  if constexpr (kWhich == Which::scale) mask = (1u << g.width) - 1u;
  if constexpr (!is_whole(g)) {
    float size = float_of((code & mask) << (23 - g.fraction)) * float_of(bits_of_power(127 - g.bias));
    return float_of(bits_of(size) | (negative << 31));
  }
  u32 size = g.turned && negative != 0u ? mask + 1u - (code & mask) : code & mask;
  float value = static_cast<float>(size) * float_of(bits_of_power(-g.bias));
  return negative != 0u ? 0.0f - value : value;
}

}  // namespace fos
