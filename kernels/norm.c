/* Batch normalization over [channel][positions and samples]. A channel is one thread's: its sums are taken in
 * one order. */
#include "kernel.h"

INLINE float inverse_root(float x) { return 1.0f / __builtin_sqrtf(x); }

/* Sum of x over n floats, in four chains. */
static float sum_row(const float *x, int n) {
    vec s[4] = {splat(0), splat(0), splat(0), splat(0)};
    int i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) s[k] += load(x + i + k * LANES);
    for (; i < n; i += LANES) s[0] += load_part(x + i, n - i < LANES ? n - i : LANES);
    return sum_lanes((s[0] + s[1]) + (s[2] + s[3]));
}

/* Sum of (x - mean)^2. */
static float squares_row(const float *x, int n, float mean) {
    vec s[4] = {splat(0), splat(0), splat(0), splat(0)}, m = splat(mean);
    int i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            vec d = load(x + i + k * LANES) - m;
            s[k] += d * d;
        }
    float total = sum_lanes((s[0] + s[1]) + (s[2] + s[3]));
    for (; i < n; i++) total += (x[i] - mean) * (x[i] - mean);
    return total;
}

/* y = x a + b, then ReLU if asked. */
static void affine_row(float *y, const float *x, int n, float a, float b, int with_relu) {
    vec av = splat(a), bv = splat(b);
    for (int i = 0; i < n; i += LANES) {
        int count = n - i < LANES ? n - i : LANES;
        vec v = load_part(x + i, count) * av + bv;
        if (with_relu) v = relu(v);
        store_part(y + i, v, count);
    }
}

/* Normalizes with the batch's own statistics; mean and var (divided by n) are results too. */
DEFINE_KERNEL(batch_norm_train) {
    int n = a->n, lo, hi;
    share(ctx, a->channels, 1, &lo, &hi);
    for (int c = lo; c < hi; c++) {
        const float *x = ctx->arena + a->x + (int64_t)c * n;
        float mean = sum_row(x, n) / (float)n, var = squares_row(x, n, mean) / (float)n;
        float factor = ctx->arena[a->scale + c] * inverse_root(var + bits_to_float(a->epsilon));
        affine_row(ctx->arena + a->y + (int64_t)c * n, x, n, factor, ctx->arena[a->bias + c] - mean * factor,
                   a->relu);
        ctx->arena[a->mean + c] = mean;
        ctx->arena[a->var + c] = var;
    }
}

/* Normalizes with given statistics. */
DEFINE_KERNEL(batch_norm) {
    int n = a->n, lo, hi;
    share(ctx, a->channels, 1, &lo, &hi);
    for (int c = lo; c < hi; c++) {
        float factor =
            ctx->arena[a->scale + c] * inverse_root(ctx->arena[a->var + c] + bits_to_float(a->epsilon));
        affine_row(ctx->arena + a->y + (int64_t)c * n, ctx->arena + a->x + (int64_t)c * n, n, factor,
                   ctx->arena[a->bias + c] - ctx->arena[a->mean + c] * factor, a->relu);
    }
}

/* The gradient of batch_norm_train: with xh = (x - mean) / sqrt(var + epsilon),
 *   dbias = sum dy, dscale = sum dy xh, dx = scale / sqrt(var + epsilon) (dy - dbias / n - xh dscale / n).
 * If `masked`, dy counts only where y > 0 (y went through a ReLU). */
DEFINE_KERNEL(batch_norm_grad) {
    int n = a->n, masked = a->masked, lo, hi;
    share(ctx, a->channels, 1, &lo, &hi);
    for (int c = lo; c < hi; c++) {
        int64_t row = (int64_t)c * n;
        const float *dy = ctx->arena + a->dy + row, *x = ctx->arena + a->x + row,
                    *y = ctx->arena + a->y + row;
        float *dx = ctx->arena + a->dx + row, mean = ctx->arena[a->mean + c];
        float inverse = inverse_root(ctx->arena[a->var + c] + bits_to_float(a->epsilon));
        vec sum[2] = {splat(0), splat(0)}, product[2] = {splat(0), splat(0)};
        for (int i = 0, k = 0; i < n; i += LANES, k ^= 1) {
            int count = n - i < LANES ? n - i : LANES;
            vec d = load_part(dy + i, count);
            if (masked) d = choose(load_part(y + i, count) > 0, d, splat(0));
            sum[k] += d;
            product[k] += d * (load_part(x + i, count) - mean);
        }
        float dbias = sum_lanes(sum[0] + sum[1]), dscale = sum_lanes(product[0] + product[1]) * inverse;
        float factor = ctx->arena[a->scale + c] * inverse, slope = inverse * dscale / (float)n,
              shift = dbias / (float)n;
        for (int i = 0; i < n; i += LANES) {
            int count = n - i < LANES ? n - i : LANES;
            vec d = load_part(dy + i, count);
            if (masked) d = choose(load_part(y + i, count) > 0, d, splat(0));
            store_part(dx + i, (d - shift - (load_part(x + i, count) - mean) * slope) * factor, count);
        }
        ctx->arena[a->dscale + c] = dscale;
        ctx->arena[a->dbias + c] = dbias;
    }
}

/* x += rate (factor y - x), elementwise: a running statistic. Rate and factor are the bits of floats. */
DEFINE_KERNEL(running_average) {
    float rate = bits_to_float(a->rate), factor = bits_to_float(a->factor), *x = ctx->arena + a->x;
    const float *y = ctx->arena + a->y;
    int lo, hi;
    share(ctx, a->n, LANES, &lo, &hi);
    for (int i = lo; i < hi; i++) x[i] += rate * (factor * y[i] - x[i]);
}
