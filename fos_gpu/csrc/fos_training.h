// The arithmetic of training, beside fos_numerics.h: random words, stochastic rounding, rotations, MS-EDEN.
//
// One text for two compilers, as there. Its parts are in training/, in the order of their use, and none of them knows the
// recipe but row.h, which is included by fos_stochastic.h alone.
#ifndef FOS_TRAINING_H
#define FOS_TRAINING_H

#include "fos_numerics.h"
#include "training/generators.h"
#include "training/request.h"
#include "training/te_maps.h"
#include "training/torchao_maps.h"
#include "training/triton_maps.h"
#include "training/words.h"
#include "training/feeds.h"
#include "training/rules.h"
#include "training/programs.h"
#include "training/scales.h"
#include "training/exact_sum.h"
#include "training/rotate.h"
#include "training/eden.h"
#include "training/eden_groups.h"
#endif
