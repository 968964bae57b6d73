/* Depthwise convolution of bytes. Four channels at a time go into a strip, some rows of outputs at once, with
 * the zero point at its borders and with rows and columns sorted by phase, so that a tap is one offset and
 * places follow each other across the ends of rows; what lies between two rows of outputs is computed, too,
 * and left out. */
#include "int8_finish.h"

/* Words of a strip: half of a first-level cache. */
#define BAND 6144
_Static_assert(2 * (INT8_STRIP + 8 * WIDEST_VECTOR) <= SCRATCH_FLOATS,
               "the scratch holds a strip and its outputs");

typedef struct {
    int32_t *words;
    int rows, columns; /* of a phase; a column has all samples */
    int band;          /* rows of outputs */
    const int *taps;   /* offsets, up to a whole four */
} Strip;

/* The bytes of four vectors of words: word p of four in a row of vector i holds bytes [channel] of place p;
 * then word c of them of vector p holds bytes [i] of channel c. */
INLINE void transpose_bytes(ivec *x) {
#if LANES == 16
#define LOW8(a, b) _mm512_unpacklo_epi8((__m512i)(a), (__m512i)(b))
#define HIGH8(a, b) _mm512_unpackhi_epi8((__m512i)(a), (__m512i)(b))
#define LOW16(a, b) _mm512_unpacklo_epi16((__m512i)(a), (__m512i)(b))
#define HIGH16(a, b) _mm512_unpackhi_epi16((__m512i)(a), (__m512i)(b))
#elif LANES == 8
#define LOW8(a, b) _mm256_unpacklo_epi8((__m256i)(a), (__m256i)(b))
#define HIGH8(a, b) _mm256_unpackhi_epi8((__m256i)(a), (__m256i)(b))
#define LOW16(a, b) _mm256_unpacklo_epi16((__m256i)(a), (__m256i)(b))
#define HIGH16(a, b) _mm256_unpackhi_epi16((__m256i)(a), (__m256i)(b))
#else
    typedef uint8_t bytes __attribute__((vector_size(16)));
#define LOW8(a, b) \
    __builtin_shufflevector((bytes)(a), (bytes)(b), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH8(a, b)                                                                                       \
    __builtin_shufflevector((bytes)(a), (bytes)(b), 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, \
                            15, 31)
#define LOW16(a, b) __builtin_shufflevector((half_vec)(a), (half_vec)(b), 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH16(a, b) __builtin_shufflevector((half_vec)(a), (half_vec)(b), 4, 12, 5, 13, 6, 14, 7, 15)
#endif
    ivec a = (ivec)LOW8(x[0], x[1]), b = (ivec)HIGH8(x[0], x[1]);
    ivec c = (ivec)LOW8(x[2], x[3]), d = (ivec)HIGH8(x[2], x[3]);
    x[0] = (ivec)LOW16(a, c), x[1] = (ivec)HIGH16(a, c);
    x[2] = (ivec)LOW16(b, d), x[3] = (ivec)HIGH16(b, d);
}

/* Back again of results, each a byte in a word of its own: words of places with bytes of channels. */
INLINE ivec narrow(const ivec *x) {
#if LANES == 16
    return (ivec)_mm512_packus_epi16(_mm512_packs_epi32((__m512i)x[0], (__m512i)x[1]),
                                     _mm512_packs_epi32((__m512i)x[2], (__m512i)x[3]));
#elif LANES == 8
    return (ivec)_mm256_packus_epi16(_mm256_packs_epi32((__m256i)x[0], (__m256i)x[1]),
                                     _mm256_packs_epi32((__m256i)x[2], (__m256i)x[3]));
#else
    typedef uint8_t bytes __attribute__((vector_size(16)));
    half_vec low = __builtin_shufflevector((half_vec)x[0], (half_vec)x[1], 0, 2, 4, 6, 8, 10, 12, 14);
    half_vec high = __builtin_shufflevector((half_vec)x[2], (half_vec)x[3], 0, 2, 4, 6, 8, 10, 12, 14);
    return (ivec)__builtin_shufflevector((bytes)low, (bytes)high, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22,
                                         24, 26, 28, 30);
#endif
}

#define INT8_INNER "int8_depthwise_rows.h"
#include "int8_dot.h"

/* Words of a strip for a band of rows. */
INLINE int64_t words_of(const Int8Sizes *s, int band, int *rows, int *columns) {
    *rows = band + (s->kh - 1) * s->dy / s->sy;
    *columns = s->ow + (s->kw - 1) * s->dx / s->sx;
    return (int64_t)s->sy * s->sx * *rows * *columns * s->batch;
}

/* As many rows of outputs as fit a cache, at least one. */
static int64_t lay_out(const Int8Sizes *s, Strip *strip) {
    int64_t one = words_of(s, 1, &strip->rows, &strip->columns);
    int64_t more = (int64_t)s->sy * s->sx * strip->columns * s->batch, band = 1 + (BAND - one) / more;
    strip->band = band < 1 ? 1 : band > s->oh ? s->oh : (int)band;
    return words_of(s, strip->band, &strip->rows, &strip->columns);
}

static void list_taps(const Int8Sizes *s, const Strip *strip, int *taps) {
    int t = 0;
    for (int ky = 0; ky < s->kh; ky++)
        for (int kx = 0; kx < s->kw; kx++) {
            int y = ky * s->dy, x = kx * s->dx, phase = y % s->sy * s->sx + x % s->sx;
            taps[t++] = ((phase * strip->rows + y / s->sy) * strip->columns + x / s->sx) * s->batch;
        }
    for (; t % 4; t++) taps[t] = 0;
}

/* Four channels of the input, from the rows on that the outputs of row m read. */
static void fill_strip(const Windows *c, const Strip *strip, const int32_t *plane, int m) {
    const Int8Sizes *s = &c->s;
    int width = s->w * s->batch, run = strip->columns * s->batch;
    int32_t *to = strip->words;
    for (int py = 0; py < s->sy; py++)
        for (int px = 0; px < s->sx; px++)
            for (int i = 0; i < strip->rows; i++, to += run) {
                int y = (m + i) * s->sy + py - s->top;
                const int32_t *row = plane + (int64_t)y * width;
                if (y < 0 || y >= s->h) fill_words(to, c->border, run);
                else pack_run(c, to, row, 0, run, px - s->left);
            }
}

DEFINE_KERNEL(int8_depthwise) {
    const float *arena = ctx->arena;
    Windows c = WINDOWS_OF(ctx, a);
    const Int8Sizes *s = &c.s;
    int taps[MOST_TAPS + 4], groups = (s->kh * s->kw + 3) / 4, run = s->ow * s->batch, lo, hi;
    Strip strip = {.taps = taps};
    int32_t *y = (int32_t *)(ctx->arena + a->y), *words = (int32_t *)ctx->scratch;
    int64_t size = s->kh * s->kw > MOST_TAPS ? INT8_STRIP + 1 : lay_out(s, &strip);
    if (size > INT8_STRIP) {
        refuse(ctx, (float *)y, (int64_t)quads(s->groups) * s->oh * run);
        return;
    }
    list_taps(s, &strip, taps);
    int32_t *sums = words + INT8_STRIP + 4 * WIDEST_VECTOR;
    /* Threads share the bands of all fours of channels. Small ones go together: what was just stored is not
     * yet there to be loaded. */
    int bands = (s->oh + strip.band - 1) / strip.band, together = size < BAND ? (int)(BAND / size) : 1;
    share(ctx, quads(s->groups) * bands, 1, &lo, &hi);
    for (int first = lo; first < hi; first += together) {
        int end = least(first + together, hi);
        for (int t = first; t < end; t++) {
            strip.words = words + (t - first) * size;
            fill_strip(&c, &strip, c.x + (int64_t)(t / bands) * s->h * s->w * s->batch,
                       t % bands * strip.band);
        }
        for (int t = first; t < end; t++) {
            int quad = t / bands, m = t % bands * strip.band, rows = least(strip.band, s->oh - m);
            Ending ending = {(const int32_t *)(arena + a->offset) + 4 * quad, arena + a->scale + 4 * quad,
                             a->zero, a->low, a->high};
            const int32_t *weight = (const int32_t *)(arena + a->weight) + (int64_t)quad * groups * 4;
            int pitch = strip.columns * s->batch;
            strip.words = words + (t - first) * size;
            BY(sum_strip, &strip, weight, &ending, sums, (rows - 1) * pitch + run, groups);
            for (int r = 0; r < rows; r++)
                copy_words(y + ((int64_t)quad * s->oh + m + r) * run, sums + r * pitch, run);
        }
    }
}
