/* Pooling of bytes, four channels at a time: maps lie as int8.h says. */
#include "int8.h"
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

/* y = the largest byte of the window; what lies beside the map does not count. Rows first, then columns. */
DEFINE_KERNEL(int8_max_pool) {
    Window s = *(const Window *)a;
    int lo, hi, run = 4 * s.ow * s.batch, width = 4 * s.w * s.batch, step = 4 * s.batch;
    uint8_t *row = (uint8_t *)ctx->scratch, *y = (uint8_t *)(ctx->arena + a->y);
    share(ctx, quads(s.channels) * s.oh, 1, &lo, &hi);
    if (width > SCRATCH_BYTES) {
        refuse(ctx, (float *)y, (int64_t)quads(s.channels) * s.oh * s.ow * s.batch);
        return;
    }
    for (int t = lo; t < hi; t++) {
        int y0, y1;
        inside(t % s.oh, s.sy, s.top, s.kh, s.h, &y0, &y1);
        const uint8_t *plane = (const uint8_t *)(ctx->arena + a->x) + (int64_t)(t / s.oh) * s.h * width;
        for (int i = 0; i < width; i++) row[i] = plane[(int64_t)y0 * width + i];
        for (int from = y0 + 1; from < y1; from++)
            for (int i = 0; i < width; i++) {
                uint8_t x = plane[(int64_t)from * width + i];
                row[i] = x > row[i] ? x : row[i];
            }
        for (int col = 0; col < s.ow; col++) {
            int x0, x1;
            inside(col, s.sx, s.left, s.kw, s.w, &x0, &x1);
            uint8_t *to = y + (int64_t)t * run + col * step;
            for (int i = 0; i < step; i++) {
                uint8_t most = row[x0 * step + i];
                for (int x = x0 + 1; x < x1; x++) most = row[x * step + i] > most ? row[x * step + i] : most;
                to[i] = most;
            }
        }
    }
}
