/* The arithmetic peak of this machine, for benchmarks: every thread runs `rounds` rounds of PEAK_CHAINS
 * independent vector multiply-adds on registers. */
#include "kernel.h"

#if LANES == 16
#define PEAK_CHAINS 24
#else
#define PEAK_CHAINS 12
#endif

/* Writes, per thread, a value that depends on all of the work; flops per round and thread to y[0] at the
 * end. */
DEFINE_KERNEL(peak) {
    vec acc[PEAK_CHAINS], x = splat(a->rounds < 0 ? 2.0f : 0.999f), y = splat(1e-3f), total = splat(0);
    for (int c = 0; c < PEAK_CHAINS; c++) acc[c] = splat((float)c);
    for (int round = 0; round < a->rounds; round++)
#pragma GCC unroll 32
        for (int c = 0; c < PEAK_CHAINS; c++) acc[c] = acc[c] * x + y;
    for (int c = 0; c < PEAK_CHAINS; c++) total += acc[c];
    ctx->arena[a->y + 1 + ctx->part] = sum_lanes(total);
    if (ctx->part == 0) ctx->arena[a->y] = 2.0f * PEAK_CHAINS * LANES;
}
