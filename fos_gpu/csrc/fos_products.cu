// Products of quantized matrices (M, K) and (N, K): what is exact, what is certified, what an output is.
#include "fos_products.h"
#include "fos_verdict.h"

namespace {
using namespace fos_products;
constexpr int kThreads = 256, kSide = 16;
}  // namespace

// codes (rows, 8 * groups) and scale bytes (rows, groups) to groups (groups, rows). One thread a group.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_expand(const uint2* codes, const unsigned char* bytes, i64 rows, i64 groups, u64 low, u64 high, Group* out) {
  i64 at = blockIdx.x * static_cast<i64>(kThreads) + threadIdx.x;
  if (at >= rows * groups) return;
  i64 row = at / groups, k = at % groups;
  uint2 two = codes[at];
  out[k * rows + row] = expanded(two.x, two.y, bytes[at], low, high);
}

// One thread an output of (m, n), 16 x 16 of them a thread block. `scale` is 2^unit.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_multiply(const Group* a, const Group* b, i64 m, i64 n, i64 groups, int unit, double scale, double* exact,
                 double* size, float* te, double* te_bound, unsigned char* flags) {
  i64 across = (n + kSide - 1) / kSide;
  i64 row = blockIdx.x / across * kSide + threadIdx.x / kSide, col = blockIdx.x % across * kSide + threadIdx.x % kSide;
  if (row >= m || col >= n) return;
  Sums s;
  for (i64 k = 0; k < groups; k++) s.add(a[k * m + row], b[k * n + col]);
  i64 at = row * n + col;
  exact[at] = s.nan() ? not_a_number() : static_cast<double>(s.total) * scale;
  size[at] = s.nan() ? not_a_number() : static_cast<double>(s.size) * scale;
  te[at] = s.nan() ? static_cast<float>(not_a_number()) : s.te * static_cast<float>(scale);
  te_bound[at] = s.te_bound * scale;
  flags[at] = static_cast<unsigned char>((s.blocks(unit) ? kBlocks : 0) | (s.elements() ? kElements : 0) |
                                         (s.wide() ? 0 : kTooWide));
}

// One thread a row of the outputs: how many are what, as fos_verdict.h counts them. kind: 0 float32, 1 bfloat16,
// 2 float16. way: 0 alpha then cast, 1 cast, alpha in that type, 2 one rounding.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_judge(const void* out, int kind, const double* exact, const double* size, const float* te,
              const double* te_bound, const unsigned char* flags, i64 m, i64 n, i64 groups, float alpha, int way,
              float middle, double error, int mask, i64* counts) {
  i64 row = blockIdx.x * static_cast<i64>(kThreads) + threadIdx.x;
  if (row >= m) return;
  Asked asked = {kind, way, mask, alpha, middle, error, any_order(groups * kGroup)};
  Counts c;
  c.first = n;
  for (i64 col = 0; col < n; col++) {
    i64 at = row * n + col;
    Output o = {read_output(out, kind, at), exact[at], size[at], te[at], te_bound[at], flags[at]};
    c.add(judged(o, asked), col);
  }
  c.write(counts + row * kCounted);
}

// Bits of `flags` that all of `mask` are set in, as bytes 0 and 1.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_flagged(const unsigned char* flags, i64 count, int mask, unsigned char* out) {
  i64 at = blockIdx.x * static_cast<i64>(kThreads) + threadIdx.x;
  if (at < count) out[at] = (flags[at] & mask) == mask;
}
