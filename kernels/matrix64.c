/* Dense linear algebra in float64, for the systems of second-order pruning. A matrix of doubles lies in the
 * arena at an even offset; everything else (factors, solutions) is made of these two kernels in
 * src/linear. */
#include "kernel.h"

#define DOUBLES (LANES / 2)
typedef double dvec __attribute__((vector_size(LANES * 4), may_alias));
typedef double dvec_unaligned __attribute__((vector_size(LANES * 4), aligned(8), may_alias));

/* Register tile, and the blocks that a thread packs into its scratch. */
#define ROWS 6
#define VECS 2
#define COLS (VECS * DOUBLES)
#define BLOCK_ROWS 192
#define BLOCK_COLS 192
#define DEPTH 240
_Static_assert(BLOCK_ROWS % ROWS == 0 && BLOCK_COLS % COLS == 0, "blocks are whole tiles");
_Static_assert((BLOCK_ROWS + BLOCK_COLS) * DEPTH * sizeof(double) <= SCRATCH_BYTES,
               "the scratch holds both blocks");
_Static_assert(IN_PLACE <= BLOCK_COLS && IN_PLACE <= DEPTH,
               "a product in place is read whole before it is written");

/* Element (i, l) lies at i * outer + l * depth, as a float or a double. */
typedef struct {
    const void *data;
    int64_t outer, depth;
    int is_double;
} Operand;

/* [tile of `width` lines][depth][width], zeros behind the last line. */
static void pack(double *to, const Operand *x, int first, int lines, int width, int l0, int depth) {
    for (int tile = 0; tile < lines; tile += width) {
        int64_t at[COLS > ROWS ? COLS : ROWS];
        int there = least(width, lines - tile);
        for (int r = 0; r < there; r++) at[r] = (first + tile + r) * x->outer + l0 * x->depth;
        for (int l = 0; l < depth; l++, to += width) {
            if (x->is_double)
                for (int r = 0; r < there; r++) to[r] = ((const double *)x->data)[at[r] + l * x->depth];
            else
                for (int r = 0; r < there; r++) to[r] = ((const float *)x->data)[at[r] + l * x->depth];
            for (int r = there; r < width; r++) to[r] = 0;
        }
    }
}

/* A tile of `rows` x `cols` of c from packed lines of a and b. */
static void multiply(const double *a, const double *b, int depth, double *c, int64_t row, int rows, int cols,
                     int mode) {
    dvec acc[ROWS][VECS];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < VECS; v++) acc[r][v] = (dvec){0};
    for (int l = 0; l < depth; l++, a += ROWS, b += COLS) {
        dvec x[VECS];
#pragma GCC unroll 4
        for (int v = 0; v < VECS; v++) x[v] = *(const dvec_unaligned *)(b + v * DOUBLES);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            dvec w = a[r] - (dvec){0};
#pragma GCC unroll 4
            for (int v = 0; v < VECS; v++) acc[r][v] += w * x[v];
        }
    }
    if (rows == ROWS && cols == COLS) {
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
            for (int v = 0; v < VECS; v++) {
                dvec_unaligned *to = (dvec_unaligned *)(c + r * row + v * DOUBLES);
                if (mode == MODE_SET) *to = acc[r][v];
                else if (mode == MODE_ADD) *to += acc[r][v];
                else *to -= acc[r][v];
            }
        return;
    }
    double sums[ROWS * COLS];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < VECS; v++) *(dvec_unaligned *)(sums + r * COLS + v * DOUBLES) = acc[r][v];
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < cols; j++) {
            double *to = c + r * row + j, sum = sums[r * COLS + j];
            *to = mode == MODE_SET ? sum : mode == MODE_ADD ? *to + sum : *to - sum;
        }
}

/* The size of equal blocks that `lines` are cut into, `count` of them or as many as it takes for at most
 * `most` lines each; whole tiles. */
static int block_size(int lines, int count, int most, int tile) {
    int needed = (lines + most - 1) / most, blocks = count > needed ? count : needed;
    return ((lines + blocks - 1) / blocks + tile - 1) / tile * tile;
}

/* c[i][j] = (set, += or -=) the sum over l of a(i, l) b(j, l), in float64, for i < m, j < n, l < k; rows of c
 * lie `row` doubles apart. With `lower`, only what lies on or below the diagonal is defined. c may be a
 * itself where n and k are at most IN_PLACE. Blocks of c of equal size go round the threads. */
