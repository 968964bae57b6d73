/* Matrix products (gemm.c) whose right operand is packed panel by panel: from a matrix, or from an image
 * whose windows are its columns (conv_product.c). */
#ifndef ESPALIER_GEMM_H
#define ESPALIER_GEMM_H

#include "kernel.h"

#define TILE_COLS (TILE_VECS * LANES)

typedef struct {
    const float *p;
    int64_t outer, depth; /* strides along m (or n) and along k; one of them is 1 */
} Operand;

/* Packs columns [n0, n0 + cols) of B, at most TILE_COLS, and rows [k0, k0 + depth), padded with zeros to
 * whole vectors: to[k][width]. */
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
#define multiply_vector JOIN(multiply_vector, ISA)

void multiply_matrices(const Context *ctx, const Product *p);
/* The product with a vector x in the place of B: n is 1 and A row-major (matrix_vector.c). */
void multiply_vector(const Context *ctx, const Product *p, const float *x);

#endif
