/* Depthwise convolution of fewer samples than a vector has lanes, and its gradients: lanes run over the
 * columns and samples of a row. Each channel goes into a strip with zeros at its borders, where its kernel is
 * a sparse one of which all taps are there. Threads share the channels. */
#include "depthwise.h"
#include "sparse_tile.h"
#include "sparse_weight.h"

/* A strip of some channels stays in the cache: so many floats. What has to be found out for a tile is found
 * out once for all of them, so that at least TOGETHER go into a strip unless that left it fewer than
 * LEAST_ROWS rows of outputs, which overlap. */
#define STRIP_FLOATS_TOGETHER (16 * 1024)
#define TOGETHER 8
#define LEAST_ROWS 8

/* The strip with the most rows of outputs that fits; none where a single row has no room. */
static SparseStrip channel_strip(const Correlation *c) {
    SparseStrip s = sparse_strip(c);
    for (int rows = outputs_of(&c->row, 0);; rows = (rows + 1) / 2) {
        set_rows(&s, rows);
        int fits = s.channel_floats + MOST_VECTORS * LANES <= SPARSE_STRIP_FLOATS;
        int small = rows <= LEAST_ROWS || TOGETHER * s.channel_floats <= STRIP_FLOATS_TOGETHER;
        if ((fits && small) || rows == 1) {
            s.rows = fits ? rows : 0;
            return s;
        }
    }
}

/* The taps of channels g to before g + channels, one channel of the strip each. */
static void list_channels(const Correlation *c, const SparseStrip *s, const int32_t *within, int g,
                          int channels, Tap *taps, int32_t *starts) {
    int count = 0;
    for (int i = 0; i < channels; i++) {
        const float *weight = c->weight + (g + i) * c->weight_group;
        starts[i] = count;
        for (int t = 0; t < c->row.taps * c->col.taps; t++)
            if (within[t] >= 0)
                taps[count++] =
                    (Tap){.offset = (int32_t)(i * s->channel_floats) + within[t], .value = weight[t]};
    }
    starts[channels] = count;
}

int depthwise_pixels(const Context *ctx, const Correlation *c) {
    if (!sparse_fits(c) || c->row.div * c->col.div * c->row.taps * c->col.taps > SPARSE_MOST_TAPS) return 0;
    SparseStrip s = channel_strip(c);
    if (s.rows == 0) return 0;
    float *strip = ctx->scratch;
    Tap *taps = (Tap *)(strip + SPARSE_STRIP_FLOATS);
    int kernel = c->row.taps * c->col.taps, phases = c->row.div * c->col.div, lo, hi;
    int32_t within[SPARSE_MOST_STRIDE * SPARSE_MOST_STRIDE][MOST_DEPTHWISE_TAPS * MOST_DEPTHWISE_TAPS];
    for (int phase = 0; phase < phases; phase++)
        place_taps(c, &s, phase / c->col.div, phase % c->col.div, within[phase]);
    share(ctx, c->groups, 1, &lo, &hi);
    /* Small channels go together. */
    int together = (int)(STRIP_FLOATS_TOGETHER / s.channel_floats), grid = outputs_of(&c->row, 0);
    together = together < 1 ? 1 : least(together, least(SPARSE_MOST_TAPS / kernel, SPARSE_MOST_ROWS - 1));
    int32_t *starts = (int32_t *)(taps + SPARSE_MOST_TAPS);
    for (int g = lo; g < hi; g += together)
        for (int m0 = 0, channels = least(together, hi - g); m0 < grid; m0 += s.rows) {
            fill_sparse_strip(c, &s, strip, g, channels, m0, 0, c->batch);
            for (int phase = 0; phase < phases; phase++) {
                Block b = {.row_phase = phase / c->col.div, .col_phase = phase % c->col.div, .m0 = m0};
                b.count = c->batch, b.m1 = least(m0 + s.rows, outputs_of(&c->row, b.row_phase));
                list_channels(c, &s, within[phase], g, channels, taps, starts);
                sum_block(c, &s, &b, strip, 0, taps, starts, g, g + channels, 1, 1, 0);
            }
        }
    return 1;
}

/* The weight gradient, summed over the samples. */
int depthwise_pixels_weight_grad(const Context *ctx, const Correlation *c, const float *dy, float *dw) {
    if (!sparse_fits(c)) return 0;
    SparseStrip s = channel_strip(c);
    if (s.rows == 0) return 0;
    int kernel = c->row.taps * c->col.taps, run = c->col.out * c->batch, lo, hi;
    int32_t within[MOST_DEPTHWISE_TAPS * MOST_DEPTHWISE_TAPS];
    Tap taps[MOST_DEPTHWISE_TAPS * MOST_DEPTHWISE_TAPS];
    place_taps(c, &s, 0, 0, within);
    for (int t = 0; t < kernel; t++) taps[t] = (Tap){.offset = within[t], .entry = t};
    share(ctx, c->groups, 1, &lo, &hi);
    for (int g = lo; g < hi; g++) {
        float *sums = dw + (int64_t)g * kernel;
        for (int t = 0; t < kernel; t++) sums[t] = 0;
        for (int m0 = 0; m0 < c->row.out; m0 += s.rows) {
            fill_sparse_strip(c, &s, ctx->scratch, g, 1, m0, 0, c->batch);
            Runs runs = {.dy = dy + ((int64_t)g * c->row.out + m0) * run, .dy_row = run, .pixels = 1};
            runs.strip = ctx->scratch, runs.x_row = s.row_floats, runs.length = run;
            runs.rows = least(s.rows, c->row.out - m0);
            sum_products(&runs, taps, kernel, sums);
        }
    }
    return 1;
}
