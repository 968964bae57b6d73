/* Products of the output's gradient with the runs of the input that taps read (sparse_weight.c): what the
 * weight gradients of a sparse weight and of depthwise convolutions of few samples are sums of. */
#ifndef ESPALIER_SPARSE_WEIGHT_H
#define ESPALIER_SPARSE_WEIGHT_H

#include "sparse.h"

/* The runs of one output channel: `rows` x `pixels` of `length` floats. */
typedef struct {
    const float *dy, *strip;
    int64_t dy_row, dy_pixel, x_row, x_pixel;
    int rows, pixels, length;
} Runs;

/* One symbol per instruction set. */
#define sum_products JOIN(sum_products, ISA)

/* sums[entry of a tap] += the products of its runs, for `count` taps. */
void sum_products(const Runs *runs, const Tap *taps, int count, float *sums);

#endif
