/* The weight gradients of a convolution kept apart by sample, or the sum over samples of their squares, with
 * their sum beside them if that is wanted. Threads share the weights, as in conv_weight.c. */
#include "conv_weight.h"

/* sums[o][t] += over `rows` x `columns` positions, LANES samples side by side. */
static void sum_positions(const float *const *dy, int64_t dy_row, const float *const *x, int64_t x_row,
                          int rows, int columns, float *const *sums) {
    vec acc[GRAD_OUTS][GRAD_TAPS];
#pragma GCC unroll 8
    for (int o = 0; o < GRAD_OUTS; o++)
#pragma GCC unroll 8
        for (int t = 0; t < GRAD_TAPS; t++) acc[o][t] = load(sums[o] + t * LANES);
    add_products(acc, dy, dy_row, x, x_row, rows, columns * LANES);
#pragma GCC unroll 8
    for (int o = 0; o < GRAD_OUTS; o++)
#pragma GCC unroll 8
        for (int t = 0; t < GRAD_TAPS; t++) store(sums[o] + t * LANES, acc[o][t]);
}

/* Of the gradients of a register tile, which stay in the nearest cache. */
#define NEAR_FLOATS (3 * 1024)
/* On smaller maps, transforming back the sums of each sample costs more than the products do. */
#define WINOGRAD_POSITIONS 49
/* Per-sample sums that a thread holds at once, and the most taps that they are of. */
#define SAMPLE_FLOATS (20 * 1024)
#define SAMPLE_TAPS (SAMPLE_FLOATS / LANES / GRAD_OUTS)
_Static_assert(MOST_SAMPLE_TAPS + GRAD_TAPS <= SAMPLE_TAPS, "the sums of one input channel fit");
_Static_assert(STRIP_FLOATS + WEIGHT_FLOATS + SAMPLE_FLOATS + SAMPLE_TAPS <= SCRATCH_FLOATS,
               "the scratch holds strips, gradients, sums and taps");

/* How many input channels to take at once, so that their strip and that of the output channels, which the
 * sums leave room for, are filled equally often for their sizes. 0 where there is no room for one. */
static int sample_ins(const Correlation *c, const Strip *strip, int64_t gradient_floats) {
    const int room = SAMPLE_FLOATS / LANES, kernel = c->row.taps * c->col.taps;
    int outs = GRAD_OUTS;
    while (outs < c->out && (outs + GRAD_OUTS) * gradient_floats <= WEIGHT_FLOATS &&
           (outs + GRAD_OUTS) * (kernel + GRAD_TAPS) <= room &&
           outs * outs * kernel * gradient_floats < room * strip->channel_floats)
        outs += GRAD_OUTS;
    return least(least((int)(STRIP_FLOATS / strip->channel_floats), (room / outs - GRAD_TAPS) / kernel),
                 c->in);
}

/* totals[t] += the sums over lanes of `taps` vectors, or of their squares. */
INLINE void add_samples(const float *sums, int taps, const int squares, float *totals) {
    int t = 0;
    for (; t + 4 <= taps; t += 4) {
        vec v[4];
        for (int k = 0; k < 4; k++) v[k] = load(sums + (t + k) * LANES);
        for (int k = 0; squares && k < 4; k++) v[k] *= v[k];
        *(quad *)(totals + t) += sum_lanes_of_four(v);
    }
    for (; t < taps; t++) {
        vec v = load(sums + t * LANES);
        if (squares) v *= v;
        totals[t] += sum_lanes(v);
    }
}

/* Per-sample weight gradients: the batch lies innermost, so a vector of sums over positions is the gradient
 * of LANES samples. squares = 0: dw[weight][sample]. squares = 1: dw[weight] = the sum over samples of the
 * square of each sample's gradient. If has_sum, sum[weight] = the sum over samples as well: what
 * conv_weight_grad gives, up to rounding. */
