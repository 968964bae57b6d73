/* 1 x 1 convolutions with a stride, and their gradients (conv_pointwise.c), which conv.c and conv_weight.c
 * hand over. */
#ifndef ESPALIER_CONV_POINTWISE_H
#define ESPALIER_CONV_POINTWISE_H

#include "conv.h"

/* One symbol per instruction set. */
#define conv_pointwise JOIN(conv_pointwise, ISA)
#define pointwise_weight_grad JOIN(pointwise_weight_grad, ISA)

/* The correlation of a convolution or of its input gradient. */
void conv_pointwise(const Context *ctx, const Correlation *c);
/* dw [output channel][input channel] of one group: output channels [o0, o1), input channels [i0, i1). dy and
 * x are those of the group. */
void pointwise_weight_grad(const Correlation *c, const float *x, const float *dy, float *dw, int o0, int o1,
                           int i0, int i1);

/* Whether an axis has no padding, not even behind its last position. */
INLINE int is_bare(const Axis *axis) {
    int64_t mul = axis->mul, div = axis->div;
    return axis->shift == 0 && (axis->out - 1) * mul < axis->in * div &&
           (axis->in - 1) * div < axis->out * mul;
}

/* One tap, a stride, no padding, and samples that fill whole vectors. */
INLINE int is_pointwise(const Correlation *c) {
    const Axis *row = &c->row, *col = &c->col;
    int strided = row->mul > 1 || row->div > 1 || col->mul > 1 || col->div > 1;
    return row->taps * col->taps == 1 && strided && c->batch % LANES == 0 && is_bare(row) && is_bare(col);
}

#endif
