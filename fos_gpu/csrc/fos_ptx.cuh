// Conversions that a GPU has as one instruction, each beside its portable twin. The only file, beside the filter's,
// that writes an instruction by name.
//
//   cvt.rn.satfinite.e4m3x2.f32   from sm_89 on
//   cvt.rn.satfinite.e2m1x2.f32   sm_100a, sm_103a, sm_110a, sm_120a, sm_121a and their family targets (sm_100f);
//                                 not sm_100 or sm_120 without the letter
//
// A twin is what N7 and N9 say, from fos_numerics.h: round to nearest even, saturate (6, 448; infinity too), the sign
// bit kept, -0 and negative underflow included. A NaN of either sign is 0x7 (6) in E2M1 and 0x7F (NaN) in E4M3.
// fos_gpu/proof/conversions.py compares all 2^32 inputs. The kernels that take a recipe word for word use the E2M1 one
// where it is the recipe's N9 (PairedElements); with FOS_PORTABLE nothing here is an instruction.
#ifndef FOS_PTX_CUH
#define FOS_PTX_CUH

#include "fos_numerics.h"

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890 && !defined(FOS_PORTABLE)
#define FOS_HAS_E4M3X2 1
#else
#define FOS_HAS_E4M3X2 0
#endif

// The letter a defines one macro per architecture; from CUDA 12.9 on, a and f define the family's.
#if defined(FOS_PORTABLE)
#define FOS_HAS_E2M1X2 0
#elif defined(__CUDA_ARCH_FEAT_SM100_ALL) || defined(__CUDA_ARCH_FEAT_SM103_ALL) || \
    defined(__CUDA_ARCH_FEAT_SM110_ALL) || defined(__CUDA_ARCH_FEAT_SM120_ALL) || defined(__CUDA_ARCH_FEAT_SM121_ALL)
#define FOS_HAS_E2M1X2 1
#elif defined(__CUDA_ARCH_FAMILY_SPECIFIC__)
#define FOS_HAS_E2M1X2 (__CUDA_ARCH_FAMILY_SPECIFIC__ >= 1000)
#else
#define FOS_HAS_E2M1X2 0
#endif

namespace fos {

// Whether N9 of the recipe is the instruction: then cast_e2m1_pair gives two codes.
constexpr bool kHardwareElements = kElementFormat == ElementFormat::e2m1 && kElementCast == ElementCast::saturate && kElementNan == ElementNan::code_7 &&
                                   kZeroSign == ZeroSign::sign_bit;

// The code of any float32, 0 to 15.
FOS_HD u32 e2m1_code(float x) {
  u32 a = magnitude(x);
  u32 size = e2m1_magnitude(smaller(a, 0x41000000u));
  return a > kInf ? 7u : size | ((bits_of(x) >> 31) << 3);
}

// The code of any float32, 0 to 255.
FOS_HD u32 e4m3_code(float x) {
  u32 a = magnitude(x);
  u32 size = e4m3_magnitude(smaller(a, 0x43E00000u));
  return a > kInf ? 0x7Fu : size | ((bits_of(x) >> 31) << 7);
}

// Two codes, `high` in the high half: 8 bits.
FOS_HD u32 cast_e2m1_pair_twin(float high, float low) { return (e2m1_code(high) << 4) | e2m1_code(low); }

// Two codes, `high` in the high half: 16 bits.
FOS_HD u32 cast_e4m3_pair_twin(float high, float low) { return (e4m3_code(high) << 8) | e4m3_code(low); }

FOS_HD u32 cast_e2m1_pair(float high, float low) {
#if FOS_HAS_E2M1X2
  u16 pair;
  asm("{ .reg .b8 both;\n\t"
      "cvt.rn.satfinite.e2m1x2.f32 both, %1, %2;\n\t"
      "mov.b16 %0, {both, 0}; }"
      : "=h"(pair)
      : "f"(high), "f"(low));
  return pair;
#else
  return cast_e2m1_pair_twin(high, low);
#endif
}

FOS_HD u32 cast_e4m3_pair(float high, float low) {
#if FOS_HAS_E4M3X2
  u16 pair;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(high), "f"(low));
  return pair;
#else
  return cast_e4m3_pair_twin(high, low);
#endif
}

// N9 for two values, by the instruction where there is one and it is the recipe's. With FOS_PAIRED its twin stands in.
#if defined(FOS_PAIRED)
constexpr bool kPaired = kHardwareElements;
#else
constexpr bool kPaired = kHardwareElements && FOS_HAS_E2M1X2;
#endif

struct PairedElements {
  template <Which kWhich>
  static FOS_INLINE void cast(const float (&y)[2], Code (&out)[2]) {
    if constexpr (kPaired) {
      u32 both = cast_e2m1_pair(y[1], y[0]), low = both & 0xFu, high = both >> 4;
      out[0] = {low, e2m1_value(low)};
      out[1] = {high, e2m1_value(high)};
    } else {
      EachElement::cast<kWhich>(y, out);
    }
  }
};

}  // namespace fos
#endif
