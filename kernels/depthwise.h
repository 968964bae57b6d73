/* Convolutions of one channel each (depthwise.c): the passes that conv.c, conv_weight.c and conv_samples.c
 * hand over. */
#ifndef ESPALIER_DEPTHWISE_H
#define ESPALIER_DEPTHWISE_H

#include "conv.h"

#define MOST_DEPTHWISE_TAPS 7 /* along an axis */
#define MOST_DEPTHWISE_ROWS 4096

/* One symbol per instruction set. */
#define depthwise JOIN(depthwise, ISA)
#define depthwise_pixels JOIN(depthwise_pixels, ISA)
#define depthwise_3x3 JOIN(depthwise_3x3, ISA)
#define depthwise_pixels_weight_grad JOIN(depthwise_pixels_weight_grad, ISA)
#define depthwise_weight_grads JOIN(depthwise_weight_grads, ISA)

void depthwise(const Context *ctx, const Correlation *c);
/* The same for fewer samples than a vector has lanes; 0, and nothing is done, where the scratch has no room.
 */
int depthwise_pixels(const Context *ctx, const Correlation *c);
/* The same for the kernels of deployed networks; 0, and nothing is done, where it is none of those. */
int depthwise_3x3(const Context *ctx, const Correlation *c);
int depthwise_pixels_weight_grad(const Context *ctx, const Correlation *c, const float *dy, float *dw);
void depthwise_weight_grads(const Context *ctx, const Correlation *c, const float *dy, float *dw, float *sum,
                            int kind);

enum { GRADIENT_SUM, GRADIENT_BY_SAMPLE, GRADIENT_SQUARES };

/* A group is one channel to one channel, by a kernel of few taps. */
INLINE int is_depthwise(const Correlation *c) {
    if (c->groups == 1 || c->in != 1 || c->out != 1) return 0;
    if (c->row.out > MOST_DEPTHWISE_ROWS || c->col.out > MOST_DEPTHWISE_ROWS) return 0;
    return c->row.taps <= MOST_DEPTHWISE_TAPS && c->col.taps <= MOST_DEPTHWISE_TAPS;
}

#endif
