/* How convolutions of bytes write their sums: as bytes, or as floats. */
#ifndef ESPALIER_INT8_FINISH_H
#define ESPALIER_INT8_FINISH_H

#include "int8_window.h"

typedef struct {
    Ending end;
    float *y;     /* bytes as int8.h says, or with `to_float` [output][position] */
    int out, n;   /* outputs, and positions (with samples) of each */
    int to_float; /* y = float(sum + offset) scale */
} Results;

#define WINDOWS_OF(ctx, a)                                                 \
    {                                                                      \
        *(const Int8Sizes *)(a), (const int32_t *)((ctx)->arena + (a)->x), \
            (int32_t)((a)->border * 0x01010101u)                           \
    }
#define RESULTS_OF(ctx, a)                                                                              \
    {                                                                                                   \
        {(const int32_t *)((ctx)->arena + (a)->offset), (ctx)->arena + (a)->scale, (a)->zero, (a)->low, \
         (a)->high},                                                                                    \
            (ctx)->arena + (a)->y, (a)->out, (a)->oh *(a)->ow *(a)->batch, (a)->to_float                \
    }

/* Floats that the results take. */
INLINE int64_t floats_of(const Results *to) {
    return (int64_t)(to->to_float ? to->out : quads(to->out)) * to->n;
}

/* Shares out positions where every thread gets some tiles of `vecs` vectors of them, else outputs, by fours.
 */
INLINE void share_results(const Context *ctx, const Results *to, int vecs, int *p0, int *p1, int *q0,
                          int *q1) {
    *p0 = *q0 = 0, *p1 = to->n, *q1 = quads(to->out);
    if (to->n >= ctx->parts * vecs * LANES) share(ctx, to->n, LANES, p0, p1);
    else share(ctx, quads(to->out), 1, q0, q1);
}

/* Four outputs of positions [p0, p0 + cols): sums[output][vector], `vecs` vectors of an output. */
INLINE void finish(const Results *to, const ivec *sums, int vecs, int quad, int p0, int cols) {
    for (int v = 0; v * LANES < cols; v++) {
        int count = least(LANES, cols - v * LANES), p = p0 + v * LANES;
        if (!to->to_float) {
            ivec word = end_four(sums + v, vecs, &to->end, 4 * quad);
            store_some((int32_t *)to->y + (int64_t)quad * to->n + p, word, count);
            continue;
        }
        for (int r = 0; r < 4 && 4 * quad + r < to->out; r++) {
            ivec sum = sums[r * vecs + v] + to->end.offset[4 * quad + r];
            vec value = __builtin_convertvector(sum, vec) * to->end.scale[4 * quad + r];
            store_part(to->y + (int64_t)(4 * quad + r) * to->n + p, value, count);
        }
    }
}

/* The same for one position. */
INLINE void finish_one(const Results *to, const int32_t *sums, int quad, int p) {
    uint32_t word = 0;
    for (int r = 0; r < 4; r++) {
        int output = 4 * quad + r;
        float value = (float)(sums[r] + to->end.offset[output]) * to->end.scale[output];
        if (!to->to_float) word |= (uint32_t)to_byte(value, &to->end) << (8 * r);
        else if (output < to->out) to->y[(int64_t)output * to->n + p] = value;
    }
    if (!to->to_float) ((uint32_t *)to->y)[(int64_t)quad * to->n + p] = word;
}

#endif
