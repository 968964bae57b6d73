/* C = A B (+ bias) (then ReLU), C row-major m x n, A and B given by strides.
 *
 * In the batch-innermost layout a linear layer is C[out][sample] = W[out][in] X[in][sample], its input
 * gradient W^T dY, its weight gradient dY X^T: all three are this kernel with other strides.
 *
 * Blocking (Goto & van de Geijn 2008): a block of A, ROWS_BLOCK x DEPTH, is packed once and stays in the
 * second-level cache; a panel of B, DEPTH x (4 vectors), is packed and streamed; a tile of TILE_ROWS x 4
 * vectors of C stays in registers over the whole depth. Every element of C is summed in the same order
 * wherever a tile begins, so results do not depend on how rows and columns are shared out. */
#include "gemm.h"

#define RUN 8 /* consecutive k of one row that lie together in a packed block of a row-major A */
_Static_assert(DEPTH % RUN == 0, "only the last block of the depth has a run that is not whole");
_Static_assert(PRODUCT_FLOATS <= SCRATCH_FLOATS, "the scratch holds both packed operands");

/* In WebAssembly an unrolled depth is a loss: the compiler moves all products before all sums, and V8 spills
 * them. */
#ifdef __wasm__
#define UNROLLED_RUN _Pragma("clang loop unroll(disable)")
#else
#define UNROLLED_RUN _Pragma("GCC unroll 8")
#endif

/* Copies `count` floats, mostly `full` of them: a constant that makes the copy a few vector moves. */
INLINE void copy_run(float *to, const float *from, int count, const int full) {
    if (count == full) __builtin_memcpy(to, from, full * sizeof(float));
    else
        for (int i = 0; i < count; i++) to[i] = from[i];
}

/* Rows [m0, m0+rows) x depth of A, padded with zeros to whole tiles. Row-major A: [tile][k / RUN][row][RUN];
 * column-major A: [tile][k][row]. Both copy runs of memory and leave the shuffle to the broadcast loads. */
static void pack_a(float *to, Operand a, int m0, int rows, int k0, int depth) {
    for (int r0 = 0; r0 < rows; r0 += TILE_ROWS) {
        int tile = rows - r0 < TILE_ROWS ? rows - r0 : TILE_ROWS;
        const float *from = a.p + (m0 + r0) * a.outer + k0 * a.depth;
        if (a.depth == 1) {
            for (int k = 0; k < depth; k += RUN) {
                int run = depth - k < RUN ? depth - k : RUN;
                for (int r = 0; r < tile; r++) copy_run(to + r * RUN, from + r * a.outer + k, run, RUN);
                for (int i = tile * RUN; i < TILE_ROWS * RUN; i++) to[i] = 0;
                to += TILE_ROWS * RUN;
            }
        } else {
            for (int k = 0; k < depth; k++, to += TILE_ROWS) {
                copy_run(to, from + k * a.depth, tile, TILE_ROWS);
                for (int r = tile; r < TILE_ROWS; r++) to[r] = 0;
            }
        }
    }
}

/* The panel of a B that is given by strides, an `Operand`. */
void pack_strided(const void *given, float *to, int n0, int cols, int width, int k0, int depth) {
    Operand b = *(const Operand *)given;
    const float *from = b.p + n0 * b.outer + k0 * b.depth;
    if (b.outer == 1) {
        for (int k = 0; k < depth; k++, to += width, from += b.depth) {
            int j = 0;
            for (; j + LANES <= cols; j += LANES) store(to + j, load(from + j));
            if (j < cols) store(to + j, load_part(from + j, cols - j));
        }
        return;
    }
    int j = 0;
    for (; j + 4 <= cols; j += 4) {
        int k = 0;
        for (; k + 4 <= depth; k += 4) {
            const float *column = from + j * b.outer + k;
            transpose4(column, column + b.outer, column + 2 * b.outer, column + 3 * b.outer,
                       to + (int64_t)k * width + j, width);
        }
        for (; k < depth; k++)
            for (int i = 0; i < 4; i++) to[(int64_t)k * width + j + i] = from[(j + i) * b.outer + k];
    }
    for (; j < width; j++)
        for (int k = 0; k < depth; k++) to[(int64_t)k * width + j] = j < cols ? from[j * b.outer + k] : 0;
}

