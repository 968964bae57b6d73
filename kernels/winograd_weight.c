/* The weight gradient of a 3x3 convolution by Winograd's algorithm (winograd.h): G^T [sum over tiles of (A dy
 * A^T) . (B^T d B)] G. */
#include "winograd.h"

/* Register tile of the products: output channels x input channels. */
#define OUTS 4
#define INS 3

/* Channels and floats of the fused axis that are transformed at once, and the input channels that are summed
 * in one pass over the map. */
#define BLOCK_OUT 32
#define BLOCK_IN 18
#define WIDTH 192
#define PASS_IN 60
#define SKEW 16
_Static_assert(BLOCK_OUT % OUTS == 0 && BLOCK_IN % INS == 0 && PASS_IN % INS == 0 && WIDTH % LANES == 0,
               "whole tiles");
_Static_assert(SCRATCH_FLOATS >= POINTS * ((BLOCK_OUT + BLOCK_IN) * WIDTH + 2 * SKEW + PASS_IN * BLOCK_OUT),
               "the scratch holds gradients, inputs and sums");

/* A dy A^T of the gradients of a tile; its points go `point` floats apart. */
INLINE void transform_gradient(const float *dy, const Square *s, float *to, int64_t point) {
    vec d[4], t[8];
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++)
        d[k] = s->whole           ? load(dy + s->offset[k])
               : s->offset[k] < 0 ? splat(0)
                                  : load_part(dy + s->offset[k], s->count);
#pragma GCC unroll 2
    for (int k = 0; k < 2; k++) {
        t[k] = d[k];
        t[2 + k] = d[k] + d[2 + k];
        t[4 + k] = d[k] - d[2 + k];
        t[6 + k] = -d[2 + k];
    }
#pragma GCC unroll 4
    for (int r = 0; r < 4; r++) {
        vec a = t[2 * r], b = t[2 * r + 1];
        store(to + (4 * r + 0) * point, a);
        store(to + (4 * r + 1) * point, a + b);
        store(to + (4 * r + 2) * point, a - b);
        store(to + (4 * r + 3) * point, -b);
    }
}

/* acc[input channel][output channel] += the products of d[output channel] and v[input channel] over `length`
 * floats, lane by lane. */
INLINE void multiply(vec acc[INS][OUTS], const float *d, const float *v, int length) {
    for (int q = 0; q < length; q += LANES) {
        vec x[INS];
#pragma GCC unroll 4
        for (int i = 0; i < INS; i++) x[i] = load(v + i * WIDTH + q);
#pragma GCC unroll 4
        for (int o = 0; o < OUTS; o++) {
            vec g = load(d + o * WIDTH + q);
#pragma GCC unroll 4
            for (int i = 0; i < INS; i++) acc[i][o] += g * x[i];
        }
    }
}

/* sums[input channel][output channel] += the products of d[output channel] and v[input channel] over WIDTH
 * floats. */
INLINE void add_products(const float *d, const float *v, float *sums) {
    vec acc[INS][OUTS];
#pragma GCC unroll 4
    for (int i = 0; i < INS; i++)
#pragma GCC unroll 4
        for (int o = 0; o < OUTS; o++) acc[i][o] = splat(0);
    multiply(acc, d, v, WIDTH);
#pragma GCC unroll 4
    for (int i = 0; i < INS; i++) *(quad *)(sums + i * BLOCK_OUT) += sum_lanes_of_four(acc[i]);
}

/* dw = G^T s G, the 16 points `point` floats apart. */
static void transform_sums(const float *s, int64_t point, float *dw) {
    float half[3][4];
    for (int k = 0; k < 4; k++) {
        float a = s[k * point], b = 0.5f * s[(4 + k) * point], d = 0.5f * s[(8 + k) * point],
              e = s[(12 + k) * point];
        half[0][k] = a + (b + d);
        half[1][k] = b - d;
        half[2][k] = b + d + e;
    }
    for (int r = 0; r < 3; r++) {
        float a = half[r][0], b = 0.5f * half[r][1], d = 0.5f * half[r][2], e = half[r][3];
        dw[3 * r] = a + (b + d);
        dw[3 * r + 1] = b - d;
        dw[3 * r + 2] = b + d + e;
    }
}

