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

/* y = x a + b, plus the residual where there is one, then ReLU if asked. */
INLINE void affine_values(float *y, const float *x, const float *residual, int n, float a, float b,
                          const int with_residual, const int with_relu) {
    vec av = splat(a), bv = splat(b);
    for (int i = 0; i < n; i += LANES) {
        int count = n - i < LANES ? n - i : LANES;
        vec v = load_part(x + i, count) * av + bv;
        if (with_residual) v += load_part(residual + i, count);
        if (with_relu) v = relu(v);
        store_part(y + i, v, count);
    }
}

static void affine_row(float *y, const float *x, const float *residual, int n, float a, float b,
                       int with_relu) {
    if (residual && with_relu) affine_values(y, x, residual, n, a, b, 1, 1);
    else if (residual) affine_values(y, x, residual, n, a, b, 1, 0);
    else if (with_relu) affine_values(y, x, 0, n, a, b, 0, 1);
    else affine_values(y, x, 0, n, a, b, 0, 0);
}

/* Normalizes with the batch's own statistics; mean and var (divided by n) are results too. */
DEFINE_KERNEL(batch_norm_train) {
    int n = a->n, lo, hi;
    share(ctx, a->channels, 1, &lo, &hi);
    for (int c = lo; c < hi; c++) {
        int64_t row = (int64_t)c * n;
        const float *x = ctx->arena + a->x + row;
        float mean = sum_row(x, n) / (float)n, var = squares_row(x, n, mean) / (float)n;
        float factor = ctx->arena[a->scale + c] * inverse_root(var + bits_to_float(a->epsilon));
        affine_row(ctx->arena + a->y + row, x, a->has_residual ? ctx->arena + a->residual + row : 0, n,
                   factor, ctx->arena[a->bias + c] - mean * factor, a->relu);
        ctx->arena[a->mean + c] = mean;
        ctx->arena[a->var + c] = var;
    }
}

/* Normalizes with given statistics. */
DEFINE_KERNEL(batch_norm) {
    int n = a->n, lo, hi;
    share(ctx, a->channels, 1, &lo, &hi);
    for (int c = lo; c < hi; c++) {
        int64_t row = (int64_t)c * n;
        float factor =
            ctx->arena[a->scale + c] * inverse_root(ctx->arena[a->var + c] + bits_to_float(a->epsilon));
        affine_row(ctx->arena + a->y + row, ctx->arena + a->x + row,
                   a->has_residual ? ctx->arena + a->residual + row : 0, n, factor,
                   ctx->arena[a->bias + c] - ctx->arena[a->mean + c] * factor, a->relu);
    }
}

/* A channel of the gradient that arrives: dy, plus `more` of it, where y > 0. */
typedef struct {
    const float *dy, *more, *y, *x;
    float *g; /* where it is kept, unless it is dy as it lies */
    float mean;
    int n;
} Arriving;

/* sums[0] = the sum of g, sums[1] = the sum of g (x - mean), in two chains each. */
INLINE void take_gradient(const Arriving *a, float *sums, const int summed, const int masked) {
    vec sum[2] = {splat(0), splat(0)}, product[2] = {splat(0), splat(0)};
    for (int i = 0, k = 0; i < a->n; i += LANES, k ^= 1) {
        int count = a->n - i < LANES ? a->n - i : LANES;
        vec d = load_part(a->dy + i, count);
        if (summed) d += load_part(a->more + i, count);
        if (masked) d = choose(load_part(a->y + i, count) <= 0, splat(0), d);
        if (summed || masked) store_part(a->g + i, d, count);
        sum[k] += d;
        product[k] += d * (load_part(a->x + i, count) - a->mean);
    }
    sums[0] = sum_lanes(sum[0] + sum[1]);
    sums[1] = sum_lanes(product[0] + product[1]);
}

/* The gradient of batch_norm_train: with xh = (x - mean) / sqrt(var + epsilon) and g = dy, plus `more` if
 * `summed`, only where y > 0 if `masked` (y went through a ReLU),
 *   dbias = sum g, dscale = sum g xh, dx = scale / sqrt(var + epsilon) (g - dbias / n - xh dscale / n).
 * g is a result too, unless it is dy itself. It may lie where dy, more, y or dx do, dx also where dy, more or
 * (if g lies elsewhere) x do. */
DEFINE_KERNEL(batch_norm_grad) {
    int n = a->n, lo, hi;
    share(ctx, a->channels, 1, &lo, &hi);
    for (int c = lo; c < hi; c++) {
        int64_t row = (int64_t)c * n;
        Arriving in = {.dy = ctx->arena + a->dy + row,
                       .more = ctx->arena + a->more + row,
                       .y = ctx->arena + a->y + row,
                       .x = ctx->arena + a->x + row,
                       .g = ctx->arena + a->g + row,
                       .mean = ctx->arena[a->mean + c],
                       .n = n};
        float sums[2], inverse = inverse_root(ctx->arena[a->var + c] + bits_to_float(a->epsilon));
        if (a->summed && a->masked) take_gradient(&in, sums, 1, 1);
        else if (a->summed) take_gradient(&in, sums, 1, 0);
        else if (a->masked) take_gradient(&in, sums, 0, 1);
        else take_gradient(&in, sums, 0, 0);
        float dbias = sums[0], dscale = sums[1] * inverse;
        float factor = ctx->arena[a->scale + c] * inverse, slope = inverse * dscale / (float)n,
              shift = dbias / (float)n;
        const float *g = a->summed || a->masked ? in.g : in.dy;
        float *dx = ctx->arena + a->dx + row;
        for (int i = 0; i < n; i += LANES) {
            int count = n - i < LANES ? n - i : LANES;
            vec d = load_part(g + i, count);
            store_part(dx + i, (d - shift - (load_part(in.x + i, count) - in.mean) * slope) * factor, count);
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
