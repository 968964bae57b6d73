/* Batches: from a data set that lies in the arena, as bytes or floats, to the batch-innermost input of a
 * network. */
#include "kernel.h"

/* An index that was written as a float, kept inside the data set whatever it holds. */
INLINE int64_t safe_index(float value, int count) {
    return value >= 0 && value < (float)count ? (int64_t)value : 0;
}

#define CHUNK 1024 /* samples whose addresses, and how each image is changed, are found at once */
_Static_assert(SCRATCH_BYTES >= CHUNK * (sizeof(uint8_t *) + 3 * sizeof(int32_t)), "the scratch holds them");

/* y[channel][pixel][sample] = scale[channel] x + shift[channel], x the byte of image index[sample]. */
DEFINE_KERNEL(load_images) {
    int batch = a->batch, count = a->count, plane = a->plane, features = a->channels * plane, lo, hi;
    const uint8_t *data = (const uint8_t *)(ctx->arena + a->data);
    const float *index = ctx->arena + a->index, *scale = ctx->arena + a->scale,
                *shift = ctx->arena + a->shift;
    const uint8_t **image = (const uint8_t **)ctx->scratch;
    share(ctx, features, 1, &lo, &hi);
    for (int first = 0; first < batch; first += CHUNK) {
        int samples = batch - first < CHUNK ? batch - first : CHUNK;
        for (int i = 0; i < samples; i++) image[i] = data + safe_index(index[first + i], count) * features;
        for (int f = lo; f < hi; f++) {
            float s = scale[f / plane], t = shift[f / plane],
                  *y = ctx->arena + a->y + (int64_t)f * batch + first;
            for (int i = 0; i < samples; i++) y[i] = image[i][f] * s + t;
        }
    }
}

/* Where row or column i of a padded and shifted image is in the image of n: outside is -1, or mirrored
 * without repeating the edge. */
INLINE int padded_place(int i, int n, int reflect) {
    if (i >= 0 && i < n) return i;
    if (!reflect) return -1;
    i = i < 0 ? -i : 2 * (n - 1) - i;
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* As load_images, cropped from the image padded by `pad`, and flipped: change [code][sample] holds the crop's
 * first row and column (0 to 2 pad) and whether columns run backwards. Padding is byte 0, or a reflection. */
DEFINE_KERNEL(load_augmented) {
    int batch = a->batch, count = a->count, channels = a->channels, h = a->h, w = a->w, pad = a->pad, lo, hi;
    int64_t plane = (int64_t)h * w;
    const uint8_t *data = (const uint8_t *)(ctx->arena + a->data);
    const float *index = ctx->arena + a->index, *scale = ctx->arena + a->scale,
                *shift = ctx->arena + a->shift;
    const float *change = ctx->arena + a->change, *change_top = change + CHANGE_TOP * batch;
    const float *change_left = change + CHANGE_LEFT * batch, *change_flip = change + CHANGE_FLIP * batch;
    const uint8_t **image = (const uint8_t **)ctx->scratch;
    int32_t *top = (int32_t *)(image + CHUNK), *left = top + CHUNK, *flip = left + CHUNK;
    share(ctx, channels * h, 1, &lo, &hi);
    for (int first = 0; first < batch; first += CHUNK) {
        int samples = batch - first < CHUNK ? batch - first : CHUNK;
        for (int i = 0; i < samples; i++) {
            image[i] = data + safe_index(index[first + i], count) * channels * plane;
            top[i] = (int)safe_index(change_top[first + i], 2 * pad + 1) - pad;
            left[i] = (int)safe_index(change_left[first + i], 2 * pad + 1) - pad;
            flip[i] = change_flip[first + i] != 0;
        }
        for (int t = lo; t < hi; t++) {
            int c = t / h, row = t % h;
            for (int col = 0; col < w; col++) {
                float *y = ctx->arena + a->y + ((int64_t)t * w + col) * batch + first;
                for (int i = 0; i < samples; i++) {
                    int from_row = padded_place(row + top[i], h, a->reflect);
                    int from_col = padded_place((flip[i] ? w - 1 - col : col) + left[i], w, a->reflect);
                    int outside = from_row < 0 || from_col < 0;
                    y[i] =
                        (outside ? 0 : image[i][c * plane + from_row * w + from_col]) * scale[c] + shift[c];
                }
            }
        }
    }
}

/* y[feature][sample] = x[feature] of row index[sample]. */
DEFINE_KERNEL(load_floats) {
    int batch = a->batch, features = a->features, lo, hi;
    const float *data = ctx->arena + a->data, *index = ctx->arena + a->index;
    const float **row = (const float **)ctx->scratch;
    share(ctx, features, 1, &lo, &hi);
    for (int first = 0; first < batch; first += CHUNK) {
        int samples = batch - first < CHUNK ? batch - first : CHUNK;
        for (int i = 0; i < samples; i++) row[i] = data + safe_index(index[first + i], a->count) * features;
        for (int f = lo; f < hi; f++) {
            float *y = ctx->arena + a->y + (int64_t)f * batch + first;
            for (int i = 0; i < samples; i++) y[i] = row[i][f];
        }
    }
}
