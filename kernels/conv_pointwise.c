/* A 1 x 1 convolution with a stride reads one pixel in (stride x stride), and its input gradient writes one:
 * a matrix product over those pixels. A few of them are packed side by side, [channel][pixel][sample], and no
 * other pixel of the input is touched. */
#include "conv_pointwise.h"

#include "conv_weight.h"

/* Floats of a packed row: pixels times samples. Rows of a power of two, far apart, would fall onto each other
 * in the cache where they lie. */
#define BLOCK_COLUMNS 128
_Static_assert(BLOCK_COLUMNS % (TILE_VECS * LANES) == 0, "a block is made of whole tiles");

/* A block of pixels that are read: `pixels` of one row from `column` on, samples n0 .. n0 + samples. */
typedef struct {
    int row, column, pixels, n0, samples;
} Pixels;

/* Floats between neighbouring pixels that are read, and that are written. */
INLINE int64_t read_step(const Correlation *c) { return (int64_t)c->col.mul * c->batch; }
INLINE int64_t write_step(const Correlation *c) { return (int64_t)c->col.div * c->batch; }

/* panel[channel][BLOCK_COLUMNS] = the block in `channels` planes from x on. */
static void pack_pixels(const Correlation *c, const Pixels *b, const float *x, int channels, float *panel) {
    int64_t plane = (int64_t)c->row.in * c->col.in * c->batch, step = read_step(c);
    x += ((int64_t)b->row * c->row.mul * c->col.in + (int64_t)b->column * c->col.mul) * c->batch + b->n0;
    for (int i = 0; i < channels; i++, x += plane, panel += BLOCK_COLUMNS)
        for (int p = 0; p < b->pixels; p++)
            for (int n = 0; n < b->samples; n += LANES)
                store(panel + p * b->samples + n, load(x + p * step + n));
}

