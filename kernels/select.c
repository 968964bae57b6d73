/* Exact top-k over several score tensors at once, ties by position (earlier tensor, then lower index, wins). */
#include "kernel.h"

/* Order-preserving bits of a float: larger value, larger key; -0 and +0 are equal. */
INLINE uint32_t key_of(float x) {
    union { float f; uint32_t u; } bits = {x + 0.0f};
    return bits.u & 0x80000000u ? ~bits.u : bits.u | 0x80000000u;
}

#define DIGIT 11
#define BINS (1 << DIGIT)

/* mask[i] = 1 for exactly `keep` largest scores, 0 elsewhere. Radix selection: three histograms of 11 bits
 * fix the key of the keep-th largest score and how many of its equals are kept.
 * args: keep, count, then (scores, n, mask) `count` times */
KERNEL(select_top) {
    if (ctx->part) return;
    int32_t keep = a[0], count = a[1], wanted = keep;
    uint32_t prefix = 0, known = 0; /* the threshold's leading bits, and which they are */
    uint32_t *bins = (uint32_t *)ctx->scratch;
    for (int shift = 32 - DIGIT; wanted > 0; shift = shift > DIGIT ? shift - DIGIT : 0) {
        for (int b = 0; b < BINS; b++) bins[b] = 0;
        for (int t = 0; t < count; t++) {
            const float *x = ctx->arena + a[2 + 3 * t];
            for (int i = 0; i < a[3 + 3 * t]; i++) {
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
        const float *x = ctx->arena + a[2 + 3 * t];
        float *mask = ctx->arena + a[4 + 3 * t];
        for (int i = 0; i < a[3 + 3 * t]; i++) {
            uint32_t key = key_of(x[i]);
            mask[i] = keep > 0 && (key > prefix || (key == prefix && equals-- > 0)) ? 1.0f : 0.0f;
        }
    }
}
