// Products of quantized rows in whole numbers: exact sums, certificates, TransformerEngine's order. For g++ and
// NVRTC; it includes nothing. An element counts its format's smallest step, a block scale 2^-9.
#ifndef FOS_PRODUCTS_H
#define FOS_PRODUCTS_H

#if defined(__CUDACC_RTC__) || defined(__CUDACC__)
#define FOS_PRODUCT __host__ __device__ __forceinline__
#define FOS_MEMBER FOS_PRODUCT
#else
#define FOS_MEMBER inline __attribute__((always_inline))
#define FOS_PRODUCT static inline __attribute__((always_inline))
#endif

namespace fos_products {

using u32 = unsigned;
using i64 = long long;
using u64 = unsigned long long;

constexpr int kGroup = 16, kPlaces = 4;
constexpr int kDigits = 24, kAligned = 35;       // of float32; fraction bits of the published FP4 tensor core
constexpr int kZeroExponent = -126, kNan = 1 << 20, kFar = 1 << 20;
constexpr double kHalfUlp = 1.0 / (1 << 24);

// 16 elements under one block scale: signed bytes, their magnitudes, and for each place p = 0..3 the 16 bits of
// those whose lowest bit is 2^p.
struct alignas(16) Group {
  u32 words[4], sizes[4];
  u64 places;
  int sigma, exponent;
};

FOS_PRODUCT int lowest_place(u64 v) {
#if defined(__CUDA_ARCH__)
  return __ffsll(static_cast<i64>(v)) - 1;
#else
  return __builtin_ffsll(static_cast<i64>(v)) - 1;
#endif
}

// Adds the four products of signed bytes.
FOS_PRODUCT int dot4(u32 a, u32 b, int sum) {
#if defined(__CUDA_ARCH__)
  return __dp4a(static_cast<int>(a), static_cast<int>(b), sum);
#else
  for (int i = 0; i < 32; i += 8) sum += static_cast<signed char>(a >> i) * static_cast<signed char>(b >> i);
  return sum;
#endif
}

// `low` and `high` have a signed byte for each of the 16 codes.
FOS_PRODUCT int element(u32 code, u64 low, u64 high) {
  return static_cast<signed char>((code < 8 ? low : high) >> (code % 8 * 8));
}

// UE4M3: bit 7 is ignored; a NaN has no sigma and an exponent that nothing reaches.
FOS_PRODUCT void set_scale(u32 byte, Group& g) {
  u32 code = byte & 0x7Fu, field = code >> 3, fraction = code & 7u;
  g.sigma = static_cast<int>(field == 0 ? fraction : (8u + fraction) << (field - 1));
  g.exponent = code == 0 ? kZeroExponent : static_cast<int>(field == 0 ? 1u : field) - 7;
  if (code == 0x7Fu) g.sigma = 0, g.exponent = kNan;
}

// The group of eight bytes of codes, the first in the low nibble of the first.
FOS_PRODUCT Group expanded(u32 first, u32 second, u32 byte, u64 low, u64 high) {
  Group g = {};
  for (int i = 0; i < kGroup; i++) {
    int e = element((i < 8 ? first : second) >> (i % 8 * 4) & 15u, low, high), size = e < 0 ? -e : e;
    g.words[i / 4] |= (static_cast<u32>(e) & 255u) << (i % 4 * 8);
    g.sizes[i / 4] |= static_cast<u32>(size) << (i % 4 * 8);
    if (size != 0) g.places |= 1ull << (lowest_place(static_cast<u64>(size)) * kGroup + i);
  }
  set_scale(byte, g);
  return g;
}

// The lowest place of the single products of two groups, by elements alone; kFar where all are 0.
FOS_PRODUCT int product_place(u64 a, u64 b) {
  int found = kFar;
  for (int p = kPlaces - 1; p >= 0; p--)
    for (int q = kPlaces - 1; q >= 0; q--)
      if (((a >> (p * kGroup) & b >> (q * kGroup)) & 0xFFFFull) != 0 && p + q < found) found = p + q;
  return found;
}

// What one output's terms add up to, in units.
struct Sums {
  i64 total = 0, positive = 0, size = 0;  // of the group products; of those above 0; of single products' magnitudes
  u64 bits = 0;                           // of all group products, joined by OR
  int place = kFar, top = -kFar;          // lowest place of a single product; largest pair of exponents
  float te = 0.0f;                        // in order, each addition rounded
  double te_bound = 0.0;

  FOS_MEMBER void add(const Group& a, const Group& b) {
    int dot = 0, size_dot = 0;
    for (int i = 0; i < 4; i++) {
      dot = dot4(a.words[i], b.words[i], dot);
      size_dot = dot4(a.sizes[i], b.sizes[i], size_dot);
    }
    i64 scale = static_cast<i64>(a.sigma) * b.sigma, term = dot * scale;
    total += term;
    positive += term > 0 ? term : 0;
    size += size_dot * scale;
    bits |= static_cast<u64>(term < 0 ? -term : term);
    if (scale != 0) {
      int own = product_place(a.places, b.places) + lowest_place(static_cast<u64>(scale));
      place = own < place ? own : place;
    }
    int exponent = a.exponent + b.exponent;
    top = exponent > top ? exponent : top;
    te = te + static_cast<float>(term);  // 20 bits: exact
    te_bound = te_bound + kHalfUlp * static_cast<double>(te < 0.0f ? -te : te);
  }

  FOS_MEMBER bool nan() const { return top > kNan / 2; }

  FOS_MEMBER bool blocks(int unit) const {
    if (nan()) return false;
    if (bits == 0) return true;
    int lowest = lowest_place(bits);
    i64 larger = positive > positive - total ? positive : positive - total;
    return larger >> lowest <= 1ll << kDigits && lowest + unit >= top - kAligned;
  }

  FOS_MEMBER bool elements() const {
    if (nan()) return false;
    if (size == 0) return true;
    return (size + (total < 0 ? -total : total)) / 2 >> place <= 1ll << kDigits;
  }

  // Whether float64 holds the total.
  FOS_MEMBER bool wide() const {
    u64 most = static_cast<u64>(total < 0 ? -total : total);
    return most == 0 || most >> lowest_place(most) < 1ull << 53;
  }
};

}  // namespace fos_products
#endif
