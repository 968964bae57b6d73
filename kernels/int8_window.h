/* The windows of a convolution of bytes as columns of a matrix of words: to[k][width], k = (four of channels,
 * row, column of the kernel), for some outputs in a row of (row, column, sample). */
#ifndef ESPALIER_INT8_WINDOW_H
#define ESPALIER_INT8_WINDOW_H

#include "int8.h"

typedef struct {
    int32_t CONV_SIZES;
} Int8Sizes;

typedef struct {
    Int8Sizes s;
    const int32_t *x;
    int32_t border; /* four bytes of what lies beside the map */
} Windows;

/* Words of a window. */
INLINE int depth_of(const Int8Sizes *s) { return quads(s->in) * s->kh * s->kw; }
INLINE int64_t positions_of(const Int8Sizes *s) { return (int64_t)s->oh * s->ow * s->batch; }

INLINE void copy_words(int32_t *to, const int32_t *from, int count) {
    int i = 0;
    for (; i + LANES <= count; i += LANES) store_words(to + i, load_words(from + i));
    if (i < count) store_some(to + i, (ivec)load_part((const float *)from + i, count - i), count - i);
}
INLINE void fill_words(int32_t *to, int32_t word, int count) {
    for (int i = 0; i < count; i++) to[i] = word;
}

/* One symbol per instruction set. */
#define pack_run JOIN(pack_run, ISA)
#define pack_windows JOIN(pack_windows, ISA)

/* One word of the windows for the outputs [j, j + count) of a row: those that lie `shift` columns further. */
void pack_run(const Windows *c, int32_t *to, const int32_t *row, int j, int count, int shift);
/* Packs the windows of outputs [p0, p0 + cols). */
void pack_windows(const Windows *c, int32_t *to, int64_t p0, int cols, int width);

#endif