DEFINE_KERNEL(product64) {
    int m = a->m, n = a->n, k = a->k, mode = a->mode, lower = a->lower;
    Operand A = {ctx->arena + a->a, a->a_outer, a->a_depth, a->a_double};
    Operand B = {ctx->arena + a->b, a->b_outer, a->b_depth, a->b_double};
    double *c = (double *)(ctx->arena + a->c);
    int64_t row = a->row;
    double *packed_a = (double *)ctx->scratch, *packed_b = packed_a + BLOCK_ROWS * DEPTH;
    if (m == 0 || n == 0) return;
    int block_cols = block_size(n, 1, BLOCK_COLS, COLS), across = (n + block_cols - 1) / block_cols;
    /* At least a block for every thread. */
    int block_rows = block_size(m, (ctx->parts + across - 1) / across, BLOCK_ROWS, ROWS);
    int turn = 0;
    for (int i0 = 0; i0 < m; i0 += block_rows)
        for (int j0 = 0; j0 < n; j0 += block_cols) {
            int height = least(block_rows, m - i0), width = least(block_cols, n - j0);
            if (lower && j0 > i0 + height - 1) continue;
            if (turn++ % ctx->parts != ctx->part) continue;
            for (int l0 = 0; l0 < k || l0 == 0; l0 += DEPTH) {
                int depth = least(DEPTH, k - l0);
                pack(packed_a, &A, i0, height, ROWS, l0, depth);
                pack(packed_b, &B, j0, width, COLS, l0, depth);
                for (int j = 0; j < width; j += COLS)
                    for (int i = 0; i < height; i += ROWS) {
                        if (lower && j0 + j > i0 + i + ROWS - 1) continue;
                        multiply(packed_a + (int64_t)i * depth, packed_b + (int64_t)j * depth, depth,
                                 c + (i0 + i) * row + j0 + j, row, least(ROWS, height - i),
                                 least(COLS, width - j), mode == MODE_SET && l0 > 0 ? MODE_ADD : mode);
                    }
            }
        }
}

/* Factors a diagonal block of n x n (n <= IN_PLACE) in place, A = L L', the strict upper triangle untouched,
 * and writes L^-1 (zeros above the diagonal) to `inverse`, row-major n x n. `pivot` becomes the least pivot
 * met so far, or the first that is not above zero: A is not positive definite then. One thread. */
DEFINE_KERNEL(cholesky64) {
    if (ctx->part != 0) return;
    int n = a->n;
    int64_t row = a->row;
    double *l = (double *)(ctx->arena + a->a), *inverse = (double *)(ctx->arena + a->inverse);
    double *pivot = (double *)(ctx->arena + a->pivot);
    for (int j = 0; j < n; j++) {
        double d = l[j * row + j];
        for (int k = 0; k < j; k++) d -= l[j * row + k] * l[j * row + k];
        if (*pivot > 0 && !(d >= *pivot)) *pivot = d;
        double root = __builtin_sqrt(d);
        l[j * row + j] = root;
        for (int i = j + 1; i < n; i++) {
            double sum = l[i * row + j];
            for (int k = 0; k < j; k++) sum -= l[i * row + k] * l[j * row + k];
            l[i * row + j] = sum / root;
        }
    }
    for (int j = 0; j < n; j++)
        for (int i = 0; i < n; i++) {
            double sum = i == j;
            for (int k = j; k < i; k++) sum -= l[i * row + k] * inverse[k * n + j];
            inverse[i * n + j] = i < j ? 0 : sum / l[i * row + i];
        }
}

/* Rows [first, first + rows) of the symmetric matrix s restricted to the listed indices (increasing, as
 * floats), of which the lower triangle is given: twice the elements left of the diagonal, the diagonal, and
 * zeros up to column first + rows. Quadratic forms with it are those with the whole. */
DEFINE_KERNEL(gather64) {
    int first = a->first, lo, hi;
    const double *s = (const double *)(ctx->arena + a->s);
    const float *indices = ctx->arena + a->indices;
    double *to = (double *)(ctx->arena + a->to);
    share(ctx, a->rows, 1, &lo, &hi);
    for (int i = lo; i < hi; i++) {
        const double *from = s + (int64_t)indices[first + i] * a->n;
        double *out = to + (int64_t)i * a->row;
        for (int j = 0; j < first + i; j++) out[j] = 2 * from[(int)indices[j]];
        out[first + i] = from[(int)indices[first + i]];
        for (int j = first + i + 1; j < first + a->rows; j++) out[j] = 0;
    }
}
