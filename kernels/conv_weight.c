/* The weight gradient of a convolution, summed over the samples: dw[o][i][ky][kx] = sum over positions of dy
 * times x at the tap. Threads share the weights, not the positions, so every sum is taken by one thread in
 * one order. */
#include "conv_weight.h"
#include "conv_product.h"

#include "conv_pointwise.h"

/* sums[o][t] = over `rows` rows of `length` fused positions: dy[o] rows dy_row apart, x[t] rows x_row
 * apart. */
static void sum_products(const float *const *dy, int64_t dy_row, const float *const *x, int64_t x_row,
                         int rows, int length, float *sums) {
    vec acc[GRAD_OUTS][GRAD_TAPS];
#pragma GCC unroll 8
    for (int o = 0; o < GRAD_OUTS; o++)
#pragma GCC unroll 8
        for (int t = 0; t < GRAD_TAPS; t++) acc[o][t] = splat(0);
    add_products(acc, dy, dy_row, x, x_row, rows, length);
#pragma GCC unroll 8
    for (int o = 0; o < GRAD_OUTS; o++)
#pragma GCC unroll 8
        for (int t = 0; t < GRAD_TAPS; t++) sums[o * GRAD_TAPS + t] = sum_lanes(acc[o][t]);
}

_Static_assert(STRIP_FLOATS + WEIGHT_FLOATS + MOST_TAPS <= SCRATCH_FLOATS,
               "the scratch holds strips, gradients and taps");

/* Lanes run over the fused (column, sample) axis; each sum over a block of rows ends with a sum over
 * lanes. */
DEFINE_KERNEL(conv_weight_grad) {
    Correlation c = convolution(a);
    const float *dy = ctx->arena + a->gradient;
    float *dw = ctx->arena + a->dweight;
    c.x = ctx->arena + a->x;
    if (is_depthwise(&c)) {
        if (c.batch >= LANES) {
            depthwise_weight_grads(ctx, &c, dy, dw, 0, GRADIENT_SUM);
            return;
        }
        if (depthwise_pixels_weight_grad(ctx, &c, dy, dw)) return;
    }
    WeightShare mine = weight_share(ctx, &c);
    if (winograd_pays(&c)) {
        winograd_weight_grad(ctx, &c, dy, dw, mine.o0, mine.o1, mine.i0, mine.i1);
        return;
    }
    if (is_pointwise(&c)) {
        int64_t in = (int64_t)c.in * c.row.in * c.col.in * c.batch,
                out = (int64_t)c.out * c.row.out * c.col.out * c.batch;
        for (int g = mine.g0; g < mine.g1; g++)
            pointwise_weight_grad(&c, c.x + g * in, dy + g * out, dw + (int64_t)g * c.out * c.in, mine.o0,
                                  mine.o1, mine.i0, mine.i1);
        return;
    }
    if (c.batch < LANES && conv_weight_product(ctx, &c, dy, dw)) return;
    int kernel = c.row.taps * c.col.taps, samples = strip_samples(&c);
    int reach = (c.row.taps - 1) * c.row.step + 1;
    while (samples < c.batch && c.row.out * c.col.out * samples < 1024 &&
           reach * strip_layout(&c, 2 * samples).row_floats <= STRIP_FLOATS)
        samples *= 2; /* long sums hide their ends */
    int chunks = (c.batch + samples - 1) / samples;
    Strip strip = strip_layout(&c, samples);
    int64_t fused = ((int64_t)c.col.out * samples + LANES - 1) / LANES * LANES;

    /* Rows per strip, input channels per strip, output channels per gradient strip. */
    int rows_per = c.row.out;
    for (;; rows_per = (rows_per + 1) / 2) {
        strip.rows = (rows_per - 1) * c.row.mul + (c.row.taps - 1) * c.row.step + 1;
        strip.channel_floats = strip.rows * strip.row_floats;
        if (rows_per == 1 || (strip.channel_floats * least(c.in, 16) <= STRIP_FLOATS &&
                              fused * rows_per * least(c.out, 16) <= WEIGHT_FLOATS))
            break;
    }
    int ins_per = least((int)(STRIP_FLOATS / strip.channel_floats), MOST_TAPS / kernel),
        outs_per = (int)(WEIGHT_FLOATS / (fused * rows_per));
    if (ins_per < 1 || outs_per < 1) {
        refuse(ctx, dw, (int64_t)c.groups * c.out * c.in * kernel);
        return;
    }
    if (outs_per > GRAD_OUTS) outs_per -= outs_per % GRAD_OUTS;

    float *strip_data = ctx->scratch, *gradient = strip_data + STRIP_FLOATS;
    int32_t *tap = (int32_t *)(gradient + WEIGHT_FLOATS);
    for (int g = mine.g0; g < mine.g1; g++)
        for (int o = mine.o0; o < mine.o1; o++)
            for (int j = mine.i0 * kernel; j < mine.i1 * kernel; j++)
                dw[((int64_t)g * c.out + o) * c.in * kernel + j] = 0;

    for (int g = mine.g0; g < mine.g1; g++)
        for (int i0 = mine.i0; i0 < mine.i1; i0 += ins_per) {
            int ins = least(ins_per, mine.i1 - i0), taps = ins * kernel;
            list_grad_taps(&c, &strip, ins, tap);
            for (int chunk = 0; chunk < chunks; chunk++)
                for (int r0 = 0; r0 < c.row.out; r0 += rows_per) {
                    int n0 = chunk * samples, count = least(samples, c.batch - n0),
                        rows = least(rows_per, c.row.out - r0);
                    strip.first_row = r0 * c.row.mul + c.row.shift;
                    fill_strip(&c, &strip, strip_data, g, i0, ins, n0, count);
                    for (int o0 = mine.o0; o0 < mine.o1; o0 += outs_per) {
                        int outs = least(outs_per, mine.o1 - o0);
                        fill_gradient(&c, dy, gradient, fused, samples, g * c.out + o0, outs, r0, rows, n0,
                                      count);
                        for (int o = 0; o < outs; o += GRAD_OUTS) {
                            const float *d[GRAD_OUTS];
                            for (int k = 0; k < GRAD_OUTS; k++)
                                d[k] = gradient + least(o + k, outs - 1) * rows * fused;
                            for (int t = 0; t < taps; t += GRAD_TAPS) {
                                const float *x[GRAD_TAPS];
                                float sums[GRAD_OUTS * GRAD_TAPS];
                                for (int k = 0; k < GRAD_TAPS; k++)
                                    x[k] = strip_data + tap[least(t + k, taps - 1)];
                                sum_products(d, fused, x, c.row.mul * strip.row_floats, rows, (int)fused,
                                             sums);
                                for (int p = 0; p < GRAD_OUTS && o + p < outs; p++)
                                    for (int k = 0; k < GRAD_TAPS && t + k < taps; k++)
                                        dw[(((int64_t)g * c.out + o0 + o + p) * c.in + i0) * kernel + t +
                                           k] += sums[p * GRAD_TAPS + k];
                            }
                        }
                    }
                }
        }
}
