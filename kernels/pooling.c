/* Mean pooling over windows of [channel][row][column][sample], one output pixel (all its samples) at a
 * time. */
#include "pooling.h"

INLINE float window_size(const Window *s, int y0, int y1, int x0, int x1, int include_pad) {
    return include_pad ? (float)(s->kh * s->kw) : (float)((y1 - y0) * (x1 - x0));
}

/* y = the mean of the window, padding counted if include_pad. */
DEFINE_KERNEL(average_pool) {
    Window s = *(const Window *)a;
    int lo, hi;
    share(ctx, s.channels * s.oh, 1, &lo, &hi);
    for (int t = lo; t < hi; t++) {
        int c = t / s.oh, y0, y1;
        const float *plane = ctx->arena + a->x + (int64_t)c * s.h * s.w * s.batch;
        inside(t % s.oh, s.sy, s.top, s.kh, s.h, &y0, &y1);
        for (int col = 0; col < s.ow; col++) {
            int x0, x1;
            inside(col, s.sx, s.left, s.kw, s.w, &x0, &x1);
            vec scale = splat(1.0f / window_size(&s, y0, y1, x0, x1, a->include_pad));
            for (int n = 0; n < s.batch; n += LANES) {
                int count = s.batch - n < LANES ? s.batch - n : LANES;
                vec sum = splat(0);
                for (int y = y0; y < y1; y++)
                    for (int x = x0; x < x1; x++)
                        sum += load_part(plane + ((int64_t)y * s.w + x) * s.batch + n, count);
                store_part(ctx->arena + a->y + ((int64_t)t * s.ow + col) * s.batch + n, sum * scale, count);
            }
        }
    }
}

/* The transpose of average_pool. */
DEFINE_KERNEL(average_pool_grad) {
    Window s = *(const Window *)a;
    int lo, hi;
    share(ctx, s.channels, 1, &lo, &hi);
    for (int c = lo; c < hi; c++) {
        float *plane = ctx->arena + a->dinput + (int64_t)c * s.h * s.w * s.batch;
        for (int64_t i = 0; i < (int64_t)s.h * s.w * s.batch; i++) plane[i] = 0;
        for (int r = 0; r < s.oh; r++)
            for (int col = 0; col < s.ow; col++) {
                int y0, y1, x0, x1;
                inside(r, s.sy, s.top, s.kh, s.h, &y0, &y1);
                inside(col, s.sx, s.left, s.kw, s.w, &x0, &x1);
                vec scale = splat(1.0f / window_size(&s, y0, y1, x0, x1, a->include_pad));
                const float *dy = ctx->arena + a->gradient + (((int64_t)c * s.oh + r) * s.ow + col) * s.batch;
                for (int n = 0; n < s.batch; n += LANES) {
                    int count = s.batch - n < LANES ? s.batch - n : LANES;
                    vec d = load_part(dy + n, count) * scale;
                    for (int y = y0; y < y1; y++)
                        for (int x = x0; x < x1; x++) {
                            float *at = plane + ((int64_t)y * s.w + x) * s.batch + n;
                            store_part(at, load_part(at, count) + d, count);
                        }
                }
            }
    }
}
