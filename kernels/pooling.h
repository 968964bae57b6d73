/* What pooling kernels share: the windows of [channel][row][column][sample]. */
#ifndef ESPALIER_POOLING_H
#define ESPALIER_POOLING_H

#include "kernel.h"

/* The sizes that the arguments of pooling begin with. */
typedef struct {
    int32_t POOL_SIZES;
} Window;

/* The part of the window at output row r (or column) that lies inside the input. */
INLINE void inside(int r, int stride, int pad, int taps, int size, int *from, int *to) {
    int start = r * stride - pad;
    *from = start < 0 ? 0 : start;
    *to = start + taps < size ? start + taps : size;
}

#endif
