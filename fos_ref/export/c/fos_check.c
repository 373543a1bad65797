/* Checks fos_quantize against every vector of one recipe.
 *
 *   gcc -std=c99 -O2 -Wall -Wextra -Werror -pedantic -ffp-contract=off -DFOS_VECTORS='"4over6.h"' \
 *       fos_check.c fos_quantize.c -lm -o check && ./check
 *
 * It compiles as C++17 too. Exit code 0: every bit as expected. 1: the first difference of each of the first ten vectors
 * is printed, the vector's id first, and at the end which mistakes it looks like. 2: the quantizer does not have this
 * recipe, or there is no memory.
 */
#define FOS_VECTORS_DATA
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fos_quantize.h"

#ifdef FOS_VECTORS
enum { SHOWN = 10, CANARY = 0xA5 };

static unsigned long vectors_wrong;
/* Of each vector: something differs, an intermediate or the choice; or also the result: codes, block scales, refusal. */
enum state { RIGHT, STEPS_WRONG, RESULT_WRONG };
static unsigned char state[FOS_VECTOR_COUNT];

/* Of a vector the first difference is printed. */
static void differs_in(enum state what_is_wrong, const fos_vector *v, const char *what, size_t block, size_t at,
                       unsigned long got, unsigned long want)
{
    const size_t n = (size_t)(v - fos_vectors);
    const int first = state[n] == RIGHT;
    if (state[n] < what_is_wrong)
        state[n] = (unsigned char)what_is_wrong;
    if (!first)
        return;
    if (vectors_wrong++ < SHOWN)
        printf("%s: block %lu: %s[%lu] is %lX, expected %lX (%s)\n", v->id, (unsigned long)block, what,
               (unsigned long)at, got, want, v->flags);
}

static void differs(const fos_vector *v, const char *what, size_t block, size_t at, unsigned long got,
                    unsigned long want)
{
    differs_in(STEPS_WRONG, v, what, block, at, got, want);
}

/* ---- the table itself: words and their widening, float16 and bfloat16 to float32 ---- */

static uint32_t widened(uint32_t word, int dtype)
{
    uint32_t sign, exponent, fraction;
    if (dtype == 0)
        return word;
    if (dtype == 1)
        return word << 16;
    sign = (word & 0x8000u) << 16;
    exponent = (word >> 10) & 31u;
    fraction = word & 0x3FFu;
    if (exponent == 31u)
        return sign | 0x7F800000u | fraction << 13;
    if (exponent == 0u && fraction == 0u)
        return sign;
    if (exponent == 0u) {
        for (exponent = 1u; !(fraction & 0x400u); exponent--)
            fraction <<= 1;
        fraction &= 0x3FFu;
    }
    return sign | (exponent + 112u) << 23 | fraction << 13;
}

static void check_words(const fos_vector *v)
{
    size_t i;
    for (i = v->first_word; i < v->first_word + v->words; i++) {
        const uint32_t want = widened(fos_words_word[i], v->dtype);
        const int quiet = (want & 0x7FFFFFFFu) > 0x7F800000u; /* a signalling NaN may come out quiet */
        if (fos_words_word_float32[i] != want && !(quiet && fos_words_word_float32[i] == (want | 0x400000u)))
            differs(v, "word_float32", 0, i - v->first_word, fos_words_word_float32[i], want);
    }
}

/* ---- what came out ---- */

static void check_outputs(const fos_vector *v, const fos_result *out, size_t n, const fos_block *want)
{
    const size_t codes = v->padded_cols / FOS_CODES_PER_BYTE, scales = v->padded_cols / FOS_BLOCK_COLS;
    const size_t half = FOS_BLOCK_COLS / FOS_CODES_PER_BYTE;
    size_t i, j;
    for (i = 0; i < FOS_BLOCK_ROWS; i++) {
        const size_t row = want->row + i, at = row * scales + want->col / FOS_BLOCK_COLS;
        if (out->block_scales[at] != want->block_scale)
            differs_in(RESULT_WRONG, v, "block_scale", n, i, out->block_scales[at], want->block_scale);
        if (out->picked4[at] != want->picked4)
            differs(v, "picked4", n, i, out->picked4[at], want->picked4);
        for (j = 0; j < half; j++) {
            const uint8_t got = out->codes[row * codes + want->col / FOS_CODES_PER_BYTE + j];
            if (got != want->codes[i * half + j])
                differs_in(RESULT_WRONG, v, "codes", n, i * half + j, got, want->codes[i * half + j]);
        }
    }
}

