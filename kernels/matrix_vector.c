/* Linear layers of a single sample and their gradients: a matrix is read, or written, once, at the speed of
 * memory. */
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

/* The layer itself, W x: lanes run along the depth; threads share the rows. */
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
            p->c[r + i] = rectify_one(y, p->relu);
        }
    }
}

/* y[i] = or += the sum of `rows` rows of A, each times its element of x, for i from lo to before hi. */
INLINE void add_rows(const float *a, int64_t stride, const float *x, float *y, int lo, int hi, int first,
                     const int rows) {
    for (int i = lo; i < hi; i += LANES) {
        int count = least(LANES, hi - i);
        vec sum = first ? splat(0) : load_part(y + i, count);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) sum += splat(x[r]) * load_part(a + r * stride + i, count);
        store_part(y + i, sum, count);
    }
}

#define ROWS_TOGETHER 8 /* for which the sums are loaded and stored once */

/* The gradient of its input, W^T dy: lanes run along the rows of W, which are summed; threads share the
 * columns. */
void multiply_vector_transposed(const Context *ctx, const Product *p, const float *x) {
    int lo, hi, k = 0;
    share(ctx, p->m, 64 / (int)sizeof(float), &lo, &hi);
    if (p->k == 0)
        for (int i = lo; i < hi; i++) p->c[i] = 0;
    for (; k + ROWS_TOGETHER <= p->k; k += ROWS_TOGETHER)
        add_rows(p->a.p + k * p->a.depth, p->a.depth, x + k, p->c, lo, hi, k == 0, ROWS_TOGETHER);
    for (; k < p->k; k++) add_rows(p->a.p + k * p->a.depth, 0, x + k, p->c, lo, hi, k == 0, 1);
}

/* The gradient of its weight, dy x^T: threads share the rows. */
void outer_product(const Context *ctx, const Product *p, const float *x) {
    int lo, hi;
    share(ctx, p->m, 1, &lo, &hi);
    for (int r = lo; r < hi; r++) {
        float *c = p->c + (int64_t)r * p->n;
        vec factor = splat(p->a.p[r * p->a.outer]);
        for (int j = 0; j < p->n; j += LANES) {
            int count = least(LANES, p->n - j);
            store_part(c + j, factor * load_part(x + j, count), count);
        }
    }
}
