// The rotation of 16 values: y_c = 1/4 sum over r of s_r x_r (-1)^popcount(r & c), in the orders of fos_ref.rotate.
namespace fos {

enum class Order { exact, sequential, sum_then_scale, fwht };

constexpr int kRotated = 16;

FOS_HD bool odd_bits(u32 v) {  // of 4 bits
  v ^= v >> 2;
  return ((v ^ (v >> 1)) & 1u) != 0u;
}

FOS_HD float turned(float x, bool negative) { return float_of(bits_of(x) ^ (negative ? 0x80000000u : 0u)); }

// x with its signs, in place: bit r of `signs` is set where s_r is -1.
FOS_HD void with_signs(float (&x)[kRotated], u32 signs) {
  FOS_UNROLL
  for (int r = 0; r < kRotated; r++) x[r] = turned(x[r], (signs >> r & 1u) != 0u);
}

// Output c without a rounding: float64, rounded to odd.
FOS_HD double exact_output(const float (&x)[kRotated], u32 c) {
  return 0.25 * exact_sum<kRotated>([&](int r) {
    return static_cast<double>(turned(x[r], odd_bits(static_cast<u32>(r) & c)));
  });
}

// Output c, values times `entry` added from the first to the last.
FOS_HD float in_a_row(const float (&x)[kRotated], u32 c, float entry) {
  float total = x[0] * entry;
  FOS_UNROLL
  for (u32 r = 1u; r < kRotated; r++) total = total + x[r] * turned(entry, odd_bits(r & c));
  return total;
}

// All outputs in place before the product: butterflies of values 1, 2, 4 and 8 apart.
FOS_HD void butterflies(float (&x)[kRotated]) {
  FOS_UNROLL
  for (int stride = 1; stride < kRotated; stride *= 2) {
    FOS_UNROLL
    for (int i = 0; i < kRotated; i++) {
      if ((i & stride) != 0) continue;
      float a = x[i], b = x[i + stride];
      x[i] = a + b;
      x[i + stride] = a - b;
    }
  }
}

// The signs of an inverse come after the sum and before it is rounded; they leave a zero as it is.
FOS_HD bool turns(u32 signs, u32 c, bool inverse) { return inverse && (signs >> c & 1u) != 0u; }

FOS_HD float after_sum(float y, bool negative) { return is_zero(y) ? y : turned(y, negative); }

// Output c of butterflies that are done, or of signed values.
template <Order kOrder>
FOS_HD float rounded_output(const float (&x)[kRotated], u32 c) {
  if constexpr (kOrder == Order::fwht) return x[c] * 0.25f;
  if constexpr (kOrder == Order::sequential) return in_a_row(x, c, 0.25f);
  return in_a_row(x, c, 1.0f) * 0.25f;
}

// x is overwritten by the outputs, rounded to bfloat16 or float32.
template <Order kOrder, bool kNarrow>
FOS_HD void rotate(float (&x)[kRotated], u32 signs, bool inverse) {
  if (!inverse) with_signs(x, signs);
  float y[kRotated];
  if constexpr (kOrder == Order::exact) {
    FOS_LOOP
    for (u32 c = 0u; c < kRotated; c++) {
      double sum = exact_output(x, c);
      sum = turns(signs, c, inverse) && sum != 0.0 ? -sum : sum;
      y[c] = kNarrow ? bfloat16_of_double(sum) : narrowed(sum);
    }
  } else {
    if constexpr (kOrder == Order::fwht) butterflies(x);
    FOS_UNROLL
    for (u32 c = 0u; c < kRotated; c++) {
      float sum = after_sum(rounded_output<kOrder>(x, c), turns(signs, c, inverse));
      y[c] = kNarrow ? to_bfloat16(sum) : sum;
    }
  }
  FOS_UNROLL
  for (u32 c = 0u; c < kRotated; c++) x[c] = y[c];
}

}  // namespace fos