/* Output channels [o0, o1) and input channels [i0, i1) of the gradient. */
void winograd_weight_grad(const Context *ctx, const Correlation *c, const float *dy, float *dw, int o0,
                          int o1, int i0, int i1) {
    Tiles list = tiles_of(c, CHUNK_VECS);
    int vecs = WIDTH / LANES;
    int64_t point_d = BLOCK_OUT * WIDTH + SKEW, point_v = BLOCK_IN * WIDTH + SKEW,
            point_s = PASS_IN * BLOCK_OUT;
    int64_t plane_in = (int64_t)c->row.in * c->col.in * c->batch,
            plane_out = (int64_t)c->row.out * c->col.out * c->batch;
    float *d = ctx->scratch, *v = d + POINTS * point_d, *sums = v + POINTS * point_v;
    Square inputs[WIDTH / LANES], outputs[WIDTH / LANES];

    for (int o = o0; o < o1; o += BLOCK_OUT)
        for (int pass = i0; pass < i1; pass += PASS_IN) {
            int outs = least(BLOCK_OUT, o1 - o), ins = least(PASS_IN, i1 - pass);
            for (int j = 0; j < POINTS * point_s; j++) sums[j] = 0;
            for (int j0 = 0; j0 < list.count; j0 += vecs) {
                for (int j = 0; j < vecs; j++) {
                    find_square(&list, j0 + j, 4, c->row.shift, c->col.shift, c->row.in, c->col.in, c->batch,
                                inputs + j);
                    find_square(&list, j0 + j, 2, 0, 0, c->row.out, c->col.out, c->batch, outputs + j);
                }
                for (int k = 0; k < outs; k++)
                    for (int j = 0; j < vecs; j++) {
                        prefetch_square(dy + (o + k + 1) * plane_out, outputs + j, 4);
                        transform_gradient(dy + (o + k) * plane_out, outputs + j, d + k * WIDTH + j * LANES,
                                           point_d);
                    }
                for (int i = 0; i < ins; i += BLOCK_IN) {
                    int block = least(BLOCK_IN, ins - i);
                    transform_inputs(c->x + (pass + i) * plane_in, plane_in, block, inputs, vecs, v, point_v,
                                     WIDTH);
                    for (int p = 0; p < POINTS; p++)
                        for (int b = 0; b < block; b += INS)
                            for (int k = 0; k < outs; k += OUTS)
                                add_products(d + p * point_d + k * WIDTH, v + p * point_v + b * WIDTH,
                                             sums + p * point_s + (i + b) * BLOCK_OUT + k);
                }
            }
            for (int k = 0; k < outs; k++)
                for (int i = 0; i < ins; i++)
                    transform_sums(sums + i * BLOCK_OUT + k, point_s,
                                   dw + ((int64_t)(o + k) * c->in + pass + i) * 9);
        }
}

/* Channels of a block where sums are kept apart by sample; with wide vectors, fewer fit into the scratch. */
#define SAMPLE_OUT 16
#if LANES == 16
#define SAMPLE_IN 12
#else
#define SAMPLE_IN 18
#endif

/* Of totals over samples, lane by lane: of squares, and as many of the gradients behind them. */
#define SAMPLE_FLOATS (SAMPLE_IN * SAMPLE_OUT * 9 * LANES)
_Static_assert(SAMPLE_OUT % OUTS == 0 && SAMPLE_IN % INS == 0, "whole tiles");
_Static_assert(SCRATCH_FLOATS >=
                   POINTS * ((SAMPLE_OUT + SAMPLE_IN) * WIDTH + 2 * SKEW + SAMPLE_IN * SAMPLE_OUT * LANES) +
                       2 * SAMPLE_FLOATS,
               "the scratch holds gradients, inputs, sums and totals");

/* sums[input channel][output channel][lane] += the products over `vecs` vectors of d[output channel] and
 * v[input channel], lane by lane. */
INLINE void add_lanes(const float *d, const float *v, int vecs, float *sums) {
    vec acc[INS][OUTS];
#pragma GCC unroll 4
    for (int i = 0; i < INS; i++)
#pragma GCC unroll 4
        for (int o = 0; o < OUTS; o++) acc[i][o] = load(sums + (i * SAMPLE_OUT + o) * LANES);
    multiply(acc, d, v, vecs * LANES);
#pragma GCC unroll 4
    for (int i = 0; i < INS; i++)
#pragma GCC unroll 4
        for (int o = 0; o < OUTS; o++) store(sums + (i * SAMPLE_OUT + o) * LANES, acc[i][o]);
}

/* One line of G^T s, for values `step` apart. */
INLINE void kernel_line(const vec *s, int step, vec *g) {
    vec b = 0.5f * s[step], d = 0.5f * s[2 * step];
    g[0] = s[0] + (b + d);
    g[1] = b - d;
    g[2] = b + d + s[3 * step];
}

/* G^T s G of LANES samples at once; points `point` floats apart. */
INLINE void transform_lanes(const float *s, int64_t point, vec *g) {
    vec m[16], half[12];
#pragma GCC unroll 16
    for (int p = 0; p < POINTS; p++) m[p] = load(s + p * point);
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        vec line[3];
        kernel_line(m + k, 4, line);
        for (int r = 0; r < 3; r++) half[r * 4 + k] = line[r];
    }
