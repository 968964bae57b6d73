/* Softmax and what classification adds to it. Samples lie innermost: [class][sample]. */
#include "kernel.h"

/* The maximum over `classes` rows, and the sum of e^(x - max). */
INLINE void normalizer(const float *x, int classes, int64_t stride, int count, vec *max, vec *sum) {
    vec m = load_part(x, count), s = splat(0);
    for (int c = 1; c < classes; c++) m = max_vec(load_part(x + c * stride, count), m);
    for (int c = 0; c < classes; c++) s += exp_vec(load_part(x + c * stride, count) - m);
    *max = m;
    *sum = s;
}

/* y = softmax(x) over the middle axis of [outer][classes][inner]. */
DEFINE_KERNEL(softmax) {
    int classes = a->classes, inner = a->inner, per_outer = (inner + LANES - 1) / LANES, lo, hi;
    share(ctx, a->outer * per_outer, 1, &lo, &hi);
    for (int t = lo; t < hi; t++) {
        int i = t % per_outer * LANES, count = inner - i < LANES ? inner - i : LANES;
        int64_t base = (int64_t)(t / per_outer) * classes * inner + i;
        const float *x = ctx->arena + a->x + base;
        float *y = ctx->arena + a->y + base;
        vec max, sum;
        normalizer(x, classes, inner, count, &max, &sum);
        for (int c = 0; c < classes; c++)
            store_part(y + (int64_t)c * inner, exp_vec(load_part(x + (int64_t)c * inner, count) - max) / sum,
                       count);
    }
}

/* loss[n] = log sum_c e^z[c][n] - z[label[n]][n]. */
DEFINE_KERNEL(cross_entropy) {
    int classes = a->classes, n = a->n, lo, hi;
    share(ctx, n, LANES, &lo, &hi);
    for (int i = lo; i < hi; i += LANES) {
        int count = hi - i < LANES ? hi - i : LANES;
        const float *z = ctx->arena + a->logits + i;
        vec label = load_part(ctx->arena + a->labels + i, count), target = splat(0), max, sum;
        normalizer(z, classes, n, count, &max, &sum);
        for (int c = 0; c < classes; c++)
            target = choose(label == (float)c, load_part(z + (int64_t)c * n, count), target);
        store_part(ctx->arena + a->loss + i, log_vec(sum) + (max - target), count);
    }
}

/* dz[c][n] = (softmax(z)[c][n] - [label[n] = c]) dloss[n], z the logits. */
DEFINE_KERNEL(cross_entropy_grad) {
    int classes = a->classes, n = a->n, lo, hi;
    share(ctx, n, LANES, &lo, &hi);
    for (int i = lo; i < hi; i += LANES) {
        int count = hi - i < LANES ? hi - i : LANES;
        const float *z = ctx->arena + a->logits + i;
        vec label = load_part(ctx->arena + a->labels + i, count),
            dloss = load_part(ctx->arena + a->dloss + i, count);
        vec max, sum;
        normalizer(z, classes, n, count, &max, &sum);
        for (int c = 0; c < classes; c++) {
            vec p = exp_vec(load_part(z + (int64_t)c * n, count) - max) / sum;
            vec hit = choose(label == (float)c, splat(1), splat(0));
            store_part(ctx->arena + a->dlogits + (int64_t)c * n + i, (p - hit) * dloss, count);
        }
    }
}

/* How many samples have their largest logit (the first, among equals) at the label. A whole number, so that
 * it does not matter how the samples are shared out. */
DEFINE_KERNEL(count_correct) {
    int classes = a->classes, n = a->n, lo, hi;
    int32_t *correct = (int32_t *)ctx->scratch;
    *correct = 0;
    share(ctx, n, LANES, &lo, &hi);
    for (int i = lo; i < hi; i += LANES) {
        int count = least(LANES, hi - i);
        const float *z = ctx->arena + a->logits + i;
        vec label = load_part(ctx->arena + a->labels + i, count), largest = load_part(z, count),
            best = splat(0);
        for (int c = 1; c < classes; c++) {
            vec value = load_part(z + (int64_t)c * n, count);
            ivec larger = value > largest;
            largest = choose(larger, value, largest);
            best = choose(larger, splat((float)c), best);
        }
        ivec hit = best == label;
        for (int l = 0; l < count; l++) *correct -= hit[l];
    }
    meet(ctx);
    if (ctx->part) return;
    int32_t total = 0;
    for (int p = 0; p < ctx->parts; p++) total += *(const int32_t *)ctx->scratches[p];
    ctx->arena[a->y] = (float)total;
}
