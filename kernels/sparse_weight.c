/* The weight gradient of a sparse weight, at its nonzeros only: for each of them a product of a run of the
 * output gradient with the run of the input that its tap reads, summed over rows and samples. Some taps of
 * one output channel are taken together and share the loads of its gradient.
 *
 * The batch is cut into `parts`, however many threads there are, and each part has a row of sums of its own;
 * adding them up is another kernel's work. With one part, threads share the output channels instead. */
#include "sparse_weight.h"

#define GROUP 8 /* taps taken together, at most */

INLINE void add_products(const Runs *runs, const Tap *tap, float *sums, const int group, const int length) {
    vec acc[GROUP];
    for (int k = 0; k < group; k++) acc[k] = splat(0);
    for (int r = 0; r < runs->rows; r++) {
        const float *dy = runs->dy + r * runs->dy_row, *x[GROUP];
        for (int k = 0; k < group; k++) x[k] = runs->strip + r * runs->x_row + tap[k].offset;
        int64_t at = 0;
        for (int p = 0; p < runs->pixels; p++, dy += runs->dy_pixel, at += runs->x_pixel) {
            if (length) {
#pragma GCC unroll 4
                for (int q = 0; q < length; q += LANES) {
                    vec d = load(dy + q);
#pragma GCC unroll 8
                    for (int k = 0; k < group; k++) acc[k] += d * load(x[k] + at + q);
                }
                continue;
            }
            int q = 0;
            for (; q + LANES <= runs->length; q += LANES) {
                vec d = load(dy + q);
#pragma GCC unroll 8
                for (int k = 0; k < group; k++) acc[k] += d * load(x[k] + at + q);
            }
            if (q < runs->length) {
                vec d = load_part(dy + q, runs->length - q);
                for (int k = 0; k < group; k++) acc[k] += d * load_part(x[k] + at + q, runs->length - q);
            }
        }
    }
    for (int k = 0; k < group; k++) sums[tap[k].entry] += sum_lanes(acc[k]);
}

#define ADD_PRODUCTS(group)                                                           \
    static void add_products_##group(const Runs *runs, const Tap *tap, float *sums) { \
        if (runs->length == 16) add_products(runs, tap, sums, group, 16);             \
        else add_products(runs, tap, sums, group, 0);                                 \
    }
ADD_PRODUCTS(1)
ADD_PRODUCTS(2)
ADD_PRODUCTS(3)
ADD_PRODUCTS(4)
ADD_PRODUCTS(5)
ADD_PRODUCTS(6)
ADD_PRODUCTS(7)
ADD_PRODUCTS(8)

typedef void (*AddProducts)(const Runs *, const Tap *, float *);
static const AddProducts products_of[GROUP + 1] = {0,
                                                   add_products_1,
                                                   add_products_2,
                                                   add_products_3,
                                                   add_products_4,
                                                   add_products_5,
                                                   add_products_6,
                                                   add_products_7,
                                                   add_products_8};

void sum_products(const Runs *runs, const Tap *taps, int count, float *sums) {
    int groups = (count + GROUP - 1) / GROUP;
    for (int g = 0; g < groups; g++) {
        int begin = count * g / groups, after = count * (g + 1) / groups;
        products_of[after - begin](runs, taps + begin, sums);
    }
}

/* The gradients of rows [o0, o1) of a linear layer's weight for a single sample, which has no run to sum. */
static void multiply_pairs(const Correlation *c, const Pattern *p, const float *dy, int o0, int o1,
                           float *sums) {
    for (int o = o0; o < o1; o++) {
        int from = p->start[o], to = least(p->start[o + 1], p->capacity);
        for (int e = from < 0 ? to : from; e < to; e++)
            if ((uint32_t)p->place[e] < (uint32_t)c->in) sums[e] = dy[o] * c->x[p->place[e]];
    }
}