DEFINE_KERNEL(conv_sample_grads) {
    Correlation c = convolution(a);
    const float *dy = ctx->arena + a->gradient;
    float *dw = ctx->arena + a->dweight, *sum = a->has_sum ? ctx->arena + a->sum : 0;
    int squares = a->squares, kernel = c.row.taps * c.col.taps;
    c.x = ctx->arena + a->x;
    if (is_depthwise(&c) && c.batch >= LANES) {
        depthwise_weight_grads(ctx, &c, dy, dw, sum, squares ? GRADIENT_SQUARES : GRADIENT_BY_SAMPLE);
        return;
    }
    WeightShare mine = weight_share(ctx, &c);
    if (winograd_pays(&c) && c.row.out * c.col.out >= WINOGRAD_POSITIONS) {
        winograd_sample_grads(ctx, &c, dy, dw, sum, mine.o0, mine.o1, mine.i0, mine.i1, squares);
        return;
    }
    Strip strip = strip_layout(&c, LANES);
    int64_t fused = (int64_t)c.col.out * LANES;
    int rows_per = c.row.out;
    for (;; rows_per = (rows_per + 1) / 2) {
        strip.rows = (rows_per - 1) * c.row.mul + (c.row.taps - 1) * c.row.step + 1;
        strip.channel_floats = strip.rows * strip.row_floats;
        if (rows_per == 1 || (strip.channel_floats * least(c.in, 4) <= STRIP_FLOATS &&
                              fused * rows_per * GRAD_OUTS <= NEAR_FLOATS))
            break;
    }
    int ins_per = sample_ins(&c, &strip, fused * rows_per);
    /* Floats of sums per output channel. */
    int width = (ins_per * kernel + GRAD_TAPS - 1) / GRAD_TAPS * GRAD_TAPS * LANES;
    int outs_per = ins_per < 1 ? 0 : least((int)(WEIGHT_FLOATS / (fused * rows_per)), SAMPLE_FLOATS / width);
    outs_per = outs_per / GRAD_OUTS * GRAD_OUTS;
    if (outs_per < 1) {
        int64_t weights = (int64_t)c.groups * c.out * c.in * kernel;
        refuse(ctx, dw, squares ? weights : weights * c.batch);
        if (sum) refuse(ctx, sum, weights);
        return;
    }

    float *strip_data = ctx->scratch, *gradient = strip_data + STRIP_FLOATS, *sums = gradient + WEIGHT_FLOATS;
    int32_t *tap = (int32_t *)(sums + SAMPLE_FLOATS);
    for (int g = mine.g0; g < mine.g1; g++)
        for (int i0 = mine.i0; i0 < mine.i1; i0 += ins_per) {
            int ins = least(ins_per, mine.i1 - i0), taps = ins * kernel;
            list_grad_taps(&c, &strip, ins, tap);
            for (int o0 = mine.o0; o0 < mine.o1; o0 += outs_per)
                for (int n0 = 0; n0 < c.batch; n0 += LANES) {
                    int count = least(LANES, c.batch - n0), outs = least(outs_per, mine.o1 - o0);
                    for (int64_t j = 0; j < (int64_t)outs_per * width; j++) sums[j] = 0;
                    for (int r0 = 0; r0 < c.row.out; r0 += rows_per) {
                        int rows = least(rows_per, c.row.out - r0);
                        strip.first_row = r0 * c.row.mul + c.row.shift;
                        fill_strip(&c, &strip, strip_data, g, i0, ins, n0, count);
                        fill_gradient(&c, dy, gradient, fused, LANES, g * c.out + o0, outs, r0, rows, n0,
                                      count);
                        for (int o = 0; o < outs; o += GRAD_OUTS)
                            for (int t = 0; t < taps; t += GRAD_TAPS) {
                                const float *d[GRAD_OUTS], *x[GRAD_TAPS];
                                float *s[GRAD_OUTS];
                                for (int k = 0; k < GRAD_OUTS; k++)
                                    d[k] = gradient + least(o + k, outs - 1) * rows * fused;
                                for (int k = 0; k < GRAD_OUTS; k++)
                                    s[k] = sums + (int64_t)(o + k) * width + t * LANES;
                                for (int k = 0; k < GRAD_TAPS; k++)
                                    x[k] = strip_data + tap[least(t + k, taps - 1)];
                                sum_positions(d, fused, x, c.row.mul * strip.row_floats, rows, c.col.out, s);
                            }
                    }
                    for (int o = 0; o < outs; o++) {
                        const float *from = sums + (int64_t)o * width;
                        int64_t weight = (((int64_t)g * c.out + o0 + o) * c.in + i0) * kernel;
                        for (int t = 0; !squares && t < taps; t++)
                            store_part(dw + (weight + t) * c.batch + n0, load(from + t * LANES), count);
                        for (int t = 0; n0 == 0 && t < taps; t++) {
                            if (squares) dw[weight + t] = 0;
                            if (sum) sum[weight + t] = 0;
                        }
                        if (squares) add_samples(from, taps, 1, dw + weight);
                        if (sum) add_samples(from, taps, 0, sum + weight);
                    }
                }
        }
}
