/* Convolutions of few samples as matrix products (conv_product.c), which conv.c hands over. */
#ifndef ESPALIER_CONV_PRODUCT_H
#define ESPALIER_CONV_PRODUCT_H

#include "conv.h"

/* One symbol per instruction set. */
#define conv_product JOIN(conv_product, ISA)

void conv_product(const Context *ctx, const Correlation *c);

/* Fewer samples than lanes, no input gradient, and the offsets of a plane and of a panel fit 32 bits. */
INLINE int is_product(const Correlation *c) {
    int64_t in = (int64_t)c->row.in * c->col.in * c->batch, out = (int64_t)c->row.out * c->col.out * c->batch,
            depth = (int64_t)c->in * c->row.taps * c->col.taps;
    if (c->batch >= LANES || c->weight_in != (int64_t)c->row.taps * c->col.taps) return 0;
    return c->row.div * c->col.div == 1 && in < INT32_MAX && out < INT32_MAX && depth < INT32_MAX;
}

#endif
