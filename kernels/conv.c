/* Convolution and its input gradient, in the batch-innermost layout: x [channel][row][column][sample].
 *
 * Both are one computation: an output row is a sum over taps (input channel, kernel row, kernel column) of a weight times a
 * run of an input row, shifted. Rows of the input are copied into a strip with zeros at the borders, for some samples at
 * a time, so that the run of a tap is contiguous over (column, sample) and vectors walk that fused axis whatever the batch. With a
 * stride, the strip holds the columns of each phase (column mod stride) together. A tile of TILE_ROWS output
 * channels x TILE_VECS vectors stays in registers over all taps. */
#include "kernel.h"

#if LANES == 16
#define TILE_ROWS 6
#define TILE_VECS 4
#elif LANES == 8
#define TILE_ROWS 6
#define TILE_VECS 2
#else
#define TILE_ROWS 6
#define TILE_VECS 1
#endif

/* Shares of a thread's scratch, in floats. */
#define STRIP_FLOATS (96 * 1024)
#define WEIGHT_FLOATS (64 * 1024)
#define MOST_TAPS 4096

/* One axis of a correlation: tap k of output position r reads input position (r * mul + k * step + shift) / div, where that is
 * whole and inside. A convolution has div = 1 and mul = stride, its input gradient mul = 1 and div = stride. */
typedef struct {
    int out, in, taps, mul, div, step, shift;
} Axis;

INLINE int source(const Axis *axis, int r, int k, int *position) {
    int scaled = r * axis->mul + k * axis->step + axis->shift;
    if (scaled % axis->div) return 0;
    *position = scaled / axis->div;
    return 1;
}

typedef struct {
    int batch, groups, in, out; /* channels per group */
    Axis row, col;
    const float *x, *weight, *bias;
    float *y;
    int64_t weight_group, weight_out, weight_in; /* strides of the weight over groups, output and input channels */
    int relu;
} Correlation;

/* How a strip lies: [channel][input row - first row][phase][column / phases + margin][samples]. */
typedef struct {
    int phases, margin, width, samples, rows, first_row;
    int64_t row_floats, channel_floats;
} Strip;

