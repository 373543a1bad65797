/* Walks the chains of one recipe with fos_quantize: 10,000 blocks a step, each input drawn from the digest before it.
 *
 *   gcc -std=c99 -O2 -Wall -Wextra -Werror -pedantic -ffp-contract=off -DFOS_VECTORS='"4over6.h"' \
 *       fos_chain.c fos_quantize.c -lm -o chain && ./chain 100
 *
 * The argument is the number of steps, at most 10,000 (10^8 blocks); 10 without one. Exit code 0: every digest as
 * committed. 1: the first that is not is named; the wrong bit lies between it and the digest before. 2: nothing was
 * checked. What a step is: docs/vectors.md, "The chain".
 */
#define FOS_CHAINS_DATA
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fos_quantize.h"

#ifdef FOS_VECTORS
enum { SIDE = 400, ELEMENTS = SIDE * SIDE, DIGEST = 32 };

/* ---- SHA-256 (FIPS 180-4) ---- */

typedef struct {
    uint32_t h[8];
    uint8_t block[64];
    uint64_t bytes;
} sha256;

static const uint32_t K[64] = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2};

static uint32_t rotated(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void compress(sha256 *s)
{
    uint32_t w[64], v[8];
    int i;
    for (i = 0; i < 16; i++)
        w[i] = (uint32_t)s->block[4 * i] << 24 | (uint32_t)s->block[4 * i + 1] << 16 |
               (uint32_t)s->block[4 * i + 2] << 8 | s->block[4 * i + 3];
    for (; i < 64; i++)
        w[i] = w[i - 16] + (rotated(w[i - 15], 7) ^ rotated(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
               (rotated(w[i - 2], 17) ^ rotated(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(v, s->h, sizeof v);
    for (i = 0; i < 64; i++) {
        const uint32_t big1 = rotated(v[4], 6) ^ rotated(v[4], 11) ^ rotated(v[4], 25);
        const uint32_t big0 = rotated(v[0], 2) ^ rotated(v[0], 13) ^ rotated(v[0], 22);
        const uint32_t t1 = v[7] + big1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + K[i] + w[i];
        const uint32_t t2 = big0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (i = 0; i < 8; i++)
        s->h[i] += v[i];
}

static void begin(sha256 *s)
{
    static const uint32_t initial[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                        0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
    memcpy(s->h, initial, sizeof initial);
    s->bytes = 0;
}

static void add(sha256 *s, const void *data, size_t size)
{
    const uint8_t *at = (const uint8_t *)data;
    size_t i;
    for (i = 0; i < size; i++) {
        s->block[s->bytes++ % 64] = at[i];
        if (s->bytes % 64 == 0)
            compress(s);
    }
}

static void end(sha256 *s, uint8_t *digest)
{
    const uint64_t bits = 8 * s->bytes;
    const uint8_t one = 0x80, zero = 0;
    int i;
    add(s, &one, 1);
    while (s->bytes % 64 != 56)
        add(s, &zero, 1);
    for (i = 56; i >= 0; i -= 8) {
        const uint8_t byte = (uint8_t)(bits >> i);
        add(s, &byte, 1);
    }
    for (i = 0; i < DIGEST; i++)
        digest[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

/* ---- the input of a step ---- */

/* SplitMix64 by counter. */
static uint64_t word(uint64_t k, uint64_t j)
{
    uint64_t z = k + (j + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static uint64_t little_endian(const uint8_t *at)
{
    uint64_t value = 0;
    int i;
    for (i = 7; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

/* An element from its random number u and the 16 random bits w of its block; t fraction bits. */
static uint32_t element(uint32_t u, uint32_t w, uint32_t top, int t)
{
    const uint32_t sign = u >> (8 + t) << (8 + t), r = u >> t & 0xFFu;
    uint32_t fraction = u & ((1u << t) - 1u), zeros = 0;
    if (r == 0 || (w >> 7) % 64 == 0)
        return sign;
    while (!(r >> zeros & 1u))
        zeros++;
    if ((w >> 5) % 4 == 0)
        fraction = fraction >> (t - 2) << (t - 2);
    return sign | (top - (w % 4) * ((w >> 2) % 8) - zeros) << t | fraction;
}

/* In half of the steps C / A is a power of two, for C of 1536 or 2688: then there are ties. */
static uint32_t amax_fraction(uint64_t k2)
{
    const uint32_t kind = (uint32_t)(k2 >> 62);
    return kind == 0 ? 0x400000u : kind == 1 ? 0x280000u : (uint32_t)(k2 >> 32) & 0x7FFFFFu;
}

/* Fill x and words; return the caller's tensor amax. */
static uint32_t draw(const uint8_t *digest, int dtype, uint32_t *x, uint32_t *words)
{
    const uint64_t k0 = little_endian(digest), k1 = little_endian(digest + 8), k2 = little_endian(digest + 16);
    const uint32_t t = (uint32_t)k2 >> 2, top = k2 % 4 == 0 ? 32 + t % 222 : 119 + t % 16;
    uint64_t u = 0, w = 0;
    uint32_t block;
    size_t n;
    for (n = 0; n < ELEMENTS; n++) {
        const size_t in_word = dtype == 0 ? 2 : 4;
        if (n % in_word == 0)
            u = word(k0, n / in_word);
        if (n % 64 == 0)
            w = word(k1, n / 64);
        block = (uint32_t)(w >> 16 * (n / 16 % 4)) & 0xFFFFu;
        words[n] = dtype == 0 ? element((uint32_t)(u >> 32 * (n % 2)), block, top, 23)
                              : element((uint32_t)(u >> 16 * (n % 4)) & 0xFFFFu, block, top, 7);
        x[n] = dtype == 0 ? words[n] : words[n] << 16;
    }
    return (top + 1) << 23 | amax_fraction(k2);
}

/* ---- the chain ---- */

static uint32_t x[ELEMENTS], words[ELEMENTS];
static uint8_t codes[ELEMENTS / FOS_CODES_PER_BYTE], block_scales[ELEMENTS / FOS_BLOCK_COLS], picked4[ELEMENTS / FOS_BLOCK_COLS];
static fos_block steps[ELEMENTS / FOS_ELEMENTS];

/* Quantize one step and replace the digest; 0 if the quantizer refused. */
static int step(uint8_t *digest, int dtype)
{
    fos_input in = {x, words, 0, SIDE, SIDE, SIDE, 0, 1, 0};
    fos_result out = {codes, block_scales, picked4, steps, 0};
    sha256 made;
    in.dtype = dtype;
    in.amax = draw(digest, dtype, x, words);
    if (fos_quantize(&in, &out) != FOS_DONE)
        return 0;
    begin(&made);
    add(&made, digest, DIGEST);
    add(&made, codes, sizeof codes);
    add(&made, block_scales, sizeof block_scales);
    end(&made, digest);
    return 1;
}

static void to_hex(const uint8_t *digest, char *text)
{
    int i;
    for (i = 0; i < DIGEST; i++)
        sprintf(text + 2 * i, "%02x", digest[i]);
}

/* Return the number of digests compared; -1 after the first that differs. */
static int walk(const fos_chain *c, uint32_t count)
{
    uint8_t digest[DIGEST];
    char text[2 * DIGEST + 1];
    uint32_t i, point = 0;
    sha256 start;
    begin(&start);
    add(&start, c->id, strlen(c->id));
    end(&start, digest);
    for (i = 1; i <= count && point < c->points; i++) {
        const fos_point *want = &fos_points[c->first + point];
        if (!step(digest, c->dtype)) {
            printf("FAIL: %s: step %lu was refused\n", c->id, (unsigned long)i);
            return -1;
        }
        if (i != want->step)
            continue;
        to_hex(digest, text);
        if (strcmp(text, want->sha256) != 0) {
            printf("FAIL: %s: after step %lu the digest is %s, expected %s; right after step %lu\n", c->id,
                   (unsigned long)i, text, want->sha256, (unsigned long)(point ? want[-1].step : 0));
            return -1;
        }
        point++;
    }
    printf("PASS: %s: %lu steps, %lu blocks, %lu digests\n", c->id, (unsigned long)(i - 1),
           (unsigned long)(i - 1) * (ELEMENTS / 16), (unsigned long)point);
    return (int)point;
}

int main(int argc, char **argv)
{
    char *rest = NULL;
    const unsigned long count = argc > 1 ? strtoul(argv[1], &rest, 10) : 10;
    const fos_chain *c;
    size_t i;
    int found, compared = 0;
    if (argc > 2 || (argc > 1 && (*rest || count < 1 || count > 10000))) {
        fprintf(stderr, "%s: a number of steps from 1 to 10000 is allowed\n", argv[argc - 1]);
        return 2;
    }
    for (i = 0; i < FOS_AXIS_COUNT; i++)
        if (!fos_supports(FOS_AXES[i].axis, FOS_AXES[i].value)) {
            printf("%s: not checked: this quantizer does not have %s = %s\n", FOS_RECIPE, FOS_AXES[i].axis,
                   FOS_AXES[i].value);
            return 2;
        }
    for (c = fos_chains; c->id; c++) {
        found = walk(c, (uint32_t)count);
        if (found < 0)
            return 1;
        compared += found;
    }
    if (!compared)
        printf("%s: no digest was compared\n", FOS_RECIPE);
    return compared ? 0 : 2;
}
#endif