#pragma GCC unroll 3
    for (int r = 0; r < 3; r++) kernel_line(half + 4 * r, 1, g + 3 * r);
}

/* Output channels [o0, o1) and input channels [i0, i1) of the gradients of single samples, or of the sums of
 * their squares; and of their sum unless that is 0. */
void winograd_sample_grads(const Context *ctx, const Correlation *c, const float *dy, float *dw, float *sum,
                           int o0, int o1, int i0, int i1, int squares) {
    Tiles list = tiles_of(c, 1); /* a vector of samples after the other, all tiles of each */
    int tiles = list.rows * list.cols, vecs = (c->batch + LANES - 1) / LANES;
    int64_t point_d = SAMPLE_OUT * WIDTH + SKEW, point_v = SAMPLE_IN * WIDTH + SKEW,
            point_s = SAMPLE_IN * SAMPLE_OUT * LANES;
    int64_t plane_in = (int64_t)c->row.in * c->col.in * c->batch,
            plane_out = (int64_t)c->row.out * c->col.out * c->batch;
    float *d = ctx->scratch, *v = d + POINTS * point_d, *sums = v + POINTS * point_v,
          *totals = sums + POINTS * point_s;
    Square inputs[WIDTH / LANES], outputs[WIDTH / LANES];

    for (int o = o0; o < o1; o += SAMPLE_OUT)
        for (int i = i0; i < i1; i += SAMPLE_IN) {
            int outs = least(SAMPLE_OUT, o1 - o), ins = least(SAMPLE_IN, i1 - i);
            for (int j = 0; j < 2 * SAMPLE_FLOATS; j++) totals[j] = 0;
            for (int n = 0; n < vecs; n++) {
                for (int j = 0; j < POINTS * point_s; j++) sums[j] = 0;
                for (int first = 0; first < tiles; first += WIDTH / LANES) {
                    int some = least(WIDTH / LANES, tiles - first);
                    for (int j = 0; j < some; j++) {
                        find_square(&list, n * tiles + first + j, 4, c->row.shift, c->col.shift, c->row.in,
                                    c->col.in, c->batch, inputs + j);
                        find_square(&list, n * tiles + first + j, 2, 0, 0, c->row.out, c->col.out, c->batch,
                                    outputs + j);
                    }
                    for (int k = 0; k < outs; k++)
                        for (int j = 0; j < some; j++) {
                            prefetch_square(dy + (o + k + 1) * plane_out, outputs + j, 4);
                            transform_gradient(dy + (o + k) * plane_out, outputs + j,
                                               d + k * WIDTH + j * LANES, point_d);
                        }
                    transform_inputs(c->x + i * plane_in, plane_in, ins, inputs, some, v, point_v, WIDTH);
                    for (int p = 0; p < POINTS; p++)
                        for (int b = 0; b < ins; b += INS)
                            for (int k = 0; k < outs; k += OUTS)
                                add_lanes(d + p * point_d + k * WIDTH, v + p * point_v + b * WIDTH, some,
                                          sums + p * point_s + (b * SAMPLE_OUT + k) * LANES);
                }
                for (int k = 0; k < outs; k++)
                    for (int b = 0; b < ins; b++) {
                        vec g[9];
                        transform_lanes(sums + (b * SAMPLE_OUT + k) * LANES, point_s, g);
                        int64_t weight = ((int64_t)(o + k) * c->in + i + b) * 9;
                        float *total = totals + (b * SAMPLE_OUT + k) * 9 * LANES;
                        for (int t = 0; t < 9; t++) {
                            if (squares) store(total + t * LANES, load(total + t * LANES) + g[t] * g[t]);
                            else
                                store_part(dw + (weight + t) * c->batch + n * LANES, g[t],
                                           least(LANES, c->batch - n * LANES));
                        }
                        total += SAMPLE_FLOATS;
                        for (int t = 0; sum && t < 9; t++)
                            store(total + t * LANES, load(total + t * LANES) + g[t]);
                    }
            }
            for (int k = 0; k < outs; k++)
                for (int b = 0; b < ins; b++)
                    for (int t = 0; t < 9; t++) {
                        int64_t weight = ((int64_t)(o + k) * c->in + i + b) * 9 + t;
                        const float *total = totals + ((b * SAMPLE_OUT + k) * 9 + t) * LANES;
                        if (squares) dw[weight] = sum_lanes(load(total));
                        if (sum) sum[weight] = sum_lanes(load(total + SAMPLE_FLOATS));
                    }
        }
}
