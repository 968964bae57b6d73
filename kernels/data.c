/* Batches: from a data set of bytes that lies in the arena to the batch-innermost input of a network. */
#include "kernel.h"

/* An index that was written as a float, kept inside the data set whatever it holds. */
INLINE int64_t safe_index(float value, int count) {
    return value >= 0 && value < (float)count ? (int64_t)value : 0;
}

#define CHUNK 1024 /* samples whose addresses are found at once */

/* y[channel][pixel][sample] = scale[channel] x + shift[channel], x the byte of image index[sample].
 * args: batch count channels plane data index scale shift y */
KERNEL(load_images) {
    int batch = a[0], count = a[1], plane = a[3], features = a[2] * plane, lo, hi;
    const uint8_t *data = (const uint8_t *)(ctx->arena + a[4]);
    const float *index = ctx->arena + a[5], *scale = ctx->arena + a[6], *shift = ctx->arena + a[7];
    const uint8_t **image = (const uint8_t **)ctx->scratch;
    share(ctx, features, 1, &lo, &hi);
    for (int first = 0; first < batch; first += CHUNK) {
        int samples = batch - first < CHUNK ? batch - first : CHUNK;
        for (int i = 0; i < samples; i++) image[i] = data + safe_index(index[first + i], count) * features;
        for (int f = lo; f < hi; f++) {
            float s = scale[f / plane], t = shift[f / plane], *y = ctx->arena + a[8] + (int64_t)f * batch + first;
            for (int i = 0; i < samples; i++) y[i] = image[i][f] * s + t;
        }
    }
}

/* y[sample] = labels[index[sample]]. args: batch count labels index y */
KERNEL(load_labels) {
    if (ctx->part) return;
    for (int i = 0; i < a[0]; i++)
        ctx->arena[a[4] + i] = ctx->arena[a[2] + safe_index(ctx->arena[a[3] + i], a[1])];
}
