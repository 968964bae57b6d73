/* Product of a row-major matrix and a vector, as linear layers of a single sample are: every row is read
 * once, at the speed of memory. Lanes run along the depth; threads share the rows. */
#include "gemm.h"

#define ROWS 4 /* side by side: they share the loads of the vector, and their sums hide the latency */

/* The products of `rows` rows of `depth` elements with x. */
INLINE void dot_rows(const float *a, int64_t stride, const float *x, int depth, float *sums, const int rows) {
    vec acc[2][ROWS];
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) acc[0][r] = acc[1][r] = splat(0);
    int k = 0;
    for (; k + 2 * LANES <= depth; k += 2 * LANES)
#pragma GCC unroll 2
        for (int half = 0; half < 2; half++) {
            vec xv = load(x + k + half * LANES);
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) acc[half][r] += load(a + r * stride + k + half * LANES) * xv;
        }
    for (; k < depth; k += LANES) {
        int count = least(LANES, depth - k);
        vec xv = load_part(x + k, count);
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) acc[0][r] += load_part(a + r * stride + k, count) * xv;
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) sums[r] = sum_lanes(acc[0][r] + acc[1][r]);
}

void multiply_vector(const Context *ctx, const Product *p, const float *x) {
    int lo, hi;
    share(ctx, p->m, ROWS, &lo, &hi);
    for (int r = lo; r < hi; r += ROWS) {
        const float *a = p->a.p + r * p->a.outer;
        int rows = least(ROWS, hi - r);
        float sums[ROWS];
        if (rows == ROWS) dot_rows(a, p->a.outer, x, p->k, sums, ROWS);
        else
            for (int i = 0; i < rows; i++) dot_rows(a + i * p->a.outer, 0, x, p->k, sums + i, 1);
        for (int i = 0; i < rows; i++) {
            float y = sums[i];
            if (p->bias_kind != BIAS_NONE) y += p->bias[p->bias_kind == BIAS_ROW ? r + i : 0];
            p->c[r + i] = p->relu && y <= 0 ? 0 : y;
        }
    }
}
