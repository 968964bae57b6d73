/* Convolution of fewer samples than a vector has lanes, as a matrix product: lanes run over pixels. The left
 * operand is the weight as it lies, [output channel][input channel, kernel row, kernel column]; a column of
 * the right one is the window under one (output row, output column, sample), and is never formed but in the
 * packed panels of the product. */
#include "conv_product.h"
#include "gemm.h"

typedef struct {
    const Correlation *c;
    const float *x; /* of the group */
} Windows;

/* Where the columns of a panel read in a channel's plane at one tap: -1 beside it. */
typedef struct {
    int32_t from[TILE_COLS];
    int step; /* from each to the next, where all are inside and as far apart; or 0 */
} Reads;

static void list_reads(const Correlation *c, int ky, int kx, const int *row, const int *column,
                       const int *sample, int cols, Reads *reads) {
    int top = ky * c->row.step + c->row.shift, left = kx * c->col.step + c->col.shift, mul = c->col.mul,
        last = cols - 1;
    if (c->batch == 1 && row[0] == row[last]) {
        int y = row[0] * c->row.mul + top, x = column[0] * mul + left;
        reads->from[0] = y * c->col.in + x, reads->step = mul;
        if (y >= 0 && y < c->row.in && x >= 0 && column[last] * mul + left < c->col.in) {
            for (int j = 1; j < cols; j++) reads->from[j] = reads->from[0] + j * mul;
            return;
        }
    }
    int run = 1;
    for (int j = 0; j < cols; j++) {
        int y = row[j] * c->row.mul + top, x = column[j] * mul + left;
        int inside = y >= 0 && y < c->row.in && x >= 0 && x < c->col.in;
        reads->from[j] = inside ? (y * c->col.in + x) * c->batch + sample[j] : -1;
        run &= inside && reads->from[j] == reads->from[0] + j;
    }
    reads->step = run;
}

static void pack_windows(const void *given, float *to, int n0, int cols, int width, int k0, int depth) {
    const Windows *w = given;
    const Correlation *c = w->c;
    int kernel = c->row.taps * c->col.taps, row[TILE_COLS], column[TILE_COLS], sample[TILE_COLS];
    int64_t plane = (int64_t)c->row.in * c->col.in * c->batch;
    for (int j = 0; j < cols; j++) {
        int pixel = (n0 + j) / c->batch;
        sample[j] = (n0 + j) % c->batch, row[j] = pixel / c->col.out, column[j] = pixel % c->col.out;
    }
    for (int t = 0; t < kernel; t++) {
        Reads reads;
        list_reads(c, t / c->col.taps, t % c->col.taps, row, column, sample, cols, &reads);
        /* Row k of the panel is tap k % kernel of channel k / kernel. */
        for (int k = (k0 - t + kernel - 1) / kernel * kernel + t; k < k0 + depth; k += kernel) {
            float *line = to + (int64_t)(k - k0) * width;
            const float *x = w->x + k / kernel * plane;
            if (reads.step == 1 && cols == width)
#pragma GCC unroll 4
                for (int v = 0; v < width; v += LANES) store(line + v, load(x + reads.from[0] + v));
            else if (reads.step == 2 && cols == width && reads.from[0] + 2 * width <= plane)
#pragma GCC unroll 4
                for (int v = 0; v < width; v += LANES) {
                    const float *pairs = x + reads.from[0] + 2 * v;
                    store(line + v, even_lanes(load(pairs), load(pairs + LANES)));
                }
            else {
                for (int j = 0; j < cols; j++) line[j] = reads.from[j] < 0 ? 0 : x[reads.from[j]];
                for (int j = cols; j < width; j++) line[j] = 0;
            }
        }
    }
}

void conv_product(const Context *ctx, const Correlation *c) {
    int kernel = c->row.taps * c->col.taps;
    Product p = {.m = c->out, .n = c->row.out * c->col.out * c->batch, .k = c->in * kernel, .b_shuffled = 1};
    p.pack_b = pack_windows, p.relu = c->relu, p.bias_kind = c->bias ? BIAS_ROW : BIAS_NONE;
    for (int g = 0; g < c->groups; g++) {
        Windows windows = {c, c->x + (int64_t)g * c->in * c->row.in * c->col.in * c->batch};
        p.a = (Operand){c->weight + g * c->weight_group, c->weight_out, 1};
        p.b = &windows;
        p.c = c->y + (int64_t)g * p.m * p.n;
        p.bias = c->bias ? c->bias + (int64_t)g * c->out : 0;
        multiply_matrices(ctx, &p);
    }
}