INLINE int floor_div(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

/* Sizes the strip for one output row's columns, with room behind for the last tile. */
static Strip strip_layout(const Correlation *c, int samples) {
    const Axis *col = &c->col;
    Strip s = {.phases = col->mul, .samples = samples};
    int low = 0, high = 0;
    for (int k = 0; k < col->taps; k++) {
        int shift = k * col->step + col->shift;
        int first = floor_div(shift, col->mul * col->div), last = floor_div((col->out - 1) * col->mul + shift, col->mul * col->div);
        if (first < low) low = first;
        if (last > high) high = last;
    }
    s.margin = -low;
    s.width = high - low + 1 + (TILE_VECS * LANES + samples - 1) / samples;
    s.row_floats = (int64_t)s.phases * s.width * samples;
    return s;
}

/* Copies `rows` input rows from s->first_row on, of `channels` channels from `channel` on, samples n0.. (count of them). */
static void fill_strip(const Correlation *c, const Strip *s, float *to, int group, int channel, int channels, int n0, int count) {
    int64_t plane = (int64_t)c->row.in * c->col.in * c->batch;
    for (int i = 0; i < channels; i++) {
        const float *from = c->x + ((int64_t)group * c->in + channel + i) * plane + n0;
        for (int r = 0; r < s->rows; r++) {
            float *row = to + i * s->channel_floats + r * s->row_floats;
            int64_t floats = s->row_floats;
            for (int64_t j = 0; j < floats; j += LANES) store_part(row + j, splat(0), floats - j < LANES ? (int)(floats - j) : LANES);
            int y = s->first_row + r;
            if (y < 0 || y >= c->row.in) continue;
            for (int x = 0; x < c->col.in; x++) {
                int position = x / s->phases + s->margin;
                if (position >= s->width) continue;
                float *pixel = row + ((int64_t)(x % s->phases) * s->width + position) * s->samples;
                const float *source_pixel = from + ((int64_t)y * c->col.in + x) * c->batch;
                for (int n = 0; n < count; n += LANES) {
                    int part = count - n < LANES ? count - n : LANES;
                    store_part(pixel + n, load_part(source_pixel + n, part), part);
                }
            }
        }
    }
}

/* [tile][channel][tap][TILE_ROWS], zeros where the last tile has no row. */
static void pack_weights(const Correlation *c, float *to, int group, int first_out, int outs, int channel, int channels) {
    int taps = c->row.taps * c->col.taps;
    for (int o = 0; o < outs; o += TILE_ROWS)
        for (int i = 0; i < channels; i++) {
            const float *from = c->weight + group * c->weight_group + (channel + i) * c->weight_in;
            for (int t = 0; t < taps; t++, to += TILE_ROWS)
                for (int r = 0; r < TILE_ROWS; r++)
                    to[r] = o + r < outs ? from[(int64_t)(first_out + o + r) * c->weight_out + t] : 0;
        }
}

/* What one output row and column phase needs: where in the packed weights and in the strip each tap lies. */
typedef struct {
    int count;
    int32_t weight[MOST_TAPS], strip[MOST_TAPS];
} Taps;

static void list_taps(const Correlation *c, const Strip *s, int channels, int out_row, int out_phase, Taps *taps) {
    int kernel = c->row.taps * c->col.taps;
    taps->count = 0;
    for (int i = 0; i < channels; i++)
        for (int ky = 0; ky < c->row.taps; ky++) {
            int row;
            if (!source(&c->row, out_row, ky, &row) || row < 0 || row >= c->row.in) continue;
            for (int kx = 0; kx < c->col.taps; kx++) {
                int shift = out_phase * c->col.mul + kx * c->col.step + c->col.shift;
                if (c->col.div > 1) {
                    if (shift % c->col.div) continue;
                    shift = shift / c->col.div;
                }
                int whole = floor_div(shift, s->phases), phase = shift - whole * s->phases;
                int64_t column = (int64_t)phase * s->width + whole + s->margin;
                taps->weight[taps->count] = (i * kernel + ky * c->col.taps + kx) * TILE_ROWS;
                taps->strip[taps->count++] = (int32_t)(i * s->channel_floats + (row - s->first_row) * s->row_floats + column * s->samples);
            }
        }
}

/* sums[row][vector] over all taps, for TILE_ROWS output channels and TILE_VECS vectors of the fused axis. */
static void sum_taps(const Taps *taps, const float *weights, const float *strip, vec *sums) {
    vec acc[TILE_ROWS][TILE_VECS];
#pragma GCC unroll 8
    for (int r = 0; r < TILE_ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < TILE_VECS; v++) acc[r][v] = splat(0);
    for (int t = 0; t < taps->count; t++) {
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
    float *y;         /* output channel 0 of the tile, this output row */
    int64_t channel;  /* floats between output channels */
    const float *bias;
    int rows, first, last, relu;
    int phase, phases; /* output columns phase, phase + phases, ... */
    int columns;       /* how many of them */
    int batch, n0, count, samples; /* samples n0 .. n0 + count of the batch, `samples` apart in the fused axis */
} Target;

static void write_tile(const Target *t, int q, const vec *sums) {
    for (int v = 0; v < TILE_VECS; v++) {
        int at = q + v * LANES, column = at / t->samples, lane = at % t->samples;
        if (column >= t->columns) return;
        /* Where all samples are in the strip, the fused axis is the output's own; otherwise a vector is within one pixel. */
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
            if (t->last && t->relu) sum = choose(sum > 0, sum, splat(0));
            store_part(y, sum, count);
        }
    }
}

static int least(int a, int b) { return a < b ? a : b; }

/* Samples that a strip holds: all of a small batch, else a whole number of vectors, so that no vector crosses a pixel. */
static int strip_samples(const Correlation *c) {
    int tile = TILE_VECS * LANES;
    if (c->batch <= tile && (c->col.div == 1 || c->batch % LANES == 0)) return c->batch;
    return c->batch <= LANES ? LANES : tile;
}

static void correlate(const Context *ctx, const Correlation *c) {
    int samples = strip_samples(c), chunks = (c->batch + samples - 1) / samples;
    int kernel = c->row.taps * c->col.taps;
    Strip strip = strip_layout(c, samples);

    /* Output rows per strip: few enough that several channels fit, and that every thread has some. */
    int reach = (c->row.taps - 1) * c->row.step; /* input rows that one output row spans, less one (times div) */
    int rows_per = c->row.out;
    for (;;) {
        int span = ((rows_per - 1) * c->row.mul + (reach < 0 ? -reach : reach)) / c->row.div + 2;
        int64_t floats = span * strip.row_floats;
        int channels = (int)(STRIP_FLOATS / floats);
        int units = chunks * ((c->row.out + rows_per - 1) / rows_per) * c->groups;
        if (rows_per == 1 || (channels >= least(c->in, 16) && units >= 4 * ctx->parts)) {
            strip.rows = span;
            strip.channel_floats = floats;
            break;
        }
        rows_per = (rows_per + 1) / 2;
    }
    int block = least(c->in, (int)(STRIP_FLOATS / strip.channel_floats));
    block = least(block, MOST_TAPS / kernel);
    if (block < 1) block = 1;
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
                    int low = floor_div(r0 * c->row.mul + least(0, (c->row.taps - 1) * c->row.step) + c->row.shift, c->row.div);
                    strip.first_row = low;
                    fill_strip(c, &strip, strip_data, g, channel, channels, n0, count);
                    for (int r = r0; r < r1; r++)
                        for (int phase = 0; phase < c->col.div && phase < c->col.out; phase++) {
                            list_taps(c, &strip, channels, r, phase, taps);
                            int columns = (c->col.out - phase + c->col.div - 1) / c->col.div;
                            for (int o = 0; o < outs; o += TILE_ROWS) {
                                int64_t out = (int64_t)g * c->out + o0 + o, plane = (int64_t)c->row.out * c->col.out * c->batch;
                                Target target = {c->y + out * plane + (int64_t)r * c->col.out * c->batch, plane, c->bias ? c->bias + out : 0,
                                                 least(TILE_ROWS, outs - o), channel == 0, channel + channels == c->in, c->relu,
                                                 phase, c->col.div, columns, c->batch, n0, count, samples};
                                const float *w = weights + (int64_t)o * channels * kernel;
                                for (int q = 0; q < columns * samples; q += TILE_VECS * LANES) {
                                    vec sums[TILE_ROWS * TILE_VECS];
                                    sum_taps(taps, w, strip_data + q, sums);
                                    write_tile(&target, q, sums);
                                }
                            }
                        }
                }
            }
        }
}

