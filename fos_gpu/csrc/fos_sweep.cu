// Every float32 pattern through a conversion and through its twin: what differs, and which patterns have each code.
//
// A code's patterns are told apart by sign and by being NaN; of each such group the kernel keeps how many there are,
// the first and the last. Where last - first + 1 is the count, the three numbers say exactly which patterns they are.
#include "fos_ptx.cuh"

using namespace fos;

namespace {

constexpr int kGroups = 1024;  // sign, NaN, code
constexpr u32 kRun = 4096;     // consecutive patterns of one thread
constexpr u32 kOdd = 0x9E3779B1u;  // p * kOdd passes through every pattern as p does

struct Group {
  u32 key, first, last;
};

__device__ void keep(const Group& g, u32* table) {
  atomicAdd(table + g.key, g.last - g.first + 1u);
  atomicMin(table + kGroups + g.key, g.first);
  atomicMax(table + 2 * kGroups + g.key, g.last);
}

__device__ u32 key_of(u32 pattern, u32 code) {
  return (pattern >> 31 << 9) | (u32((pattern & kAbs) > kInf) << 8) | code;
}

// Zero, subnormal, normal, infinite, NaN; the negative ones 5 further on.
__device__ u32 class_of(u32 pattern) {
  u32 a = pattern & kAbs;
  return (pattern >> 31) * 5u + u32(a > 0u) + u32(a >= 0x00800000u) + u32(a >= kInf) + u32(a > kInf);
}

// table (3, kGroups): counts, first, last. differing (2, 10): by the class of the low and of the high operand.
// convert(high, low) and twin(high, low) give two codes of kBits bits.
template <int kBits, typename Convert, typename Twin>
__device__ void sweep(u32* table, u32* differing, Convert convert, Twin twin) {
  constexpr u32 mask = (1u << kBits) - 1u;
  u32 start = (blockIdx.x * blockDim.x + threadIdx.x) * kRun;
  Group g = {0xFFFFFFFFu, 0u, 0u};
  for (u32 i = 0u; i < kRun; i++) {
    u32 low = start + i, high = low * kOdd;
    u32 pair = convert(float_of(high), float_of(low)), want = twin(float_of(high), float_of(low));
    if (((pair ^ want) & mask) != 0u) atomicAdd(differing + class_of(low), 1u);
    if (((pair ^ want) & ~mask) != 0u) atomicAdd(differing + 10 + class_of(high), 1u);
    u32 key = key_of(low, pair & mask);
    if (key != g.key) {
      if (i != 0u) keep(g, table);
      g = {key, low, low};
    }
    g.last = low;
  }
  keep(g, table);
}

}  // namespace

// The instruction beside the twin; where there is none, *instruction is 0 and the twin stands in its place.
extern "C" __global__ void fos_sweep_e2m1(u32* table, u32* differing, u32* instruction) {
  *instruction = FOS_HAS_E2M1X2;
  sweep<4>(
      table, differing, [](float high, float low) { return cast_e2m1_pair(high, low); },
      [](float high, float low) { return cast_e2m1_pair_twin(high, low); });
}

extern "C" __global__ void fos_sweep_e4m3(u32* table, u32* differing, u32* instruction) {
  *instruction = FOS_HAS_E4M3X2;
  sweep<8>(
      table, differing, [](float high, float low) { return cast_e4m3_pair(high, low); },
      [](float high, float low) { return cast_e4m3_pair_twin(high, low); });
}

// The twin beside itself, for its runs; *instruction is 0.
extern "C" __global__ void fos_sweep_e2m1_twin(u32* table, u32* differing, u32* instruction) {
  *instruction = 0u;
  auto twin = [](float high, float low) { return cast_e2m1_pair_twin(high, low); };
  sweep<4>(table, differing, twin, twin);
}

extern "C" __global__ void fos_sweep_e4m3_twin(u32* table, u32* differing, u32* instruction) {
  *instruction = 0u;
  auto twin = [](float high, float low) { return cast_e4m3_pair_twin(high, low); };
  sweep<8>(table, differing, twin, twin);
}
