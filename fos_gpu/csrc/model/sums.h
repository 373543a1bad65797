// N11 and N12: a block's error from its differences, in the recipe's order.
namespace fos {

// N11.
FOS_HD float term(float d) { return kErrorMetric == ErrorMetric::mse ? d * d : float_of(magnitude(d)); }

FOS_HD float chain(const float* d, int first, int count, int stride) {
  float total = term(d[first]);
  FOS_UNROLL
  for (int i = 1; i < count; i++) total = total + term(d[first + i * stride]);
  return total;
}

FOS_HD float fused_chain(const float* d, int first, int count, int stride) {
  float total = 0.0f;
  FOS_UNROLL
  for (int i = 0; i < count; i++) total = fused(d[first + i * stride], d[first + i * stride], total);
  return total;
}

// N12, orders that add each row of a tile alone: 16 differences to one part, then parts to the error.
constexpr bool kRowsApart = kReduction == Reduction::unset || kReduction == Reduction::sequential ||
                            kReduction == Reduction::fused_sequential || kRows == 1;

FOS_HD float largest_term(const float* d, int n) {
  u32 most = 0u;
  FOS_UNROLL
  for (int i = 0; i < n; i++) most = larger(most, magnitude(d[i]));
  return float_of(most);
}

// N12, torch.sum on a CPU: vectors of 8 lanes into up to 4 accumulators, these in order, then the lanes.
template <int kValues>
FOS_HD float torch_sum(const float* d) {
  constexpr int vectors = kValues / 8, parts = vectors < 4 ? vectors : 4;
  float total = 0.0f;
  FOS_UNROLL
  for (int lane = 0; lane < 8; lane++) {
    float sum = chain(d, lane, (vectors + 3) / 4, 32);
    FOS_UNROLL
    for (int a = 1; a < parts; a++) sum = sum + chain(d, a * 8 + lane, (vectors - a + 3) / 4, 32);
    total = lane == 0 ? sum : total + sum;
  }
  return total;
}

// N12: the error of kValues differences in element order. A tile of 256 comes here whole only for an order that
// does not add its rows apart.
template <int kValues>
FOS_HD float block_error(const float* d) {
  if constexpr (kReduction == Reduction::unset) return largest_term(d, kValues);
  if constexpr (kReduction == Reduction::sequential) return chain(d, 0, kValues, 1);
  if constexpr (kReduction == Reduction::fused_sequential) return fused_chain(d, 0, kValues, 1);
  if constexpr (kReduction == Reduction::halves) return chain(d, 0, 8, 1) + chain(d, 8, kValues - 8, 1);
  if constexpr (kReduction == Reduction::fused_even_odd) {
    float first = fused_chain(d, 0, 4, 2) + fused_chain(d, 1, 4, 2);
    return first + (fused_chain(d, 8, (kValues - 8) / 2, 2) + fused_chain(d, 9, (kValues - 8) / 2, 2));
  }
  return torch_sum<kValues>(d);
}

// N12: the rows of a tile, each added up in order, joined by the tree 8, 4, 2, 1.
FOS_HD float join_rows(const float* parts) {
  if constexpr (kReduction == Reduction::unset) return largest_term(parts, 16);
  float r[16];
  FOS_UNROLL
  for (int i = 0; i < 16; i++) r[i] = parts[i];
  FOS_UNROLL
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; i++) r[i] = r[i] + r[i + half];
  return r[0];
}

}  // namespace fos
