/* The function that is checked: replace fos_quantize.c with your own and keep this header.
 *
 * FOS_VECTORS names the header of the recipe, for instance -DFOS_VECTORS='"4over6.h"'.
 */
#ifndef FOS_QUANTIZE_H
#define FOS_QUANTIZE_H

#ifndef FOS_VECTORS
#error "FOS_VECTORS must name the header of a recipe, in every file: compile with -DFOS_VECTORS='\"4over6.h\"'"
#else
#include <stddef.h>
#include <stdint.h>
#include FOS_VECTORS

#ifdef __cplusplus
extern "C" {
#endif

/* A tensor, row-major. Element (i, j) is x[i * stride + j]; what lies between cols and stride must not be read. */
typedef struct {
    const uint32_t *x;     /* float32 bits, whatever the dtype was: widening is exact */
    const uint32_t *words; /* the same elements as they were given, in the low bits */
    int dtype;             /* 0 float32, 1 bfloat16, 2 float16 */
    size_t rows, cols, stride;
    int pads;              /* 1: pad with zeros to whole blocks; 0: refuse what does not fit */
    int amax_given;        /* 1: amax holds the caller's tensor amax; 0: take max |x| */
    uint32_t amax;         /* float32 bits */
} fos_input;

/* What comes out, of the padded shape (R, C). All memory is the caller's and is not set to zero. */
typedef struct {
    uint8_t *codes;        /* (R, C / 2): element 2j in the low nibble of byte j */
    uint8_t *block_scales; /* (R, C / FOS_BLOCK_COLS); a tile's byte on each of its rows */
    uint8_t *picked4;      /* (R, C / FOS_BLOCK_COLS): 1 where map-to-4 was kept */
    fos_block *steps;      /* one for each block, block rows first; filled only if has_steps is set to 1 */
    int has_steps;
} fos_result;

enum { FOS_DONE = 0, FOS_REFUSED = 1 };

/* Quantize; FOS_REFUSED for an input that the recipe refuses. */
int fos_quantize(const fos_input *in, fos_result *out);

/* Whether this quantizer has a value of an axis of the recipe (docs: numerics). Return 1 for your own. */
int fos_supports(const char *axis, const char *value);

#ifdef __cplusplus
}
#endif
#endif /* FOS_VECTORS */
#endif
