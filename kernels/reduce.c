/* Sums, means, products and the largest or least values over some dimensions of a strided tensor. Each output
 * is computed by one thread in one order. */
#include "functions.h"

/* What a reduction of nothing gives. */
INLINE float nothing(int kind) {
    switch (kind) {
        case REDUCE_MAX: return -__builtin_inff();
        case REDUCE_MIN: return __builtin_inff();
        case REDUCE_PROD: return 1;
        default: return 0;
    }
}

INLINE vec take(int kind, vec sum, vec x) {
    switch (kind) {
        case REDUCE_MAX: return largest(sum, x);
        case REDUCE_MIN: return smallest(sum, x);
        case REDUCE_PROD: return sum * x;
        default: return sum + x;
    }
}

INLINE float take_one(int kind, float sum, float x) {
    switch (kind) {
        case REDUCE_MAX: return sum > x || sum != sum ? sum : x;
        case REDUCE_MIN: return sum < x || sum != sum ? sum : x;
        case REDUCE_PROD: return sum * x;
        default: return sum + x;
    }
}

/* The first `count` floats at x; lanes after them change nothing. */
INLINE vec load_for(int kind, const float *x, int count) {
    vec v = load_part(x, count);
    if (kind == REDUCE_SUM || count == LANES) return v;
    for (int l = count; l < LANES; l++) v[l] = nothing(kind);
    return v;
}

INLINE float lanes_to_one(int kind, vec v) {
    if (kind == REDUCE_SUM) return sum_lanes(v);
    float total = v[0];
    for (int l = 1; l < LANES; l++) total = take_one(kind, total, v[l]);
    return total;
}

/* Of r0 x r1 x r2 x r3 elements at x. */
INLINE float reduce_strided(int kind, const float *x, const int32_t *r, const int32_t *s) {
    float total = nothing(kind);
    for (int i0 = 0; i0 < r[0]; i0++)
        for (int i1 = 0; i1 < r[1]; i1++)
            for (int i2 = 0; i2 < r[2]; i2++) {
                const float *row = x + (int64_t)i0 * s[0] + (int64_t)i1 * s[1] + (int64_t)i2 * s[2];
                if (s[3] == 1) {
                    vec acc = splat(nothing(kind));
                    for (int i = 0; i < r[3]; i += LANES)
                        acc = take(kind, acc, load_for(kind, row + i, least(LANES, r[3] - i)));
                    total = take_one(kind, total, lanes_to_one(kind, acc));
                } else {
                    for (int i = 0; i < r[3]; i++) total = take_one(kind, total, row[(int64_t)i * s[3]]);
                }
            }
    return total;
}

/* LANES neighbouring outputs at once, where outputs lie side by side. */
INLINE vec reduce_side_by_side(int kind, const float *x, int count, const int32_t *r, const int32_t *s) {
    vec acc = splat(nothing(kind));
    for (int i0 = 0; i0 < r[0]; i0++)
        for (int i1 = 0; i1 < r[1]; i1++)
            for (int i2 = 0; i2 < r[2]; i2++)
                for (int i3 = 0; i3 < r[3]; i3++)
                    acc = take(kind, acc,
                               load_part(x + (int64_t)i0 * s[0] + (int64_t)i1 * s[1] + (int64_t)i2 * s[2] +
                                             (int64_t)i3 * s[3],
                                         count));
    return acc;
}

/* y = x reduced over the dimensions r (strides t), for each place of the dimensions d (strides s). */
INLINE void reduce_all(int kind, float scale, const Context *ctx, const reduce_args *a) {
    const int32_t *o = a->d, *so = a->s, *r = a->r, *sr = a->t;
    const float *x = ctx->arena + a->x;
    float *y = ctx->arena + a->y;
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
            int count = least(LANES, inner - i);
            store_part(to, reduce_side_by_side(kind, from, count, r, sr) * scale, count);
        } else {
            *to = reduce_strided(kind, from, r, sr) * scale;
        }
    }
}

DEFINE_KERNEL(reduce) {
    const int32_t *r = a->r;
    float scale = a->kind == REDUCE_MEAN ? 1.0f / ((float)r[0] * r[1] * r[2] * r[3]) : 1.0f;
    if (a->kind == REDUCE_SUM || a->kind == REDUCE_MEAN) reduce_all(REDUCE_SUM, scale, ctx, a);
    else reduce_all(a->kind, 1.0f, ctx, a);
}
