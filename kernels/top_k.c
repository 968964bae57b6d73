/* The k largest (or smallest) values along an axis, in order, with their places. */
#include "kernel.h"

_Static_assert(SCRATCH_BYTES >= MOST_TOP * sizeof(uint64_t), "the scratch holds a heap");

/* Larger for what comes first: the larger value (or the smaller), NaN before all, of equals the lower place.
 */
INLINE uint64_t rank_of(float x, int place, int largest) {
    uint32_t key = x != x ? UINT32_MAX : largest ? key_of(x) : ~key_of(x);
    return (uint64_t)key << 32 | (UINT32_MAX - (uint32_t)place);
}

/* Lets the rank at the root of a heap of `size` sink: below it all are larger. */
INLINE void sink(uint64_t *heap, int size) {
    uint64_t rank = heap[0];
    int at = 0;
    for (int child = 1; child < size; child = 2 * at + 1) {
        if (child + 1 < size && heap[child + 1] < heap[child]) child++;
        if (rank <= heap[child]) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = rank;
}

/* Takes a rank into a heap of the first k of those seen, of which `size` are there. */
INLINE void take(uint64_t *heap, int size, int k, uint64_t rank) {
    if (size == k) {
        if (rank <= heap[0]) return;
        heap[0] = rank;
        sink(heap, k);
        return;
    }
    int at = size;
    while (at > 0 && heap[(at - 1) / 2] > rank) heap[at] = heap[(at - 1) / 2], at = (at - 1) / 2;
    heap[at] = rank;
}

/* y, index [outer][k][inner] of x [outer][n][inner]. */
DEFINE_KERNEL(top_k) {
    int n = a->n, k = a->k, inner = a->inner, lo, hi;
    uint64_t *heap = (uint64_t *)ctx->scratch;
    if (k > MOST_TOP) {
        refuse(ctx, ctx->arena + a->y, (int64_t)a->outer * k * inner);
        return;
    }
    share(ctx, a->outer * inner, 1, &lo, &hi);
    for (int column = lo; column < hi; column++) {
        int64_t o = column / inner, i = column % inner;
        const float *x = ctx->arena + a->x + o * n * inner + i;
        for (int j = 0; j < n; j++) take(heap, least(j, k), k, rank_of(x[(int64_t)j * inner], j, a->largest));
        /* The root is the last of those that are left. */
        for (int j = k - 1; j >= 0; j--) {
            int place = (int)(UINT32_MAX - (uint32_t)heap[0]);
            int64_t to = (o * k + j) * inner + i;
            ctx->arena[a->y + to] = x[(int64_t)place * inner];
            ctx->arena[a->index + to] = (float)place;
            heap[0] = heap[j];
            sink(heap, j);
        }
    }
}
