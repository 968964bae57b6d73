/* What every kernel sees. A kernel is called once by each of `parts` threads with the same arguments and
 * computes its own share of the outputs: work is split over outputs, never over a sum (but of whole numbers),
 * so that results do not depend on the number of threads. */
#ifndef ESPALIER_KERNEL_H
#define ESPALIER_KERNEL_H

#include "simd.h"

typedef struct {
    float *arena;   /* all tensors of the program, addressed by offset in floats */
    float *scratch; /* SCRATCH_FLOATS of this thread's own */
    int part, parts;
    float *const *scratches; /* of all parts, for what they tell each other before a `meet` */
    void (*barrier)(void *team);
    void *team; /* the argument of `barrier` */
} Context;

#define SCRATCH_FLOATS (192 * 1024)
#define SCRATCH_BYTES (SCRATCH_FLOATS * 4)

/* Arguments are read where they lie in the program: `gemm_args` are those of the kernel `gemm`. */
#define KERNEL(name, ...)    \
    typedef struct {         \
        int32_t __VA_ARGS__; \
    } name##_args;
#define LIMIT(name, value) enum { name = value };
#define CODES(name, ...) enum { __VA_ARGS__ };
#include "kernels.def"
#undef KERNEL
#undef LIMIT
#undef CODES

typedef void (*Kernel)(const Context *, const void *args);

_Static_assert(LANES <= WIDEST_VECTOR && TILE_VECS * LANES <= WIDEST_TILE, "no vector and no tile is wider");

/* Each instruction set is compiled into its own table; the same kernel has one symbol per set. */
#ifndef ISA
#define ISA baseline
#endif
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

/* DEFINE_KERNEL(name) { ... }: the body sees `ctx`, and the arguments as `a`. */
#define DEFINE_KERNEL(name)                                                               \
    static void run_##name(const Context *ctx, const name##_args *a);                     \
    void JOIN(name, ISA)(const Context *ctx, const void *args) { run_##name(ctx, args); } \
    static void run_##name(const Context *ctx, const name##_args *a)

/* What a sum ends with, where `kind` is not RECTIFY_NONE: ReLU, or ReLU6, which ends at 6. NaN stays. */
INLINE vec rectify(vec x, int kind) {
    x = relu(x);
    return kind == RECTIFY_RELU6 ? choose(x > 6, splat(6), x) : x;
}
INLINE float rectify_one(float x, int kind) {
    if (kind != RECTIFY_NONE && x <= 0) return 0;
    return kind == RECTIFY_RELU6 && x > 6 ? 6 : x;
}

INLINE int least(int a, int b) { return a < b ? a : b; }

/* A float that travels as its bits. */
INLINE float bits_to_float(int32_t bits) {
    union {
        int32_t i;
        float f;
    } u = {bits};
    return u.f;
}

/* Order-preserving bits of a float: larger value, larger key; -0 and +0 are equal. */
INLINE uint32_t key_of(float x) {
    union {
        float f;
        uint32_t u;
    } bits = {x + 0.0f};
    return bits.u & 0x80000000u ? ~bits.u : bits.u | 0x80000000u;
}

/* This thread's share [lo, hi) of n items, in whole grains. */
INLINE void share(const Context *ctx, int n, int grain, int *lo, int *hi) {
    int64_t grains = ((int64_t)n + grain - 1) / grain;
    int64_t first = grains * ctx->part / ctx->parts * grain;
    int64_t last = grains * (ctx->part + 1) / ctx->parts * grain;
    *lo = (int)(first < n ? first : n);
    *hi = (int)(last < n ? last : n);
}

/* Returns when all parts have come here, and sees what they wrote before. Every part has to come as often as
 * the others: whether it does may depend on the arguments, and on what all parts see alike, only. */
INLINE void meet(const Context *ctx) {
    if (ctx->parts > 1) ctx->barrier(ctx->team);
}

/* What becomes of a result whose sizes the scratch has no room for: NaN. TypeScript refuses such sizes before
 * they get here; should the two ever disagree, nothing is written beside the scratch, and nobody takes the
 * result for one. */
INLINE void refuse(const Context *ctx, float *y, int64_t n) {
    for (int64_t i = ctx->part; i < n; i += ctx->parts) y[i] = __builtin_nanf("");
}

#endif
