// A recipe's quantizer whose elements are rounded stochastically: constants FOS_ELEMENT_ROUNDING, FOS_RANDOM_FEED and
// FOS_RANDOM_WIDTH beside those of fos_numerics.h. Blocks of 16 in a row, elements E2M1.
#ifndef FOS_STOCHASTIC_H
#define FOS_STOCHASTIC_H

#include "fos_training.h"
#include "training/row.h"
#endif
