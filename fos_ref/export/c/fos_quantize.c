/* A plain quantizer in C99: one step after the other. It has the recipes nvfp4, 4over6 (-mae, -absmax, -16x16) and
 * those of TransformerEngine's Python reference, te-nvfp4, te-mse-* and te-mae-* (-row; not -fast).
 *
 * Arithmetic: float is IEEE binary32, one rounding an operation, nothing fused (-ffp-contract=off), nothing
 * flushed to zero. The labels N2 to N15 are those of the specification, docs/numerics.md.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "fos_quantize.h"

#ifdef FOS_VECTORS
#if !defined(FLT_EVAL_METHOD) || FLT_EVAL_METHOD != 0
#error "float expressions must be evaluated in float: x87 arithmetic rounds twice"
#endif

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A NaN stands as 7FC00000, whatever the processor made of its sign and payload. */
static uint32_t to_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return value == value ? bits : 0x7FC00000u;
}

/* The larger magnitude; NaN if either is. */
static float larger(float a, float b)
{
    return a > b || a != a ? a : b;
}

/* ---- the recipe ---- */

enum metric { NONE, MSE, MAE, ABSMAX };

typedef struct {
    float bound; /* M: 256 or 448 */
    enum metric metric;
    int rows_of_their_own; /* N2: a tensor amax for each row */
    int refuses_nonfinite; /* N2: or carries NaN and infinity */
    int one_for_zero;      /* N3: S is 1 for A = 0, or FLT_MAX */
    int product_first;     /* N5: b * (S * (1 / 6)), or (b / 6) * S */
    int zero_codes;        /* N8: +0 for every element under a scale of 0 */
    int nan_code;          /* N9: the code of NaN */
    int keeps_minus_zero;  /* N9: -0.0 gives code 8; or only values below zero do */
    int by_reciprocal;     /* N14: q * ((s * A) * (1 / C)), or ((q * s) * A) / C */
} recipe;

/* ---- formats (N1, N7, N9) ---- */

static const float E2M1[8] = {0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f};

/* E2M1 code of y: nearest, midpoints to the even code, 7 for whatever is larger; a value below zero keeps its sign. */
static uint8_t e2m1(const recipe *r, float y)
{
    const float m = fabsf(y);
    const int code = (m > 0.25f) + (m >= 0.75f) + (m > 1.25f) + (m >= 1.75f) + (m > 2.5f) + (m >= 3.5f) + (m > 5.0f);
    const int minus = y < 0.0f || (r->keeps_minus_zero && y == 0.0f && to_bits(y) != 0);
    return (uint8_t)(y == y ? code | minus << 3 : r->nan_code);
}

static float e2m1_value(uint8_t code)
{
    return (code & 8) ? -E2M1[code & 7] : E2M1[code];
}

/* E4M3 byte of a value that is not negative: nearest, ties to even, subnormals kept, 7E for overflow. */
static uint8_t e4m3(float value)
{
    const uint32_t bits = to_bits(value);
    uint32_t kept, rest, half;
    if (bits >= 0x43E00000u)                        /* 448 and above, infinity */
        return bits > 0x7F800000u ? 0x7F : 0x7E;
    if (bits < 0x3C800000u)                         /* below 2^-6: a multiple of 2^-9, the addition rounds it */
        return (uint8_t)(to_bits(value + 16384.0f) - to_bits(16384.0f));
    kept = (bits >> 20) - (120u << 3);              /* exponent and three fraction bits, bias 127 to 7 */
    rest = bits & 0xFFFFFu;
    half = 0x80000u;
    kept += rest > half || (rest == half && (kept & 1u));
    return (uint8_t)kept;
}

static float e4m3_value(uint8_t code)
{
    const int exponent = code >> 3, fraction = code & 7;
    if (code == 0x7F)
        return NAN;
    return exponent ? ldexpf((float)(8 + fraction), exponent - 10) : ldexpf((float)fraction, -9);
}

/* ---- which axes there are ---- */

