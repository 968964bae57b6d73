/* Floats to bytes and back, maps of floats lying as [channel][place], those of bytes as int8.h says. */
#include "int8.h"

/* q = clamp(round(x / scale) + zero, 0, 255), to the even one of two; NaN becomes 0. */
DEFINE_KERNEL(quantize) {
    float scale = ctx->arena[a->scale];
    Ending end = {.zero = a->zero, .low = 0, .high = 255};
    Limits limits = limits_of(&end);
    int lo, hi;
    share(ctx, a->n, LANES, &lo, &hi);
    for (int q = 0; q < quads(a->channels); q++) {
        const float *x = ctx->arena + a->x + (int64_t)4 * q * a->n;
        int32_t *y = (int32_t *)(ctx->arena + a->y) + (int64_t)q * a->n;
        int rows = least(4, a->channels - 4 * q);
        for (int i = lo; i < hi; i += LANES) {
            int count = least(LANES, hi - i);
            ivec word = splat_word(0);
            for (int r = 0; r < 4; r++) {
                vec value = splat(0);
                if (r < rows) value = load_part(x + (int64_t)r * a->n + i, count) / scale;
                word |= to_bytes(value, limits) << (8 * r);
            }
            store_some(y + i, word, count);
        }
    }
}

/* y = (q - zero) scale. */
DEFINE_KERNEL(dequantize) {
    float scale = ctx->arena[a->scale];
    int lo, hi;
    share(ctx, a->n, LANES, &lo, &hi);
    for (int c = 0; c < a->channels; c++) {
        const float *x = ctx->arena + a->x + (int64_t)(c / 4) * a->n;
        float *y = ctx->arena + a->y + (int64_t)c * a->n;
        for (int i = lo; i < hi; i += LANES) {
            int count = least(LANES, hi - i);
            ivec whole = ((ivec)load_part(x + i, count) >> (8 * (c % 4)) & 255) - a->zero;
            store_part(y + i, __builtin_convertvector(whole, vec) * scale, count);
        }
    }
}

/* y = round((a - zero_a) scale[0] + (b - zero_b) scale[1]) + zero, within low and high, of `n` words of four.
 * In double precision all of that is exact, so that no processor rounds otherwise. */
DEFINE_KERNEL(int8_add) {
    const double rounder = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to the nearest whole number */
    double by_a = ctx->arena[a->scale], by_b = ctx->arena[a->scale + 1];
    double low = a->low - a->zero, high = a->high - a->zero;
    const uint8_t *one = (const uint8_t *)(ctx->arena + a->a), *other = (const uint8_t *)(ctx->arena + a->b);
    uint8_t *y = (uint8_t *)(ctx->arena + a->y);
    int zero = a->zero, zero_a = a->zero_a, zero_b = a->zero_b, lo, hi;
    share(ctx, a->n, 16, &lo, &hi);
    for (int64_t i = 4 * (int64_t)lo; i < 4 * (int64_t)hi; i++) {
        double value = (one[i] - zero_a) * by_a + (other[i] - zero_b) * by_b;
        value = value > low ? value : low;
        value = value < high ? value : high;
        y[i] = (uint8_t)((int)(value + rounder - rounder) + zero);
    }
}
