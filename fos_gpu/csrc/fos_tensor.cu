// The tensor amax, and A, S, D from it, without a word of the host's.
#include "fos_largest.cuh"

using namespace fos;

namespace {
constexpr Input kInput = Input::FOS_INPUT;
}  // namespace

// The largest magnitude of each of `rows` runs of `cols` values, as float32 bits, into out (rows,), zero before.
// `parts` thread blocks share a run; a run starts at a multiple of 16 bytes.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_amax_of_rows(const void* x, long long cols, int parts, u32* out) {
  long long row = blockIdx.x / parts;
  u32 most = largest_of_block<kInput>(x, row * cols, cols / kRow, blockIdx.x % parts, parts);
  if (threadIdx.x == 0 && most != 0u) atomicMax(out + row, most);
}

// A, S and D of all of x into out (3, 1): the thread block that is done last computes them. work: the largest so
// far and how many thread blocks are done; both are zero before and after.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_amax_and_scales(const void* x, long long values, int parts, u32* work, float* out) {
  u32 most = largest_of_block<kInput>(x, 0, values / kRow, blockIdx.x, parts);
  if (threadIdx.x != 0) return;
  atomicMax(work, most);
  __threadfence();
  if (atomicAdd(work + 1, 1u) + 1u != static_cast<u32>(parts)) return;
  __threadfence();
  Tensor t = tensor_scales<kInput>(float_of(atomicExch(work, 0u)));
  work[1] = 0u;
  out[0] = t.amax;
  out[1] = t.encode;
  out[2] = t.decode;
}

// The same of each column of x (rows, cols) into out (cols,): one thread a block of a column.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_amax_of_columns(const void* x, long long rows, long long cols, u32* out) {
  fos_layout::ColumnBlock at = fos_layout::column_block(blockIdx.x, threadIdx.x, rows, cols, kRow);
  if (!at.inside) return;
  float v[kRow];
  read_column<kInput>(x, at.column, at.block, cols, v);
  u32 most = block_amax(v);
  if (most != 0u) atomicMax(out + at.column, most);
}

// N3: out (3, n): A, S and D of n tensor amaxes. A's sign does not count. `amaxes` may be the first row of out.
extern "C" __global__ void __launch_bounds__(kThreads)
    fos_tensor_scales(const float* amaxes, long long n, float* out) {
  long long i = blockIdx.x * static_cast<long long>(kThreads) + threadIdx.x;
  if (i >= n) return;
  Tensor t = tensor_scales<kInput>(float_of(magnitude(amaxes[i])));
  out[i] = t.amax;
  out[n + i] = t.encode;
  out[2 * n + i] = t.decode;
}

// out (3, 1): what the host has computed.
extern "C" __global__ void fos_set_tensor_scales(float amax, float encode, float decode, float* out) {
  out[0] = amax;
  out[1] = encode;
  out[2] = decode;
}
