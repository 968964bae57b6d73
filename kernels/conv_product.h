/* Convolutions of few samples, and their gradients, as matrix products: what conv.c and conv_weight.c hand
 * over. */
#ifndef ESPALIER_CONV_PRODUCT_H
#define ESPALIER_CONV_PRODUCT_H

#include "conv.h"

/* One symbol per instruction set. */
#define conv_product JOIN(conv_product, ISA)
#define conv_input_product JOIN(conv_input_product, ISA)
#define conv_weight_product JOIN(conv_weight_product, ISA)

void conv_product(const Context *ctx, const Correlation *c);
/* Whether the input gradient of few samples is faster as a product. Where rows of half a vector of samples
 * fill tiles, and no stride leaves gaps in them, it is not. */
INLINE int input_product_pays(const Correlation *c) {
    int wide = 2 * c->batch >= LANES && c->col.out * c->batch >= 8 * TILE_VECS * LANES;
    return c->batch < LANES && !(wide && c->row.div == 1 && c->col.div == 1);
}

/* The gradients, of fewer samples than a vector has lanes; 0, and nothing is done, where the scratch has no
 * room. */
int conv_input_product(const Context *ctx, const Correlation *c);
int conv_weight_product(const Context *ctx, const Correlation *c, const float *dy, float *dw);

/* Fewer samples than lanes, no input gradient, and the offsets of a plane and of a panel fit 32 bits. */
INLINE int is_product(const Correlation *c) {
    int64_t in = (int64_t)c->row.in * c->col.in * c->batch, out = (int64_t)c->row.out * c->col.out * c->batch,
            depth = (int64_t)c->in * c->row.taps * c->col.taps;
    if (c->batch >= LANES || c->weight_in != (int64_t)c->row.taps * c->col.taps) return 0;
    return c->row.div * c->col.div == 1 && in < INT32_MAX && out < INT32_MAX && depth < INT32_MAX;
}

#endif
