// Whether an output is what an exact sum, its certificate and its bounds allow. For g++ and NVRTC, float64 to nearest.
#ifndef FOS_VERDICT_H
#define FOS_VERDICT_H

#include "fos_products.h"

namespace fos_products {

constexpr int kBlocks = 1, kElements = 2, kTooWide = 4;  // bits of an output's flags
constexpr int kFloat32 = 0, kBfloat16 = 1, kFloat16 = 2;  // kinds of an output
constexpr int kAlphaThenCast = 0, kCastThenAlpha = 1;     // ways; 2: one rounding

FOS_PRODUCT double size_of(double v) { return v < 0.0 ? -v : v; }

#if defined(__CUDA_ARCH__)
FOS_PRODUCT u64 bits_of(double v) { return static_cast<u64>(__double_as_longlong(v)); }
FOS_PRODUCT double from_bits(u64 bits) { return __longlong_as_double(static_cast<i64>(bits)); }
FOS_PRODUCT float float_from_bits(u32 bits) { return __uint_as_float(bits); }
#else
FOS_PRODUCT u64 bits_of(double v) { return __builtin_bit_cast(u64, v); }
FOS_PRODUCT double from_bits(u64 bits) { return __builtin_bit_cast(double, bits); }
FOS_PRODUCT float float_from_bits(u32 bits) { return __builtin_bit_cast(float, bits); }
#endif

FOS_PRODUCT double not_a_number() { return from_bits(0x7FF8ull << 48); }
FOS_PRODUCT double infinity() { return from_bits(0x7FF0ull << 48); }
FOS_PRODUCT double power(int exponent) { return from_bits(static_cast<u64>(exponent + 1023) << 52); }  // normal ones

// Significant bits, the exponent of the lowest bit, and of the first overflow.
struct Form {
  int digits, lowest, overflow;
};

FOS_PRODUCT Form form_of(int kind) {
  if (kind == kBfloat16) return {8, -133, 128};
  if (kind == kFloat16) return {11, -24, 16};
  return {24, -149, 128};
}

// A number in a narrower form: nearest, ties to even. Its exponent is above -1000.
FOS_PRODUCT double rounded(double v, Form f) {
  if (v != v || v == 0.0 || size_of(v) > 1e300) return v;
  int exponent = static_cast<int>(bits_of(v) >> 52 & 2047u) - 1023, step = exponent - f.digits + 1;
  double unit = power(step > f.lowest ? step : f.lowest), magic = 6755399441055744.0;  // 1.5 * 2^52
  double whole = (v / unit + magic) - magic, found = whole * unit;
  if (size_of(found) >= power(f.overflow - 1) * 2.0) return v < 0.0 ? -infinity() : infinity();
  return found;
}

FOS_PRODUCT double half_value(u32 bits) {
  int field = static_cast<int>(bits >> 10 & 31u);
  double fraction = bits & 1023u, sign = (bits & 0x8000u) != 0 ? -1.0 : 1.0;
  if (field == 31) return fraction != 0.0 ? not_a_number() : sign * infinity();
  return sign * (field == 0 ? fraction * power(-24) : (1024.0 + fraction) * power(field - 25));
}

FOS_PRODUCT double read_output(const void* out, int kind, i64 at) {
  if (kind == kFloat32) return static_cast<const float*>(out)[at];
  u32 bits = static_cast<const unsigned short*>(out)[at];
  if (kind == kFloat16) return half_value(bits);
  return float_from_bits(bits << 16);
}

struct Output {
  double value, exact, size;
  float te;
  double te_bound;
  int flags;
};

struct Asked {
  int kind, way, mask;  // mask: the certificates that are asked for
  float alpha;          // of equality
  float middle;         // of the bounds
  double error;         // the relative error of alpha and its product
  double any;           // the relative bound of any order, of the sum of magnitudes; infinity from 1 on
};

FOS_PRODUCT double any_order(i64 terms) {
  double error = 2.0 * kHalfUlp * static_cast<double>(terms > 0 ? terms - 1 : 0);
  return error >= 1.0 ? infinity() : error / (1.0 - error);
}

// The output of an accumulator.
FOS_PRODUCT double finished(float total, const Asked& q) {
  Form f = form_of(q.kind);
  if (q.way == kAlphaThenCast) return rounded(static_cast<double>(q.alpha * total), f);
  if (q.way == kCastThenAlpha) {
    float product = static_cast<float>(rounded(total, f)) * static_cast<float>(rounded(q.alpha, f));
    return rounded(static_cast<double>(product), f);
  }
  return rounded(static_cast<double>(q.alpha) * static_cast<double>(total), f);  // 48 bits: exact
}

FOS_PRODUCT bool equal(double a, double b) { return a == b || (a != a && b != b); }

// Whether a value is as near to alpha times the sum as a bound of the accumulator allows.
FOS_PRODUCT bool inside(const Output& o, const Asked& q, double bound, int roundings) {
  if (o.exact != o.exact || o.value != o.value) return o.exact != o.exact && o.value != o.value;
  Form f = form_of(q.kind);
  double alpha = size_of(q.middle), middle = static_cast<double>(q.middle) * o.exact;
  double size = alpha * (size_of(o.exact) + bound), tiny = power(f.lowest - 1);
  double allowed = alpha * bound + q.error * size + roundings * (power(-f.digits) * size + tiny);
  if (size_of(o.value) > 1e300) return size_of(middle) + allowed >= power(f.overflow - 1);
  return size_of(o.value - middle) <= allowed;
}

struct Judged {
  bool sure, equal, anywhere, running, te;
};

FOS_PRODUCT Judged judged(const Output& o, const Asked& q) {
  bool sure = (o.flags & q.mask) == q.mask;
  double any = o.size == 0.0 ? 0.0 : o.size * q.any;
  return {sure, equal(o.value, finished(static_cast<float>(o.exact), q)), inside(o, q, any, 3),
          inside(o, q, o.te_bound, 1), equal(o.value, finished(o.te, q))};
}

constexpr int kCounted = 7;

// Of a row: certified ones, equal ones of them, those outside, certified ones that are unequal or outside, those not
// certified and outside of TransformerEngine's bound, those equal to its bits, the first outside or unequal.
struct Counts {
  i64 sure = 0, equal = 0, outside = 0, wrong = 0, loose = 0, te = 0, first = 0;

  FOS_MEMBER void add(const Judged& j, i64 col) {
    bool bad = !j.anywhere || (j.sure && !j.equal);
    sure += j.sure;
    equal += j.sure && j.equal;
    outside += !j.anywhere;
    wrong += bad;
    loose += !j.sure && !j.running;
    te += j.te;
    if (bad && col < first) first = col;
  }

  FOS_MEMBER void write(i64* out) const {
    i64 all[kCounted] = {sure, equal, outside, wrong, loose, te, first};
    for (int i = 0; i < kCounted; i++) out[i] = all[i];
  }
};

}  // namespace fos_products
#endif
