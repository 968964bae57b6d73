/* Depthwise convolution of bytes. Four channels at a time go into a strip, some rows of outputs at once, with
 * the zero point at its borders and with rows and columns sorted by phase, so that a tap is one offset and
 * places follow each other across the ends of rows; what lies between two rows of outputs is computed, too,
 * and left out. */
#include "int8_finish.h"

/* Rows of outputs that are summed at once where a kernel has three rows: twice as many sums need registers.
 */
#if LANES >= 8
#define SHARED_ROWS 2
#else
#define SHARED_ROWS 1
#endif
/* Words of a strip: half of a first-level cache. */
#define BAND 6144
_Static_assert(2 * (INT8_STRIP + 8 * WIDEST_VECTOR) <= SCRATCH_FLOATS,
               "the scratch holds a strip and its outputs");

typedef struct {
    int32_t *words;
    int ways;          /* rows of outputs that are summed at once, which lie in phases of their own */
    int rows, columns; /* of a phase; a column has all samples */
    int places;        /* rows of places, each of `ways` rows of outputs */
    const int *taps;   /* offsets: every row of taps up to a whole four */
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

/* Where `count` results in a row go; those of the second row of outputs lie `apart` words further. */
typedef struct {
    int32_t *words;
    int apart, count;
} Sums;

#define INT8_INNER "int8_depthwise_rows.h"
#include "int8_dot.h"

/* Fours of taps in a row of them. */
INLINE int groups_of(const Int8Sizes *s) { return (s->kw + 3) / 4; }

/* Words of a strip for some rows of places. */
INLINE int64_t words_of(const Int8Sizes *s, Strip *strip) {
    int step = strip->ways * s->sy;
    strip->rows = strip->places + ((strip->ways - 1) * s->sy + (s->kh - 1) * s->dy) / step;
    strip->columns = s->ow + (s->kw - 1) * s->dx / s->sx;
    return (int64_t)step * s->sx * strip->rows * strip->columns * s->batch;
}

/* As many rows of outputs as fit a cache, at least one. Two at once share what they read of a kernel of three
 * rows.
 */
static int64_t lay_out(const Int8Sizes *s, Strip *strip) {
    strip->places = 1;
    strip->ways = SHARED_ROWS;
    int shared = s->kh == 3 && s->kw <= 4 && s->dy == 1 && s->sy <= 2 && s->oh > 1;
    if (!shared || words_of(s, strip) > BAND) strip->ways = 1;
    int64_t one = words_of(s, strip);
    int64_t more = (int64_t)strip->ways * s->sy * s->sx * strip->columns * s->batch;
    int64_t places = 1 + (BAND - one) / more, most = (s->oh + strip->ways - 1) / strip->ways;
    strip->places = places < 1 ? 1 : places > most ? (int)most : (int)places;
    return words_of(s, strip);
}

/* Where the taps of rows `step` apart lie, from the first on. */
static void list_taps(const Int8Sizes *s, const Strip *strip, int rows, int step, int *taps) {
    int phases = strip->ways * s->sy, t = 0;
    for (int i = 0; i < rows; i++) {
        int y = i * step, first = t;
        for (int x = 0; x < s->kw * s->dx; x += s->dx) {
            int phase = y % phases * s->sx + x % s->sx;
            taps[t++] = ((phase * strip->rows + y / phases) * strip->columns + x / s->sx) * s->batch;
        }
        for (; t % 4; t++) taps[t] = taps[first];
    }
}

#if LANES == 16
/* Words [at, at + LANES) of a row of `width` words, and what lies beside it. */
INLINE ivec load_beside(const int32_t *row, int at, int width, ivec border) {
    int from = at < 0 ? least(-at, LANES) : 0, to = width < at ? 0 : least(width - at, LANES);
    __mmask16 inside = (__mmask16)(((1u << to) - 1) & ~((1u << from) - 1));
    return (ivec)_mm512_mask_loadu_epi32((__m512i)border, inside, row + at);
}

/* A row of all phases of columns: of each `run` words, which lie `apart`. Without a stride whole vectors are
 * written, in order, so that what is too much is written over, or lies behind the strip. Returns whether it
 * did that. */
INLINE int fill_vectors(const Windows *c, int32_t *to, int64_t apart, const int32_t *row, int run) {
    const Int8Sizes *s = &c->s;
    int low = -s->left * s->batch, width = s->w * s->batch;
    ivec border = splat_word(c->border);
    if (s->sx == 1)
        for (int j = 0; j < run; j += LANES) store_words(to + j, load_beside(row, low + j, width, border));
    else if (s->sx == 2 && s->batch == 1)
        for (int j = 0; j < run; j += LANES) {
            vec a = (vec)load_beside(row, low + 2 * j, width, border);
            vec b = (vec)load_beside(row, low + 2 * j + LANES, width, border);
            int count = least(LANES, run - j);
            store_part((float *)to + j, even_lanes(a, b), count);
            store_part((float *)to + apart + j, odd_lanes(a, b), count);
        }
    else return 0;
    return 1;
}
#else
INLINE int fill_vectors(const Windows *c, int32_t *to, int64_t apart, const int32_t *row, int run) {
    return (void)c, (void)to, (void)apart, (void)row, (void)run, 0;
}
#endif

/* Four channels of the input, from the rows on that the outputs of row m read. */
static void fill_strip(const Windows *c, const Strip *strip, const int32_t *plane, int m) {
    const Int8Sizes *s = &c->s;
    int width = s->w * s->batch, run = strip->columns * s->batch, phases = strip->ways * s->sy;
    int64_t apart = (int64_t)strip->rows * run;
    for (int py = 0; py < phases; py++)
        for (int i = 0; i < strip->rows; i++) {
            int y = m * s->sy + i * phases + py - s->top, beside = y < 0 || y >= s->h;
            int32_t *to = strip->words + py * s->sx * apart + (int64_t)i * run;
            if (!beside && fill_vectors(c, to, apart, plane + (int64_t)y * width, run)) continue;
            for (int px = 0; px < s->sx; px++, to += apart) {
                if (beside) fill_words(to, c->border, run);
                else pack_run(c, to, plane + (int64_t)y * width, 0, run, px - s->left);
            }
        }
}

DEFINE_KERNEL(int8_depthwise) {
    const float *arena = ctx->arena;
    Windows c = WINDOWS_OF(ctx, a);
    const Int8Sizes *s = &c.s;
    int taps[MOST_TAPS + 4 * 5], run = s->ow * s->batch, groups = s->kh * groups_of(s), lo, hi;
    Strip strip = {.taps = taps};
    int32_t *y = (int32_t *)(ctx->arena + a->y), *words = (int32_t *)ctx->scratch;
    int64_t size = 4 * groups > MOST_TAPS ? INT8_STRIP + 1 : lay_out(s, &strip);
    if (size > INT8_STRIP) {
        refuse(ctx, (float *)y, (int64_t)quads(s->groups) * s->oh * run);
        return;
    }
    if (strip.ways == 1) list_taps(s, &strip, s->kh, s->dy, taps);
    else list_taps(s, &strip, s->kh + s->sy, 1, taps);
    int pitch = strip.columns * s->batch, apart = strip.places * pitch + WIDEST_VECTOR;
    int32_t *sums = words + INT8_STRIP + 4 * WIDEST_VECTOR;
    /* Threads share the bands of all fours of channels. Small ones go together: what was just stored is not
     * yet there to be loaded. */
    int band = strip.places * strip.ways, bands = (s->oh + band - 1) / band;
    int together = size < BAND ? (int)(BAND / size) : 1;
    share(ctx, quads(s->groups) * bands, 1, &lo, &hi);
    for (int first = lo; first < hi; first += together) {
        int end = least(first + together, hi);
        for (int t = first; t < end; t++) {
            strip.words = words + (t - first) * size;
            fill_strip(&c, &strip, c.x + (int64_t)(t / bands) * s->h * s->w * s->batch, t % bands * band);
        }
        for (int t = first; t < end; t++) {
            int quad = t / bands, m = t % bands * band, rows = least(band, s->oh - m);
            Ending ending = {(const int32_t *)(arena + a->offset) + 4 * quad, arena + a->scale + 4 * quad,
                             a->zero, a->low, a->high};
            const int32_t *weight = (const int32_t *)(arena + a->weight) + (int64_t)quad * groups * 4;
            int places = (rows + strip.ways - 1) / strip.ways;
            strip.words = words + (t - first) * size;
            Sums to = {sums, apart, (places - 1) * pitch + run};
            if (strip.ways == 1) BY(sum_strip, &strip, weight, &ending, &to, groups);
#if SHARED_ROWS == 2
            else BY(sum_pairs, &strip, weight, &ending, &to, s->sy);
#endif
            for (int r = 0; r < rows; r++)
                copy_words(y + ((int64_t)quad * s->oh + m + r) * run,
                           sums + r % strip.ways * apart + r / strip.ways * pitch, run);
        }
    }
}
