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

/* Windows of some positions as columns, and the outputs, by fours, that are wanted of them. */
typedef struct {
    const int32_t *panel;
    int p0, cols, q0, q1;
} Tile;

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

/* One symbol per instruction set. */
#define finish JOIN(finish, ISA)
#define finish_one JOIN(finish_one, ISA)

/* Four outputs of positions [p0, p0 + cols): sums[output][vector], offsets included, `vecs` vectors of an
 * output. */
void finish(const Results *to, const ivec *sums, int vecs, int quad, int p0, int cols);
/* The same for one position, of sums without offsets. */
void finish_one(const Results *to, const int32_t *sums, int quad, int p);

#endif
