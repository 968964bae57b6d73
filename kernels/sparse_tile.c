/* For each tile of outputs the taps that exist are summed in registers, and only those.
 *
 * A tile is 8 vectors of one output channel: of one row where rows are long, of up to 8 rows where they are
 * short. Tiles are the outer loop and output channels the inner one, so that the inputs of a tile stay in the
 * first-level cache for all of them. */
#include "sparse_tile.h"

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
        for (int i = 0; i < vecs * rows; i++) acc[i] = rectify(acc[i], to->relu);
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
SUM_TILE(1, 2)
SUM_TILE(2, 2)
SUM_TILE(4, 2)
SUM_TILE(1, 4)
SUM_TILE(2, 4)
SUM_TILE(1, 8)

/* By the logarithms of vectors and rows. */
static const SumTile tiles[4][4] = {{sum_tile_1x1, sum_tile_1x2, sum_tile_1x4, sum_tile_1x8},
                                    {sum_tile_2x1, sum_tile_2x2, sum_tile_2x4, 0},
                                    {sum_tile_4x1, sum_tile_4x2, 0, 0},
                                    {sum_tile_8x1, 0, 0, 0}};

INLINE int logarithm(int power_of_two) { return __builtin_ctz((unsigned)power_of_two); }

/* The most rows, a power of two, that a tile of so many vectors a row takes of those that are left. */
INLINE int rows_of(int vecs, int left) {
    int rows = MOST_VECTORS / vecs;
    while (rows > left) rows /= 2;
    return rows;
}

/* Tiles of fewer vectors take as long, since their sums wait for one another. */
#define LEAST_WORK 4

/* What a row costs beside its taps where a tile goes on across the ends of rows, in taps of a vector. */
#define SEGMENT_WORK 16

/* The vectors per row that take least time for `rows` rows of `row_vecs` vectors, and that time in vectors.
 */
static int best_width(int row_vecs, int rows, int *least_work) {
    int best = MOST_VECTORS;
    *least_work = INT32_MAX;
    for (int vecs = MOST_VECTORS; vecs >= 1; vecs /= 2) {
        int work = 0;
        for (int m = 0, tall; m < rows; m += tall) {
            tall = rows_of(vecs, rows - m);
            work += (row_vecs + vecs - 1) / vecs * (vecs * tall < LEAST_WORK ? LEAST_WORK : vecs * tall);
        }
        if (work < *least_work) best = vecs, *least_work = work;
    }
    return best;
}

/* The sum of a vector of which only the first lanes exist, in the input, too. */
static void sum_rest(const Tap *tap, const Tap *end, const float *x, const Target *to, float *y,
                     const float *from, float bias) {
    int count = to->count[0];
    vec sum = splat(bias);
    if (from) sum += load_part(from + to->place[0], count);
    for (; tap < end; tap++) sum += splat(tap->value) * load_part(x + tap->offset, count);
    store_part(y + to->place[0], to->relu ? rectify(sum, to->relu) : sum, count);
}

static Target target_of(const Correlation *c, const SparseStrip *s, const Block *b, int m, int q, int vecs,
                        int rows, int run) {
    Target t = {.full = 1};
    if (s->whole) {
        int row = c->col.out * c->batch, stride = c->row.div * row;
        for (int i = 0, line = (m * c->row.div + b->row_phase) * row; i < vecs * rows; line += stride)
            for (int v = 0; v < vecs; v++, i++) {
                int at = q + v * LANES, count = run - at;
                t.count[i] = count < 0 ? 0 : least(count, LANES);
                t.place[i] = count <= 0 ? 0 : line + at;
                t.full &= count >= LANES;
            }
        return t;
    }
    for (int i = 0; i < vecs * rows; i++) {
        int at = q + i % vecs * LANES, column = at / s->samples, lane = at - column * s->samples;
        int count = column * s->samples < run ? b->count - lane : 0;
        int64_t line = ((int64_t)(m + i / vecs) * c->row.div + b->row_phase) * c->col.out * c->batch;
        t.count[i] = count < 0 ? 0 : least(count, LANES);
        t.place[i] =
            (int32_t)(line + ((int64_t)column * c->col.div + b->col_phase) * c->batch + b->n0 + lane);
        t.full &= t.count[i] == LANES;
        if (t.count[i] == 0) t.place[i] = 0;
    }
    return t;
}

/* A run of outputs of one row within a tile that goes on across the ends of rows: where it begins in the tile
 * and in the output channel, and how many there are. */
typedef struct {
    int at, place, count;
} Segment;

/* The segments of floats [f, f + size) of a block's rows, each `row` floats of which `run` are outputs. */
static int list_segments(const Block *b, int f, int size, int row, int run, Segment *to) {
    int count = 0;
    for (int m = f / row; m < b->m1 - b->m0 && m * row < f + size; m++) {
        int first = m * row < f ? f : m * row, end = least(m * row + run, f + size);
        if (first < end) to[count++] = (Segment){first - f, (b->m0 + m) * run + first - m * row, end - first};
    }
    return count;
}