/* sums[row][vector] over `channels` rows of a panel, for TILE_ROWS output channels. */
static void sum_channels(const float *panel, const float *const *weight, int64_t weight_step, int channels,
                         vec *sums) {
    vec acc[TILE_ROWS][TILE_VECS];
#pragma GCC unroll 8
    for (int r = 0; r < TILE_ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < TILE_VECS; v++) acc[r][v] = splat(0);
    for (int i = 0; i < channels; i++, panel += BLOCK_COLUMNS) {
        vec x[TILE_VECS];
#pragma GCC unroll 4
        for (int v = 0; v < TILE_VECS; v++) x[v] = load(panel + v * LANES);
#pragma GCC unroll 8
        for (int r = 0; r < TILE_ROWS; r++) {
            vec w = splat(weight[r][i * weight_step]);
#pragma GCC unroll 4
            for (int v = 0; v < TILE_VECS; v++) acc[r][v] += w * x[v];
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < TILE_ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < TILE_VECS; v++) sums[r * TILE_VECS + v] = acc[r][v];
}

/* All output channels of a group at a block's pixels. y: where the first pixel of channel 0 is written. */
static void write_pixels(const Correlation *c, const Pixels *b, int group, float *panel, float *y) {
    int64_t plane = (int64_t)c->row.out * c->col.out * c->batch,
            in = (int64_t)c->row.in * c->col.in * c->batch;
    int columns = b->pixels * b->samples, most = STRIP_FLOATS / BLOCK_COLUMNS;
    for (int i = 0; i < c->in; i += most) {
        int channels = least(most, c->in - i), last = i + channels == c->in;
        pack_pixels(c, b, c->x + ((int64_t)group * c->in + i) * in, channels, panel);
        for (int o = 0; o < c->out; o += TILE_ROWS) {
            const float *weight[TILE_ROWS];
            for (int r = 0; r < TILE_ROWS; r++)
                weight[r] = c->weight + group * c->weight_group + i * c->weight_in +
                            least(o + r, c->out - 1) * c->weight_out;
            for (int q = 0; q < columns; q += TILE_VECS * LANES) {
                vec sums[TILE_ROWS * TILE_VECS];
                sum_channels(panel + q, weight, c->weight_in, channels, sums);
                for (int v = 0; v < TILE_VECS && q + v * LANES < columns; v++) {
                    int at = q + v * LANES, pixel = at / b->samples;
                    float *to = y + o * plane + pixel * write_step(c) + (at - pixel * b->samples);
                    for (int r = 0; r < TILE_ROWS && o + r < c->out; r++, to += plane) {
                        vec sum = sums[r * TILE_VECS + v];
                        if (i > 0) sum += load(to);
                        if (last && c->bias) sum += c->bias[(int64_t)group * c->out + o + r];
                        store(to, last && c->relu ? rectify(sum, c->relu) : sum);
                    }
                }
            }
        }
    }
}

static void clear(float *to, int64_t floats) {
    for (int64_t i = 0; i < floats; i += LANES) store(to + i, splat(0));
}

void conv_pointwise(const Context *ctx, const Correlation *c) {
    int samples = least(c->batch, BLOCK_COLUMNS), chunks = (c->batch + samples - 1) / samples,
        pixels = BLOCK_COLUMNS / samples;
    /* Columns that are read: those of the output, or of the input where outputs between them are zeros. */
    int read = c->col.div > 1 ? c->col.in : c->col.out, blocks = (read + pixels - 1) / pixels;
    int64_t line = (int64_t)c->col.out * c->batch, plane = c->row.out * line;
    int lo, hi;
    share(ctx, c->row.out * blocks * chunks, 1, &lo, &hi);
    for (int unit = lo; unit < hi; unit++) {
        int r = unit / (blocks * chunks), first = unit / chunks % blocks * pixels,
            n0 = unit % chunks * samples;
        Pixels b = {r / c->row.div, first, least(pixels, read - first), n0, least(samples, c->batch - n0)};
        int none = r % c->row.div || b.row >= (c->row.div > 1 ? c->row.in : c->row.out);
        /* The outputs of the block, with the zeros behind each pixel. */
        int from = first * c->col.div,
            to = first + b.pixels == read ? c->col.out : (first + b.pixels) * c->col.div;
        for (int g = 0; g < c->groups; g++) {
            float *y = c->y + (int64_t)g * c->out * plane + r * line + (int64_t)from * c->batch + n0;
            for (int o = 0; o < c->out; o++)
                for (int x = from; x < to; x++)
                    if (none || x % c->col.div || x / c->col.div >= read)
                        clear(y + o * plane + (int64_t)(x - from) * c->batch, b.samples);
            if (!none) write_pixels(c, &b, g, ctx->scratch, y);
        }
    }
}

void pointwise_weight_grad(const Correlation *c, const float *x, const float *dy, float *dw, int o0, int o1,
                           int i0, int i1) {
    int64_t in = (int64_t)c->row.in * c->col.in * c->batch, out = (int64_t)c->row.out * c->col.out * c->batch;
    for (int r = 0; r < c->row.out; r++) {
        const float *line = dy + (int64_t)r * c->col.out * c->batch,
                    *source = x + (int64_t)r * c->row.mul * c->col.in * c->batch;
        for (int o = o0; o < o1; o += GRAD_OUTS)
            for (int i = i0; i < i1; i += GRAD_TAPS) {
                const float *d[GRAD_OUTS], *from[GRAD_TAPS];
                for (int k = 0; k < GRAD_OUTS; k++) d[k] = line + least(o + k, o1 - 1) * out;
                for (int k = 0; k < GRAD_TAPS; k++) from[k] = source + least(i + k, i1 - 1) * in;
                vec acc[GRAD_OUTS][GRAD_TAPS];
#pragma GCC unroll 8
                for (int p = 0; p < GRAD_OUTS; p++)
#pragma GCC unroll 8
                    for (int k = 0; k < GRAD_TAPS; k++) acc[p][k] = splat(0);
                add_products(acc, d, c->batch, from, read_step(c), c->col.out, c->batch);
                for (int p = 0; p < GRAD_OUTS && o + p < o1; p++)
                    for (int k = 0; k < GRAD_TAPS && i + k < i1; k++) {
                        float sum = sum_lanes(acc[p][k]), *to = dw + (int64_t)(o + p) * c->in + i + k;
                        *to = r == 0 ? sum : *to + sum;
                    }
            }
    }
}
