/* The input gradient of a convolution of fewer samples than a vector has lanes, as a matrix product: lanes
 * run over pixels. Row (input channel, tap) of the product is what every output position gives to the pixel
 * under that tap: the sum over output channels of weight times gradient, both as they lie in memory. Adding
 * these rows up, each moved by its tap, gives the gradient (the "col2im" of Caffe), whatever the strides:
 * nothing is computed for taps that a stride jumps over.
 *
 * Rows of some channels and lines are kept in the scratch until they are added. Every value is a sum over
 * lines of the output's gradient from the first to the last, wherever a block of them ends. */
#include "conv_product.h"
#include "gemm.h"

/* Products that stay in the second-level cache; before and behind them a vector may read what it does not
 * use. */
#define KEPT_FLOATS (64 * 1024)
/* Rows of the product that share the packing of the gradient, at the least. */
#define LEAST_ROWS (8 * TILE_ROWS)

/* How the result is cut: `parts` ranges of lines, and blocks of `channels` channels, in any order; within
 * these, lines of the output's gradient, `under` at a time. */
typedef struct {
    int parts, channels, blocks, under;
} Cut;

/* 0 where there is no room for the products of a single line. */
static int cut(const Context *ctx, const Correlation *c, Cut *cut) {
    int kernel = c->row.taps * c->col.taps, few = (LEAST_ROWS + kernel - 1) / kernel;
    int64_t row = (int64_t)kernel * c->col.in * c->batch; /* products of a line */
    if (row > KEPT_FLOATS) return 0;
    int channels = least((int)(KEPT_FLOATS / (row * c->row.in)), ROWS_BLOCK / kernel);
    channels = least(channels < few ? few : channels, least(c->out, (int)(KEPT_FLOATS / row)));
    int blocks = (c->out + channels - 1) / channels;
    /* As many blocks for each thread, if there are channels enough. */
    if (c->groups % ctx->parts) blocks = least((blocks + ctx->parts - 1) / ctx->parts * ctx->parts, c->out);
    cut->channels = (c->out + blocks - 1) / blocks;
    cut->blocks = (c->out + cut->channels - 1) / cut->channels;
    cut->parts = c->groups * cut->blocks < ctx->parts ? least(ctx->parts, c->row.out) : 1;
    cut->under = least((int)(KEPT_FLOATS / (row * cut->channels)), c->row.in);
    return 1;
}

/* Lines [*from, *to) of the output's gradient that lines [y0, y1) of the result are made of. */
static void lines_under(const Axis *row, int y0, int y1, int *from, int *to) {
    *from = floor_div(y0 + (row->taps - 1) * row->step + row->shift + row->div - 1, row->div);
    *to = floor_div(y1 - 1 + row->shift, row->div) + 1;
    if (*from < 0) *from = 0;
    if (*to > row->in) *to = row->in;
}

/* The columns [first, last) of the output's gradient that a tap moves into the result: column q to column q *
 * div + place. */
typedef struct {
    int first, last, place;
} Move;
_Static_assert(PRODUCT_FLOATS + KEPT_FLOATS + LANES + MOST_TAPS * (sizeof(Move) + sizeof(float *)) / 4 <=
                   SCRATCH_FLOATS,
               "the scratch holds products, moves and rows");

/* Of each of a kernel row's taps. */
static void list_moves(const Axis *col, Move *moves) {
    for (int kx = 0; kx < col->taps; kx++) {
        int place = -(kx * col->step + col->shift);
        moves[kx].place = place;
        moves[kx].first = place < 0 ? (-place + col->div - 1) / col->div : 0;
        moves[kx].last = least(floor_div(col->out - 1 - place, col->div) + 1, col->in);
    }
}

/* line += a row of the product for each of the taps of a kernel row, where columns have a stride. */
static void add_strided(const Correlation *c, const Move *moves, const float *row, int64_t row_floats,
                        float *line) {
    int64_t step = (int64_t)c->col.div * c->batch;
    for (int kx = 0; kx < c->col.taps; kx++, row += row_floats) {
        const Move *m = moves + kx;
        float *to = line + m->first * step + (int64_t)m->place * c->batch;
        if (c->batch == 1)
            for (int q = m->first; q < m->last; q++, to += step) *to += row[q];
        else
            for (int q = m->first; q < m->last; q++, to += step)
                for (int n = 0; n < c->batch; n++) to[n] += row[q * c->batch + n];
    }
}

