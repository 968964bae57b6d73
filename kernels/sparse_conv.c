/* Convolution with a sparse weight, and its input gradient: for each tile of outputs the taps that exist are
 * summed in registers, and only those.
 *
 * A tile is 8 vectors of one output channel: of one row where rows are long, of up to 8 rows where they are
 * short. Tiles are the outer loop and output channels the inner one, so that the inputs of a tile stay in the
 * first-level cache for all of them. */
#include "sparse.h"

#define MOST_VECTORS 8
_Static_assert(WIDEST_SPARSE_TILE >= MOST_VECTORS * LANES,
               "TypeScript leaves room behind a strip for a tile");

/* Where the vectors of a tile go in an output channel, and how many floats of each; whether sums end with
 * ReLU. */
typedef struct {
    int32_t place[MOST_VECTORS], count[MOST_VECTORS];
    int full, relu;
} Target;

/* Sums of a tile, beginning with the bias and, where it is given, with what stands at its place in `from`. */
INLINE void sum_tile(const Tap *tap, const Tap *end, const float *strip, int64_t row, const Target *to,
                     float *y, const float *from, float bias, const int vecs, const int rows) {
    vec acc[MOST_VECTORS];
#pragma GCC unroll 8
    for (int i = 0; i < vecs * rows; i++) acc[i] = splat(bias);
    if (from && to->full) {
#pragma GCC unroll 8
        for (int i = 0; i < vecs * rows; i++) acc[i] += load(from + to->place[i]);
    } else if (from) {
#pragma GCC unroll 8
        for (int i = 0; i < vecs * rows; i++) acc[i] += load_part(from + to->place[i], to->count[i]);
    }
    for (; tap < end; tap++) {
        const float *x = strip + tap->offset;
        vec w = splat(tap->value);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++, x += row)
#pragma GCC unroll 8
            for (int v = 0; v < vecs; v++) acc[r * vecs + v] += w * load(x + v * LANES);
    }
    if (to->relu)
#pragma GCC unroll 8
        for (int i = 0; i < vecs * rows; i++) acc[i] = relu(acc[i]);
    if (to->full) {
#pragma GCC unroll 8
        for (int i = 0; i < vecs * rows; i++) store(y + to->place[i], acc[i]);
    } else {
#pragma GCC unroll 8
        for (int i = 0; i < vecs * rows; i++) store_part(y + to->place[i], acc[i], to->count[i]);
    }
}

typedef void (*SumTile)(const Tap *, const Tap *, const float *, int64_t, const Target *, float *,
                        const float *, float);
#define SUM_TILE(vecs, rows)                                                                              \
    static void sum_tile_##vecs##x##rows(const Tap *tap, const Tap *end, const float *strip, int64_t row, \
                                         const Target *to, float *y, const float *from, float bias) {     \
        sum_tile(tap, end, strip, row, to, y, from, bias, vecs, rows);                                    \
    }
SUM_TILE(1, 1)
SUM_TILE(2, 1)
SUM_TILE(4, 1)
SUM_TILE(8, 1)
SUM_TILE(4, 2)
SUM_TILE(2, 4)
SUM_TILE(1, 8)

static SumTile tile_of(int vecs, int rows) {
    if (rows == 8) return sum_tile_1x8;
    if (rows == 4) return sum_tile_2x4;
    if (rows == 2) return sum_tile_4x2;
    return vecs == 8 ? sum_tile_8x1 : vecs == 4 ? sum_tile_4x1 : vecs == 2 ? sum_tile_2x1 : sum_tile_1x1;
}

/* The vectors per row, of 8 in all, that waste least on a block of `rows` rows of `row_vecs` vectors. */
static int best_width(int row_vecs, int rows) {
    int best = MOST_VECTORS, least_work = INT32_MAX;
    for (int vecs = MOST_VECTORS; vecs >= 1; vecs /= 2) {
        int tall = MOST_VECTORS / vecs,
            work = (row_vecs + vecs - 1) / vecs * vecs * ((rows + tall - 1) / tall * tall);
        if (tall > rows || work >= least_work) continue;
        best = vecs, least_work = work;
    }
    return best;
}

/* A block of outputs: some rows of one phase, some samples. */
typedef struct {
    int row_phase, col_phase, m0, m1, n0, count;
} Block;

static Target target_of(const Correlation *c, const SparseStrip *s, const Block *b, int m, int q, int vecs,
                        int rows, int run) {
    Target t = {.full = 1};
    for (int i = 0; i < vecs * rows; i++) {
        int at = q + i % vecs * LANES, column = at / s->samples, lane = at - column * s->samples;
        int count = s->whole ? run - at : column * s->samples < run ? b->count - lane : 0;
        int64_t line = ((int64_t)(m + i / vecs) * c->row.div + b->row_phase) * c->col.out * c->batch;
        t.count[i] = count < 0 ? 0 : least(count, LANES);
        t.place[i] = (int32_t)(s->whole ? line + at
                                        : line + ((int64_t)column * c->col.div + b->col_phase) * c->batch +
                                              b->n0 + lane);
        t.full &= t.count[i] == LANES;
        if (t.count[i] == 0) t.place[i] = 0;
    }
    return t;
}

/* All outputs of a block, of output channels o0 to before o1, whose taps are listed; `from`: what their sums
 * begin with. */
static void sum_block(const Correlation *c, const SparseStrip *s, const Block *b, const float *strip,
                      int direct, const Tap *taps, const int32_t *starts, int o0, int o1, int first, int last,
                      const float *from) {
    int64_t plane = (int64_t)c->row.out * c->col.out * c->batch;
    int run = outputs_of(&c->col, b->col_phase) * s->samples,
        row_vecs = ((direct ? b->count : run) + LANES - 1) / LANES;
    int best = best_width(row_vecs, b->m1 - b->m0);
    for (int m = b->m0, rows; m < b->m1; m += rows) {
        rows = MOST_VECTORS / best;
        if (rows > b->m1 - m) rows = 1;
        for (int v = 0, vecs; v < row_vecs; v += vecs) {
            vecs = best;
            while (rows == 1 && vecs > 1 && (direct ? vecs > row_vecs - v : vecs / 2 >= row_vecs - v))
                vecs /= 2;
            SumTile sum = tile_of(vecs, rows);
            Target to = target_of(c, s, b, m, v * LANES, vecs, rows, run);
            to.relu = last && c->relu;
            const float *x = strip + (m - b->m0) * s->row_floats + v * LANES;
            for (int o = o0; o < o1; o++) {
                float bias = first && c->bias ? c->bias[o] : 0;
                sum(taps + starts[o - o0], taps + starts[o - o0 + 1], x, s->row_floats, &to, c->y + o * plane,
                    from ? from + o * plane : 0, bias);
            }
        }
    }
}

/* `residual`, where given, is added: it has the shape of y. */
static void sparse_correlate(const Context *ctx, const Correlation *c, const Pattern *p,
                             const float *residual) {
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
    if (units >= ctx->parts) share(ctx, units, 1, &lo, &hi);
    else share_rows(ctx, p, &o0, &o1);

    float *strip = ctx->scratch;
    Tap *taps = (Tap *)(strip + SPARSE_STRIP_FLOATS);
    int32_t *starts = (int32_t *)(taps + SPARSE_MOST_TAPS);
    if (direct) s.channel_floats = c->batch;
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
                else fill_sparse_strip(c, &s, strip, channel, channels, m0, n0, b.count);
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
