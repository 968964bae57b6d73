/* Pooling of bytes, four channels at a time: maps lie as int8.h says. */
#include "int8_window.h"
#include "pooling.h"

/* At most so many bytes have a sum of 16 bits. */
#define MOST_HALVES 257

/* y = round((sum of the window - its size * zero_x) scale) + zero, within low and high. All windows lie
 * inside. */
DEFINE_KERNEL(int8_average_pool) {
    Window s = *(const Window *)a;
    Ending end = {.zero = a->zero, .low = a->low, .high = a->high};
    float scale = ctx->arena[a->scale];
    int lo, hi, run = s.ow * s.batch;
    share(ctx, quads(s.channels) * s.oh, 1, &lo, &hi);
    for (int t = lo; t < hi; t++) {
        int top = t % s.oh * s.sy - s.top;
        const uint32_t *plane =
            (const uint32_t *)(ctx->arena + a->x) + (int64_t)(t / s.oh) * s.h * s.w * s.batch;
        for (int j = 0; j < run; j++) {
            const uint32_t *from =
                plane + ((int64_t)top * s.w + j / s.batch * s.sx - s.left) * s.batch + j % s.batch;
            int32_t sums[4] = {0};
            for (int y = 0; y < s.kh; y++)
                for (int x0 = 0; x0 < s.kw; x0 += MOST_HALVES) {
                    uint32_t even = 0, odd = 0;
                    for (int x = x0, x1 = least(x0 + MOST_HALVES, s.kw); x < x1; x++) {
                        uint32_t word = from[((int64_t)y * s.w + x) * s.batch];
                        even += word & 0x00ff00ff, odd += word >> 8 & 0x00ff00ff;
                    }
                    sums[0] += even & 0xffff, sums[2] += even >> 16;
                    sums[1] += odd & 0xffff, sums[3] += odd >> 16;
                }
            uint32_t word = 0;
            for (int r = 0; r < 4; r++)
                word |= (uint32_t)to_byte((float)(sums[r] - s.kh * s.kw * a->zero_x) * scale, &end)
                        << (8 * r);
            ((uint32_t *)(ctx->arena + a->y))[(int64_t)t * run + j] = word;
        }
    }
}

INLINE void keep_larger(uint8_t *most, const uint8_t *x, int count) {
    for (int i = 0; i < count; i++) most[i] = x[i] > most[i] ? x[i] : most[i];
}

/* y = the largest byte of the window; what lies beside the map counts as 0, which none is less than. Rows
 * first, then columns. */
DEFINE_KERNEL(int8_max_pool) {
    Window s = *(const Window *)a;
    int lo, hi, run = s.ow * s.batch, width = s.w * s.batch;
    int32_t *row = (int32_t *)ctx->scratch, *column = row + width, *y = (int32_t *)(ctx->arena + a->y);
    Windows c = {.s = {.batch = s.batch, .w = s.w, .sx = s.sx}};
    share(ctx, quads(s.channels) * s.oh, 1, &lo, &hi);
    if (width + run > SCRATCH_FLOATS) {
        refuse(ctx, (float *)y, (int64_t)quads(s.channels) * s.oh * run);
        return;
    }
    for (int t = lo; t < hi; t++) {
        int y0, y1;
        inside(t % s.oh, s.sy, s.top, s.kh, s.h, &y0, &y1);
        const int32_t *plane = (const int32_t *)(ctx->arena + a->x) + (int64_t)(t / s.oh) * s.h * width;
        int32_t *to = y + (int64_t)t * run;
        copy_words(row, plane + (int64_t)y0 * width, width);
        for (int from = y0 + 1; from < y1; from++)
            keep_larger((uint8_t *)row, (const uint8_t *)(plane + (int64_t)from * width), 4 * width);
        pack_run(&c, to, row, 0, run, -s.left);
        for (int kx = 1; kx < s.kw; kx++) {
            pack_run(&c, column, row, 0, run, kx - s.left);
            keep_larger((uint8_t *)to, (const uint8_t *)column, 4 * run);
        }
    }
}
