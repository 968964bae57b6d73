/* The sums of outputs in tiles (sparse_tile.c): what a sparse convolution and a depthwise one of few samples
 * have in common, which list the taps of each output. */
#ifndef ESPALIER_SPARSE_TILE_H
#define ESPALIER_SPARSE_TILE_H

#include "sparse.h"

#define MOST_VECTORS 8
_Static_assert(WIDEST_SPARSE_TILE >= MOST_VECTORS * LANES,
               "TypeScript leaves room behind a strip for a tile");

/* A block of outputs: some rows of one phase, some samples. */
typedef struct {
    int row_phase, col_phase, m0, m1, n0, count;
} Block;

/* One symbol per instruction set. */
#define sum_block JOIN(sum_block, ISA)

/* All outputs of a block, of output channels o0 to before o1, whose taps are listed; `from`: what their sums
 * begin with. */
void sum_block(const Correlation *c, const SparseStrip *s, const Block *b, const float *strip, int direct,
               const Tap *taps, const int32_t *starts, int o0, int o1, int first, int last,
               const float *from);

/* A convolution of few samples (sparse_pixels.c), and of a single sample and pixel (sparse_vector.c): 0, and
 * nothing is done, where they have no room, or the pattern is none that is_listable. */
#define sparse_pixels JOIN(sparse_pixels, ISA)
#define sparse_vector JOIN(sparse_vector, ISA)
int sparse_pixels(const Context *ctx, const Correlation *c, const Pattern *p, const float *residual);
int sparse_vector(const Context *ctx, const Correlation *c, const Pattern *p, const float *residual);

#endif
