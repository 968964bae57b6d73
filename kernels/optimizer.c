/* What runs every step over every weight. */
#include "kernel.h"

/* One step of SGD (Sutskever et al. 2013, in PyTorch's form); hyper is what the codes HYPER_... say, Nesterov
 * 0 or 1:
 *   d = g + decay w; v = momentum v + d; w -= rate (nesterov ? d + momentum v : v)
 * With a mask (masked = 1), d also has l1 sign(w), and w and v become +0 afterwards where the mask is 0, so
 * that a pruned weight stays exactly zero. */
DEFINE_KERNEL(sgd) {
    float *w = ctx->arena + a->w, *v = ctx->arena + a->v;
    const float *g = ctx->arena + a->g, *mask = ctx->arena + a->mask, *hyper = ctx->arena + a->hyper;
    int masked = a->masked, nesterov = hyper[HYPER_NESTEROV] != 0, lo, hi;
    vec rate = splat(hyper[HYPER_RATE]), momentum = splat(hyper[HYPER_MOMENTUM]);
    vec decay = splat(hyper[HYPER_DECAY]), l1 = splat(hyper[HYPER_L1]);
    int sparse = masked && hyper[HYPER_L1] != 0;
    share(ctx, a->n, LANES, &lo, &hi);
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

/* One step of SGD on the two factors of w = m u, as in sgd, with the gradients g u and g m (g also has
 * l1 sign(w)); then w is their new product. All five become +0 where the mask is 0. */
DEFINE_KERNEL(factored_sgd) {
    float *w = ctx->arena + a->w, *m = ctx->arena + a->m, *mv = ctx->arena + a->mv;
    float *u = ctx->arena + a->u, *uv = ctx->arena + a->uv;
    const float *g = ctx->arena + a->g, *mask = ctx->arena + a->mask, *hyper = ctx->arena + a->hyper;
    int nesterov = hyper[HYPER_NESTEROV] != 0, lo, hi;
    vec rate = splat(hyper[HYPER_RATE]), momentum = splat(hyper[HYPER_MOMENTUM]);
    vec decay = splat(hyper[HYPER_DECAY]), l1 = splat(hyper[HYPER_L1]);
    share(ctx, a->n, LANES, &lo, &hi);
    for (int i = lo; i < hi; i += LANES) {
        int count = hi - i < LANES ? hi - i : LANES;
        vec wi = load_part(w + i, count), gi = load_part(g + i, count);
        vec mi = load_part(m + i, count), ui = load_part(u + i, count);
        gi += choose(wi > 0, l1, choose(wi < 0, -l1, splat(0)));
        vec dm = gi * ui + decay * mi, du = gi * mi + decay * ui;
        vec mvi = momentum * load_part(mv + i, count) + dm, uvi = momentum * load_part(uv + i, count) + du;
        vec step_m = mvi, step_u = uvi;
        if (nesterov) step_m = dm + momentum * mvi, step_u = du + momentum * uvi;
        ivec keep = load_part(mask + i, count) != 0;
        mi = choose(keep, mi - rate * step_m, splat(0)), ui = choose(keep, ui - rate * step_u, splat(0));
        store_part(m + i, mi, count);
        store_part(u + i, ui, count);
        store_part(w + i, mi * ui, count);
        store_part(mv + i, choose(keep, mvi, splat(0)), count);
        store_part(uv + i, choose(keep, uvi, splat(0)), count);
    }
}

/* x = +0 where the mask is 0. */
DEFINE_KERNEL(apply_mask) {
    int lo, hi;
    share(ctx, a->n, LANES, &lo, &hi);
    for (int i = lo; i < hi; i += LANES) {
        int count = hi - i < LANES ? hi - i : LANES;
        float *x = ctx->arena + a->x + i;
        ivec keep = load_part(ctx->arena + a->mask + i, count) != 0;
        store_part(x, choose(keep, load_part(x, count), splat(0)), count);
    }
}

/* The gradient of tied weights: at every copy of a bank entry the sum of g over all its copies, or (mean = 1)
 * their mean. A tensor is `units` runs of `block` weights, and the copies of entry b of `entries` are the
 * runs order[b], order[b + entries], ... summed in this order; threads share the entries. A run that lies
 * outside is left out. */
DEFINE_KERNEL(tie_gradient) {
    int units = a->units, entries = a->entries, block = a->block, lo, hi;
    const float *g = ctx->arena + a->g;
    const int32_t *order = (const int32_t *)(ctx->arena + a->order);
    float *y = ctx->arena + a->y;
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
            if (a->mean) sum /= (float)copies;
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

/* The gradient of the group lasso lambda sum sqrt(sum w^2 + 1e-12) over runs of `block` weights, added to
 * g. */
DEFINE_KERNEL(group_lasso) {
    float lambda = bits_to_float(a->lambda);
    int lo, hi;
    share(ctx, a->groups, 1, &lo, &hi);
    for (int group = lo; group < hi; group++) {
        int64_t at = (int64_t)group * a->block;
        add_group_lasso(ctx->arena + a->g + at, ctx->arena + a->w + at, ctx->arena + a->y + at, a->block,
                        lambda);
    }
}

/* The same for a weight that is held sparse: the nonzeros of output channel o are starts[o] to starts[o + 1]
 * of `capacity`, and those of one input channel, places divided by `kernel`, are a group. Beyond the nonzeros
 * y = g. Nonzeros that lie outside are left out. */
DEFINE_KERNEL(sparse_group_lasso) {
    int out = a->out, kernel = a->kernel, capacity = a->capacity, lo, hi;
    const float *g = ctx->arena + a->g, *w = ctx->arena + a->w;
    const int32_t *starts = (const int32_t *)(ctx->arena + a->starts);
    const int32_t *places = (const int32_t *)(ctx->arena + a->places);
    float *y = ctx->arena + a->y, lambda = bits_to_float(a->lambda);
    share(ctx, out, 1, &lo, &hi);
    for (int o = lo; o < hi; o++) {
        int end = least(starts[o + 1], capacity);
        for (int from = starts[o] < 0 ? 0 : starts[o], to; from < end; from = to) {
            for (to = from + 1; to < end && places[to] / kernel == places[from] / kernel;) to++;
            add_group_lasso(g + from, w + from, y + from, to - from, lambda);
        }
    }
    if (lo < hi && hi == out)
        for (int e = starts[out] < 0 ? 0 : starts[out]; e < capacity; e++) y[e] = g[e];
}
