/* Values moved to and from places that a program computes. An index counts from the end where it is negative;
 * what names no place reads 0 and writes nothing. */
#include "kernel.h"

#define CHUNK 256 /* the most columns that are one piece of work */

/* Whole numbers of up to 24 bits are exact. */
INLINE int place_of(float index, int n) {
    if (index < 0) index += (float)n;
    return index >= 0 && index < (float)n ? (int)index : -1;
}

/* Where the index of (o, j, i) lies: one for all o and i, or `each` its own. */
INLINE int64_t index_at(int each, int64_t o, int64_t k, int64_t j, int64_t inner, int64_t i) {
    return each ? (o * k + j) * inner + i : j;
}

/* y [outer][k][inner] = x [outer][n][inner] at the places that index names, [k] or [outer][k][inner]. */
DEFINE_KERNEL(gather) {
    int n = a->n, inner = a->inner, lo, hi;
    const float *index = ctx->arena + a->index;
    share(ctx, a->outer * a->k, 1, &lo, &hi);
    for (int row = lo; row < hi; row++) {
        int o = row / a->k, j = row % a->k;
        const float *x = ctx->arena + a->x + (int64_t)o * n * inner;
        float *y = ctx->arena + a->y + (int64_t)row * inner;
        if (a->each) {
            for (int i = 0; i < inner; i++) {
                int at = place_of(index[index_at(1, o, a->k, j, inner, i)], n);
                y[i] = at < 0 ? 0 : x[(int64_t)at * inner + i];
            }
            continue;
        }
        int at = place_of(index[j], n);
        for (int i = 0; i < inner; i += LANES) {
            int count = least(inner - i, LANES);
            store_part(y + i, at < 0 ? splat(0) : load_part(x + (int64_t)at * inner + i, count), count);
        }
    }
}

INLINE float reduced(int mode, float old, float value) {
    switch (mode) {
        case SCATTER_ADD: return old + value;
        case SCATTER_MUL: return old * value;
        case SCATTER_MAX: return value > old ? value : old;
        case SCATTER_MIN: return value < old ? value : old;
        default: return value; /* SCATTER_SET: the last one stays */
    }
}

/* y [outer][n][inner] takes in updates [outer][k][inner] at the places that index names, in the order of
 * their numbers: a thread has columns of its own. */
DEFINE_KERNEL(scatter) {
    int n = a->n, inner = a->inner, pieces = (inner + CHUNK - 1) / CHUNK, lo, hi;
    const float *index = ctx->arena + a->index;
    share(ctx, a->outer * pieces, 1, &lo, &hi);
    for (int t = lo; t < hi; t++) {
        int o = t / pieces, from = t % pieces * CHUNK, to = least(from + CHUNK, inner);
        const float *updates = ctx->arena + a->updates + (int64_t)o * a->k * inner;
        float *y = ctx->arena + a->y + (int64_t)o * n * inner;
        for (int j = 0; j < a->k; j++)
            for (int i = from; i < to; i++) {
                int at = place_of(index[index_at(a->each, o, a->k, j, inner, i)], n);
                if (at < 0) continue;
                float *place = y + (int64_t)at * inner + i;
                *place = reduced(a->mode, *place, updates[(int64_t)j * inner + i]);
            }
    }
}
