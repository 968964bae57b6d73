/* 3x3 convolution and its input gradient by Winograd's algorithm (winograd.h): transform the inputs of some
 * tiles, multiply matrices of channels at each of the 16 points, transform back. */
#include "winograd.h"

/* Register tile of the products: output channels x vectors. */
#define OUTS 4
#define VECS (LANES == 4 ? 2 : 3)

/* Shares of scratch, in floats: transformed kernels, inputs and products of a block of channels. */
#define KERNEL_FLOATS (64 * 1024)
#define POINT_FLOATS (62 * 1024)
#define BLOCK 64     /* most channels of a block */
#define MOST_VECS 96 /* most vectors of a unit */
#define SKEW 16      /* keeps the 16 points of one place in different sets of the cache */
_Static_assert(BLOCK % OUTS == 0 && POINTS * BLOCK * BLOCK <= KERNEL_FLOATS, "the kernels of a block fit");
_Static_assert(POINT_FLOATS / (POINTS * LANES * BLOCK) >= VECS, "the points of a tile of vectors fit");
_Static_assert(KERNEL_FLOATS + 2 * (POINT_FLOATS + POINTS * SKEW) <= SCRATCH_FLOATS,
               "the scratch holds all of these");

/* G g G^T to [point][tile of OUTS][channel][OUTS], zeros where the last tile has no channel. */
static void transform_kernels(const Correlation *c, int o0, int outs, int i0, int ins, float *to) {
    int tiles = (outs + OUTS - 1) / OUTS, flip = c->row.step < 0;
    int64_t point = (int64_t)tiles * ins * OUTS;
    for (int o = 0; o < tiles * OUTS; o++)
        for (int i = 0; i < ins; i++) {
            float *u = to + ((int64_t)(o / OUTS) * ins + i) * OUTS + o % OUTS, half[4][3];
            if (o >= outs) {
                for (int p = 0; p < POINTS; p++) u[p * point] = 0;
                continue;
            }
            const float *g = c->weight + (o0 + o) * c->weight_out + (i0 + i) * c->weight_in;
            for (int k = 0; k < 3; k++) {
                float a = g[flip ? 8 - k : k], b = g[flip ? 5 - k : 3 + k], d = g[flip ? 2 - k : 6 + k];
                half[0][k] = a;
                half[1][k] = 0.5f * (a + d + b);
                half[2][k] = 0.5f * (a + d - b);
                half[3][k] = d;
            }
            for (int r = 0; r < 4; r++) {
                float a = half[r][0], b = half[r][1], d = half[r][2];
                u[(4 * r + 0) * point] = a;
                u[(4 * r + 1) * point] = 0.5f * (a + d + b);
                u[(4 * r + 2) * point] = 0.5f * (a + d - b);
                u[(4 * r + 3) * point] = d;
            }
        }
}

/* m[o][vector] = sum over channels of u[channel][o] times v[channel][vector]; rows of m and v lie `row`
 * floats apart. */
INLINE void products(const float *u, const float *v, int channels, float *m, int64_t row) {
    vec acc[OUTS][VECS];
#pragma GCC unroll 4
    for (int o = 0; o < OUTS; o++)
#pragma GCC unroll 4
        for (int k = 0; k < VECS; k++) acc[o][k] = splat(0);
    for (int i = 0; i < channels; i++, u += OUTS, v += row) {
        vec x[VECS];
#pragma GCC unroll 4
        for (int k = 0; k < VECS; k++) x[k] = load(v + k * LANES);
#pragma GCC unroll 4
        for (int o = 0; o < OUTS; o++) {
            vec w = splat(u[o]);
#pragma GCC unroll 4
            for (int k = 0; k < VECS; k++) acc[o][k] += w * x[k];
        }
    }
#pragma GCC unroll 4
    for (int o = 0; o < OUTS; o++)
#pragma GCC unroll 4
        for (int k = 0; k < VECS; k++) store(m + o * row + k * LANES, acc[o][k]);
}

/* A^T m A: the 2x2 outputs of a tile from its 16 points, `point` floats apart. */
INLINE void transform_output(const float *m, int64_t point, vec *y) {
    vec s[2][4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        vec a = load(m + k * point), b = load(m + (4 + k) * point), d = load(m + (8 + k) * point),
            e = load(m + (12 + k) * point);
        s[0][k] = a + b + d;
        s[1][k] = b - d - e;
    }
#pragma GCC unroll 2
    for (int r = 0; r < 2; r++) {
        y[2 * r] = s[r][0] + s[r][1] + s[r][2];
        y[2 * r + 1] = s[r][1] - s[r][2] - s[r][3];
    }
}

