/* The weight gradient of a convolution of fewer samples than a vector has lanes, as a matrix product whose
 * depth runs over (output row, output column, sample): the left operand is the output's gradient as it lies,
 * a column of the right one is what one weight is multiplied with, and the result lies as the weight does.
 * Panels are packed from a strip of some channels with zeros at its borders (sparse.h), in which a column is
 * a run of memory for every output row. */
#include "conv_product.h"
#include "gemm.h"
#include "sparse.h"

/* Columns are packed in fours of four floats, which go beyond the ends of a run by less than four: behind a
 * panel, and behind the strip. */
#define STRIP_PLACE (PRODUCT_FLOATS + 4 * TILE_COLS)
#define STRIP_ROOM (SCRATCH_FLOATS - STRIP_PLACE - LANES)

typedef struct {
    Correlation c; /* of one group */
    SparseStrip strip;
    float *data;     /* of the strip */
    int32_t *within; /* where each tap begins in a channel of it */
} Windows;

static void pack_columns(const void *given, float *to, int n0, int cols, int width, int k0, int depth) {
    const Windows *m = given;
    const Correlation *c = &m->c;
    const SparseStrip *s = &m->strip;
    int kernel = c->row.taps * c->col.taps, run = c->col.out * c->batch, first = n0 / kernel, row = k0 / run;
    fill_sparse_strip(c, s, m->data, first, (n0 + cols - 1) / kernel - first + 1, row, 0, c->batch);
    for (int j = 0; j < width; j += 4) {
        const float *from[4];
        for (int i = 0; i < 4; i++) {
            int column = n0 + least(j + i, cols - 1);
            from[i] = m->data + (column / kernel - first) * s->channel_floats + m->within[column % kernel];
        }
        for (int k = 0, at = k0 - row * run; k < depth;) {
            int64_t place = at / run * s->row_floats + at % run;
            int count = least(run - at % run, depth - k);
            for (int i = 0; i < count; i += 4, place += 4)
                transpose4(from[0] + place, from[1] + place, from[2] + place, from[3] + place,
                           to + (int64_t)(k + i) * width + j, width);
            k += count, at += count;
        }
    }
}

int conv_weight_product(const Context *ctx, const Correlation *c, const float *dy, float *dw) {
    if (!sparse_fits(c)) return 0;
    int kernel = c->row.taps * c->col.taps, run = c->col.out * c->batch, columns = c->in * kernel;
    int64_t depth = (int64_t)c->row.out * run;
    int32_t within[MOST_TAPS];
    Windows b = {.c = *c, .strip = sparse_strip(c), .data = ctx->scratch + STRIP_PLACE, .within = within};
    set_rows(&b.strip, least(c->row.out, (DEPTH - 1) / run + 2));
    int channels = least(c->in, (TILE_COLS - 1) / kernel + 2);
    if (channels * b.strip.channel_floats > STRIP_ROOM || depth > INT32_MAX || columns > INT32_MAX) return 0;
    place_taps(c, &b.strip, 0, 0, within);
    Context alone = {.scratch = ctx->scratch, .parts = 1};
    int lo = 0, hi = c->groups, apart = c->groups >= ctx->parts;
    if (apart) share(ctx, c->groups, 1, &lo, &hi);
    for (int g = lo; g < hi; g++) {
        b.c.x = c->x + (int64_t)g * c->in * c->row.in * c->col.in * c->batch;
        Product p = {
            .m = c->out, .n = columns, .k = (int)depth, .b = &b, .pack_b = pack_columns, .b_shuffled = 1};
        p.a = (Operand){dy + (int64_t)g * c->out * depth, depth, 1};
        p.c = dw + (int64_t)g * c->out * columns;
        multiply_matrices(apart ? &alone : ctx, &p);
    }
    return 1;
}
