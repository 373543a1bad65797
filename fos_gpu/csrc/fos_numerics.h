// All arithmetic of a recipe, steps N2 to N13 of docs/numerics.md.
//
// One text for two compilers: g++ for the host, NVRTC for the device. It includes its own parts alone, model/, in
// the order of their use: the recipe's constants, bits, then one step after the other. Each part stands on those
// before it, and none includes another. The recipe is a set of compile-time constants, written by
// fos_gpu/build/lower.py as -DFOS_TIE=six and so on: each is the name of a member of an enum of model/recipe.h, so that
// a value which is not carried out here does not compile.
//
// Every written operation is one rounding to nearest even, subnormals kept. That asks for -ffp-contract=off of
// g++ and for --fmad=false -ftz=false -prec-div=true of NVRTC. A fused multiply-add is written as fused().
#ifndef FOS_NUMERICS_H
#define FOS_NUMERICS_H

#if defined(__CUDACC_RTC__) || defined(__CUDACC__)
#define FOS_INLINE __host__ __device__ __forceinline__
#define FOS_HD FOS_INLINE
#define FOS_UNROLL _Pragma("unroll")
#define FOS_TABLE __device__
#else
#define FOS_INLINE inline __attribute__((always_inline))
#define FOS_HD static FOS_INLINE
#define FOS_UNROLL
#define FOS_TABLE
#endif

namespace fos {

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;

}  // namespace fos

#include "model/recipe.h"
#include "model/bits.h"
#include "model/tensor_scale.h"
#include "model/codecs.h"
#include "model/grids.h"
#include "model/scale_casts.h"
#include "model/block_scale.h"
#include "model/scaling.h"
#include "model/elements.h"
#include "model/differences.h"
#include "model/sums.h"
#include "model/choice.h"
#include "model/row.h"
#include "model/search.h"
#endif
