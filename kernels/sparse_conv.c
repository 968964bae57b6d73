/* Convolution with a sparse weight, and its input gradient: strips of the input, lists of taps, and which
 * outputs are whose. */
#include "sparse_tile.h"

/* `residual`, where given, is added: it has the shape of y. */
static void sparse_correlate(const Context *ctx, const Correlation *given, const Pattern *p,
                             const float *residual) {
    if (sparse_vector(ctx, given, p, residual) || sparse_pixels(ctx, given, p, residual)) return;
    Correlation linear = as_linear(given);
    const Correlation *c = given->batch < LANES ? &linear : given;
    int64_t outputs = (int64_t)c->out * c->row.out * c->col.out * c->batch;
    if (!sparse_fits(c)) {
        refuse(ctx, c->y, outputs);
        return;
    }
    SparseStrip s = sparse_strip(c);
    int kernel = c->row.taps * c->col.taps, chunks = (c->batch + s.samples - 1) / s.samples,
        grid = outputs_of(&c->row, 0);
    int direct = reads_directly(c), phases = c->row.div * c->col.div;

    /* Rows per strip: few enough that its channels fit, and that every thread has some, but no fewer than
     * fill a tile. Which channels are summed together follows from the rows that fit, so that results do not
     * depend on the number of threads. */
    int rows = grid, block = 0, row_vecs = (s.columns * s.samples + LANES - 1) / LANES;
    for (;; rows = (rows + 1) / 2) {
        set_rows(&s, rows);
        int channels = least((int)(SPARSE_STRIP_FLOATS / (s.channel_floats + MOST_VECTORS * LANES)),
                             SPARSE_MOST_TAPS / kernel);
        int units = chunks * ((grid + rows - 1) / rows), fits = channels >= least(c->in, 64);
        if (!block && (rows == 1 || fits)) block = direct ? SPARSE_MOST_TAPS : least(c->in, channels);
        int enough =
            units % ctx->parts == 0 || units >= 4 * ctx->parts || (rows + 1) / 2 * row_vecs < MOST_VECTORS;
        if (rows == 1 || (fits && (enough || direct))) break;
    }
    if (block < 1) {
        refuse(ctx, c->y, outputs);
        return;
    }
    int row_blocks = (grid + rows - 1) / rows, units = chunks * row_blocks, lo = 0, hi = units, o0 = 0,
        o1 = c->out;
    /* A few units of different sizes would leave threads waiting. */
    if (units >= (direct ? 4 : 1) * ctx->parts) share(ctx, units, 1, &lo, &hi);
    else share_rows(ctx, p, &o0, &o1);

    float *strip = ctx->scratch;
    Tap *taps = (Tap *)(strip + SPARSE_STRIP_FLOATS);
    int32_t *starts = (int32_t *)(taps + SPARSE_MOST_TAPS);
    if (direct) s.channel_floats = c->batch;
    int filled = -1; /* from which channel on a single unit's strip is filled, for all lists of taps */
    for (int channel = 0; channel < c->in; channel += block) {
        int channels = least(block, c->in - channel), first = channel == 0,
            last = channel + channels == c->in;
        for (int o = o0, next; o < o1; o = next) {
            next = listed_rows(p, o, o1, phases);
            for (int phase = 0, count = 0; phase < phases; phase++)
                count = list_taps_of(c, &s, p, o, next, channel, channels, phase / c->col.div,
                                     phase % c->col.div, taps, starts + phase * (next - o + 1), count);
            for (int unit = lo; unit < hi; unit++) {
                int n0 = unit % chunks * s.samples, m0 = unit / chunks * rows;
                Block b = {.n0 = n0, .count = least(s.samples, c->batch - n0), .m0 = m0};
                const float *from = strip;
                if (direct) from = c->x + (int64_t)channel * c->batch + n0;
                else if (filled != channel || hi - lo > 1)
                    fill_sparse_strip(c, &s, strip, channel, channels, m0, n0, b.count);
                filled = channel;
                for (int phase = 0; phase < phases; phase++) {
                    b.row_phase = phase / c->col.div, b.col_phase = phase % c->col.div;
                    b.m1 = least(m0 + rows, outputs_of(&c->row, b.row_phase));
                    sum_block(c, &s, &b, from, direct, taps, starts + phase * (next - o + 1), o, next, first,
                              last, first ? residual : c->y);
                }
            }
        }
    }
}

/* y = the convolution of x with the nonzeros of a weight, plus bias and residual, then ReLU. */
DEFINE_KERNEL(sparse_conv) {
    Correlation c = convolution(a);
    c.x = ctx->arena + a->x, c.y = ctx->arena + a->y;
    c.bias = a->has_bias ? ctx->arena + a->bias : 0;
    c.relu = a->relu;
    const int32_t *arena = (const int32_t *)ctx->arena;
    Pattern p = {arena + a->starts, arena + a->places, 0, ctx->arena + a->values, a->capacity, c.out};
    sparse_correlate(ctx, &c, &p, a->has_residual ? ctx->arena + a->residual : 0);
}

/* The gradient of its input, by the transposed pattern. */
DEFINE_KERNEL(sparse_conv_input_grad) {
    Correlation c = input_gradient(a);
    c.x = ctx->arena + a->gradient, c.y = ctx->arena + a->dinput;
    const int32_t *arena = (const int32_t *)ctx->arena;
    Pattern p = {arena + a->starts,      arena + a->places, arena + a->entries,
                 ctx->arena + a->values, a->capacity,       c.out};
    sparse_correlate(ctx, &c, &p, 0);
}
