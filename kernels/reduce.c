/* Sums over some dimensions of a strided tensor. Each output is summed by one thread in one order. */
#include "kernel.h"

/* Sum of r0 x r1 x r2 x r3 elements at x. */
static float sum_strided(const float *x, const int32_t *r, const int32_t *s) {
    float total = 0;
    for (int i0 = 0; i0 < r[0]; i0++)
        for (int i1 = 0; i1 < r[1]; i1++)
            for (int i2 = 0; i2 < r[2]; i2++) {
                const float *row = x + (int64_t)i0 * s[0] + (int64_t)i1 * s[1] + (int64_t)i2 * s[2];
                if (s[3] == 1) {
                    vec acc = splat(0);
                    for (int i = 0; i < r[3]; i += LANES)
                        acc += load_part(row + i, r[3] - i < LANES ? r[3] - i : LANES);
                    total += sum_lanes(acc);
                } else {
                    for (int i = 0; i < r[3]; i++) total += row[(int64_t)i * s[3]];
                }
            }
    return total;
}

/* LANES neighbouring outputs at once, where outputs lie side by side. */
static vec sum_side_by_side(const float *x, int count, const int32_t *r, const int32_t *s) {
    vec acc = splat(0);
    for (int i0 = 0; i0 < r[0]; i0++)
        for (int i1 = 0; i1 < r[1]; i1++)
            for (int i2 = 0; i2 < r[2]; i2++)
                for (int i3 = 0; i3 < r[3]; i3++)
                    acc += load_part(x + (int64_t)i0 * s[0] + (int64_t)i1 * s[1] + (int64_t)i2 * s[2] +
                                         (int64_t)i3 * s[3],
                                     count);
    return acc;
}

/* y = the sum (or mean) of x over the dimensions r (strides t), for each place of the dimensions d (strides
 * s). */
DEFINE_KERNEL(reduce) {
    const int32_t *o = a->d, *so = a->s, *r = a->r, *sr = a->t;
    const float *x = ctx->arena + a->x;
    float *y = ctx->arena + a->y;
    float scale = a->mean ? 1.0f / ((float)r[0] * r[1] * r[2] * r[3]) : 1.0f;
    int outer = o[0] * o[1] * o[2], inner = o[3], wide = so[3] == 1 && inner > 1;
    int grain = wide ? LANES : 1, per_row = (inner + grain - 1) / grain, lo, hi;
    share(ctx, outer * per_row, 1, &lo, &hi);
    for (int t = lo; t < hi; t++) {
        int row = t / per_row, i = t % per_row * grain;
        int i2 = row % o[2], i1 = row / o[2] % o[1], i0 = row / o[2] / o[1];
        const float *from =
            x + (int64_t)i0 * so[0] + (int64_t)i1 * so[1] + (int64_t)i2 * so[2] + (int64_t)i * so[3];
        float *to = y + (int64_t)row * inner + i;
        if (wide) {
            int count = inner - i < LANES ? inner - i : LANES;
            store_part(to, sum_side_by_side(from, count, r, sr) * scale, count);
        } else {
            *to = sum_strided(from, r, sr) * scale;
        }
    }
}
