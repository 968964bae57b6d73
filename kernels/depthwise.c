/* Depthwise convolution, its input gradient and its weight gradients: a group is one channel to one channel,
 * so nothing is shared between outputs and the arithmetic is a handful of operations per value moved. Lanes
 * are samples; threads share the channels. */
#include "depthwise.h"

#define VECS 4 /* sums side by side hide the latency of an addition */

/* Which taps of an output position of one axis read the input, and where. */
typedef struct {
    int count, tap[MOST_DEPTHWISE_TAPS], position[MOST_DEPTHWISE_TAPS];
} Reads;
_Static_assert(2 * MOST_DEPTHWISE_ROWS * sizeof(Reads) <= SCRATCH_BYTES,
               "the scratch holds those of rows and columns");

static void list_reads(const Axis *axis, Reads *reads) {
    for (int r = 0; r < axis->out; r++, reads++) {
        reads->count = 0;
        for (int k = 0; k < axis->taps; k++) {
            int position;
            if (!source(axis, r, k, &position) || position < 0 || position >= axis->in) continue;
            reads->tap[reads->count] = k;
            reads->position[reads->count++] = position;
        }
    }
}

/* One output position for `vecs` vectors of samples, the last of `count` samples. */
INLINE void correlate_at(const Correlation *c, const float *x, const float *w, const Reads *row,
                         const Reads *col, float bias, float *y, const int vecs, int count) {
    vec sum[VECS];
#pragma GCC unroll 4
    for (int v = 0; v < vecs; v++) sum[v] = splat(bias);
    for (int i = 0; i < row->count; i++)
        for (int j = 0; j < col->count; j++) {
            vec weight = splat(w[row->tap[i] * c->col.taps + col->tap[j]]);
            const float *from = x + ((int64_t)row->position[i] * c->col.in + col->position[j]) * c->batch;
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++)
                sum[v] +=
                    weight * (v == vecs - 1 ? load_part(from + v * LANES, count) : load(from + v * LANES));
        }
#pragma GCC unroll 4
    for (int v = 0; v < vecs; v++) {
        if (c->relu) sum[v] = rectify(sum[v], c->relu);
        store_part(y + v * LANES, sum[v], v == vecs - 1 ? count : LANES);
    }
}

void depthwise(const Context *ctx, const Correlation *c) {
    int64_t plane_in = (int64_t)c->row.in * c->col.in * c->batch,
            plane_out = (int64_t)c->row.out * c->col.out * c->batch;
    Reads *rows = (Reads *)ctx->scratch, *cols = rows + c->row.out;
    int lo, hi;
    share(ctx, c->groups, 1, &lo, &hi);
    list_reads(&c->row, rows);
    list_reads(&c->col, cols);
    for (int g = lo; g < hi; g++) {
        const float *x = c->x + g * plane_in, *w = c->weight + g * c->weight_group;
        float *y = c->y + g * plane_out, bias = c->bias ? c->bias[g] : 0;
        for (int r = 0; r < c->row.out; r++)
            for (int q = 0; q < c->col.out; q++, y += c->batch) {
                int n = 0;
                for (; n + VECS * LANES <= c->batch; n += VECS * LANES)
                    correlate_at(c, x + n, w, rows + r, cols + q, bias, y + n, VECS, LANES);
                for (; n < c->batch; n += LANES)
                    correlate_at(c, x + n, w, rows + r, cols + q, bias, y + n, 1, least(LANES, c->batch - n));
            }
    }
}

/* The output positions [first, last) of a convolution's axis at which tap k reads the input. */
static void range_of(const Axis *axis, int k, int *first, int *last) {
    int shift = k * axis->step + axis->shift;
    *first = shift < 0 ? (-shift + axis->mul - 1) / axis->mul : 0;
    int end = floor_div(axis->in - 1 - shift, axis->mul) + 1;
    *last = end < axis->out ? end : axis->out;
}

/* The sums over positions of dy times x at tap (ky, kx), for `vecs` vectors of samples, the last of `count`
 * samples. */
INLINE void sum_positions(const Correlation *c, const float *x, const float *dy, int ky, int kx,
                          const int vecs, int count, vec *sums) {
    int r0, r1, q0, q1, up = ky * c->row.step + c->row.shift, left = kx * c->col.step + c->col.shift;
    range_of(&c->row, ky, &r0, &r1);
    range_of(&c->col, kx, &q0, &q1);
    vec acc[VECS];
#pragma GCC unroll 4
    for (int v = 0; v < vecs; v++) acc[v] = splat(0);
    for (int r = r0; r < r1; r++)
        for (int q = q0; q < q1; q++) {
            const float *from =
                x + ((int64_t)(r * c->row.mul + up) * c->col.in + q * c->col.mul + left) * c->batch;
            const float *d = dy + ((int64_t)r * c->col.out + q) * c->batch;
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++) {
                int part = v == vecs - 1 ? count : LANES;
                acc[v] += load_part(from + v * LANES, part) * load_part(d + v * LANES, part);
            }
        }
#pragma GCC unroll 4
    for (int v = 0; v < vecs; v++) sums[v] = acc[v];
}

/* `kind` says what becomes of the samples' gradients in dw; their sum also goes to `sum` unless that is 0. */
void depthwise_weight_grads(const Context *ctx, const Correlation *c, const float *dy, float *dw, float *sum,
                            int kind) {
    int64_t plane_in = (int64_t)c->row.in * c->col.in * c->batch,
            plane_out = (int64_t)c->row.out * c->col.out * c->batch;
    int taps = c->row.taps * c->col.taps, lo, hi;
    share(ctx, c->groups, 1, &lo, &hi);
    for (int g = lo; g < hi; g++)
        for (int t = 0; t < taps; t++) {
            int64_t weight = (int64_t)g * taps + t;
            float squares = 0, total = 0;
            for (int n = 0, width; n < c->batch; n += width) {
                const float *x = c->x + g * plane_in + n, *d = dy + g * plane_out + n;
                width = c->batch - n >= VECS * LANES ? VECS * LANES : least(LANES, c->batch - n);
                int vecs = (width + LANES - 1) / LANES;
                vec sums[VECS];
                if (width == VECS * LANES)
                    sum_positions(c, x, d, t / c->col.taps, t % c->col.taps, VECS, LANES, sums);
                else sum_positions(c, x, d, t / c->col.taps, t % c->col.taps, 1, width, sums);
                for (int v = 0; v < vecs; v++) {
                    if (kind == GRADIENT_BY_SAMPLE)
                        store_part(dw + weight * c->batch + n + v * LANES, sums[v],
                                   least(LANES, width - v * LANES));
                    if (kind == GRADIENT_SQUARES) squares += sum_lanes(sums[v] * sums[v]);
                    if (kind == GRADIENT_SUM || sum) total += sum_lanes(sums[v]);
                }
            }
            if (kind != GRADIENT_BY_SAMPLE) dw[weight] = kind == GRADIENT_SQUARES ? squares : total;
            if (sum) sum[weight] = total;
        }
}
