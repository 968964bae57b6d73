/* Exact top-k over several score tensors at once, ties by position (earlier tensor, then lower index,
 * wins). */
#include "kernel.h"

#define DIGIT 11
#define BINS (1 << DIGIT)
#define PASSES 3
_Static_assert(32 <= PASSES * DIGIT && 32 > (PASSES - 1) * DIGIT, "the digits cover a key");
_Static_assert(SCRATCH_BYTES >= PASSES * BINS * sizeof(uint32_t),
               "the scratch holds a histogram of every pass");

/* One tensor of a selection: where its n scores lie, and where its mask goes. `count` of them follow the
 * arguments. */
typedef struct {
    int32_t scores, n, mask;
} Segment;

/* A thread's share of the scores of all segments, counted one segment after the other: numbers [lo, hi). */
typedef struct {
    const Segment *segments;
    int count;
    int64_t lo, hi;
} Share;

/* The elements [*first, *last) of a segment of n, the first of which has number `begin`, that are in the
 * share. */
INLINE void part_of(const Share *s, int64_t begin, int n, int *first, int *last) {
    int64_t lo = s->lo - begin, hi = s->hi - begin;
    *first = (int)(lo < 0 ? 0 : lo < n ? lo : n);
    *last = (int)(hi < 0 ? 0 : hi < n ? hi : n);
}

/* bins[digit] = how many keys of the share whose `known` bits are those of `prefix` have this digit at
 * `shift`. */
static void count_digits(const float *arena, const Share *s, uint32_t known, uint32_t prefix, int shift,
                         uint32_t *bins) {
    int64_t begin = 0;
    for (int b = 0; b < BINS; b++) bins[b] = 0;
    for (int t = 0, first, last; t < s->count; begin += s->segments[t++].n) {
        const float *x = arena + s->segments[t].scores;
        part_of(s, begin, s->segments[t].n, &first, &last);
        for (int i = first; i < last; i++) {
            uint32_t key = key_of(x[i]);
            if ((key & known) == prefix) bins[key >> shift & (BINS - 1)]++;
        }
    }
}

/* Masks of the share: 1 above the threshold, and at the first `equals` scores that are the threshold
 * itself. */
static void write_masks(float *arena, const Share *s, uint32_t threshold, int64_t equals) {
    int64_t begin = 0;
    for (int t = 0, first, last; t < s->count; begin += s->segments[t++].n) {
        const float *x = arena + s->segments[t].scores;
        float *mask = arena + s->segments[t].mask;
        part_of(s, begin, s->segments[t].n, &first, &last);
        for (int i = first; i < last; i++) {
            uint32_t key = key_of(x[i]);
            mask[i] = key > threshold || (key == threshold && equals-- > 0) ? 1.0f : 0.0f;
        }
    }
}

/* The count of one digit in one pass over the shares of parts 0 to before `parts`. */
INLINE uint32_t count_of(const Context *ctx, int pass, int digit, int parts) {
    uint32_t sum = 0;
    for (int p = 0; p < parts; p++) sum += ((const uint32_t *)ctx->scratches[p])[pass * BINS + digit];
    return sum;
}

/* mask[i] = 1 for exactly `keep` largest scores, 0 elsewhere. Radix selection: three histograms of 11 bits
 * fix the key of the keep-th largest score and how many of its equals are kept. Every thread counts its share
 * of the scores; all add the histograms up, and so come to the same key. */
DEFINE_KERNEL(select_top) {
    Share mine = {(const Segment *)a->segments, a->count, 0, 0};
    int64_t total = 0;
    for (int t = 0; t < mine.count; t++) total += mine.segments[t].n;
    mine.lo = total * ctx->part / ctx->parts;
    mine.hi = total * (ctx->part + 1) / ctx->parts;
    if (a->keep == 0) {
        write_masks(ctx->arena, &mine, UINT32_MAX, 0);
        return;
    }
    uint32_t prefix = 0, known = 0; /* the threshold's leading bits, and which they are */
    int digit, wanted = a->keep;    /* of the scores that begin with the prefix, this many are kept */
    for (int pass = 0; pass < PASSES; pass++) {
        /* The last digit overlaps known bits; its bins below them are empty, so the walk is still right. */
        int shift = pass < PASSES - 1 ? 32 - (pass + 1) * DIGIT : 0;
        count_digits(ctx->arena, &mine, known, prefix, shift, (uint32_t *)ctx->scratch + pass * BINS);
        meet(ctx);
        for (digit = BINS - 1; digit > 0; digit--) {
            int there = (int)count_of(ctx, pass, digit, ctx->parts);
            if (there >= wanted) break;
            wanted -= there;
        }
        prefix |= (uint32_t)digit << shift;
        known |= (uint32_t)(BINS - 1) << shift;
    }
    write_masks(ctx->arena, &mine, prefix, wanted - (int64_t)count_of(ctx, PASSES - 1, digit, ctx->part));
}
