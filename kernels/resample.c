/* A sparse matrix along one axis: what resizes, repeats, reverses, pads and picks. */
#include "kernel.h"

#define CHUNK 4096 /* the most floats of a row that are one piece of work */

/* One piece of a row of y: the weighted sum of `taps` rows of x, `inner` floats apart. */
INLINE void weighted_rows(const float *x, const int32_t *places, const int32_t *weights, int taps,
                          int64_t inner, int n, float *y) {
    if (n < LANES) {
        for (int i = 0; i < n; i++) {
            float sum = 0;
            for (int t = 0; t < taps; t++) sum += bits_to_float(weights[t]) * x[places[t] * inner + i];
            y[i] = sum;
        }
        return;
    }
    for (int i = 0; i < n; i += LANES) {
        int count = least(n - i, LANES);
        vec sum = splat(0);
        for (int t = 0; t < taps; t++)
            sum += splat(bits_to_float(weights[t])) * load_part(x + places[t] * inner + i, count);
        store_part(y + i, sum, count);
    }
}

/* Rows [lo, hi) of single values: those of one outer place after those of another. */
static void single_values(const resample_args *a, const float *x, float *y, int lo, int hi) {
    const int32_t *starts = a->table, *places = starts + a->m + 1, *weights = places + a->count;
    int o = lo / a->m, j = lo % a->m;
    for (int row = lo; row < hi; o++, j = 0) {
        const float *from = x + (int64_t)o * a->n;
        for (; j < a->m && row < hi; j++, row++) {
            float sum = 0;
            for (int t = starts[j]; t < starts[j + 1]; t++)
                sum += bits_to_float(weights[t]) * from[places[t]];
            y[row] = sum;
        }
    }
}

/* y [outer][m][inner] = T x [outer][n][inner] for an m x n matrix T. The table has, row by row, where each of
 * its m rows begins (m + 1 numbers), and then the places and the weights (bits of floats) of its nonzeros. */
DEFINE_KERNEL(resample) {
    int m = a->m, pieces = (a->inner + CHUNK - 1) / CHUNK, lo, hi;
    int64_t n = a->n, inner = a->inner;
    const int32_t *starts = a->table, *places = starts + m + 1, *weights = places + a->count;
    share(ctx, a->outer * m * pieces, 1, &lo, &hi);
    if (inner == 1) {
        single_values(a, ctx->arena + a->x, ctx->arena + a->y, lo, hi);
        return;
    }
    for (int t = lo; t < hi; t++) {
        int row = t / pieces, from = t % pieces * CHUNK, o = row / m, j = row % m;
        int first = starts[j], taps = starts[j + 1] - first;
        weighted_rows(ctx->arena + a->x + o * n * inner + from, places + first, weights + first, taps, inner,
                      least(a->inner - from, CHUNK), ctx->arena + a->y + row * inner + from);
    }
}
