// What the fast path has instructions for on a device, and the same bits without them.
//
// With FOS_PORTABLE the instructions of sm_90 are not used: for comparison.
#ifndef FOS_FILTER_WORDS_H
#define FOS_FILTER_WORDS_H

#include "fos_numerics.h"

namespace fos {

#if defined(__CUDA_ARCH__)
FOS_HD float size_of(float x) { return fabsf(x); }
FOS_HD float at_least(float x, float least) { return fmaxf(x, least); }

// Four bytes of the eight of b:a, by the digits of `which`; a digit from 8 on spreads the byte's highest bit.
FOS_HD u32 permuted(u32 a, u32 b, u32 which) {
  u32 out;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(out) : "r"(a), "r"(b), "r"(which));
  return out;
}

// Two float32 that float16 holds exactly.
FOS_HD u32 float16_pair(float low, float high) {
  u32 out;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(out) : "f"(high), "f"(low));
  return out;
}

FOS_HD float widened(u32 w, int half) {
  float out;
  if (half == 0) asm("{.reg .b16 l, h; mov.b32 {l, h}, %1; cvt.f32.f16 %0, l;}" : "=f"(out) : "r"(w));
  else asm("{.reg .b16 l, h; mov.b32 {l, h}, %1; cvt.f32.f16 %0, h;}" : "=f"(out) : "r"(w));
  return out;
}
#else
FOS_HD float size_of(float x) { return __builtin_fabsf(x); }
FOS_HD float at_least(float x, float least) { return x < least ? least : x; }

FOS_HD u32 permuted(u32 a, u32 b, u32 which) {
  u32 out = 0u;
  for (int i = 0; i < 4; i++) {
    u32 digit = which >> (4 * i), byte = ((digit & 4u ? b : a) >> (8u * (digit & 3u))) & 0xFFu;
    out |= (digit & 8u ? (byte >> 7) * 0xFFu : byte) << (8 * i);
  }
  return out;
}

FOS_HD u32 float16_pair(float low, float high) {
  return (bits_of(low * 0x1p-112f) >> 13) | (bits_of(high * 0x1p-112f) >> 13 << 16);
}

FOS_HD float widened(u32 w, int half) { return widen_half((w >> (16 * half)) & 0xFFFFu); }
#endif

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900 && !defined(FOS_PORTABLE)
// Two numbers of 0 and above as E4M3, saturated; joined to the two before as the upper half of a word.
FOS_HD u32 e4m3_pair(float low, float high) {
  u16 out;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(out) : "f"(high), "f"(low));
  return out;
}

// The larger magnitude of each half; the sign is of no use. A NaN is the largest.
template <Input kInput>
FOS_HD u32 larger_pair(u32 a, u32 b) {
  u32 out;
  if constexpr (kInput == Input::bfloat16)
    asm("max.NaN.xorsign.abs.bf16x2 %0, %1, %2;" : "=r"(out) : "r"(a), "r"(b));
  else asm("max.NaN.xorsign.abs.f16x2 %0, %1, %2;" : "=r"(out) : "r"(a), "r"(b));
  return out;
}

FOS_HD u32 larger_size(u32 a, u32 b) {
  float out;
  asm("max.NaN.xorsign.abs.f32 %0, %1, %2;" : "=f"(out) : "f"(float_of(a)), "f"(float_of(b)));
  return bits_of(out);
}

// A pair whose signs are those of numbers below zero: -0 + 0 is +0.
template <Input kInput>
FOS_HD u32 signs_of_negatives(u32 w) {
  u32 out;
  if constexpr (kInput == Input::bfloat16) asm("add.rn.bf16x2 %0, %1, %2;" : "=r"(out) : "r"(w), "r"(0u));
  else asm("add.rn.f16x2 %0, %1, %2;" : "=r"(out) : "r"(w), "r"(0u));
  return out;
}
#else
FOS_HD u32 e4m3_pair(float low, float high) {
  u32 a = smaller(bits_of(low), 0x43E00000u), b = smaller(bits_of(high), 0x43E00000u);
  return e4m3_magnitude(a) | (e4m3_magnitude(b) << 8);
}

template <Input kInput>
FOS_HD u32 larger_pair(u32 a, u32 b) {
  return larger(a & 0x7FFFu, b & 0x7FFFu) | larger(a & 0x7FFF0000u, b & 0x7FFF0000u);
}

FOS_HD u32 larger_size(u32 a, u32 b) { return larger(a & kAbs, b & kAbs); }

template <Input kInput>
FOS_HD u32 signs_of_negatives(u32 w) {
  return ((w & 0x7FFF7FFFu) + 0x7FFF7FFFu) & w;
}
#endif

}  // namespace fos
#endif
