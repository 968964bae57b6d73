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