typedef struct {
    float *c;
    int64_t stride;
    int rows, cols;        /* how much of the tile is real */
    int first, last;       /* first and last block of the depth: start from zero, finish with bias and ReLU */
    const float *row_bias; /* or null */
    const float *col_bias;
    int relu;
} Tile;

/* Takes the sums from memory, not from registers: where this is part of the loop above it, compilers spill
 * there. */
static __attribute__((noinline)) void finish(const Tile *t, const vec *sums, int vecs) {
    for (int r = 0; r < t->rows; r++) {
        for (int v = 0; v < vecs; v++) {
            int count = t->cols - v * LANES < LANES ? t->cols - v * LANES : LANES;
            float *c = t->c + r * t->stride + v * LANES;
            vec y = sums[r * vecs + v];
            if (!t->first) y += load_part(c, count);
            if (t->last) {
                if (t->row_bias) y += t->row_bias[r];
                if (t->col_bias) y += load_part(t->col_bias + v * LANES, count);
                if (t->relu) y = rectify(y, t->relu);
            }
            store_part(c, y, count);
        }
    }
}

/* One step of the depth: the k-th of the current run. */
INLINE void multiply_add(vec acc[TILE_ROWS][TILE_VECS], const float *a, const float *b, int k, const int vecs,
                         const int row_major) {
    vec bv[TILE_VECS];
#pragma GCC unroll 4
    for (int v = 0; v < vecs; v++) bv[v] = load(b + v * LANES);
#pragma GCC unroll 8
    for (int r = 0; r < TILE_ROWS; r++) {
        vec av = splat(row_major ? a[r * RUN + k] : a[k * TILE_ROWS + r]);
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) acc[r][v] += av * bv[v];
    }
}

/* One tile over one block of the depth. `vecs` and `row_major` are constants at every call. */
INLINE void multiply(const Tile *t, const float *a, const float *b, int depth, const int vecs,
                     const int row_major) {
    vec acc[TILE_ROWS][TILE_VECS];
    for (int r = 0; r < TILE_ROWS; r++)
        for (int v = 0; v < vecs; v++) acc[r][v] = splat(0);
    for (; depth >= RUN; depth -= RUN, a += TILE_ROWS * RUN, b += RUN * vecs * LANES) {
        UNROLLED_RUN
        for (int k = 0; k < RUN; k++) multiply_add(acc, a, b + k * vecs * LANES, k, vecs, row_major);
    }
    for (int k = 0; k < depth; k++) multiply_add(acc, a, b + k * vecs * LANES, k, vecs, row_major);
    vec sums[TILE_ROWS * TILE_VECS];
    for (int r = 0; r < TILE_ROWS; r++)
        for (int v = 0; v < vecs; v++) sums[r * vecs + v] = acc[r][v];
    finish(t, sums, vecs);
}

#define MULTIPLY(vecs)                                                                                     \
    static void multiply_##vecs(const Tile *t, const float *a, const float *b, int depth, int row_major) { \
        if (row_major) multiply(t, a, b, depth, vecs, 1);                                                  \
        else multiply(t, a, b, depth, vecs, 0);                                                            \
    }
MULTIPLY(1)
#if TILE_VECS >= 2
MULTIPLY(2)
#endif
#if TILE_VECS == 4
MULTIPLY(3)
MULTIPLY(4)
#endif

static void run_tile(const Tile *t, const float *a, const float *b, int depth, int vecs, int row_major) {
    switch (vecs) {
#if TILE_VECS == 4
        case 4: multiply_4(t, a, b, depth, row_major); return;
        case 3: multiply_3(t, a, b, depth, row_major); return;
#endif
#if TILE_VECS >= 2
        case 2: multiply_2(t, a, b, depth, row_major); return;
#endif
        default: multiply_1(t, a, b, depth, row_major);
    }
}

/* How many row shares to cut C into (the rest of the threads share columns): the factor pair with the
 * least work on the busiest thread, counting a packed element of A as 4 and of B as 2 (12 where it does not
 * lie in runs) multiply-adds. */