/* sums [parts][capacity] = the gradients of the nonzeros, each part over some of the samples. */
DEFINE_KERNEL(sparse_conv_weight_grad) {
    Correlation c = convolution(a);
    c.x = ctx->arena + a->x;
    const int32_t *arena = (const int32_t *)ctx->arena;
    Pattern p = {arena + a->starts, arena + a->places, 0, 0, a->capacity, c.out};
    int parts = a->parts, kernel = c.row.taps * c.col.taps,
        direct = reads_directly(&c) && c.batch % LANES == 0;
    if (!sparse_fits(&c)) {
        refuse(ctx, ctx->arena + a->sums, (int64_t)parts * p.capacity);
        return;
    }
    SparseStrip s = sparse_strip(&c);
    int chunks = (c.batch + s.samples - 1) / s.samples, rows = c.row.out, block;
    for (;; rows = (rows + 1) / 2) {
        set_rows(&s, rows);
        block = least((int)((SPARSE_STRIP_FLOATS - LANES) / s.channel_floats), SPARSE_MOST_TAPS / kernel);
        if (rows == 1 || block >= least(c.in, 64)) break;
    }
    if (direct) {
        block = SPARSE_MOST_TAPS;
        s.channel_floats = c.batch;
    }
    if (block < 1) {
        refuse(ctx, ctx->arena + a->sums, (int64_t)parts * p.capacity);
        return;
    }

    int first_part = 0, last_part = parts, o0 = 0, o1 = c.out;
    if (parts > 1) share(ctx, parts, 1, &first_part, &last_part);
    else share_rows(ctx, &p, &o0, &o1);
    if (o0 == o1) return;
    int e0 = o0 == 0 ? 0 : p.start[o0], e1 = o1 == c.out ? p.capacity : p.start[o1];
    for (int part = first_part; part < last_part; part++)
        for (int e = e0 < 0 ? 0 : e0; e < e1 && e < p.capacity; e++)
            ctx->arena[a->sums + (int64_t)part * p.capacity + e] = 0;

    if (c.batch == 1 && parts == 1 && reads_directly(&c)) {
        multiply_pairs(&c, &p, ctx->arena + a->gradient, o0, o1, ctx->arena + a->sums);
        return;
    }

    float *strip = ctx->scratch;
    Tap *taps = (Tap *)(strip + SPARSE_STRIP_FLOATS);
    int32_t *starts = (int32_t *)(taps + SPARSE_MOST_TAPS);
    int64_t plane = (int64_t)c.row.out * c.col.out * c.batch;
    for (int i = 0; i < c.in; i += block)
        for (int o = o0, next; o < o1; o = next) {
            int channels = least(block, c.in - i);
            next = listed_rows(&p, o, o1, 1);
            list_taps_of(&c, &s, &p, o, next, i, channels, 0, 0, taps, starts, 0);
            for (int part = first_part; part < last_part; part++) {
                float *sums = ctx->arena + a->sums + (int64_t)part * p.capacity;
                int end = (int)((int64_t)chunks * (part + 1) / parts);
                for (int chunk = (int)((int64_t)chunks * part / parts); chunk < end; chunk++)
                    for (int r = 0; r < c.row.out; r += rows) {
                        int n0 = chunk * s.samples, count = least(s.samples, c.batch - n0);
                        if (!direct) fill_sparse_strip(&c, &s, strip, i, channels, r, n0, count);
                        Runs runs = {
                            .strip = direct ? c.x + (int64_t)i * c.batch + n0 : strip,
                            .dy_row = (int64_t)c.col.out * c.batch,
                            .dy_pixel = c.batch,
                            .x_row = s.row_floats,
                            .x_pixel = s.samples,
                            .rows = least(rows, c.row.out - r),
                            .pixels = s.whole ? 1 : c.col.out,
                            .length = s.whole ? c.col.out * c.batch : count,
                        };
                        for (int k = o; k < next; k++) {
                            runs.dy = ctx->arena + a->gradient + k * plane + r * runs.dy_row + n0;
                            int from = starts[k - o];
                            sum_products(&runs, taps + from, starts[k - o + 1] - from, sums);
                        }
                    }
            }
        }
}
