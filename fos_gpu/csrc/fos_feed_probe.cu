// Which bits of its random word does cvt.rs.satfinite.e2m1x4 give to each of its four operands? Three probes.
//
// The instruction exists on sm_100a and sm_103a. *instruction is 0 where it does not, and nothing else is written.
#if defined(__CUDA_ARCH_FEAT_SM100_ALL) || defined(__CUDA_ARCH_FEAT_SM103_ALL)
#define FOS_HAS_STOCHASTIC 1
#else
#define FOS_HAS_STOCHASTIC 0
#endif

namespace {

// Four times the value y with one random word: the codes of memory elements 0 to 3 from the low nibble on.
__device__ unsigned converted(float y, unsigned random) {
#if FOS_HAS_STOCHASTIC
  unsigned short four;
  asm("cvt.rs.satfinite.e2m1x4.f32 %0, {%1, %1, %1, %1}, %2;" : "=h"(four) : "f"(y), "r"(random));
  return four;
#else
  return 0u;
#endif
}

}  // namespace

// 32 threads, thread i has the word 1 << i. codes (66,): of 1.25 with each word, of 0.25 with each word, of 1.25 with the
// word 0, and of 1 + 2^-10 with all bits set, which goes up where an element has more than 8 bits.
extern "C" __global__ void fos_feed_probe(unsigned* codes, unsigned* instruction) {
  unsigned i = threadIdx.x;
  codes[i] = converted(1.25f, 1u << i);
  codes[32u + i] = converted(0.25f, 1u << i);
  if (i != 0u) return;
  codes[64] = converted(1.25f, 0u);
  codes[65] = converted(1.0009765625f, 0xFFFFFFFFu);
  *instruction = FOS_HAS_STOCHASTIC;
}