static const ivec numbers =
#if LANES == 16
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif LANES == 8
    {0, 1, 2, 3, 4, 5, 6, 7};
#else
    {0, 1, 2, 3};
#endif

/* The same where they have none, for some kernel rows, vector by vector. Beside the columns of a tap lies
 * what is not its own. */
static void add_moved(const Correlation *c, const Move *moves, const float *const *rows, int count,
                      int64_t row_floats, float *line) {
    int floats = c->col.out * c->batch;
    for (int j = 0; j < floats; j += LANES) {
        int part = least(LANES, floats - j);
        vec sum = load_part(line + j, part);
        for (int k = 0; k < count; k++)
            for (int kx = 0; kx < c->col.taps; kx++) {
                const Move *m = moves + kx;
                int place = m->place * c->batch - j, low = m->first * c->batch + place,
                    high = m->last * c->batch + place;
                if (high <= 0 || low >= LANES) continue;
                vec x = load(rows[k] + kx * row_floats - place);
                sum +=
                    low <= 0 && high >= LANES ? x : choose((numbers >= low) & (numbers < high), x, splat(0));
            }
        store_part(line + j, sum, part);
    }
}

/* Line y of `channels` channels, the lines of one `plane` behind those of another, += their rows of the
 * product, which are of lines [from, to). */
static void add_rows(const Correlation *c, const Move *moves, const float **rows, const float *products,
                     int64_t row_floats, int from, int to, int y, int channels, float *line, int64_t plane) {
    int kernel = c->row.taps * c->col.taps, count = 0;
    for (int ky = c->row.taps - 1, r; ky >= 0; ky--)
        if (source(&c->row, y, ky, &r) && r >= from && r < to)
            rows[count++] =
                products + ky * c->col.taps * row_floats + (int64_t)(r - from) * c->col.in * c->batch;
    for (int i = 0; count > 0 && i < channels; i++, line += plane) {
        if (c->col.div == 1) add_moved(c, moves, rows, count, row_floats, line);
        else
            for (int k = 0; k < count; k++) add_strided(c, moves, rows[k], row_floats, line);
        for (int k = 0; k < count; k++) rows[k] += kernel * row_floats;
    }
}

int conv_input_product(const Context *ctx, const Correlation *c) {
    Cut b;
    if (!cut(ctx, c, &b)) return 0;
    int kernel = c->row.taps * c->col.taps, under = c->col.in * c->batch, lo, hi;
    int64_t plane = (int64_t)c->row.in * under, line = (int64_t)c->col.out * c->batch;
    float *products = ctx->scratch + PRODUCT_FLOATS;
    const float **rows = (const float **)(products + KEPT_FLOATS + LANES);
    Move *moves = (Move *)(rows + MOST_TAPS);
    list_moves(&c->col, moves);
    Context alone = {.scratch = ctx->scratch, .parts = 1};
    share(ctx, c->groups * b.blocks * b.parts, 1, &lo, &hi);
    for (int unit = lo; unit < hi; unit++) {
        int g = unit / b.parts / b.blocks, i0 = unit / b.parts % b.blocks * b.channels,
            channels = least(b.channels, c->out - i0), part = unit % b.parts;
        int y0 = (int)((int64_t)c->row.out * part / b.parts),
            y1 = (int)((int64_t)c->row.out * (part + 1) / b.parts), first, last;
        float *result = c->y + ((int64_t)g * c->out + i0) * c->row.out * line;
        for (int i = 0; i < channels; i++)
            for (int64_t j = y0 * line; j < y1 * line; j++) result[i * c->row.out * line + j] = 0;
        lines_under(&c->row, y0, y1, &first, &last);
        for (int from = first, to; from < last; from = to) {
            to = least(from + b.under, last);
            Operand gradient = {c->x + g * c->in * plane + (int64_t)from * under, 1, plane};
            Product p = {.m = channels * kernel, .n = (to - from) * under, .k = c->in, .b = &gradient};
            p.a = (Operand){c->weight + g * c->weight_group + i0 * c->weight_out, 1, c->weight_in};
            p.pack_b = pack_strided, p.c = products;
            if (p.k == 1) outer_product(&alone, &p, gradient.p);
            else if (plane == 1) multiply_vector_transposed(&alone, &p, gradient.p);
            else multiply_matrices(&alone, &p);
            for (int y = y0; y < y1; y++)
                add_rows(c, moves, rows, products, p.n, from, to, y, channels, result + y * line,
                         c->row.out * line);
        }
    }
    return 1;
}
