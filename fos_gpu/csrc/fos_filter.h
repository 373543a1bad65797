// The fast path: the bits of fos_numerics.h with fewer operations, for the recipes that fos_gpu/build/lower.py admits.
//
// It holds for a regular block: both block scales usable (`entry_of`) and the scaled amax below 7, so that nothing
// saturates. Any other block, and any whose choice is too close to call, is left to the recipe word for word.
// What depends on a block scale depends on its byte alone once the tensor scales are known: `entry_of` says it,
// and a kernel keeps the 128 entries in a table. What follows is stated for values y in units of a code; they and
// the codes are carried times kUnit, a power of two, which changes no rounding.
//
// 1. Rounding to E2M1. Let h be f, the factor of the values, cut to 8 significant bits, c = max(|x| cut to 8 bits
//    (11 for float16), L) and M = 2^22 c h, with L of 8 bits and 1 <= L h < 2. q = RN(y + M) - M.
//    Let 2^k <= c h < 2^(k+1). c h has at most 19 bits, so M is a multiple of 2^(k+4), an even number of ulps
//    2^(k-1) of its binade, and y < 7 does not carry y + M out of it: the sum rounds y to a multiple of 2^(k-1),
//    ties to even, and the difference is exact. The step of E2M1 is 0.5 below 2, 1 from 2, 2 from 4; because h and
//    the cut x are at most 1/128 smaller each, y < 2.04 for k = 0, 1.99 < y < 4.07 for k = 1, 3.99 < y for k = 2,
//    and k = 3 would need y > 7.99. There both steps give the same: 0.5 up to 2.25, 1 in 1.75 .. 4.5, 2 from 3.5.
//    L is that of map-to-6 for both candidates: the scale of map-to-4 is at most 1.75 times as large
//    (tests/gpu/test_filter.py, every byte), L h of map-to-6 is above 1.97.
//
// 2. The choice. With s the block scale's value and g = sum of (q - y)^2 (MAE |q - y|, ABS_MAX its maximum), the
//    recipe's error is V^2 s^2 g (V s g) but for rounding, V being common to both candidates; fos_ref/fast/filter.py
//    derives it. In units of s V and u = 2^-24, its differences and q - y, which is exact, are apart by
//    - 7 * 7u where the recipe multiplies: D, 1/S and A/C agree within 4u (`consistent`), y has 3 roundings after
//      them and is the recipe's own; 7 * 9u where it divides: 2 roundings, and y = x RN(1/d) 3 more;
//    - 13u for the recipe's roundings of q s V, of x S and of the difference.
//    That is 62u or 76u; t = 66u or 80u leaves room for products of u and for underflow. Errors of n values then
//    differ by 2 t sqrt(n g) + n t^2 (n t; t) and by (2n + 2) u g for sums, weights and the final difference. For
//    any a, sqrt(g) <= g / 2a + a / 2. So delta = s4^2 g4 - s6^2 g6 has the sign of the recipe's where its size is
//    above slope * (s4^2 g4 + s6^2 g6) + offset * (s4^2 + s6^2), with constants a thousandth larger than proved.
//
// 3. b / 6 = RN(r + c RN(b - 6 r)), c = RN(1/6), r = RN(b c): swept over every significand in
//    tests/gpu/test_filter.py. A regular block has b within 2^-70 .. 2^63, far from any underflow.
#ifndef FOS_FILTER_H
#define FOS_FILTER_H

#include "fos_filter_words.h"

// How a pair of codes leaves float32: as float16 or, where that is one instruction, as E4M3.
#ifndef FOS_PAIRS
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900 && !defined(FOS_PORTABLE)
#define FOS_PAIRS e4m3
#else
#define FOS_PAIRS float16
#endif
#endif

