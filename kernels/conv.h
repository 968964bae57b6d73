/* What all convolution kernels share: input rows copied into a strip with zeros at the borders, some samples
 * at a time, so that the run of a tap is contiguous over (column, sample) and vectors walk that fused axis
 * whatever the batch. With a stride, the strip holds the columns of each phase (column mod stride)
 * together. */
#ifndef ESPALIER_CONV_H
#define ESPALIER_CONV_H

#include "kernel.h"

/* One axis of a correlation: tap k of output position r reads input position (r * mul + k * step + shift) /
 * div, where that is whole and inside. A convolution has div = 1 and mul = stride, its input gradient mul = 1
 * and div = stride. */
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
    /* Strides of the weight over groups, output and input channels. */
    int64_t weight_group, weight_out, weight_in;
    int relu;
} Correlation;

/* The sizes that the arguments of all convolutions begin with. */
typedef struct {
    int32_t CONV_SIZES;
} Sizes;

/* y from x; the kernel that calls this sets them, and the weight. */
INLINE Correlation convolution(const void *args) {
    const Sizes *s = args;
    return (Correlation){.batch = s->batch,
                         .groups = s->groups,
                         .in = s->in,
                         .out = s->out,
                         .row = {s->oh, s->h, s->kh, s->sy, 1, s->dy, -s->top},
                         .col = {s->ow, s->w, s->kw, s->sx, 1, s->dx, -s->left}};
}

/* The gradient of a convolution's input from that of its output, which is the correlation's input. */
INLINE Correlation input_gradient(const void *args) {
    const Sizes *s = args;
    return (Correlation){.batch = s->batch,
                         .groups = s->groups,
                         .in = s->out,
                         .out = s->in,
                         .row = {s->h, s->oh, s->kh, 1, s->sy, -s->dy, s->top},
                         .col = {s->w, s->ow, s->kw, 1, s->sx, -s->dx, s->left}};
}

/* How a strip lies: [channel][input row - first row][phase][column / phases + margin][samples]. */
typedef struct {
    int phases, margin, width, samples, rows, first_row;
    int64_t row_floats, channel_floats;
} Strip;

INLINE int floor_div(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

/* Sizes the strip for one output row's columns, with room behind for the last tile. */
INLINE Strip strip_layout(const Correlation *c, int samples) {
    const Axis *col = &c->col;
    Strip s = {.phases = col->mul, .samples = samples};
    int low = 0, high = 0;
    for (int k = 0; k < col->taps; k++) {
        int shift = k * col->step + col->shift;
        int first = floor_div(shift, col->mul * col->div),
            last = floor_div((col->out - 1) * col->mul + shift, col->mul * col->div);
        if (first < low) low = first;
        if (last > high) high = last;
    }
    s.margin = -low;
    s.width = high - low + 1 + (TILE_VECS * LANES + samples - 1) / samples;
    s.row_floats = (int64_t)s.phases * s.width * samples;
    return s;
}

/* Copies `rows` input rows from s->first_row on, of `channels` channels from `channel` on, samples n0..
 * (count of them). */
INLINE void fill_strip(const Correlation *c, const Strip *s, float *to, int group, int channel, int channels,
                       int n0, int count) {
    int64_t plane = (int64_t)c->row.in * c->col.in * c->batch;
    for (int i = 0; i < channels; i++) {
        const float *from = c->x + ((int64_t)group * c->in + channel + i) * plane + n0;
        for (int r = 0; r < s->rows; r++) {
            float *row = to + i * s->channel_floats + r * s->row_floats;
            int64_t floats = s->row_floats;
            for (int64_t j = 0; j < floats; j += LANES)
                store_part(row + j, splat(0), floats - j < LANES ? (int)(floats - j) : LANES);
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

/* Samples that a strip holds: all of a small batch, else a whole number of vectors, so that no vector crosses
 * a pixel. */
INLINE int strip_samples(const Correlation *c) {
    int tile = TILE_VECS * LANES;
    if (c->batch <= tile && (c->col.div == 1 || c->batch % LANES == 0)) return c->batch;
    return c->batch <= LANES ? LANES : tile;
}

#endif
