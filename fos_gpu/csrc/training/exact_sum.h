// A sum of float32 values without rounding, then one rounding: as a list of float64 numbers that do not overlap.
// Shewchuk, Adaptive precision floating-point arithmetic (1997): grow-expansion, and the first pass of compress.
namespace fos {

#if defined(__CUDA_ARCH__)
FOS_HD u64 bits_of_double(double x) { return static_cast<u64>(__double_as_longlong(x)); }
FOS_HD double double_of(u64 u) { return __longlong_as_double(static_cast<long long>(u)); }
FOS_HD float narrowed(double x) { return __double2float_rn(x); }
#else
FOS_HD u64 bits_of_double(double x) { u64 u; __builtin_memcpy(&u, &x, 8); return u; }
FOS_HD double double_of(u64 u) { double x; __builtin_memcpy(&x, &u, 8); return x; }
FOS_HD float narrowed(double x) { return static_cast<float>(x); }
#endif

struct Two {
  double sum, error;  // sum + error is the exact sum
};

FOS_HD Two two_sum(double a, double b) {
  double sum = a + b, of_b = sum - a;
  return {sum, (a - (sum - of_b)) + (b - of_b)};
}

// The sum of a list of n numbers that grew from one, rounded to odd: one rounding more, to fewer digits, rounds as the
// exact sum would. A sum of zero is +0.
FOS_HD double odd_sum(const double* list, int n) {
  double top = list[n - 1];
  for (int i = n - 2; i >= 0; i--) {
    Two t = two_sum(top, list[i]);
    top = t.sum;
    if (t.error == 0.0) continue;
    u64 u = bits_of_double(top);
    if ((u & 1u) != 0u) return top;
    return double_of((t.error < 0.0) == (top < 0.0) ? u + 1u : u - 1u);
  }
  return top == 0.0 ? 0.0 : top;
}

// The sum of n <= kMost values, as above; value(i) is one of them.
template <int kMost, class Value>
FOS_HD double exact_sum(Value value) {
  double list[kMost];
  FOS_UNROLL
  for (int i = 0; i < kMost; i++) {
    double carried = value(i);
    FOS_UNROLL
    for (int j = 0; j < i; j++) {
      Two t = two_sum(carried, list[j]);
      list[j] = t.error;
      carried = t.sum;
    }
    list[i] = carried;
  }
  return odd_sum(list, kMost);
}

// To nearest even in bfloat16, subnormals and infinity included, as a float32. x has more digits than a bfloat16, or is
// exact. Adding 2^52 steps of the binade rounds to it.
FOS_HD float bfloat16_of_double(double x) {
  u64 u = bits_of_double(x), sign = u & (u64{1} << 63), a = u ^ sign;
  int exponent = static_cast<int>(a >> 52) - 1023, step = (exponent > -126 ? exponent : -126) - 7;
  double magic = double_of(static_cast<u64>(step + 52 + 1023) << 52);
  return narrowed(double_of(bits_of_double((double_of(a) + magic) - magic) | sign));
}

}  // namespace fos