/* args: batch groups in out, h w oh ow, kh kw sy sx dy dx top left, x weight y, bias has_bias relu
 * (channels per group; padding at the bottom and the right follows from the sizes) */
KERNEL(conv) {
    Correlation c = {
        .batch = a[0], .groups = a[1], .in = a[2], .out = a[3],
        .row = {a[6], a[4], a[8], a[10], 1, a[12], -a[14]},
        .col = {a[7], a[5], a[9], a[11], 1, a[13], -a[15]},
        .x = ctx->arena + a[16], .weight = ctx->arena + a[17], .y = ctx->arena + a[18],
        .bias = a[20] ? ctx->arena + a[19] : 0, .relu = a[21],
    };
    int kernel = a[8] * a[9];
    c.weight_in = kernel;
    c.weight_out = (int64_t)c.in * kernel;
    c.weight_group = (int64_t)c.out * c.in * kernel;
    correlate(ctx, &c);
}

/* dx from dy; in and out, h and oh... mean those of the convolution. Same arguments without bias and ReLU:
 * batch groups in out, h w oh ow, kh kw sy sx dy dx top left, dy weight dx */
KERNEL(conv_input_grad) {
    Correlation c = {
        .batch = a[0], .groups = a[1], .in = a[3], .out = a[2],
        .row = {a[4], a[6], a[8], 1, a[10], -a[12], a[14]},
        .col = {a[5], a[7], a[9], 1, a[11], -a[13], a[15]},
        .x = ctx->arena + a[16], .weight = ctx->arena + a[17], .y = ctx->arena + a[18],
    };
    int kernel = a[8] * a[9];
    c.weight_in = (int64_t)c.out * kernel;
    c.weight_out = kernel;
    c.weight_group = (int64_t)c.out * c.in * kernel;
    correlate(ctx, &c);
}

