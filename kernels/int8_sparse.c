/* Convolution of bytes whose weights are held as groups: four input channels of one tap of one output that
 * are not all zero. Windows are packed as for int8_conv.c; each output walks its groups with some vectors of
 * positions in registers. Groups that lie outside are left out. */
#include "int8_finish.h"

#if LANES >= 8
#define SPARSE_VECS 8
#else
#define SPARSE_VECS 4
#endif
/* Words of a panel that should fit the first-level cache. */
#define NEAR 8192

typedef struct {
    const int32_t *values, *starts, *places;
    uint32_t depth;
    int capacity;
} Groups;

typedef struct {
    Windows windows;
    Results to;
    Groups groups;
} SparseConv;

/* The groups of an output, up to the capacity. */
INLINE void groups_of(const Groups *g, int output, int *from, int *to) {
    *from = g->starts[output] < 0 ? 0 : g->starts[output];
    *to = least(g->starts[output + 1], g->capacity);
}

#define INT8_INNER "int8_sparse_sums.h"
#include "int8_dot.h"

static void run_tiles(const SparseConv *c, int32_t *panel, int p0, int p1, int q0, int q1, int most) {
    int left = (p1 - p0 + LANES - 1) / LANES;
    for (int tiles = (left + most - 1) / most; tiles > 0; tiles--) {
        int vecs = (left + tiles - 1) / tiles, cols = least(p1 - p0, vecs * LANES);
        Tile tile = {panel, p0, cols, q0, q1};
        pack_windows(&c->windows, panel, p0, cols, vecs * LANES);
        BY(sum_tile, c, &tile, vecs);
        p0 += cols, left -= vecs;
    }
}

static void run_columns(const SparseConv *c, int32_t *column, int p0, int p1, int q0, int q1) {
    for (int p = p0; p < p1; p++) {
        pack_windows(&c->windows, column, p, 1, 1);
        for (int quad = q0; quad < q1; quad++) {
            int32_t sums[4] = {0};
            for (int r = 0; r < 4 && 4 * quad + r < c->to.out; r++) {
                int from, to;
                groups_of(&c->groups, 4 * quad + r, &from, &to);
                sums[r] = BY(sum_column, &c->groups, from, to, column);
            }
            finish_one(&c->to, sums, quad, p);
        }
    }
}

DEFINE_KERNEL(int8_sparse_conv) {
    SparseConv c = {.windows = WINDOWS_OF(ctx, a), .to = RESULTS_OF(ctx, a)};
    int depth = depth_of(&c.windows.s);
    const int32_t *words = (const int32_t *)ctx->arena;
    c.groups =
        (Groups){words + a->values, words + a->starts, words + a->places, (uint32_t)depth, a->capacity};
    if (5 * (int64_t)depth + WIDEST_VECTOR > INT8_PANEL) {
        refuse(ctx, c.to.y, floats_of(&c.to));
        return;
    }
    int most = NEAR / (depth * LANES);
    most = most < 4 ? 4 : least(most, SPARSE_VECS);
    int p0, p1, q0, q1;
    share_results(ctx, &c.to, most, &p0, &p1, &q0, &q1);
    if (p0 == p1 || q0 == q1) return;
    int32_t *scratch = (int32_t *)ctx->scratch;
    if (c.to.n > LANES / 2 && depth * most * LANES <= INT8_PANEL)
        run_tiles(&c, scratch, p0, p1, q0, q1, most);
    else run_columns(&c, scratch, p0, p1, q0, q1);
}
