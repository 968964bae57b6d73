/* What the weight gradients of convolutions share, summed over the samples (conv_weight.c) or kept apart
 * (conv_samples.c): the register tile, the strip of the output's gradients beside that of the input, and who
 * computes which weights. */
#ifndef ESPALIER_CONV_WEIGHT_H
#define ESPALIER_CONV_WEIGHT_H

#include "conv.h"
#include "depthwise.h"
#include "winograd.h"

/* Register tile: output channels x taps. */
#if LANES == 16
#define GRAD_OUTS 4
#define GRAD_TAPS 6
#elif LANES == 8
#define GRAD_OUTS 4
#define GRAD_TAPS 3
#else
#define GRAD_OUTS 3
#define GRAD_TAPS 3
#endif
_Static_assert(GRAD_OUTS <= MOST_GRAD_OUTS, "TypeScript leaves room for the rows of a tile");

/* acc[o][t] += over `rows` rows of `length` fused positions, lane by lane: dy[o] rows dy_row apart, x[t] rows
 * x_row apart. */
INLINE void add_products(vec acc[GRAD_OUTS][GRAD_TAPS], const float *const *dy, int64_t dy_row,
                         const float *const *x, int64_t x_row, int rows, int length) {
    for (int r = 0; r < rows; r++)
        for (int q = 0; q < length; q += LANES) {
            vec xv[GRAD_TAPS];
#pragma GCC unroll 8
            for (int t = 0; t < GRAD_TAPS; t++) xv[t] = load(x[t] + r * x_row + q);
#pragma GCC unroll 8
            for (int o = 0; o < GRAD_OUTS; o++) {
                vec d = load(dy[o] + r * dy_row + q);
#pragma GCC unroll 8
                for (int t = 0; t < GRAD_TAPS; t++) acc[o][t] += d * xv[t];
            }
        }
}

/* Rows [r0, r0 + rows) of `outs` channels of dy: [channel][row][column][samples], zeros up to a whole vector
 * of a row. */
INLINE void fill_gradient(const Correlation *c, const float *dy, float *to, int64_t fused, int samples,
                          int first_out, int outs, int r0, int rows, int n0, int count) {
    for (int o = 0; o < outs; o++)
        for (int r = 0; r < rows; r++, to += fused) {
            const float *from =
                dy + (((int64_t)(first_out + o) * c->row.out + r0 + r) * c->col.out) * c->batch + n0;
            for (int64_t j = 0; j < fused; j += LANES) store(to + j, splat(0));
            for (int x = 0; x < c->col.out; x++)
                for (int n = 0; n < count; n += LANES) {
                    int part = least(count - n, LANES);
                    store_part(to + (int64_t)x * samples + n,
                               load_part(from + (int64_t)x * c->batch + n, part), part);
                }
        }
}

/* Which part of the weight a thread computes: groups [g0, g1), output channels [o0, o1), input channels [i0,
 * i1) of each. */
typedef struct {
    int g0, g1, o0, o1, i0, i1;
} WeightShare;

INLINE WeightShare weight_share(const Context *ctx, const Correlation *c) {
    WeightShare s = {0, c->groups, 0, c->out, 0, c->in};
    if (c->groups > 1) share(ctx, c->groups, 1, &s.g0, &s.g1);
    else if (c->in >= 4 * ctx->parts) share(ctx, c->in, 1, &s.i0, &s.i1);
    else share(ctx, c->out, GRAD_OUTS, &s.o0, &s.o1);
    return s;
}

/* Where each tap of `ins` input channels begins in the strip, for the first output row of it. */
INLINE void list_grad_taps(const Correlation *c, const Strip *strip, int ins, int32_t *tap) {
    int kernel = c->row.taps * c->col.taps;
    for (int t = 0; t < ins * kernel; t++) {
        int ky = t % kernel / c->col.taps, shift = t % c->col.taps * c->col.step + c->col.shift;
        int whole = floor_div(shift, strip->phases), phase = shift - whole * strip->phases;
        int64_t column = (int64_t)phase * strip->width + whole + strip->margin;
        tap[t] = (int32_t)(t / kernel * strip->channel_floats + ky * c->row.step * strip->row_floats +
                           column * strip->samples);
    }
}

#endif