/* The weight gradient: dw[o][i][ky][kx] = sum over positions and samples of dy times x at the tap. Lanes run over the fused (column, sample)
 * axis of rows that were copied into strips, a tile of GRAD_OUTS output channels x GRAD_TAPS taps at a time; each sum over a block of rows ends
 * with a sum over lanes. Threads share the weights, not the positions. */
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

/* sums[o][t] += over `rows` rows of `length` fused positions: dy[o] rows dy_row apart, x[t] rows x_row apart. */
static void sum_products(const float *const *dy, int64_t dy_row, const float *const *x, int64_t x_row, int rows, int length, float *sums) {
    vec acc[GRAD_OUTS][GRAD_TAPS];
#pragma GCC unroll 8
    for (int o = 0; o < GRAD_OUTS; o++)
#pragma GCC unroll 8
        for (int t = 0; t < GRAD_TAPS; t++) acc[o][t] = splat(0);
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
#pragma GCC unroll 8
    for (int o = 0; o < GRAD_OUTS; o++)
#pragma GCC unroll 8
        for (int t = 0; t < GRAD_TAPS; t++) sums[o * GRAD_TAPS + t] = sum_lanes(acc[o][t]);
}

/* Rows [r0, r0 + rows) of `outs` channels of dy: [channel][row][column][samples], zeros up to a whole vector of a row. */
static void fill_gradient(const Correlation *c, const float *dy, float *to, int64_t fused, int samples, int first_out, int outs, int r0, int rows,
                          int n0, int count) {
    for (int o = 0; o < outs; o++)
        for (int r = 0; r < rows; r++, to += fused) {
            const float *from = dy + (((int64_t)(first_out + o) * c->row.out + r0 + r) * c->col.out) * c->batch + n0;
            for (int64_t j = 0; j < fused; j += LANES) store(to + j, splat(0));
            for (int x = 0; x < c->col.out; x++)
                for (int n = 0; n < count; n += LANES) {
                    int part = least(count - n, LANES);
                    store_part(to + (int64_t)x * samples + n, load_part(from + (int64_t)x * c->batch + n, part), part);
                }
        }
}

/* Which part of the weight a thread computes: groups [g0, g1), output channels [o0, o1), input channels [i0, i1) of each. */
typedef struct { int g0, g1, o0, o1, i0, i1; } WeightShare;

static WeightShare weight_share(const Context *ctx, const Correlation *c) {
    WeightShare s = {0, c->groups, 0, c->out, 0, c->in};
    if (c->groups > 1) share(ctx, c->groups, 1, &s.g0, &s.g1);
    else if (c->in >= 4 * ctx->parts) share(ctx, c->in, 1, &s.i0, &s.i1);
    else share(ctx, c->out, GRAD_OUTS, &s.o0, &s.o1);
    return s;
}