#define CHECK_ONE(type, name)         \
    if (got->name != want->name)      \
        differs(v, #name, n, 0, got->name, want->name);
#define CHECK_MANY(type, name, count)                                         \
    for (i = 0; i < (count); i++)                                             \
        if (got->name[i] != want->name[i])                                    \
            differs(v, #name, n, i, got->name[i], want->name[i]);

/* Every step, in the order of the arithmetic: the first that is named is where the mistake is. */
static void check_steps(const fos_vector *v, fos_block *got, size_t n, const fos_block *want)
{
    size_t i;
    got->vector = (uint32_t)(v - fos_vectors);
    FOS_BLOCK_COLUMNS(CHECK_ONE, CHECK_MANY)
}

static size_t whole(size_t size, size_t block)
{
    return (size + block - 1) / block * block;
}

static void *memory(size_t bytes)
{
    void *found = malloc(bytes ? bytes : 1);
    if (!found) {
        fprintf(stderr, "no memory\n");
        exit(2);
    }
    return memset(found, CANARY, bytes);
}

static void check_result(const fos_vector *v, int status, const fos_result *out, size_t rows, size_t cols)
{
    size_t n;
    if (status != (v->refused ? FOS_REFUSED : FOS_DONE)) {
        differs_in(RESULT_WRONG, v, "refused", 0, 0, (unsigned long)status, v->refused);
        return;
    }
    if (v->refused)
        return;
    if (rows != v->padded_rows || cols != v->padded_cols || v->blocks != rows * cols / FOS_ELEMENTS) {
        differs_in(RESULT_WRONG, v, "padded_cols", 0, 0, (unsigned long)cols, v->padded_cols);
        return;
    }
    for (n = 0; n < v->blocks; n++) {
        const fos_block *want = &fos_blocks[v->first_block + n];
        if (want->row + FOS_BLOCK_ROWS > rows || want->col + FOS_BLOCK_COLS > cols) {
            differs(v, "row", n, 0, want->row, want->row);
            continue;
        }
        if (out->has_steps)
            check_steps(v, &out->steps[n], n, want);
        check_outputs(v, out, n, want);
    }
}

static void check_vector(const fos_vector *v)
{
    const size_t rows = whole(v->rows, FOS_BLOCK_ROWS), cols = whole(v->cols, FOS_BLOCK_COLS);
    fos_input in;
    fos_result out;
    in.x = fos_words_word_float32 + v->first_word;
    in.words = fos_words_word + v->first_word;
    in.dtype = v->dtype;
    in.rows = v->rows, in.cols = v->cols, in.stride = v->stride;
    in.pads = v->pads;
    in.amax_given = v->amax_given, in.amax = v->amax;
    out.codes = (uint8_t *)memory(rows * cols / FOS_CODES_PER_BYTE);
    out.block_scales = (uint8_t *)memory(rows * cols / FOS_BLOCK_COLS);
    out.picked4 = (uint8_t *)memory(rows * cols / FOS_BLOCK_COLS);
    out.steps = (fos_block *)memory(rows * cols / FOS_ELEMENTS * sizeof(fos_block));
    out.has_steps = 0;
    check_words(v);
    check_result(v, fos_quantize(&in, &out), &out, rows, cols);
    free(out.codes), free(out.block_scales), free(out.picked4), free(out.steps);
}

/* ---- which mistakes it looks like: a flag is on the vectors whose result the mistake changes ---- */

typedef struct {
    const char *flag;
    unsigned long of, failed; /* vectors that show the mistake, and those of them whose result is wrong */
} share;

static int has_flag(const fos_vector *v, const char *flag)
{
    const size_t n = strlen(flag);
    const char *at;
    for (at = strstr(v->flags, flag); at; at = strstr(at + 1, flag))
        if ((at == v->flags || at[-1] == ' ') && (at[n] == ' ' || at[n] == 0))
            return 1;
    return 0;
}

static share share_of(const char *flag)
{
    share found = {flag, 0, 0};
    size_t i;
    for (i = 0; i < FOS_VECTOR_COUNT; i++)
        if (has_flag(&fos_vectors[i], flag)) {
            found.of++;
            found.failed += state[i] == RESULT_WRONG;
        }
    return found;
}

/* The larger share first; of equal ones, that of more vectors. */
static int by_share(const void *left, const void *right)
{
    const share *a = (const share *)left, *b = (const share *)right;
    const unsigned long mine = a->failed * b->of, theirs = b->failed * a->of;
    if (mine != theirs)
        return mine > theirs ? -1 : 1;
    if (a->of != b->of)
        return a->of > b->of ? -1 : 1;
    return strcmp(a->flag, b->flag);
}

static void say_shares(const char *title, const share *shares, size_t first, size_t last)
{
    size_t i;
    printf("%s:%s", title, first == last ? " none" : "");
    for (i = first; i < last; i++)
        printf("%s %s %lu/%lu", i == first ? "" : ",", shares[i].flag, shares[i].failed, shares[i].of);
    printf("\n");
}

static void say_flags(void)
{
    static share shares[FOS_FLAG_COUNT + 1];
    size_t whole_shares = 0, some = 0, i;
    for (i = 0; i < FOS_FLAG_COUNT; i++) {
        shares[i] = share_of(fos_flags[i]);
        whole_shares += shares[i].failed == shares[i].of;
        some += shares[i].failed != 0;
    }
    qsort(shares, FOS_FLAG_COUNT, sizeof shares[0], by_share);
    say_shares("flags all of whose vectors failed", shares, 0, whole_shares);
    say_shares("flags some of whose vectors failed", shares, whole_shares, some);
}

int main(int argc, char **argv)
{
    size_t i;
    if (argc > 1) {
        fprintf(stderr, "%s: every vector of " FOS_RECIPE " is checked: no argument is allowed\n", argv[1]);
        return 2;
    }
    for (i = 0; i < FOS_AXIS_COUNT; i++)
        if (!fos_supports(FOS_AXES[i].axis, FOS_AXES[i].value)) {
            printf("%s: not checked: this quantizer does not have %s = %s\n", FOS_RECIPE, FOS_AXES[i].axis,
                   FOS_AXES[i].value);
            return 2;
        }
    for (i = 0; i < FOS_VECTOR_COUNT; i++)
        check_vector(&fos_vectors[i]);
    if (vectors_wrong > SHOWN)
        printf("and %lu more vectors\n", vectors_wrong - SHOWN);
    if (vectors_wrong)
        say_flags();
    printf("%s: %s: %lu vectors, %lu blocks; %lu vectors differ\n", vectors_wrong ? "FAIL" : "PASS", FOS_RECIPE,
           (unsigned long)FOS_VECTOR_COUNT, (unsigned long)FOS_BLOCK_COUNT, vectors_wrong);
    return vectors_wrong ? 1 : 0;
}
#endif
