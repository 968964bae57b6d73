/* Exact top-k over several score tensors at once, ties by position (earlier tensor, then lower index, wins). */
#include "kernel.h"

/* Order-preserving bits of a float: larger value, larger key; -0 and +0 are equal. */
INLINE uint32_t key_of(float x) {
    union { float f; uint32_t u; } bits = {x + 0.0f};
    return bits.u & 0x80000000u ? ~bits.u : bits.u | 0x80000000u;
}

#define DIGIT 11
#define BINS (1 << DIGIT)
_Static_assert(BINS * sizeof(uint32_t) <= SCRATCH_BYTES, "the scratch holds a histogram");

/* One tensor of a selection: where its n scores lie, and where its mask goes. `count` of them follow the arguments. */
typedef struct {
    int32_t scores, n, mask;
} Segment;

/* mask[i] = 1 for exactly `keep` largest scores, 0 elsewhere. Radix selection: three histograms of 11 bits
 * fix the key of the keep-th largest score and how many of its equals are kept. */
DEFINE_KERNEL(select_top) {
    if (ctx->part) return;
    const Segment *segments = (const Segment *)a->segments;
    int32_t keep = a->keep, count = a->count, wanted = keep;
    uint32_t prefix = 0, known = 0; /* the threshold's leading bits, and which they are */
    uint32_t *bins = (uint32_t *)ctx->scratch;
    for (int shift = 32 - DIGIT; wanted > 0; shift = shift > DIGIT ? shift - DIGIT : 0) {
        for (int b = 0; b < BINS; b++) bins[b] = 0;
        for (int t = 0; t < count; t++) {
            const float *x = ctx->arena + segments[t].scores;
            for (int i = 0; i < segments[t].n; i++) {
                uint32_t key = key_of(x[i]);
                if ((key & known) == prefix) bins[key >> shift & (BINS - 1)]++;
            }
        }
        int b = BINS - 1;
        /* The last digit overlaps known bits; its bins below them are empty, so the walk is still right. */
        while (b > 0 && bins[b] < (uint32_t)wanted) wanted -= (int32_t)bins[b--];
        prefix |= (uint32_t)b << shift;
        known |= (uint32_t)(BINS - 1) << shift;
        if (shift == 0) break;
    }
    int32_t equals = wanted; /* of the scores equal to the threshold, this many are kept */
    for (int t = 0; t < count; t++) {
        const float *x = ctx->arena + segments[t].scores;
        float *mask = ctx->arena + segments[t].mask;
        for (int i = 0; i < segments[t].n; i++) {
            uint32_t key = key_of(x[i]);
            mask[i] = keep > 0 && (key > prefix || (key == prefix && equals-- > 0)) ? 1.0f : 0.0f;
        }
    }
}
