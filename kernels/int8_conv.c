/* Convolution of bytes; a linear layer is the 1 x 1 case. A tile of four outputs and some vectors of
 * positions stays in registers over the whole depth, of which there is one block: the windows of the
 * positions are packed once (int8_window.h) and meet all outputs. Of fewer positions than half a vector,
 * lanes run over outputs. */
#include "int8_finish.h"

#if LANES == 16
#define INT8_VECS 4
#else
#define INT8_VECS 2
#endif
_Static_assert(INT8_PANEL <= SCRATCH_FLOATS, "the scratch holds the windows");

typedef struct {
    Windows windows;
    Results to;
    const int32_t *weight; /* [output / 4][depth][4 outputs][4] */
} Conv;

#define INT8_INNER "int8_conv_tiles.h"
#include "int8_dot.h"

/* Positions [p0, p1) of outputs [4 q0, 4 q1), a tile at a time, none of them much narrower than others. */
static void run_tiles(const Conv *c, int32_t *panel, int64_t p0, int64_t p1, int q0, int q1) {
    int depth = depth_of(&c->windows.s);
    int left = (int)((p1 - p0 + LANES - 1) / LANES);
    for (int tiles = (left + INT8_VECS - 1) / INT8_VECS; tiles > 0; tiles--) {
        int vecs = (left + tiles - 1) / tiles;
        int cols = (int)(p1 - p0 < vecs * LANES ? p1 - p0 : vecs * LANES);
        Tile tile = {panel, (int)p0, cols, q0, q1};
        pack_windows(&c->windows, panel, p0, cols, vecs * LANES);
        BY(multiply_tile, c, &tile, depth, vecs);
        p0 += cols, left -= vecs;
    }
}

/* The same one position at a time. */
static void run_columns(const Conv *c, int32_t *scratch, int64_t p0, int64_t p1, int q0, int q1) {
    int depth = depth_of(&c->windows.s);
    int32_t *column = scratch + depth;
    for (int64_t p = p0; p < p1; p++) {
        pack_windows(&c->windows, scratch, p, 1, 1);
        for (int i = 0; i < 4 * depth; i++) column[i] = scratch[i / 4];
        for (int i = 4 * depth; i % LANES; i++) column[i] = 0;
        for (int quad = q0; quad < q1; quad++) {
            union {
                four f;
                int32_t of[4];
            } sum = {BY(multiply_column, c->weight + (int64_t)quad * 4 * depth, column, depth)};
            finish_one(&c->to, sum.of, quad, p);
        }
    }
}

DEFINE_KERNEL(int8_conv) {
    Conv c = {.windows = WINDOWS_OF(ctx, a), .to = RESULTS_OF(ctx, a)};
    c.weight = (const int32_t *)(ctx->arena + a->weight);
    int depth = depth_of(&c.windows.s);
    if (5 * (int64_t)depth + WIDEST_VECTOR > INT8_PANEL) {
        refuse(ctx, c.to.y, floats_of(&c.to));
        return;
    }
    int p0, p1, q0, q1;
    share_results(ctx, &c.to, INT8_VECS, &p0, &p1, &q0, &q1);
    if (p0 == p1 || q0 == q1) return;
    int32_t *scratch = (int32_t *)ctx->scratch;
    if (c.to.n > LANES / 2 && depth * INT8_VECS * LANES <= INT8_PANEL) run_tiles(&c, scratch, p0, p1, q0, q1);
    else run_columns(&c, scratch, p0, p1, q0, q1);
}