namespace fos {

enum class Pairs { float16, e4m3 };

constexpr Pairs kPairs = Pairs::FOS_PAIRS;
constexpr bool kDivides =
    kElementScaling == ElementScaling::divide_by_product || kElementScaling == ElementScaling::divide_by_quotient;
constexpr bool kSquares = kErrorMetric == ErrorMetric::mse;
constexpr bool kNegatives = kZeroSign == ZeroSign::negative_values;
constexpr bool kAdmitted = kElementCast != ElementCast::ties_away &&
                           kElementCast != ElementCast::ties_to_smaller &&
                           kElementCast != ElementCast::first_nearest &&
                           kElementScaling != ElementScaling::divide_then_encode &&
                           kElementScaling != ElementScaling::encode_then_divide && kZeroSign != ZeroSign::never &&
                           kErrorDomain != ErrorDomain::trial &&
                           !(kChooses && kTensorScale == TensorScale::none) &&
                           (kRows == 1 || kRowsApart || kReduction == Reduction::torch_cpu) &&
                           !(kZeroScale == ZeroScale::zero_blocks &&
                             (kScaleFloor != ScaleFloor::none || kBlockScale == BlockScale::normalised));
static_assert(kAdmitted, "fos: the fast path is not proved for this recipe");

constexpr int kEntries = 128;
//: As float16, E2M1's magnitude code times this has its bits at 9 to 11; as E4M3, at 2 to 4.
constexpr float kUnit = kPairs == Pairs::float16 ? 0x1p-14f : 0x1p-6f;
constexpr int kCodeWords = kPairs == Pairs::float16 ? 8 : 4;  // of 16 codes without signs
constexpr u32 kLeading = 0xFFFF0000u;                         // the first 8 significant bits
constexpr u32 kNan = 0x7FC00000u;

// --- bounds of the choice ---------------------------------------------------------------------------------------

constexpr double kU = 0x1p-24, kT = (kDivides ? 80.0 : 66.0) * kU, kLarger = 1.001;
constexpr double kValues = 16.0 * kRows, kRoot = kRows == 1 ? 4.0 : 16.0;
constexpr double kTypical = 0.2 * kRoot;  // `a` above, near the root of g of usual blocks
constexpr double kMost = kErrorMetric == ErrorMetric::mae ? kValues * kT : kT;
constexpr double kScaleOfError = kSquares ? double(kUnit) * double(kUnit) : double(kUnit);
constexpr float kSlope =
    float(kLarger * (2.0 * (kValues + 3.0) * kU + (kSquares ? kT * kRoot / kTypical : 0.0)));
constexpr float kOffset =
    float(kLarger * kScaleOfError * (kSquares ? kT * kRoot * kTypical + 2.0 * kValues * kT * kT : kMost));

// --- the block scales -------------------------------------------------------------------------------------------

// All that a block scale's byte decides. `factor` and `magic` (2^22 h) are times kUnit; a factor of NaN says that
// the byte is not usable.
struct Entry {
  float factor, magic, least, weight;
};

FOS_HD float leading(float x) { return float_of(bits_of(x) & kLeading); }

// Whether D, 1/S and, where errors are in units of it, A/C agree pair by pair within 4u, and D is of a size that no
// square underflows.
FOS_HD bool consistent(Tensor t) {
  constexpr float most = 3.999f * 0x1p-24f;
  float range = kRangeMax * t.decode;
  float one = fused(t.decode, t.encode, -1.0f), other = fused(-kRangeMax, t.decode, t.amax) / range;
  bool near = size_of(one) <= most;
  if constexpr (kErrorDomain == ErrorDomain::input_amax)
    near = near && size_of(other) <= most && size_of(one + other) <= most;
  return near && t.decode >= 0x1p-44f && t.decode <= 0x1p40f;
}

// The least factor under which no value but zero vanishes; float32 values are looked at one by one.
template <Input kInput>
constexpr float kLeastFactor = kNegatives && kInput == Input::bfloat16 ? 0x1p-16f : 0x1p-60f;

template <Input kInput>
FOS_HD Entry entry_of(u32 byte, Tensor t) {
  float s = e4m3_value(byte), f = factor_of(s, t);
  if constexpr (kDivides) f = 1.0f / f;
  bool usable = byte >= 3u && byte < 0x7Fu && f >= kLeastFactor<kInput> && f <= 0x1p60f;
  usable = usable && t.encode >= 0x1p-60f && t.encode <= 0x1p60f && (!kChooses || consistent(t));
  float h = leading(f);
  return {usable ? f * kUnit : float_of(kNan), h * (kUnit * 0x1p22f), leading(0x1.ffp0f / h), kSquares ? s * s : s};
}

// b / kElementMax; see 3.
FOS_HD float over_maximum(float b) {
  constexpr float inverse = 1.0f / kElementMax;
  if constexpr (kElementMax == 4.0f) return b * inverse;
  float r = b * inverse;
  return fused(fused(-kElementMax, r, b), inverse, r);
}

struct Bytes {
  u32 six, four;
};

template <Input kInput>
FOS_HD Bytes scale_bytes(float b, Tensor t) {
  float base;
  if constexpr (kBlockScale == BlockScale::divide_then_multiply) base = over_maximum(b) * t.encode;
  else base = unrounded<kInput>(b, t, kElementMax);
  float base4 = kChooses ? map4_base<kInput>(base, b, t) : base;
  // A NaN's byte may have its sign bit set; the table has 128 entries, and the last is not usable.
  if constexpr (kScaleFloor != ScaleFloor::none) return {cast_scale(base).byte & 0x7Fu, cast_scale(base4).byte & 0x7Fu};
  u32 both = e4m3_pair(base, base4);
  return {both & 0x7Fu, (both >> 8) & 0x7Fu};
}

FOS_HD bool is_regular(float b, Entry six, Entry four) {
  bool regular = b * six.factor < 7.0f * kUnit;  // no NaN passes
  if constexpr (kChooses) regular = regular && b * four.factor < 7.0f * kUnit;
  return regular;
}

// --- sixteen values ---------------------------------------------------------------------------------------------

// The largest magnitude of sixteen inputs, as the bits of a float32; a NaN is the largest.
template <Input kInput>
FOS_HD float amax_of(const u32 (&w)[kWords<kInput>]) {
  u32 most = w[0];
  FOS_UNROLL
  for (int i = 1; i < kWords<kInput>; i++)
    most = kInput == Input::float32 ? larger_size(most, w[i]) : larger_pair<kInput>(most, w[i]);
  if constexpr (kInput == Input::float32) return float_of(most & kAbs);
  u32 high = most & 0x7FFF0000u, low = (most << 16) & 0x7FFF0000u;
  return kInput == Input::bfloat16 ? float_of(larger(high, low)) : widened(larger(high, low), 1);
}

template <Input kInput>
FOS_HD float value_of(const u32 (&w)[kWords<kInput>], int i) {
  if constexpr (kInput == Input::float32) return float_of(w[i]);
  if constexpr (kInput == Input::bfloat16) return float_of(i % 2 ? w[i / 2] & kLeading : w[i / 2] << 16);
  return widened(w[i / 2], i % 2);
}

// The size of a value with few significant bits, at least `least`: what the magic number is built from. See 1.
template <Input kInput>
FOS_HD float guide_of(float x, float least) {
  return at_least(size_of(kInput == Input::float32 ? leading(x) : x), least);
}

FOS_HD float rounded(float y, float guide, float magic) { return fused(-guide, magic, fused(guide, magic, y)); }

// The cheap error of 16 values or more, times kUnit or its square.
FOS_HD float with_error(float sum, float d) {
  if constexpr (kSquares) return fused(d, d, sum);
  if constexpr (kErrorMetric == ErrorMetric::mae) return sum + size_of(d);
  return at_least(size_of(d), sum);
}

// The cheap errors of two parts of a tile as one.
FOS_HD float joined(float a, float b) {
  if constexpr (kErrorMetric == ErrorMetric::abs_max) return at_least(a, b);
  return a + b;
}

// Sixteen magnitude codes on their way into two words.
struct Loose {
  u32 word[kCodeWords];
};

// Which two values travel together in pair i: their codes have to lie 16 bits apart in the end, or 8 as E4M3.
FOS_HD constexpr int first_of(int i) {
  return i / 4 * 8 + (kPairs == Pairs::float16 ? i % 4 : i % 2 * 4 + i / 2 % 2);
}
FOS_HD constexpr int second_of(int i) { return first_of(i) + (kPairs == Pairs::float16 ? 4 : 2); }

FOS_HD void put_pair(Loose& out, int i, float low, float high) {
  if constexpr (kPairs == Pairs::float16) out.word[i] = float16_pair(low, high);
  else out.word[i / 2] = i % 2 == 0 ? e4m3_pair(low, high) : out.word[i / 2] | (e4m3_pair(low, high) << 16);
}

// A candidate's codes, and its cheap error.
struct Side {
  Loose codes;
  float error;
};

FOS_HD void add_pair(Side& side, int i, Entry e, const float (&size)[2], const float (&guide)[2]) {
  float q[2];
  FOS_UNROLL
  for (int j = 0; j < 2; j++) {
    float y = size[j] * e.factor;
    q[j] = rounded(y, guide[j], e.magic);
    if constexpr (kChooses) side.error = with_error(side.error, q[j] - y);
  }
  put_pair(side.codes, i, q[0], q[1]);
}

template <Input kInput>
FOS_HD void round_row(const u32 (&w)[kWords<kInput>], Entry six, Entry four, Side& side6, Side& side4) {
  side6.error = side4.error = 0.0f;
  FOS_UNROLL
  for (int i = 0; i < 8; i++) {
    float x[2] = {value_of<kInput>(w, first_of(i)), value_of<kInput>(w, second_of(i))};
    float guide[2] = {guide_of<kInput>(x[0], six.least), guide_of<kInput>(x[1], six.least)};
    float size[2] = {size_of(x[0]), size_of(x[1])};
    add_pair(side6, i, six, size, guide);
    if constexpr (kChooses) add_pair(side4, i, four, size, guide);
  }
}

// Where the recipe divides, a product with the reciprocal is good for the choice and not for the codes.
template <Input kInput>
FOS_HD Loose divided_codes(const u32 (&w)[kWords<kInput>], Entry e, float least, u32 byte, Tensor t) {
  Loose out;
  float divisor = factor_of(e4m3_value(byte), t);
  FOS_UNROLL
  for (int i = 0; i < 8; i++) {
    float q[2];
    FOS_UNROLL
    for (int j = 0; j < 2; j++) {
      float x = value_of<kInput>(w, j == 0 ? first_of(i) : second_of(i));
      q[j] = rounded(size_of(x) / divisor * kUnit, guide_of<kInput>(x, least), e.magic);
    }
    put_pair(out, i, q[0], q[1]);
  }
  return out;
}

// --- the codes of sixteen values, with their signs ----------------------------------------------------------------

// What carries the sign of inputs `half` * 8 to `half` * 8 + 7: the sign bits of even and of odd ones, spread over
// a byte each.
template <Input kInput>
FOS_HD void signs_of(const u32 (&w)[kWords<kInput>], int half, float factor, u32& even, u32& odd) {
  u32 v[kWords<kInput> / 2];
  FOS_UNROLL
  for (int i = 0; i < kWords<kInput> / 2; i++) {
    v[i] = w[half * kWords<kInput> / 2 + i];
    if constexpr (kNegatives && kInput == Input::float32) v[i] = bits_of(float_of(v[i]) * factor + 0.0f);
    if constexpr (kNegatives && kInput != Input::float32) v[i] = signs_of_negatives<kInput>(v[i]);
  }
  if constexpr (kInput == Input::float32) {
    even = permuted(permuted(v[0], v[2], 0x0073u), permuted(v[4], v[6], 0x0073u), 0xDC98u);
    odd = permuted(permuted(v[1], v[3], 0x0073u), permuted(v[5], v[7], 0x0073u), 0xDC98u);
  } else {
    u32 a = permuted(v[0], v[1], 0x7531u), b = permuted(v[2], v[3], 0x7531u);
    even = permuted(a, b, 0xECA8u);
    odd = permuted(a, b, 0xFDB9u);
  }
}

// Eight magnitude codes in their places.
FOS_HD u32 tight(const Loose& codes, int half) {
  const u32* p = codes.word + half * (kCodeWords / 2);
  if constexpr (kPairs == Pairs::float16) return ((p[0] + (p[1] << 4)) >> 9) + ((p[2] + (p[3] << 4)) >> 1);
  return (p[0] >> 2) + (p[1] << 2);
}

// `factor` is the recipe's own, without kUnit.
template <Input kInput>
FOS_HD Codes with_signs(const u32 (&w)[kWords<kInput>], const Loose& codes, float factor) {
  Codes out;
  FOS_UNROLL
  for (int half = 0; half < 2; half++) {
    u32 even, odd;
    signs_of<kInput>(w, half, factor, even, odd);
    out.word[half] = tight(codes, half) | (even & 0x08080808u) | (odd & 0x80808080u);
  }
  return out;
}

// --- the walk: what both the host's loop and the kernel call --------------------------------------------------------

// The block scales of a block or a tile.
struct Scales {
  Bytes bytes;
  Entry six, four;
  bool regular;
};

template <Input kInput>
FOS_HD Scales scales_for(float b, Tensor t, const Entry* table) {
  Bytes bytes = scale_bytes<kInput>(b, t);
  Entry six = table[bytes.six], four = kChooses ? table[bytes.four] : six;
  return {bytes, six, four, is_regular(b, six, four)};
}

struct Judged {
  float delta, limit;
};

FOS_HD Judged judge(const Scales& s, float error6, float error4) {
  float weighted = s.four.weight * error4;
  float delta = fused(-s.six.weight, error6, weighted), sum = fused(s.six.weight, error6, weighted);
  return {delta, fused(kSlope, sum, kOffset * (s.four.weight + s.six.weight))};
}

// Returns whether the choice is sure. Equal bytes have equal codes and errors: a tie.
FOS_HD bool decide(const Scales& s, float error6, float error4, bool& four) {
  Judged judged = judge(s, error6, error4);
  bool tied = s.bytes.six == s.bytes.four;
  four = tied ? kTie == Tie::four : judged.delta < 0.0f;
  return tied || size_of(judged.delta) > judged.limit;
}

template <Input kInput>
FOS_HD Codes codes_for(const u32 (&w)[kWords<kInput>], const Scales& s, Tensor t, bool four, Side& six, Side& other) {
  Loose codes = six.codes;
  if constexpr (kChooses) {
    FOS_UNROLL
    for (int i = 0; i < kCodeWords; i++) codes.word[i] = four ? other.codes.word[i] : codes.word[i];
  }
  Entry e = kChooses && four ? s.four : s.six;
  if constexpr (kDivides) codes = divided_codes<kInput>(w, e, s.six.least, four ? s.bytes.four : s.bytes.six, t);
  return with_signs<kInput>(w, codes, e.factor * (1.0f / kUnit));
}

// A block whose bytes are all zero whatever its signs: it has no usable scale, and is not worth the recipe's words.
// Where the recipe gives zero codes under a scale of zero, both candidates count as zeros and their errors are equal;
// elsewhere the block has to be one of zeros. Byte 0x38 is the scale 1: usable only under tensor scales that the
// fast path admits, under which a block that has no byte but zero is far from any underflow.
constexpr bool kZeroCodes = kZeroScale == ZeroScale::zero_codes;
constexpr bool kForcesZeros =
    kZeroCodes || kZeroScale == ZeroScale::zero_blocks ||
    (kZeroScale == ZeroScale::no_special_case && kReciprocalOverflow == ReciprocalOverflow::clamp_to_max &&
     kElementScaling == ElementScaling::reciprocal_of_product && kNegatives);
constexpr bool kBlanks = kForcesZeros && kScaleFloor == ScaleFloor::none && kBlockScale != BlockScale::normalised;

FOS_HD bool is_blank(float b, const Scales& s, const Entry* table) {
  bool zeros = kZeroCodes ? (s.bytes.six | s.bytes.four) == 0u : is_zero(b);
  return kBlanks && zeros && !is_nan(table[0x38].factor);
}

FOS_HD Kept kept_blank() { return {0u, kChooses ? kTie == Tie::four : kCandidates == Candidates::four}; }

FOS_HD Kept kept_for(const Scales& s, bool four) {
  if constexpr (!kChooses) return {s.bytes.six, kCandidates == Candidates::four};
  return {four ? s.bytes.four : s.bytes.six, four};
}

}  // namespace fos
#endif
