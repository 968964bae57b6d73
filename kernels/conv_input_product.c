/* The input gradient of a convolution of fewer samples than a vector has lanes, as a matrix product: lanes
 * run over pixels. Row (input channel, tap) of the product is what every output position gives to the pixel
 * under that tap: the sum over output channels of weight times gradient, both as they lie in memory. Adding
 * these rows up, each moved by its tap, gives the gradient (the "col2im" of Caffe), whatever the strides:
 * nothing is computed for taps that a stride jumps over.
 *
 * Rows of a few channels and lines are kept in the scratch until they are added. */
#include "conv_product.h"
#include "gemm.h"

/* Products that stay in the second-level cache. */
#define KEPT_FLOATS (64 * 1024)
_Static_assert(PRODUCT_FLOATS + KEPT_FLOATS <= SCRATCH_FLOATS, "the scratch holds them behind the product");
/* Lines of the result that are computed together, at the least where a channel of them fits: those of
 * neighbours overlap. */
#define LEAST_LINES 8

/* Lines [*from, *to) of the output's gradient that lines [y0, y1) of the input's gradient are made of. */
static void lines_under(const Axis *row, int y0, int y1, int *from, int *to) {
    *from = floor_div(y0 + (row->taps - 1) * row->step + row->shift + row->div - 1, row->div);
    *to = floor_div(y1 - 1 + row->shift, row->div) + 1;
    if (*from < 0) *from = 0;
    if (*to > row->in) *to = row->in;
    if (*to < *from) *to = *from;
}

/* How the result is cut: `lines` lines of `channels` channels at once. */
typedef struct {
    int lines, line_blocks, channels, channel_blocks;
} Blocks;

/* 0 where a single line of a channel has no room. */
static int cut(const Context *ctx, const Correlation *c, Blocks *b) {
    int kernel = c->row.taps * c->col.taps, most = ROWS_BLOCK / kernel,
        reach = (c->row.taps - 1) * -c->row.step;
    if (most < 1) most = 1;
    for (b->lines = c->row.out;; b->lines = (b->lines + 1) / 2) {
        int64_t under = least(c->row.in, (b->lines - 1 + reach) / c->row.div + 1);
        b->channels = (int)(KEPT_FLOATS / (kernel * under * c->col.in * c->batch));
        if (b->channels >= least(c->out, most)) break;
        if (b->channels >= 1 && b->lines <= LEAST_LINES) break;
        if (b->lines == 1) return 0;
    }
    b->line_blocks = (c->row.out + b->lines - 1) / b->lines;
    /* As many blocks for each thread, if there are channels enough: blocks are not seen in the result. */
    int channels = least(b->channels, most), blocks = (c->out + channels - 1) / channels;
    if ((int64_t)c->groups * b->line_blocks % ctx->parts)
        blocks = least((blocks + ctx->parts - 1) / ctx->parts * ctx->parts, c->out);
    b->channels = (c->out + blocks - 1) / blocks;
    b->channel_blocks = (c->out + b->channels - 1) / b->channels;
    return 1;
}

/* to += from, `columns` pixels of `batch` samples, `step` pixels apart in `to`. */
static void add_pixels(float *to, const float *from, int columns, int step, int batch) {
    if (step == 1) {
        int floats = columns * batch;
        for (int j = 0; j < floats; j += LANES) {
            int count = least(LANES, floats - j);
            store_part(to + j, load_part(to + j, count) + load_part(from + j, count), count);
        }
        return;
    }
    for (int q = 0; q < columns; q++, to += (int64_t)step * batch, from += batch)
        for (int n = 0; n < batch; n++) to[n] += from[n];
}

/* Line y of a channel's gradient from its rows of the product, each of lines [from, to). */
static void add_taps(const Correlation *c, const float *rows, int64_t row_floats, int from, int to, int y,
                     float *line) {
    int64_t floats = (int64_t)c->col.out * c->batch, under = (int64_t)c->col.in * c->batch;
    for (int64_t j = 0; j < floats; j += LANES)
        store_part(line + j, splat(0), least(LANES, (int)(floats - j)));
    for (int ky = 0; ky < c->row.taps; ky++) {
        int r;
        if (!source(&c->row, y, ky, &r) || r < from || r >= to) continue;
        for (int kx = 0; kx < c->col.taps; kx++) {
            /* Column q goes to column q * div + place. */
            int div = c->col.div, place = -(kx * c->col.step + c->col.shift);
            int first = place < 0 ? (-place + div - 1) / div : 0,
                last = least(floor_div(c->col.out - 1 - place, div) + 1, c->col.in);
            if (first >= last) continue;
            const float *row = rows + (ky * c->col.taps + kx) * row_floats + (r - from) * under;
            add_pixels(line + ((int64_t)first * div + place) * c->batch, row + (int64_t)first * c->batch,
                       last - first, div, c->batch);
        }
    }
}

int conv_input_product(const Context *ctx, const Correlation *c) {
    Blocks b;
    if (!cut(ctx, c, &b)) return 0;
    int kernel = c->row.taps * c->col.taps, lo, hi;
    int64_t plane = (int64_t)c->row.in * c->col.in * c->batch, line = (int64_t)c->col.out * c->batch;
    float *kept = ctx->scratch + PRODUCT_FLOATS;
    Context alone = {.scratch = ctx->scratch, .parts = 1};
    share(ctx, c->groups * b.channel_blocks * b.line_blocks, 1, &lo, &hi);
    for (int unit = lo; unit < hi; unit++) {
        int g = unit / b.line_blocks / b.channel_blocks,
            i0 = unit / b.line_blocks % b.channel_blocks * b.channels, y0 = unit % b.line_blocks * b.lines,
            channels = least(b.channels, c->out - i0), y1 = least(y0 + b.lines, c->row.out), from, to;
        lines_under(&c->row, y0, y1, &from, &to);
        Operand gradient = {c->x + g * c->in * plane + (int64_t)from * c->col.in * c->batch, 1, plane};
        Product p = {
            .m = channels * kernel, .n = (to - from) * c->col.in * c->batch, .k = c->in, .b = &gradient};
        p.a = (Operand){c->weight + g * c->weight_group + i0 * c->weight_out, 1, c->weight_in};
        p.pack_b = pack_strided, p.c = kept;
        if (plane == 1 && p.n == 1) multiply_vector_transposed(&alone, &p, gradient.p);
        else if (from < to) multiply_matrices(&alone, &p);
        for (int i = 0; i < channels; i++) {
            float *y = c->y + (((int64_t)g * c->out + i0 + i) * c->row.out + y0) * line;
            for (int r = y0; r < y1; r++, y += line)
                add_taps(c, kept + (int64_t)i * kernel * p.n, p.n, from, to, r, y);
        }
    }
    return 1;
}
