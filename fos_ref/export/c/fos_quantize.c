/* A plain quantizer in C99 for the recipes nvfp4 and 4over6 (-mae, -absmax, -16x16): one step after the other.
 *
 * Arithmetic: float is IEEE binary32, one rounding an operation, nothing fused (-ffp-contract=off), nothing
 * flushed to zero. The labels N2 to N15 are those of the specification, docs/numerics.md.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "fos_quantize.h"

#if !defined(FLT_EVAL_METHOD) || FLT_EVAL_METHOD != 0
#error "float expressions must be evaluated in float: x87 arithmetic rounds twice"
#endif

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t to_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* ---- formats (N1, N7, N9) ---- */

static const float E2M1[8] = {0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f};

/* E2M1 code of y: nearest, midpoints to the even code, 7 for whatever is larger; the sign bit is kept. */
static uint8_t e2m1(float y)
{
    const float m = fabsf(y);
    const int code = (m > 0.25f) + (m >= 0.75f) + (m > 1.25f) + (m >= 1.75f) + (m > 2.5f) + (m >= 3.5f) + (m > 5.0f);
    return (uint8_t)(code | (int)(to_bits(y) >> 31 << 3));
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
    return exponent ? ldexpf((float)(8 + fraction), exponent - 10) : ldexpf((float)fraction, -9);
}

/* ---- the recipe ---- */

enum metric { NONE, MSE, MAE, ABSMAX };

typedef struct {
    float bound; /* M: 256 or 448 */
    enum metric metric;
} recipe;

static const struct {
    const char *axis, *values; /* the values that this file has, between bars */
} HAS[] = {
    {"element_format", "|E2M1|"},
    {"scale_format", "|E4M3|"},
    {"block_shape", "|1x16|16x16|"},
    {"amax_scope", "|tensor|"},
    {"candidates", "|6|4/6|"},
    {"scale_max", "|256|448|"},
    {"tensor_scale", "|min(C/A,max);A=0:1|"},
    {"block_scale", "|(b/6)*S|"},
    {"map4_scale", "||E4M3(1.5*base)|"},
    {"scale_floor", "|none|"},
    {"scale_nan", "|7F|"},
    {"element_scaling", "|x*(1/(s*D))|"},
    {"reciprocal", "|exact|"},
    {"zero_scale", "|codes=0|"},
    {"reciprocal_overflow", "|FLT_MAX|"},
    {"element_cast", "|saturate|"},
    {"element_nan", "|7|"},
    {"zero_sign", "|sign-bit|"},
    {"error_domain", "||((q*s)*A)/C-x|"},
    {"error_metric", "||mse|mae|absmax|"},
    {"reduction", "||sequential|"},
    {"tie", "||six|"},
    {"dequantize", "|((q*s)*A)/C|"},
    {"nonfinite", "|raise|"},
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

static recipe this_recipe(void)
{
    const char *metric = axis_value("error_metric");
    recipe r;
    r.bound = strcmp(axis_value("scale_max"), "256") == 0 ? 256.0f : 448.0f;
    r.metric = strcmp(metric, "mse") == 0      ? MSE
               : strcmp(metric, "mae") == 0    ? MAE
               : strcmp(metric, "absmax") == 0 ? ABSMAX
                                               : NONE;
    return r;
}

/* ---- one candidate of one block ---- */

typedef struct {
    uint32_t base, multiplier, error, *scaled;
    uint8_t *codes, scale;
} candidate;

/* The value of a code (N14), and of N10 the part before the difference. */
static float value_of(uint8_t code, float s, float amax, float c)
{
    return ((e2m1_value(code) * s) * amax) / c;
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
            row[i] = r->metric == ABSMAX ? (t > row[i] ? t : row[i]) : row[i] + t;
        }
    }
    for (step = FOS_BLOCK_ROWS / 2; step > 0; step /= 2)
        for (i = 0; i < step; i++)
            row[i] = r->metric == ABSMAX ? (row[i + step] > row[i] ? row[i + step] : row[i]) : row[i] + row[i + step];
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
        const float x = from_bits(b->x[i]), y = s == 0.0f ? 0.0f : x * m;
        out->scaled[i] = to_bits(y);
        out->codes[i] = e2m1(y);
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
        b->values[i] = inside ? to_bits(value_of(chosen->codes[i], s, amax, c)) : 0;
    }
}

/* N4 to N15; x and the tensor's scales are in b already. */
static void quantize_block(const recipe *r, fos_block *b)
{
    candidate six = {0, 0, 0, b->map6_scaled, b->map6_element_codes, 0};
    candidate four = {0, 0, 0, b->map4_scaled, b->map4_element_codes, 0};
    float amax = 0.0f, base;
    int i;
    for (i = 0; i < FOS_ELEMENTS; i++) {
        const float magnitude = fabsf(from_bits(b->x[i]));
        amax = magnitude > amax ? magnitude : amax;
    }
    base = (amax / 6.0f) * from_bits(b->encode_scale); /* N5a */
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

/* N2: the largest magnitude; 0 if an element is not finite. */
static int tensor_amax(const fos_input *in, float *amax)
{
    size_t i, j;
    *amax = 0.0f;
    for (i = 0; i < in->rows; i++)
        for (j = 0; j < in->cols; j++) {
            const uint32_t magnitude = in->x[i * in->stride + j] & 0x7FFFFFFFu;
            if (magnitude >= 0x7F800000u)
                return 0;
            if (from_bits(magnitude) > *amax)
                *amax = from_bits(magnitude);
        }
    if (in->amax_given)
        *amax = from_bits(in->amax);
    return 1;
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
    float amax, encode;
    if (!tensor_amax(in, &amax) || (!in->pads && (rows != in->rows || cols != in->cols)))
        return FOS_REFUSED;
    encode = amax == 0.0f ? 1.0f : (6.0f * r.bound) / amax; /* N3b */
    if (encode > FLT_MAX)
        encode = FLT_MAX;
    out->has_steps = 1;
    for (row = 0; row < rows; row += FOS_BLOCK_ROWS)
        for (col = 0; col < cols; col += FOS_BLOCK_COLS) {
            fos_block *b = &out->steps[n++];
            memset(b, 0, sizeof *b);
            b->tensor_amax = to_bits(amax);
            b->encode_scale = to_bits(encode);
            b->decode_scale = to_bits(1.0f / encode);
            load(in, row, col, b);
            quantize_block(&r, b);
            store(b, cols, out);
        }
    return FOS_DONE;
}