/* args: batch groups in out, h w oh ow, kh kw sy sx dy dx top left, x dy dw */
KERNEL(conv_weight_grad) {
    Correlation c = {
        .batch = a[0], .groups = a[1], .in = a[2], .out = a[3],
        .row = {a[6], a[4], a[8], a[10], 1, a[12], -a[14]},
        .col = {a[7], a[5], a[9], a[11], 1, a[13], -a[15]},
        .x = ctx->arena + a[16],
    };
    const float *dy = ctx->arena + a[17];
    float *dw = ctx->arena + a[18];
    int kernel = c.row.taps * c.col.taps, samples = strip_samples(&c);
    while (samples < c.batch && c.row.out * c.col.out * samples < 1024) samples *= 2; /* long sums hide their ends */
    int chunks = (c.batch + samples - 1) / samples;
    Strip strip = strip_layout(&c, samples);
    int64_t fused = ((int64_t)c.col.out * samples + LANES - 1) / LANES * LANES;

    /* Rows per strip, input channels per strip, output channels per gradient strip. */
    WeightShare mine = weight_share(ctx, &c);
    int rows_per = c.row.out;
    for (;; rows_per = (rows_per + 1) / 2) {
        strip.rows = (rows_per - 1) * c.row.mul + (c.row.taps - 1) * c.row.step + 1;
        strip.channel_floats = strip.rows * strip.row_floats;
        if (rows_per == 1 || (strip.channel_floats * least(c.in, 16) <= STRIP_FLOATS && fused * rows_per * least(c.out, 16) <= WEIGHT_FLOATS)) break;
    }
    int ins_per = least((int)(STRIP_FLOATS / strip.channel_floats), MOST_TAPS / kernel), outs_per = (int)(WEIGHT_FLOATS / (fused * rows_per));
    if (ins_per < 1) ins_per = 1;
    if (outs_per > GRAD_OUTS) outs_per -= outs_per % GRAD_OUTS;

    float *strip_data = ctx->scratch, *gradient = strip_data + STRIP_FLOATS;
    int32_t *tap = (int32_t *)(gradient + WEIGHT_FLOATS);
    for (int g = mine.g0; g < mine.g1; g++)
        for (int o = mine.o0; o < mine.o1; o++)
            for (int j = mine.i0 * kernel; j < mine.i1 * kernel; j++) dw[((int64_t)g * c.out + o) * c.in * kernel + j] = 0;

    for (int g = mine.g0; g < mine.g1; g++)
        for (int i0 = mine.i0; i0 < mine.i1; i0 += ins_per) {
            int ins = least(ins_per, mine.i1 - i0), taps = ins * kernel;
            for (int t = 0; t < taps; t++) {
                int ky = t % kernel / c.col.taps, shift = t % c.col.taps * c.col.step + c.col.shift;
                int whole = floor_div(shift, strip.phases), phase = shift - whole * strip.phases;
                int64_t column = (int64_t)phase * strip.width + whole + strip.margin;
                tap[t] = (int32_t)(t / kernel * strip.channel_floats + ky * c.row.step * strip.row_floats + column * samples);
            }
            for (int chunk = 0; chunk < chunks; chunk++)
                for (int r0 = 0; r0 < c.row.out; r0 += rows_per) {
                    int n0 = chunk * samples, count = least(samples, c.batch - n0), rows = least(rows_per, c.row.out - r0);
                    strip.first_row = r0 * c.row.mul + c.row.shift;
                    fill_strip(&c, &strip, strip_data, g, i0, ins, n0, count);
                    for (int o0 = mine.o0; o0 < mine.o1; o0 += outs_per) {
                        int outs = least(outs_per, mine.o1 - o0);
                        fill_gradient(&c, dy, gradient, fused, samples, g * c.out + o0, outs, r0, rows, n0, count);
                        for (int o = 0; o < outs; o += GRAD_OUTS) {
                            const float *d[GRAD_OUTS];
                            for (int k = 0; k < GRAD_OUTS; k++) d[k] = gradient + least(o + k, outs - 1) * rows * fused;
                            for (int t = 0; t < taps; t += GRAD_TAPS) {
                                const float *x[GRAD_TAPS];
                                float sums[GRAD_OUTS * GRAD_TAPS];
                                for (int k = 0; k < GRAD_TAPS; k++) x[k] = strip_data + tap[least(t + k, taps - 1)];
                                sum_products(d, fused, x, c.row.mul * strip.row_floats, rows, (int)fused, sums);
                                for (int p = 0; p < GRAD_OUTS && o + p < outs; p++)
                                    for (int k = 0; k < GRAD_TAPS && t + k < taps; k++)
                                        dw[(((int64_t)g * c.out + o0 + o + p) * c.in + i0) * kernel + t + k] += sums[p * GRAD_TAPS + k];
                            }
                        }
                    }
                }
        }
}
