/* A sparse matrix times one vector: a linear layer of a single sample. Each sum is taken in four chains,
 * whose loads do not wait for one another; threads share the rows. */
#include "sparse_tile.h"

static float sum_row(const float *x, const int32_t *place, const float *value, int count) {
    float sums[4] = {0, 0, 0, 0};
    int e = 0;
    for (; e + 4 <= count; e += 4)
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) sums[i] += value[e + i] * x[place[e + i]];
    for (; e < count; e++) sums[0] += value[e] * x[place[e]];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

int sparse_vector(const Context *ctx, const Correlation *c, const Pattern *p, const float *residual) {
    int single = c->batch == 1 && c->row.in * c->col.in == 1 && c->row.out * c->col.out == 1;
    if (!single || c->row.taps * c->col.taps != 1 || c->row.shift || c->col.shift) return 0;
    if (!p->values || p->entry || !is_listable(c, p)) return 0;
    int lo, hi;
    share_rows(ctx, p, &lo, &hi);
    for (int r = lo; r < hi; r++) {
        int from = p->start[r];
        float y = sum_row(c->x, p->place + from, p->values + from, p->start[r + 1] - from);
        if (c->bias) y += c->bias[r];
        if (residual) y += residual[r];
        c->y[r] = rectify_one(y, c->relu);
    }
    return 1;
}
