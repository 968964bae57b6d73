/* What Winograd's algorithm for 3x3 convolutions shares between the passes: F(2x2, 3x3) of Lavin and Gray,
 * "Fast Algorithms for Convolutional Neural Networks" (2016). A 2x2 tile of outputs is A^T [(G g G^T) . (B^T
 * d B)] A of the kernel g and the 4x4 inputs d under the tile: 16 products instead of 36 for each pair of
 * channels, which is why a convolution can run beyond the machine's "peak".
 *
 * The lanes of a vector are samples of one tile. Vectors of all tiles and samples form one list, in which
 * neighbours share input. */
#ifndef ESPALIER_WINOGRAD_H
#define ESPALIER_WINOGRAD_H

#include "conv.h"

#define POINTS 16 /* products per tile and pair of channels */

/* One symbol per instruction set. */
#define winograd JOIN(winograd, ISA)
#define winograd_weight_grad JOIN(winograd_weight_grad, ISA)
#define winograd_sample_grads JOIN(winograd_sample_grads, ISA)

void winograd(const Context *ctx, const Correlation *c);
void winograd_weight_grad(const Context *ctx, const Correlation *c, const float *dy, float *dw, int o0,
                          int o1, int i0, int i1);
void winograd_sample_grads(const Context *ctx, const Correlation *c, const float *dy, float *dw, float *sum,
                           int o0, int o1, int i0, int i1, int squares);

/* Whether the algorithm applies and pays: 3x3 without stride or dilation, whole vectors of samples, channels
 * enough to outweigh the transforms, tiles that mostly lie inside. */
INLINE int winograd_pays(const Correlation *c) {
    const Axis *row = &c->row, *col = &c->col;
    if (row->taps != 3 || col->taps != 3 || row->mul != 1 || col->mul != 1 || row->div != 1 || col->div != 1)
        return 0;
    if (row->step * row->step != 1 || row->step != col->step) return 0;
    if (c->groups != 1 || c->in < 8 || c->out < 8 || c->batch < 8) return 0;
    return POINTS * ((row->out + 1) / 2) * ((col->out + 1) / 2) * 5 < 9 * 4 * row->out * col->out;
}

/* The list of vectors: chunks of samples, then tiles row by row, then the vectors of a chunk, of which the
 * last chunk may have fewer: it begins with vector `full` of the list. */
typedef struct {
    int rows, cols, per_chunk, last_chunk, full, count;
} Tiles;

#define CHUNK_VECS (16 / LANES) /* 16 samples: whole cache lines */

INLINE Tiles tiles_of(const Correlation *c, int per_chunk) {
    Tiles t = {(c->row.out + 1) / 2, (c->col.out + 1) / 2, per_chunk, 1, 0, 0};
    int vecs = (c->batch + LANES - 1) / LANES, rest = vecs % per_chunk, tiles = t.rows * t.cols;
    if (rest) t.last_chunk = rest;
    t.full = (vecs - rest) * tiles;
    t.count = vecs * tiles;
    return t;
}

/* Where a tile's square of values lies in a channel, -1 outside of the map, and its samples: `whole` where
 * all are there. */
typedef struct {
    int32_t offset[16];
    int count, whole;
} Square;

/* The `size` x `size` square of vector j of the list in a map of rows x cols: outputs begin at (0, 0), inputs
 * at (row, col). */
INLINE void find_square(const Tiles *t, int j, int size, int row, int col, int rows, int cols, int batch,
                        Square *s) {
    int tiles = t->rows * t->cols, behind = j >= t->full, begin = behind ? t->full : 0,
        vecs = behind ? t->last_chunk : t->per_chunk;
    int tile = (j - begin) / vecs, n = (begin / tiles + tile / tiles * vecs + (j - begin) % vecs) * LANES;
    s->count = j < t->count ? least(batch - n, LANES) : 0;
    s->whole = s->count == LANES;
    row += tile / t->cols % t->rows * 2;
    col += tile % t->cols * 2;
    for (int r = 0; r < size; r++)
        for (int k = 0; k < size; k++) {
            int inside = row + r >= 0 && row + r < rows && col + k >= 0 && col + k < cols && s->count > 0;
            s->offset[r * size + k] = inside ? ((row + r) * cols + col + k) * batch + n : -1;
            s->whole &= inside;
        }
}

/* Asks for a square's cache lines: neighbours in a map are too far apart for the processor to foresee. */
INLINE void prefetch_square(const float *x, const Square *s, int values) {
#pragma GCC unroll 16
    for (int k = 0; k < values; k++) __builtin_prefetch(x + s->offset[k], 0, 2);
}

/* One line of B^T d, for four values. */
INLINE void input_line(const vec *d, int step, vec *t) {
    t[0] = d[0] - d[2 * step];
    t[1] = d[step] + d[2 * step];
    t[2] = d[2 * step] - d[step];
    t[3] = d[step] - d[3 * step];
}

/* B^T d B of the inputs under a tile; its points go `point` floats apart. */
INLINE void transform_square(const float *x, const Square *s, int whole, float *v, int64_t point) {
    vec d[16], t[16];
#pragma GCC unroll 16
    for (int k = 0; k < 16; k++)
        d[k] = whole              ? load(x + s->offset[k])
               : s->offset[k] < 0 ? splat(0)
                                  : load_part(x + s->offset[k], s->count);
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        vec line[4];
        input_line(d + k, 4, line);
        for (int r = 0; r < 4; r++) t[r * 4 + k] = line[r];
    }
#pragma GCC unroll 4
    for (int r = 0; r < 4; r++) {
        vec line[4];
        input_line(t + 4 * r, 1, line);
        for (int k = 0; k < 4; k++) store(v + (4 * r + k) * point, line[k]);
    }
}

/* The same for some vectors of `channels` channels `plane` apart: v[point][channel][vector], channel by
 * channel, since maps whose size is a power of two share few sets of the cache. */
INLINE void transform_inputs(const float *x, int64_t plane, int channels, const Square *squares, int vecs,
                             float *v, int64_t point, int64_t row) {
    for (int i = 0; i < channels; i++, x += plane, v += row)
        for (int j = 0; j < vecs; j++) {
            prefetch_square(x + plane, squares + j, 16);
            if (squares[j].whole) transform_square(x, squares + j, 1, v + j * LANES, point);
            else transform_square(x, squares + j, 0, v + j * LANES, point);
        }
}

#endif
