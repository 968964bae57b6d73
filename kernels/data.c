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

/* Where row or column i of a padded and shifted image is in the image of n: outside is -1, or mirrored without repeating the edge. */
INLINE int padded_place(int i, int n, int reflect) {
    if (i >= 0 && i < n) return i;
    if (!reflect) return -1;
    i = i < 0 ? -i : 2 * (n - 1) - i;
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* As load_images, cropped from the image padded by `pad`, and flipped: change [3][sample] holds the crop's first row and column
 * (0 to 2 pad) and whether columns run backwards. Padding is byte 0, or a reflection.
 * args: batch count channels h w pad reflect data index change scale shift y */
KERNEL(load_augmented) {
    int batch = a[0], count = a[1], h = a[3], w = a[4], pad = a[5], reflect = a[6], lo, hi;
    int64_t plane = (int64_t)h * w;
    const uint8_t *data = (const uint8_t *)(ctx->arena + a[7]);
    const float *index = ctx->arena + a[8], *change = ctx->arena + a[9], *scale = ctx->arena + a[10], *shift = ctx->arena + a[11];
    const uint8_t **image = (const uint8_t **)ctx->scratch;
    int32_t *top = (int32_t *)(image + CHUNK), *left = top + CHUNK, *flip = left + CHUNK;
    share(ctx, a[2] * h, 1, &lo, &hi);
    for (int first = 0; first < batch; first += CHUNK) {
        int samples = batch - first < CHUNK ? batch - first : CHUNK;
        for (int i = 0; i < samples; i++) {
            image[i] = data + safe_index(index[first + i], count) * a[2] * plane;
            top[i] = (int)safe_index(change[first + i], 2 * pad + 1) - pad;
            left[i] = (int)safe_index(change[batch + first + i], 2 * pad + 1) - pad;
            flip[i] = change[2 * batch + first + i] != 0;
        }
        for (int t = lo; t < hi; t++) {
            int c = t / h, row = t % h;
            for (int col = 0; col < w; col++) {
                float *y = ctx->arena + a[12] + ((int64_t)t * w + col) * batch + first;
                for (int i = 0; i < samples; i++) {
                    int from_row = padded_place(row + top[i], h, reflect);
                    int from_col = padded_place((flip[i] ? w - 1 - col : col) + left[i], w, reflect);
                    int outside = from_row < 0 || from_col < 0;
                    y[i] = (outside ? 0 : image[i][c * plane + from_row * w + from_col]) * scale[c] + shift[c];
                }
            }
        }
    }
}

/* y[sample] = labels[index[sample]]. args: batch count labels index y */
KERNEL(load_labels) {
    if (ctx->part) return;
    for (int i = 0; i < a[0]; i++)
        ctx->arena[a[4] + i] = ctx->arena[a[2] + safe_index(ctx->arena[a[3] + i], a[1])];
}
