/* What every kernel sees. A kernel is called once by each of `parts` threads with the same
 * arguments and computes its own share of the outputs: work is split over outputs, never over
 * a sum, so that results do not depend on the number of threads. */
#ifndef ESPALIER_KERNEL_H
#define ESPALIER_KERNEL_H

#include "simd.h"

typedef struct {
    float *arena;   /* all tensors of the program, addressed by offset in floats */
    float *scratch; /* SCRATCH_FLOATS of this thread's own */
    int part, parts;
} Context;

typedef void (*Kernel)(const Context *, const int32_t *args);

typedef struct {
    const char *name;
    Kernel run;
} KernelEntry;

#define SCRATCH_FLOATS (192 * 1024)

/* Each instruction set is compiled into its own table; the same kernel has one symbol per set. */
#ifndef ISA
#define ISA baseline
#endif
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define KERNEL(name) void JOIN(name, ISA)(const Context *ctx, const int32_t *a)

INLINE int least(int a, int b) { return a < b ? a : b; }

/* This thread's share [lo, hi) of n items, in whole grains. */
INLINE void share(const Context *ctx, int n, int grain, int *lo, int *hi) {
    int64_t grains = ((int64_t)n + grain - 1) / grain;
    int64_t first = grains * ctx->part / ctx->parts * grain;
    int64_t last = grains * (ctx->part + 1) / ctx->parts * grain;
    *lo = (int)(first < n ? first : n);
    *hi = (int)(last < n ? last : n);
}

#endif