static const struct {
    const char *axis, *values; /* the values that this file has, between bars */
} HAS[] = {
    {"element_format", "|E2M1|"},
    {"scale_format", "|E4M3|"},
    {"block_shape", "|1x16|16x16|"},
    {"amax_scope", "|tensor|row|"},
    {"candidates", "|6|4/6|"},
    {"scale_max", "|256|448|"},
    {"tensor_scale", "|min(C/A,max);A=0:1|min(C/A,max)|"},
    {"block_scale", "|(b/6)*S|b*(S*(1/6))|"},
    {"map4_scale", "||E4M3(1.5*base)|"},
    {"scale_floor", "|none|"},
    {"scale_nan", "|7F|"},
    {"element_scaling", "|x*(1/(s*D))|"},
    {"reciprocal", "|exact|"},
    {"zero_scale", "|codes=0|reciprocal-of-0|"},
    {"reciprocal_overflow", "|FLT_MAX|"},
    {"element_cast", "|saturate|"},
    {"element_nan", "|7|0|"},
    {"zero_sign", "|sign-bit|negative-values|"},
    {"error_domain", "||((q*s)*A)/C-x|"},
    {"error_metric", "||mse|mae|absmax|"},
    {"reduction", "||sequential|"},
    {"tie", "||six|"},
    {"dequantize", "|((q*s)*A)/C|q*((s*A)*(1/C))|"},
    {"nonfinite", "|raise|propagate|"},
};

int fos_supports(const char *axis, const char *value)
{
    size_t i, n = strlen(value);
    for (i = 0; i < sizeof HAS / sizeof HAS[0]; i++) {
        const char *at = HAS[i].values;
        if (strcmp(HAS[i].axis, axis) != 0)
            continue;
        for (; *at && at[1]; at = strchr(at + 1, '|'))
            if (strncmp(at + 1, value, n) == 0 && at[1 + n] == '|')
                return 1;
        return 0;
    }
    return 0;
}

static const char *axis_value(const char *axis)
{
    size_t i;
    for (i = 0; i < FOS_AXIS_COUNT; i++)
        if (strcmp(FOS_AXES[i].axis, axis) == 0)
            return FOS_AXES[i].value;
    return "";
}

static int is(const char *axis, const char *value)
{
    return strcmp(axis_value(axis), value) == 0;
}

static recipe this_recipe(void)
{
    recipe r;
    r.bound = is("scale_max", "256") ? 256.0f : 448.0f;
    r.metric = NONE;
    if (is("error_metric", "mse"))
        r.metric = MSE;
    else if (is("error_metric", "mae"))
        r.metric = MAE;
    else if (is("error_metric", "absmax"))
        r.metric = ABSMAX;
    r.rows_of_their_own = is("amax_scope", "row");
    r.refuses_nonfinite = is("nonfinite", "raise");
    r.one_for_zero = is("tensor_scale", "min(C/A,max);A=0:1");
    r.product_first = is("block_scale", "b*(S*(1/6))");
    r.zero_codes = is("zero_scale", "codes=0");
    r.nan_code = is("element_nan", "7") ? 7 : 0;
    r.keeps_minus_zero = is("zero_sign", "sign-bit");
    r.by_reciprocal = is("dequantize", "q*((s*A)*(1/C))");
    return r;
}

/* ---- one candidate of one block ---- */

typedef struct {
    uint32_t base, multiplier, error, *scaled;
    uint8_t *codes, scale;
} candidate;

/* What a code stands for: the same expression in the error (N10). */
static float value_of(uint8_t code, float s, float amax, float c)
{
    return ((e2m1_value(code) * s) * amax) / c;
}

/* The value that a reader computes (N14). */
static float dequantized(const recipe *r, uint8_t code, float s, float amax, float c)
{
    return r->by_reciprocal ? e2m1_value(code) * ((s * amax) * (1.0f / c)) : value_of(code, s, amax, c);
}

static float term(enum metric metric, float d)
{
    return metric == MSE ? d * d : fabsf(d);
}

