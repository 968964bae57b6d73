/* Matrix products (gemm.c) whose right operand is packed panel by panel: from a matrix, or from an image
 * whose windows are its columns (conv_product.c) or its rows (conv_weight_product.c). */
#ifndef ESPALIER_GEMM_H
#define ESPALIER_GEMM_H

#include "kernel.h"

#define TILE_COLS (TILE_VECS * LANES)
/* A block of A that is packed at once. */
#define DEPTH 256
#define ROWS_BLOCK (120 / TILE_ROWS * TILE_ROWS)
/* What a product takes of the beginning of the scratch. */
#define PRODUCT_FLOATS ((ROWS_BLOCK + TILE_COLS) * DEPTH)

typedef struct {
    const float *p;
    int64_t outer, depth; /* strides along m (or n) and along k; one of them is 1 */
} Operand;

/* Packs columns [n0, n0 + cols) of B, at most TILE_COLS, and rows [k0, k0 + depth), at most DEPTH:
 * to[k][width], of whole vectors. What is beside the columns goes into no result. */
typedef void (*PackB)(const void *b, float *to, int n0, int cols, int width, int k0, int depth);

/* C = A B, plus bias, then ReLU. */
typedef struct {
    int m, n, k;
    Operand a;
    const void *b;
    PackB pack_b;
    int b_shuffled; /* whether elements of B do not lie in runs of columns, and so take longer to pack */
    float *c;       /* row-major */
    const float *bias;
    int bias_kind, relu;
} Product;

/* One symbol per instruction set. */
#define multiply_matrices JOIN(multiply_matrices, ISA)
#define pack_strided JOIN(pack_strided, ISA)
#define multiply_vector JOIN(multiply_vector, ISA)
#define multiply_vector_transposed JOIN(multiply_vector_transposed, ISA)
#define outer_product JOIN(outer_product, ISA)

void multiply_matrices(const Context *ctx, const Product *p);
/* Packs a B that is given by strides, an Operand. */
void pack_strided(const void *b, float *to, int n0, int cols, int width, int k0, int depth);
/* Products of a single sample (matrix_vector.c), x in the place of B: n is 1 and A row-major; n is 1 and A
 * column-major; k is 1 and x contiguous. The last two know neither bias nor ReLU. */
void multiply_vector(const Context *ctx, const Product *p, const float *x);
void multiply_vector_transposed(const Context *ctx, const Product *p, const float *x);
void outer_product(const Context *ctx, const Product *p, const float *x);

/* Four floats at each of four places, transposed: rows of `to`, `stride` apart. */
INLINE void transpose4(const float *p0, const float *p1, const float *p2, const float *p3, float *to,
                       int stride) {
    quad r0 = *(const quad *)p0, r1 = *(const quad *)p1, r2 = *(const quad *)p2, r3 = *(const quad *)p3;
    quad a = __builtin_shufflevector(r0, r1, 0, 4, 1, 5), b = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
    quad c = __builtin_shufflevector(r0, r1, 2, 6, 3, 7), d = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
    *(quad *)to = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    *(quad *)(to + stride) = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    *(quad *)(to + 2 * stride) = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    *(quad *)(to + 3 * stride) = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

#endif
