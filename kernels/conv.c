/* Convolution and its input gradient, in the batch-innermost layout: x [channel][row][column][sample].
 *
 * Both are one computation: an output row is a sum over taps (input channel, kernel row, kernel column) of a
 * weight times a run of a strip (conv.h); taps that would read nothing but zeros at the border are left out.
 * A tile of TILE_ROWS output channels x TILE_VECS vectors stays in registers over all taps. */
#include "conv_pointwise.h"
#include "conv_product.h"
#include "depthwise.h"
#include "winograd.h"

_Static_assert(WEIGHT_FLOATS >= MOST_TAPS * TILE_ROWS, "the packed weights of one tile fit");

/* [tile][kernel column][channel][kernel row][TILE_ROWS], zeros where the last tile has no row. */
static void pack_weights(const Correlation *c, float *to, int group, int first_out, int outs, int channel,
                         int channels) {
    for (int o = 0; o < outs; o += TILE_ROWS)
        for (int kx = 0; kx < c->col.taps; kx++)
            for (int i = 0; i < channels; i++) {
                const float *from = c->weight + group * c->weight_group + (channel + i) * c->weight_in + kx;
                for (int ky = 0; ky < c->row.taps; ky++, to += TILE_ROWS)
                    for (int r = 0; r < TILE_ROWS; r++)
                        to[r] = o + r < outs
                                    ? from[(int64_t)(first_out + o + r) * c->weight_out + ky * c->col.taps]
                                    : 0;
            }
}

/* What one output row and column phase needs: where in the packed weights and in the strip each tap lies.
 * Those of kernel column k are taps column[k] to column[k + 1]. */
typedef struct {
    int32_t column[MOST_TAPS + 1], weight[MOST_TAPS], strip[MOST_TAPS];
} Taps;
_Static_assert((STRIP_FLOATS + WEIGHT_FLOATS) * sizeof(float) + sizeof(Taps) <= SCRATCH_BYTES,
               "the scratch holds these");

static void list_taps(const Correlation *c, const Strip *s, int channels, int out_row, int out_phase,
                      Taps *taps) {
    int count = 0;
    for (int kx = 0; kx < c->col.taps; kx++) {
        taps->column[kx] = count;
        int shift = out_phase * c->col.mul + kx * c->col.step + c->col.shift;
        if (c->col.div > 1) {
            if (shift % c->col.div) continue;
            shift = shift / c->col.div;
        }
        int whole = floor_div(shift, s->phases), phase = shift - whole * s->phases;
        int64_t column = (int64_t)phase * s->width + whole + s->margin;
        for (int i = 0; i < channels; i++)
            for (int ky = 0; ky < c->row.taps; ky++) {
                int row;
                if (!source(&c->row, out_row, ky, &row) || row < 0 || row >= c->row.in) continue;
                taps->weight[count] = ((kx * channels + i) * c->row.taps + ky) * TILE_ROWS;
                taps->strip[count++] = (int32_t)(i * s->channel_floats +
                                                 (row - s->first_row) * s->row_floats + column * s->samples);
            }
    }
    taps->column[c->col.taps] = count;
}

/* Whether a kernel column reads beside the input at all output columns of first to last. */
INLINE int beside(const Axis *col, int first, int last, int kx) {
    int shift = kx * col->step + col->shift;
    return last * col->mul + shift < 0 || first * col->mul + shift >= col->in * col->div;
}

/* The other kernel columns: [*from, *to). */
INLINE void inner_columns(const Axis *col, int first, int last, int *from, int *to) {
    *from = 0;
    *to = col->taps;
    while (*from < *to && beside(col, first, last, *from)) ++*from;
    while (*from < *to && beside(col, first, last, *to - 1)) --*to;
}

/* sums[row][vector] over taps [from, to), for TILE_ROWS output channels and TILE_VECS vectors of the fused
 * axis. */