/* N11, N12: each row in order; the rows of a tile by the tree r+8, r+4, r+2, r+1. */
static float block_error(const recipe *r, const float *d)
{
    float row[FOS_BLOCK_ROWS];
    int i, j, step;
    for (i = 0; i < FOS_BLOCK_ROWS; i++) {
        const float *at = d + i * FOS_BLOCK_COLS;
        row[i] = term(r->metric, at[0]);
        for (j = 1; j < FOS_BLOCK_COLS; j++) {
            const float t = term(r->metric, at[j]);
            row[i] = r->metric == ABSMAX ? larger(t, row[i]) : row[i] + t;
        }
    }
    for (step = FOS_BLOCK_ROWS / 2; step > 0; step /= 2)
        for (i = 0; i < step; i++)
            row[i] = r->metric == ABSMAX ? larger(row[i + step], row[i]) : row[i] + row[i + step];
    return row[0];
}

/* N7 to N12 for one unrounded block scale. */
static void try_scale(const recipe *r, const fos_block *b, float base, candidate *out)
{
    const float amax = from_bits(b->tensor_amax), c = 6.0f * r->bound;
    float s, m, d[FOS_ELEMENTS];
    int i;
    out->scale = e4m3(base);
    s = e4m3_value(out->scale);
    m = 1.0f / (s * from_bits(b->decode_scale));
    if (m > FLT_MAX)
        m = FLT_MAX;
    out->base = to_bits(base);
    out->multiplier = to_bits(m);
    for (i = 0; i < FOS_ELEMENTS; i++) {
        const float x = from_bits(b->x[i]), y = s == 0.0f && r->zero_codes ? 0.0f : x * m;
        out->scaled[i] = to_bits(y);
        out->codes[i] = e2m1(r, y);
        d[i] = value_of(out->codes[i], s, amax, c) - x;
    }
    out->error = r->metric == NONE ? 0 : to_bits(block_error(r, d));
}

/* ---- one block ---- */

static void keep(const recipe *r, fos_block *b, const candidate *chosen)
{
    const float s = e4m3_value(chosen->scale), amax = from_bits(b->tensor_amax), c = 6.0f * r->bound;
    int i;
    b->block_scale = chosen->scale;
    for (i = 0; i < FOS_ELEMENTS / 2; i++)
        b->codes[i] = (uint8_t)(chosen->codes[2 * i] | chosen->codes[2 * i + 1] << 4); /* N15 */
    for (i = 0; i < FOS_ELEMENTS; i++) {
        const int inside = i / FOS_BLOCK_COLS < b->rows_in && i % FOS_BLOCK_COLS < b->cols_in;
        b->values[i] = inside ? to_bits(dequantized(r, chosen->codes[i], s, amax, c)) : 0;
    }
}

/* N4 to N15; x and the tensor's scales are in b already. */
static void quantize_block(const recipe *r, fos_block *b)
{
    candidate six = {0, 0, 0, b->map6_scaled, b->map6_element_codes, 0};
    candidate four = {0, 0, 0, b->map4_scaled, b->map4_element_codes, 0};
    const float encode = from_bits(b->encode_scale);
    float amax = 0.0f, base;
    int i;
    for (i = 0; i < FOS_ELEMENTS; i++)
        amax = larger(fabsf(from_bits(b->x[i])), amax);
    base = r->product_first ? amax * (encode * (1.0f / 6.0f)) : (amax / 6.0f) * encode; /* N5a, N5b */
    if (r->product_first && base > FLT_MAX)
        base = FLT_MAX;
    b->block_amax = to_bits(amax);
    b->base = to_bits(base);
    b->present = r->metric == NONE ? 1 : 7;
    try_scale(r, b, base, &six);
    if (r->metric != NONE)
        try_scale(r, b, 1.5f * base, &four); /* N6a */
    b->map6_base = six.base, b->map4_base = four.base;
    b->map6_block_scale = six.scale, b->map4_block_scale = four.scale;
    b->map6_multiplier = six.multiplier, b->map4_multiplier = four.multiplier;
    b->map6_error = six.error, b->map4_error = four.error;
    b->picked4 = r->metric != NONE && from_bits(four.error) < from_bits(six.error); /* N13 */
    keep(r, b, b->picked4 ? &four : &six);
}