/* sums[] of whole vectors go on with the taps. */
INLINE void sum_on(const Tap *tap, const Tap *end, const float *x, float *sums, const int vecs) {
    vec acc[MOST_VECTORS];
#pragma GCC unroll 8
    for (int v = 0; v < vecs; v++) acc[v] = load(sums + v * LANES);
    for (; tap < end; tap++) {
        vec w = splat(tap->value);
#pragma GCC unroll 8
        for (int v = 0; v < vecs; v++) acc[v] += w * load(x + tap->offset + v * LANES);
    }
#pragma GCC unroll 8
    for (int v = 0; v < vecs; v++) store(sums + v * LANES, acc[v]);
}

/* The same as below where rows are short: a tile is a run of the strip across the ends of rows, whose sums
 * that are no outputs are dropped. */
static void sum_flat(const Correlation *c, const SparseStrip *s, const Block *b, const float *strip,
                     const Tap *taps, const int32_t *starts, int o0, int o1, int first, int last,
                     const float *from) {
    int64_t plane = (int64_t)c->row.out * c->col.out * c->batch;
    int row = (int)s->row_floats, run = c->col.out * c->batch, all = (b->m1 - b->m0 - 1) * row + run;
    for (int f = 0, vecs; f < all; f += vecs * LANES) {
        for (vecs = MOST_VECTORS; vecs > 1 && vecs / 2 * LANES >= all - f;) vecs /= 2;
        Segment segments[MOST_VECTORS * LANES];
        int count = list_segments(b, f, vecs * LANES, row, run, segments);
        for (int o = o0; o < o1; o++) {
            const Tap *tap = taps + starts[o - o0], *end = taps + starts[o - o0 + 1];
            float *y = c->y + o * plane, sums[MOST_VECTORS * LANES];
            vec bias = splat(first && c->bias ? c->bias[o] : 0);
            for (int v = 0; v < vecs; v++) store(sums + v * LANES, bias);
            if (from)
                for (const Segment *g = segments; g < segments + count; g++)
                    for (int i = 0; i < g->count; i++) sums[g->at + i] += from[o * plane + g->place + i];
            switch (vecs) {
                case 8: sum_on(tap, end, strip + f, sums, 8); break;
                case 4: sum_on(tap, end, strip + f, sums, 4); break;
                case 2: sum_on(tap, end, strip + f, sums, 2); break;
                default: sum_on(tap, end, strip + f, sums, 1);
            }
            if (last && c->relu)
                for (int v = 0; v < vecs; v++)
                    store(sums + v * LANES, rectify(load(sums + v * LANES), c->relu));
            for (const Segment *g = segments; g < segments + count; g++)
                for (int i = 0; i < g->count; i += LANES) {
                    int part = least(LANES, g->count - i);
                    store_part(y + g->place + i, load_part(sums + g->at + i, part), part);
                }
        }
    }
}

void sum_block(const Correlation *c, const SparseStrip *s, const Block *b, const float *strip, int direct,
               const Tap *taps, const int32_t *starts, int o0, int o1, int first, int last,
               const float *from) {
    int64_t plane = (int64_t)c->row.out * c->col.out * c->batch;
    int run = outputs_of(&c->col, b->col_phase) * s->samples;
    int row_vecs = direct ? b->count / LANES : (run + LANES - 1) / LANES;
    int work, best = best_width(row_vecs, b->m1 - b->m0, &work);
    if (s->whole && !direct && c->row.div == 1) {
        int64_t taps_of_each = (starts[o1 - o0] - starts[0]) / (o1 > o0 ? o1 - o0 : 1);
        int64_t flat = (b->m1 - b->m0) * (taps_of_each * s->row_floats / LANES + SEGMENT_WORK);
        if (flat < taps_of_each * work) {
            sum_flat(c, s, b, strip, taps, starts, o0, o1, first, last, from);
            return;
        }
    }
    for (int m = b->m0, rows; m < b->m1; m += rows) {
        rows = rows_of(best, b->m1 - m);
        for (int v = 0, vecs; v < row_vecs; v += vecs) {
            vecs = best;
            while (rows == 1 && vecs > 1 && (direct ? vecs > row_vecs - v : vecs / 2 >= row_vecs - v))
                vecs /= 2;
            SumTile sum = tiles[logarithm(vecs)][logarithm(rows)];
            Target to = target_of(c, s, b, m, v * LANES, vecs, rows, run);
            to.relu = last ? c->relu : RECTIFY_NONE;
            const float *x = strip + (m - b->m0) * s->row_floats + v * LANES;
            for (int o = o0; o < o1; o++) {
                float bias = first && c->bias ? c->bias[o] : 0;
                sum(taps + starts[o - o0], taps + starts[o - o0 + 1], x, s->row_floats, &to, c->y + o * plane,
                    from ? from + o * plane : 0, bias);
            }
        }
        if (!direct || b->count % LANES == 0) continue;
        Target to = target_of(c, s, b, m, row_vecs * LANES, 1, 1, run);
        to.relu = last ? c->relu : RECTIFY_NONE;
        for (int o = o0; o < o1; o++)
            sum_rest(taps + starts[o - o0], taps + starts[o - o0 + 1], strip + row_vecs * LANES, &to,
                     c->y + o * plane, from ? from + o * plane : 0, first && c->bias ? c->bias[o] : 0);
    }
}