/* Adds a tile's 2x2 outputs to what earlier blocks of input channels gave; the last adds the bias and
 * rectifies. */
INLINE void write_output(const Square *s, int whole, const vec *sums, float *y, int first, float bias,
                         int kind) {
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        if (!whole && s->offset[k] < 0) continue;
        float *to = y + s->offset[k];
        vec sum = sums[k] + bias;
        if (!first) sum += whole ? load(to) : load_part(to, s->count);
        if (kind) sum = rectify(sum, kind);
        if (whole) store(to, sum);
        else store_part(to, sum, s->count);
    }
}

void winograd(const Context *ctx, const Correlation *c) {
    Tiles list = tiles_of(c, CHUNK_VECS);
    int blocks_in = (c->in + BLOCK - 1) / BLOCK, block_in = (c->in + blocks_in - 1) / blocks_in;
    int blocks_out = (c->out + BLOCK - 1) / BLOCK,
        block_out = ((c->out + blocks_out - 1) / blocks_out + OUTS - 1) / OUTS * OUTS;
    int vecs = POINT_FLOATS / (POINTS * LANES * (block_in > block_out ? block_in : block_out));
    vecs = least(vecs, MOST_VECS) / VECS * VECS;
    int units = (list.count + vecs - 1) / vecs, lo, hi;
    share(ctx, units, 1, &lo, &hi);
    if (lo == hi) return;

    float *u = ctx->scratch, *v = u + KERNEL_FLOATS, *m = v + POINT_FLOATS + POINTS * SKEW;
    int64_t plane_in = (int64_t)c->row.in * c->col.in * c->batch,
            plane_out = (int64_t)c->row.out * c->col.out * c->batch, row = vecs * LANES;
    int reach = least(0, 2 * c->row.step);
    Square inputs[MOST_VECS], outputs[MOST_VECS];

    for (int i0 = 0; i0 < c->in; i0 += block_in)
        for (int o0 = 0; o0 < c->out; o0 += block_out) {
            int ins = least(block_in, c->in - i0), outs = least(block_out, c->out - o0),
                tiles = (outs + OUTS - 1) / OUTS;
            int64_t point_u = (int64_t)tiles * OUTS * ins, point_v = ins * row + SKEW,
                    point_m = tiles * OUTS * row + SKEW;
            int first = i0 == 0, last = i0 + ins == c->in;
            transform_kernels(c, o0, outs, i0, ins, u);
            for (int unit = lo; unit < hi; unit++) {
                for (int j = 0; j < vecs; j++) {
                    find_square(&list, unit * vecs + j, 4, c->row.shift + reach, c->col.shift + reach,
                                c->row.in, c->col.in, c->batch, inputs + j);
                    find_square(&list, unit * vecs + j, 2, 0, 0, c->row.out, c->col.out, c->batch,
                                outputs + j);
                }
                transform_inputs(c->x + i0 * plane_in, plane_in, ins, inputs, vecs, v, point_v, row);
                for (int p = 0; p < POINTS; p++)
                    for (int j = 0; j < vecs; j += VECS)
                        for (int t = 0; t < tiles; t++)
                            products(u + p * point_u + t * OUTS * ins, v + p * point_v + j * LANES, ins,
                                     m + p * point_m + t * OUTS * row + j * LANES, row);
                for (int o = 0; o < outs; o++) {
                    float *y = c->y + (o0 + o) * plane_out, bias = last && c->bias ? c->bias[o0 + o] : 0;
                    for (int j = 0; j < vecs; j++) {
                        vec sums[4];
                        prefetch_square(y + plane_out, outputs + j, 4);
                        transform_output(m + o * row + j * LANES, point_m, sums);
                        if (outputs[j].whole)
                            write_output(outputs + j, 1, sums, y, first, bias, last ? c->relu : RECTIFY_NONE);
                        else
                            write_output(outputs + j, 0, sums, y, first, bias, last ? c->relu : RECTIFY_NONE);
                    }
                }
            }
        }
}
