/* What runs every step over every weight. */
#include "kernel.h"

/* One step of SGD (Sutskever et al. 2013, in PyTorch's form); hyper = learning rate, momentum, weight decay, Nesterov (0 or 1), l1:
 *   d = g + decay w;  v = momentum v + d;  w -= rate (nesterov ? d + momentum v : v)
 * With a mask (masked = 1), d also has l1 sign(w), and w and v become +0 afterwards where the mask is 0, so that a pruned weight stays exactly zero.
 * args: n w g v mask masked hyper */
KERNEL(sgd) {
    float *w = ctx->arena + a[1], *v = ctx->arena + a[3];
    const float *g = ctx->arena + a[2], *mask = ctx->arena + a[4], *hyper = ctx->arena + a[6];
    int masked = a[5], nesterov = hyper[3] != 0, lo, hi;
    vec rate = splat(hyper[0]), momentum = splat(hyper[1]), decay = splat(hyper[2]), l1 = splat(hyper[4]);
    int sparse = masked && hyper[4] != 0;
    share(ctx, a[0], LANES, &lo, &hi);
    for (int i = lo; i < hi; i += LANES) {
        int count = hi - i < LANES ? hi - i : LANES;
        vec wi = load_part(w + i, count), d = load_part(g + i, count) + decay * wi;
        if (sparse) d += choose(wi > 0, l1, choose(wi < 0, -l1, splat(0)));
        vec vi = momentum * load_part(v + i, count) + d;
        vec step = vi;
        if (nesterov) step = d + momentum * vi;
        wi -= rate * step;
        if (masked) {
            ivec keep = load_part(mask + i, count) != 0;
            wi = choose(keep, wi, splat(0));
            vi = choose(keep, vi, splat(0));
        }
        store_part(w + i, wi, count);
        store_part(v + i, vi, count);
    }
}

/* x = +0 where the mask is 0. args: n x mask */
KERNEL(apply_mask) {
    int lo, hi;
    share(ctx, a[0], LANES, &lo, &hi);
    for (int i = lo; i < hi; i += LANES) {
        int count = hi - i < LANES ? hi - i : LANES;
        float *x = ctx->arena + a[1] + i;
        ivec keep = load_part(ctx->arena + a[2] + i, count) != 0;
        store_part(x, choose(keep, load_part(x, count), splat(0)), count);
    }
}

/* The gradient of tied weights: at every copy of a bank entry the sum of g over all its copies, or (mean = 1) their mean. A tensor is `units` runs of `block` weights, and
 * the copies of entry b of `entries` are the runs order[b], order[b + entries], ... summed in this order; threads share the entries. A run that lies outside is left out.
 * args: units entries block g order y mean */
KERNEL(tie_gradient) {
    int units = a[0], entries = a[1], block = a[2], mean = a[6], lo, hi;
    const float *g = ctx->arena + a[3];
    const int32_t *order = (const int32_t *)(ctx->arena + a[4]);
    float *y = ctx->arena + a[5];
    share(ctx, entries, 1, &lo, &hi);
    for (int b = lo; b < hi; b++)
        for (int k = 0; k < block; k++) {
            float sum = 0;
            int copies = 0;
            for (int64_t i = b; i < units; i += entries) {
                if ((uint32_t)order[i] >= (uint32_t)units) continue;
                sum += g[(int64_t)order[i] * block + k];
                copies++;
            }
            if (mean) sum /= (float)copies;
            for (int64_t i = b; i < units; i += entries)
                if ((uint32_t)order[i] < (uint32_t)units) y[(int64_t)order[i] * block + k] = sum;
        }
}

/* y = g + lambda w / sqrt(sum w^2 + 1e-12) for the weights of one group. */
INLINE void add_group_lasso(const float *g, const float *w, float *y, int n, float lambda) {
    float squares = 1e-12f;
    for (int i = 0; i < n; i++) squares += w[i] * w[i];
    float factor = lambda / __builtin_sqrtf(squares);
    for (int i = 0; i < n; i++) y[i] = g[i] + factor * w[i];
}

/* The gradient of the group lasso lambda sum sqrt(sum w^2 + 1e-12) over runs of `block` weights, added to g. args: groups block g w y lambda */
KERNEL(group_lasso) {
    union { int32_t i; float f; } lambda = {a[5]};
    int lo, hi;
    share(ctx, a[0], 1, &lo, &hi);
    for (int group = lo; group < hi; group++) {
        int64_t at = (int64_t)group * a[1];
        add_group_lasso(ctx->arena + a[2] + at, ctx->arena + a[3] + at, ctx->arena + a[4] + at, a[1], lambda.f);
    }
}

/* The same for a weight that is held sparse: the nonzeros of output channel o are starts[o] to starts[o + 1] of `capacity`, and those of one input channel, places
 * divided by `kernel`, are a group. Beyond the nonzeros y = g. Nonzeros that lie outside are left out. args: out kernel capacity g w starts places y lambda */
KERNEL(sparse_group_lasso) {
    union { int32_t i; float f; } lambda = {a[8]};
    int out = a[0], kernel = a[1], capacity = a[2], lo, hi;
    const float *g = ctx->arena + a[3], *w = ctx->arena + a[4];
    const int32_t *starts = (const int32_t *)(ctx->arena + a[5]), *places = (const int32_t *)(ctx->arena + a[6]);
    float *y = ctx->arena + a[7];
    share(ctx, out, 1, &lo, &hi);
    for (int o = lo; o < hi; o++) {
        int end = least(starts[o + 1], capacity);
        for (int from = starts[o] < 0 ? 0 : starts[o], to; from < end; from = to) {
            for (to = from + 1; to < end && places[to] / kernel == places[from] / kernel;) to++;
            add_group_lasso(g + from, w + from, y + from, to - from, lambda.f);
        }
    }
    if (lo < hi && hi == out)
        for (int e = starts[out] < 0 ? 0 : starts[out]; e < capacity; e++) y[e] = g[e];
}