static void sum_taps(const Taps *taps, int from, int to, const float *weights, const float *strip,
                     vec *sums) {
    vec acc[TILE_ROWS][TILE_VECS];
#pragma GCC unroll 8
    for (int r = 0; r < TILE_ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < TILE_VECS; v++) acc[r][v] = splat(0);
    for (int t = from; t < to; t++) {
        const float *w = weights + taps->weight[t], *x = strip + taps->strip[t];
        vec xv[TILE_VECS];
#pragma GCC unroll 4
        for (int v = 0; v < TILE_VECS; v++) xv[v] = load(x + v * LANES);
#pragma GCC unroll 8
        for (int r = 0; r < TILE_ROWS; r++) {
            vec wv = splat(w[r]);
#pragma GCC unroll 4
            for (int v = 0; v < TILE_VECS; v++) acc[r][v] += wv * xv[v];
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < TILE_ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < TILE_VECS; v++) sums[r * TILE_VECS + v] = acc[r][v];
}

/* Where a tile's results go. */
typedef struct {
    float *y;        /* output channel 0 of the tile, this output row */
    int64_t channel; /* floats between output channels */
    const float *bias;
    int rows, first, last, relu;
    int phase, phases;    /* output columns phase, phase + phases, ... */
    int columns;          /* how many of them */
    int batch, n0, count; /* samples n0 .. n0 + count of the batch, */
    int samples;          /* so many of which one column has in the fused axis */
} Target;

static void write_tile(const Target *t, int q, const vec *sums) {
    for (int v = 0; v < TILE_VECS; v++) {
        int at = q + v * LANES, column = at / t->samples, lane = at % t->samples;
        if (column >= t->columns) return;
        /* Where all samples are in the strip, the fused axis is the output's own; otherwise a vector is
         * within one pixel. */
        int whole = t->samples == t->batch && t->phases == 1;
        int count = whole ? t->columns * t->samples - at : t->count - lane;
        if (count <= 0) continue;
        if (count > LANES) count = LANES;
        int64_t place = whole ? at : ((int64_t)column * t->phases + t->phase) * t->batch + t->n0 + lane;
        for (int r = 0; r < t->rows; r++) {
            float *y = t->y + r * t->channel + place;
            vec sum = sums[r * TILE_VECS + v];
            if (!t->first) sum += load_part(y, count);
            if (t->last && t->bias) sum += t->bias[r];
            if (t->last && t->relu) sum = rectify(sum, t->relu);
            store_part(y, sum, count);
        }
    }
}

static void correlate(const Context *ctx, const Correlation *c) {
    if (is_depthwise(c)) {
        if (c->batch >= LANES) {
            depthwise(ctx, c);
            return;
        }
        if (depthwise_3x3(ctx, c) || depthwise_pixels(ctx, c)) return;
    }
    if (winograd_pays(c)) {
        winograd(ctx, c);
        return;
    }
    if (is_product(c)) {
        conv_product(ctx, c);
        return;
    }
    if (is_pointwise(c)) {
        conv_pointwise(ctx, c);
        return;
    }
    int samples = strip_samples(c), chunks = (c->batch + samples - 1) / samples;
    int kernel = c->row.taps * c->col.taps;
    Strip strip = strip_layout(c, samples);

    /* Output rows per strip: few enough that several channels fit, and that every thread has some. Channels
     * per block follow from the rows of a single thread: blocks decide in which order sums are taken, which
     * must not depend on the number of threads. */
    int reach =
        (c->row.taps - 1) * c->row.step; /* how far down the last tap of an output row reads, times div */
    int rows_per = c->row.out, block = 0;
    for (;;) {
        int span = ((rows_per - 1) * c->row.mul + (reach < 0 ? -reach : reach)) / c->row.div + 2;
        int64_t floats = span * strip.row_floats;
        int channels = (int)(STRIP_FLOATS / floats);
        int units = chunks * ((c->row.out + rows_per - 1) / rows_per) * c->groups;
        int fits = channels >= least(c->in, 16);
        if (!block && (rows_per == 1 || (fits && units >= 4))) block = least(c->in, channels);
        if (rows_per == 1 || (fits && units >= 4 * ctx->parts)) {
            strip.rows = span;
            strip.channel_floats = floats;
            break;
        }
        rows_per = (rows_per + 1) / 2;
    }
    block = least(block, MOST_TAPS / kernel);
    if (block < 1) {
        refuse(ctx, c->y, (int64_t)c->groups * c->out * c->row.out * c->col.out * c->batch);
        return;
    }
    int outs_block = (int)(WEIGHT_FLOATS / ((int64_t)block * kernel)) / TILE_ROWS * TILE_ROWS;
    if (outs_block < TILE_ROWS) outs_block = TILE_ROWS;
    int row_blocks = (c->row.out + rows_per - 1) / rows_per;

    float *strip_data = ctx->scratch, *weights = strip_data + STRIP_FLOATS;
    Taps *taps = (Taps *)(weights + WEIGHT_FLOATS);
    int lo, hi;
    share(ctx, chunks * row_blocks, 1, &lo, &hi);

    for (int g = 0; g < c->groups; g++)
        for (int channel = 0; channel < c->in; channel += block) {
            int channels = least(block, c->in - channel);
            for (int o0 = 0; o0 < c->out; o0 += outs_block) {
                int outs = least(outs_block, c->out - o0);
                pack_weights(c, weights, g, o0, outs, channel, channels);
                for (int unit = lo; unit < hi; unit++) {
                    int n0 = unit / row_blocks * samples, r0 = unit % row_blocks * rows_per;
                    int count = least(samples, c->batch - n0), r1 = least(r0 + rows_per, c->row.out);
                    int low =
                        floor_div(r0 * c->row.mul + least(0, (c->row.taps - 1) * c->row.step) + c->row.shift,
                                  c->row.div);
                    strip.first_row = low;
                    fill_strip(c, &strip, strip_data, g, channel, channels, n0, count);
                    for (int r = r0; r < r1; r++)
                        for (int phase = 0; phase < c->col.div && phase < c->col.out; phase++) {
                            list_taps(c, &strip, channels, r, phase, taps);
                            int columns = (c->col.out - phase + c->col.div - 1) / c->col.div;
                            for (int o = 0; o < outs; o += TILE_ROWS) {
                                int64_t out = (int64_t)g * c->out + o0 + o,
                                        plane = (int64_t)c->row.out * c->col.out * c->batch;
                                Target target = {
                                    .channel = plane, .relu = c->relu, .phase = phase, .phases = c->col.div};
                                target.y = c->y + out * plane + (int64_t)r * c->col.out * c->batch;
                                target.bias = c->bias ? c->bias + out : 0;
                                target.rows = least(TILE_ROWS, outs - o);
                                target.first = channel == 0, target.last = channel + channels == c->in;
                                target.columns = columns, target.batch = c->batch, target.samples = samples;
                                target.n0 = n0, target.count = count;
                                const float *w = weights + (int64_t)o * channels * kernel;
                                for (int q = 0; q < columns * samples; q += TILE_VECS * LANES) {
                                    int first = q / samples,
                                        last = least((q + TILE_VECS * LANES - 1) / samples, columns - 1), k0,
                                        k1;
                                    vec sums[TILE_ROWS * TILE_VECS];
                                    inner_columns(&c->col, first * c->col.div + phase,
                                                  last * c->col.div + phase, &k0, &k1);
                                    sum_taps(taps, taps->column[k0], taps->column[k1], w, strip_data + q,
                                             sums);
                                    write_tile(&target, q, sums);
                                }
                            }
                        }
                }
            }
        }
}

/* y = the convolution of x with weight, plus the bias of each channel, then ReLU. */
DEFINE_KERNEL(conv) {
    Correlation c = convolution(a);
    int kernel = a->kh * a->kw;
    c.x = ctx->arena + a->x, c.weight = ctx->arena + a->weight, c.y = ctx->arena + a->y;
    c.bias = a->has_bias ? ctx->arena + a->bias : 0;
    c.relu = a->relu;
    c.weight_in = kernel;
    c.weight_out = (int64_t)c.in * kernel;
    c.weight_group = (int64_t)c.out * c.in * kernel;
    correlate(ctx, &c);
}

/* The gradient of a convolution's input. */
DEFINE_KERNEL(conv_input_grad) {
    Correlation c = input_gradient(a);
    int kernel = a->kh * a->kw;
    c.x = ctx->arena + a->gradient, c.weight = ctx->arena + a->weight, c.y = ctx->arena + a->dinput;
    c.weight_in = (int64_t)c.out * kernel;
    c.weight_out = kernel;
    c.weight_group = (int64_t)c.out * c.in * kernel;
    int direct = (is_depthwise(&c) && c.col.div == 1) || winograd_pays(&c);
    if (!direct && input_product_pays(&c) && conv_input_product(ctx, &c)) return;
    correlate(ctx, &c);
}
