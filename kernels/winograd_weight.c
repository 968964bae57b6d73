/* The weight gradient of a 3x3 convolution by Winograd's algorithm (winograd.h): G^T [sum over tiles of (A dy A^T) . (B^T d B)] G. */
#include "winograd.h"

/* Register tile of the products: output channels x input channels. */
#define OUTS 4
#define INS 3

/* Channels and floats of the fused axis that are transformed at once, and the input channels that are summed in one pass over the map. */
#define BLOCK_OUT 32
#define BLOCK_IN 18
#define WIDTH 192
#define PASS_IN 60
#define SKEW 16

/* A dy A^T of the gradients of a tile; its points go `point` floats apart. */
INLINE void transform_gradient(const float *dy, const Square *s, float *to, int64_t point) {
    vec d[4], t[8];
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) d[k] = s->whole ? load(dy + s->offset[k]) : s->offset[k] < 0 ? splat(0) : load_part(dy + s->offset[k], s->count);
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

/* sums[input channel][output channel] += the products of d[output channel] and v[input channel] over WIDTH floats. */
INLINE void add_products(const float *d, const float *v, float *sums) {
    vec acc[INS][OUTS];
#pragma GCC unroll 4
    for (int i = 0; i < INS; i++)
#pragma GCC unroll 4
        for (int o = 0; o < OUTS; o++) acc[i][o] = splat(0);
    for (int q = 0; q < WIDTH; q += LANES) {
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
#pragma GCC unroll 4
    for (int i = 0; i < INS; i++) *(quad *)(sums + i * BLOCK_OUT) += sum_lanes_of_four(acc[i]);
}

/* dw = G^T s G, the 16 points `point` floats apart. */
static void transform_sums(const float *s, int64_t point, float *dw) {
    float half[3][4];
    for (int k = 0; k < 4; k++) {
        float a = s[k * point], b = 0.5f * s[(4 + k) * point], d = 0.5f * s[(8 + k) * point], e = s[(12 + k) * point];
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
void JOIN(winograd_weight_grad, ISA)(const Context *ctx, const Correlation *c, const float *dy, float *dw, int o0, int o1, int i0, int i1) {
    Tiles list = tiles_of(c);
    int vecs = WIDTH / LANES;
    int64_t point_d = BLOCK_OUT * WIDTH + SKEW, point_v = BLOCK_IN * WIDTH + SKEW, point_s = PASS_IN * BLOCK_OUT;
    int64_t plane_in = (int64_t)c->row.in * c->col.in * c->batch, plane_out = (int64_t)c->row.out * c->col.out * c->batch;
    float *d = ctx->scratch, *v = d + POINTS * point_d, *sums = v + POINTS * point_v;
    Square inputs[WIDTH / LANES], outputs[WIDTH / LANES];

    for (int o = o0; o < o1; o += BLOCK_OUT)
        for (int pass = i0; pass < i1; pass += PASS_IN) {
            int outs = least(BLOCK_OUT, o1 - o), ins = least(PASS_IN, i1 - pass);
            for (int j = 0; j < POINTS * point_s; j++) sums[j] = 0;
            for (int j0 = 0; j0 < list.count; j0 += vecs) {
                for (int j = 0; j < vecs; j++) {
                    find_square(&list, j0 + j, 4, c->row.shift, c->col.shift, c->row.in, c->col.in, c->batch, inputs + j);
                    find_square(&list, j0 + j, 2, 0, 0, c->row.out, c->col.out, c->batch, outputs + j);
                }
                for (int k = 0; k < outs; k++)
                    for (int j = 0; j < vecs; j++) {
                        prefetch_square(dy + (o + k + 1) * plane_out, outputs + j, 4);
                        transform_gradient(dy + (o + k) * plane_out, outputs + j, d + k * WIDTH + j * LANES, point_d);
                    }
                for (int i = 0; i < ins; i += BLOCK_IN) {
                    int block = least(BLOCK_IN, ins - i);
                    transform_inputs(c->x + (pass + i) * plane_in, plane_in, block, inputs, vecs, v, point_v, WIDTH);
                    for (int p = 0; p < POINTS; p++)
                        for (int b = 0; b < block; b += INS)
                            for (int k = 0; k < outs; k += OUTS)
                                add_products(d + p * point_d + k * WIDTH, v + p * point_v + b * WIDTH, sums + p * point_s + (i + b) * BLOCK_OUT + k);
                }
            }
            for (int k = 0; k < outs; k++)
                for (int i = 0; i < ins; i++) transform_sums(sums + i * BLOCK_OUT + k, point_s, dw + ((int64_t)(o + k) * c->in + pass + i) * 9);
        }
}