/* ---- a tensor ---- */

/* N2: the largest magnitude of rows first to last. */
static float largest(const fos_input *in, size_t first, size_t last)
{
    float amax = 0.0f;
    size_t i, j;
    for (i = first; i <= last && i < in->rows; i++)
        for (j = 0; j < in->cols; j++)
            amax = larger(fabsf(from_bits(in->x[i * in->stride + j])), amax);
    return amax;
}

/* N2, N3: the scales of the rows first to last. */
static void tensor_scales(const recipe *r, const fos_input *in, size_t first, size_t last, fos_block *b)
{
    const float amax = in->amax_given ? from_bits(in->amax) : largest(in, first, last);
    float encode = (6.0f * r->bound) / amax;
    if (encode > FLT_MAX)
        encode = FLT_MAX;
    if (encode == 0.0f || (amax == 0.0f && r->one_for_zero))
        encode = 1.0f;
    b->tensor_amax = to_bits(amax);
    b->encode_scale = to_bits(encode);
    b->decode_scale = to_bits(1.0f / encode);
}

static void load(const fos_input *in, size_t row, size_t col, fos_block *b)
{
    const size_t rows = in->rows > row ? in->rows - row : 0, cols = in->cols > col ? in->cols - col : 0;
    size_t i, j;
    b->row = (uint32_t)row;
    b->col = (uint32_t)col;
    b->rows_in = (uint16_t)(rows < FOS_BLOCK_ROWS ? rows : FOS_BLOCK_ROWS);
    b->cols_in = (uint16_t)(cols < FOS_BLOCK_COLS ? cols : FOS_BLOCK_COLS);
    for (i = 0; i < b->rows_in; i++)
        for (j = 0; j < b->cols_in; j++)
            b->x[i * FOS_BLOCK_COLS + j] = in->x[(row + i) * in->stride + col + j];
}

static void store(const fos_block *b, size_t cols, fos_result *out)
{
    const size_t half = FOS_BLOCK_COLS / 2;
    size_t i;
    for (i = 0; i < FOS_BLOCK_ROWS; i++) {
        const size_t at = (b->row + i) * (cols / FOS_BLOCK_COLS) + b->col / FOS_BLOCK_COLS;
        memcpy(out->codes + (b->row + i) * (cols / 2) + b->col / 2, b->codes + i * half, half);
        out->block_scales[at] = b->block_scale;
        out->picked4[at] = b->picked4;
    }
}

static size_t whole(size_t n, size_t block)
{
    return (n + block - 1) / block * block;
}

int fos_quantize(const fos_input *in, fos_result *out)
{
    const recipe r = this_recipe();
    const size_t rows = whole(in->rows, FOS_BLOCK_ROWS), cols = whole(in->cols, FOS_BLOCK_COLS);
    size_t row, col, n = 0;
    fos_block scales;
    if (!in->pads && (rows != in->rows || cols != in->cols))
        return FOS_REFUSED;
    if (r.refuses_nonfinite && !(largest(in, 0, in->rows) <= FLT_MAX))
        return FOS_REFUSED;
    memset(&scales, 0, sizeof scales);
    tensor_scales(&r, in, 0, in->rows, &scales);
    out->has_steps = 1;
    for (row = 0; row < rows; row += FOS_BLOCK_ROWS) {
        if (r.rows_of_their_own)
            tensor_scales(&r, in, row, row, &scales);
        for (col = 0; col < cols; col += FOS_BLOCK_COLS) {
            fos_block *b = &out->steps[n++];
            *b = scales;
            load(in, row, col, b);
            quantize_block(&r, b);
            store(b, cols, out);
        }
    }
    return FOS_DONE;
}
#endif