static int row_parts(int parts, int m, int n, int b_shuffled) {
    int row_tiles = (m + TILE_ROWS - 1) / TILE_ROWS, col_tiles = (n + LANES - 1) / LANES, best = 1;
    double least = 0;
    for (int pm = 1; pm <= parts; pm++) {
        if (parts % pm) continue;
        int pn = parts / pm;
        double rows = (double)((row_tiles + pm - 1) / pm) * TILE_ROWS,
               cols = (double)((col_tiles + pn - 1) / pn) * LANES;
        double work = rows * cols + 4 * rows + (b_shuffled ? 12 : 2) * cols;
        if (pm == 1 || work < least) {
            least = work;
            best = pm;
        }
    }
    return best;
}

void multiply_matrices(const Context *ctx, const Product *p) {
    int m = p->m, n = p->n, k = p->k;
    int pm = row_parts(ctx->parts, m, n, p->b_shuffled), pn = ctx->parts / pm;
    Context rows = {.part = ctx->part / pn, .parts = pm}, cols = {.part = ctx->part % pn, .parts = pn};
    int m0, m1, n0, n1;
    share(&rows, m, TILE_ROWS, &m0, &m1);
    share(&cols, n, LANES, &n0, &n1);
    if (m0 == m1 || n0 == n1) return;

    float *packed_a = ctx->scratch, *packed_b = packed_a + ROWS_BLOCK * DEPTH;
    int row_major = p->a.depth == 1;
    int blocks = k > 0 ? (k + DEPTH - 1) / DEPTH : 1;
    for (int block = 0; block < blocks; block++) {
        int k0 = block * DEPTH, depth = k - k0 < DEPTH ? k - k0 : DEPTH;
        int64_t tile_floats = (int64_t)TILE_ROWS * (row_major ? (depth + RUN - 1) / RUN * RUN : depth);
        for (int i0 = m0; i0 < m1; i0 += ROWS_BLOCK) {
            int height = m1 - i0 < ROWS_BLOCK ? m1 - i0 : ROWS_BLOCK;
            pack_a(packed_a, p->a, i0, height, k0, depth);
            for (int j0 = n0; j0 < n1; j0 += TILE_COLS) {
                int width = n1 - j0 < TILE_COLS ? n1 - j0 : TILE_COLS;
                int vecs = (width + LANES - 1) / LANES;
                p->pack_b(p->b, packed_b, j0, width, vecs * LANES, k0, depth);
                for (int i = 0; i < height; i += TILE_ROWS) {
                    Tile t = {
                        .c = p->c + (int64_t)(i0 + i) * n + j0, .stride = n, .cols = width, .relu = p->relu};
                    t.rows = height - i < TILE_ROWS ? height - i : TILE_ROWS;
                    t.first = block == 0, t.last = block == blocks - 1;
                    if (p->bias_kind == BIAS_ROW) t.row_bias = p->bias + i0 + i;
                    if (p->bias_kind == BIAS_COLUMN) t.col_bias = p->bias + j0;
                    run_tile(&t, packed_a + i / TILE_ROWS * tile_floats, packed_b, depth, vecs, row_major);
                }
            }
        }
    }
}

DEFINE_KERNEL(gemm) {
    Operand b = {ctx->arena + a->b, a->b_outer, a->b_depth};
    Product p = {
        .m = a->m, .n = a->n, .k = a->k, .b = &b, .pack_b = pack_strided, .b_shuffled = b.outer != 1};
    p.a = (Operand){ctx->arena + a->a, a->a_outer, a->a_depth};
    p.c = ctx->arena + a->c, p.bias = ctx->arena + a->bias, p.bias_kind = a->bias_kind, p.relu = a->relu;
    int plain = a->bias_kind == BIAS_NONE && !a->relu;
    if (p.k == 1 && b.outer == 1 && plain) outer_product(ctx, &p, b.p);
    else if (p.n == 1 && p.a.depth == 1 && b.depth == 1) multiply_vector(ctx, &p, b.p);
    else if (p.n == 1 && p.a.outer == 1 && b.depth == 1 && plain) multiply_vector_transposed(ctx, &p, b.p);
    else multiply_matrices(ctx, &p);
}
