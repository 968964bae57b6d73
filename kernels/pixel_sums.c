/* The sums of a tile of pixels, for some output channels. */
#include "sparse_pixels.h"

/* Each output channel by itself. */
INLINE void sum_channels(const Work *k, const int vectors, const int lines) {
    float *sums = k->sums;
    for (int r = 0; r < k->rows; r++, sums += vectors * lines * LANES) {
        const int32_t *place = k->place + k->bounds[r], *end = k->place + k->bounds[k->rows + r];
        const float *value = k->value + k->bounds[r], *residual = k->residual + r * k->plane;
        vec acc[MOST_VECTORS];
        if (k->first) {
            vec bias = splat(k->bias ? k->bias[r] : 0);
#pragma GCC unroll 8
            for (int v = 0; v < vectors * lines; v++) acc[v] = bias;
            if (k->residual)
#pragma GCC unroll 8
                for (int v = 0; v < vectors * lines; v++) acc[v] += load(residual + v * LANES);
        } else {
#pragma GCC unroll 8
            for (int v = 0; v < vectors * lines; v++) acc[v] = load(sums + v * LANES);
        }
        for (; place < end; place++, value++) {
            const float *x = k->strip + k->offsets[*place];
            vec w = splat(*value);
#pragma GCC unroll 8
            for (int l = 0; l < lines; l++, x += k->pitch)
#pragma GCC unroll 8
                for (int v = 0; v < vectors; v++) acc[l * vectors + v] += w * load(x + v * LANES);
        }
        float *to = k->y ? k->y + r * k->plane : sums;
        if (k->y && k->relu)
#pragma GCC unroll 8
            for (int v = 0; v < vectors * lines; v++) acc[v] = rectify(acc[v], k->relu);
#pragma GCC unroll 8
        for (int v = 0; v < vectors * lines; v++) store(to + v * LANES, acc[v]);
    }
}

typedef void (*SumBlock)(const Work *);
#define SUM_BLOCK(vectors, lines) \
    static void sum_##vectors##x##lines(const Work *k) { sum_channels(k, vectors, lines); }
SUM_BLOCK(1, 1)
SUM_BLOCK(2, 1)
SUM_BLOCK(3, 1)
SUM_BLOCK(4, 1)
SUM_BLOCK(5, 1)
SUM_BLOCK(6, 1)
SUM_BLOCK(7, 1)
SUM_BLOCK(8, 1)
SUM_BLOCK(1, 2)
SUM_BLOCK(2, 2)
SUM_BLOCK(3, 2)
SUM_BLOCK(4, 2)
SUM_BLOCK(1, 4)
SUM_BLOCK(2, 4)
SUM_BLOCK(1, 8)

/* By the logarithm of lines, and vectors. */
static const SumBlock by_channel[4][MOST_VECTORS] = {
    {sum_1x1, sum_2x1, sum_3x1, sum_4x1, sum_5x1, sum_6x1, sum_7x1, sum_8x1},
    {sum_1x2, sum_2x2, sum_3x2, sum_4x2},
    {sum_1x4, sum_2x4},
    {sum_1x8}};

/* GROUP output channels with the same pattern together. */
INLINE void sum_groups(const Work *k, const int vectors) {
    for (int r = 0; r < k->rows; r += GROUP) {
        float *sums = k->sums + (int64_t)r * vectors * LANES;
        const int32_t *place = k->place + k->bounds[r], *end = k->place + k->bounds[k->rows + r];
        const float *value[GROUP];
        vec acc[GROUP][GROUPED_VECTORS];
#pragma GCC unroll 4
        for (int i = 0; i < GROUP; i++) {
            value[i] = k->value + k->bounds[r + i];
            vec bias = splat(k->bias ? k->bias[r + i] : 0);
            const float *residual = k->residual + (r + i) * k->plane, *from = sums + i * vectors * LANES;
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++) {
                acc[i][v] = k->first ? bias : load(from + v * LANES);
                if (k->first && k->residual) acc[i][v] += load(residual + v * LANES);
            }
        }
        for (int64_t e = 0; e < end - place; e++) {
            const float *x = k->strip + k->offsets[place[e]];
            vec xv[GROUPED_VECTORS];
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++) xv[v] = load(x + v * LANES);
#pragma GCC unroll 4
            for (int i = 0; i < GROUP; i++) {
                vec w = splat(value[i][e]);
#pragma GCC unroll 3
                for (int v = 0; v < vectors; v++) acc[i][v] += w * xv[v];
            }
        }
#pragma GCC unroll 4
        for (int i = 0; i < GROUP; i++) {
            float *to = k->y ? k->y + (r + i) * k->plane : sums + i * vectors * LANES;
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++)
                store(to + v * LANES, k->y && k->relu ? rectify(acc[i][v], k->relu) : acc[i][v]);
        }
    }
}
static void sum_groups_1(const Work *k) { sum_groups(k, 1); }
static void sum_groups_2(const Work *k) { sum_groups(k, 2); }
static void sum_groups_3(const Work *k) { sum_groups(k, 3); }
static const SumBlock by_group[GROUPED_VECTORS] = {sum_groups_1, sum_groups_2, sum_groups_3};

void sum_block_of(const Pixels *p, const Work *k) {
    if (p->grouped) by_group[p->vectors - 1](k);
    else by_channel[__builtin_ctz((unsigned)p->lines)][p->vectors - 1](k);
}

void begin_sums(const Work *k, const Segment *segments, int count, int size) {
    float *sums = k->sums;
    for (int r = 0; r < k->rows; r++, sums += size) {
        vec bias = splat(k->bias ? k->bias[r] : 0);
        for (int i = 0; i < size; i += LANES) store(sums + i, bias);
        for (const Segment *s = segments; s < segments + count; s++)
            for (int i = 0; i < s->count; i += LANES) {
                int part = least(LANES, s->count - i);
                vec more = load_part(k->residual + r * k->plane + s->place + i, part);
                store_part(sums + s->at + i, load_part(sums + s->at + i, part) + more, part);
            }
    }
}

void end_sums(const Work *k, const Segment *segments, int count, int size, float *y) {
    const float *sums = k->sums;
    for (int r = 0; r < k->rows; r++, sums += size)
        for (const Segment *s = segments; s < segments + count; s++)
            for (int i = 0; i < s->count; i += LANES) {
                int part = least(LANES, s->count - i);
                vec sum = load_part(sums + s->at + i, part);
                store_part(y + r * k->plane + s->place + i, k->relu ? rectify(sum, k->relu) : sum, part);
            }
}
