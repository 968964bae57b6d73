/* Elementwise work over up to four (collapsed) dimensions with strides; the output is contiguous. */
#include "kernel.h"

enum { NEG, RELU, SQRT, RECIPROCAL, SIGMOID, ABS };

INLINE vec unary_value(int op, vec x) {
    switch (op) {
        case NEG: return -x;
        case RELU: return relu(x);
        case SQRT: return sqrt_vec(x);
        case RECIPROCAL: return 1.0f / x;
        case ABS: return (vec)((ivec)x & 0x7fffffff);
        default: return 1.0f / (1.0f + exp_vec(-x)); /* SIGMOID */
    }
}

/* args: op, n, x, y */
KERNEL(unary) {
    const float *x = ctx->arena + a[2];
    float *y = ctx->arena + a[3];
    int lo, hi;
    share(ctx, a[1], LANES, &lo, &hi);
    for (int i = lo; i < hi; i += LANES) {
        int count = hi - i < LANES ? hi - i : LANES;
        store_part(y + i, unary_value(a[0], load_part(x + i, count)), count);
    }
}

enum { ADD, SUB, MUL, RELU_GRAD, ADD_RELU };

INLINE vec combine(int op, vec x, vec y) {
    switch (op) {
        case ADD: return x + y;
        case SUB: return x - y;
        case MUL: return x * y;
        case ADD_RELU: return relu(x + y);
        default: return choose(y <= 0, splat(0), x); /* RELU_GRAD: x is the gradient, y the ReLU's output */
    }
}

/* n outputs in a row: strides sx and sy are 0 or 1 in the fast cases. */
INLINE void binary_row(const int op, int n, const float *x, int sx, const float *y, int sy, float *out) {
    if ((unsigned)sx <= 1 && (unsigned)sy <= 1) {
        for (int i = 0; i < n; i += LANES) {
            int count = n - i < LANES ? n - i : LANES;
            vec u = sx ? load_part(x + i, count) : splat(*x), v = sy ? load_part(y + i, count) : splat(*y);
            store_part(out + i, combine(op, u, v), count);
        }
        return;
    }
    for (int i = 0; i < n; i += LANES) {
        int count = n - i < LANES ? n - i : LANES;
        union { float f[LANES]; vec v; } u = {{0}}, v = {{0}};
        for (int l = 0; l < count; l++) u.f[l] = x[(int64_t)(i + l) * sx], v.f[l] = y[(int64_t)(i + l) * sy];
        store_part(out + i, combine(op, u.v, v.v), count);
    }
}

static void any_row(int op, int n, const float *x, int sx, const float *y, int sy, float *out) {
    switch (op) {
        case ADD: binary_row(ADD, n, x, sx, y, sy, out); return;
        case SUB: binary_row(SUB, n, x, sx, y, sy, out); return;
        case MUL: binary_row(MUL, n, x, sx, y, sy, out); return;
        case ADD_RELU: binary_row(ADD_RELU, n, x, sx, y, sy, out); return;
        default: binary_row(RELU_GRAD, n, x, sx, y, sy, out);
    }
}

/* The offset of row r (over the three outer dimensions) in an operand with strides s[0..3]. */
INLINE int64_t row_offset(const int32_t *dims, const int32_t *s, int64_t r) {
    int64_t i2 = r % dims[2], i1 = r / dims[2] % dims[1], i0 = r / dims[2] / dims[1];
    return i0 * s[0] + i1 * s[1] + i2 * s[2];
}

/* args: op, d0 d1 d2 d3, x sx0..sx3, y sy0..sy3, out */
KERNEL(binary) {
    const int32_t *dims = a + 1, *sx = a + 6, *sy = a + 11;
    const float *x = ctx->arena + a[5], *y = ctx->arena + a[10];
    float *out = ctx->arena + a[15];
    int rows = dims[0] * dims[1] * dims[2], n = dims[3], lo, hi;
    if (rows == 1) {
        share(ctx, n, LANES, &lo, &hi);
        any_row(a[0], hi - lo, x + (int64_t)lo * sx[3], sx[3], y + (int64_t)lo * sy[3], sy[3], out + lo);
        return;
    }
    share(ctx, rows, 1, &lo, &hi);
    for (int r = lo; r < hi; r++)
        any_row(a[0], n, x + row_offset(dims, sx, r), sx[3], y + row_offset(dims, sy, r), sy[3], out + (int64_t)r * n);
}

/* A strided read into a contiguous output: broadcast (stride 0) and change of layout.
 * args: d0 d1 d2 d3, x sx0..sx3, out */
KERNEL(copy) {
    const int32_t *dims = a, *sx = a + 5;
    const float *x = ctx->arena + a[4];
    float *out = ctx->arena + a[9];
    int rows = dims[0] * dims[1] * dims[2], n = dims[3], lo, hi;
    if (rows == 1) {
        share(ctx, n, LANES, &lo, &hi);
        for (int i = lo; i < hi; i++) out[i] = x[(int64_t)i * sx[3]];
        return;
    }
    share(ctx, rows, 1, &lo, &hi);
    for (int r = lo; r < hi; r++) {
        const float *from = x + row_offset(dims, sx, r);
        for (int i = 0; i < n; i++) out[(int64_t)r * n + i] = from[(int64_t)i * sx[3]];
    }
}

/* The reverse of copy: x is contiguous, the output is written with strides and otherwise left alone.
 * args: d0 d1 d2 d3, x, out so0..so3 */
KERNEL(place) {
    const int32_t *dims = a, *so = a + 6;
    const float *x = ctx->arena + a[4];
    float *out = ctx->arena + a[5];
    int rows = dims[0] * dims[1] * dims[2], n = dims[3], lo, hi;
    share(ctx, rows, 1, &lo, &hi);
    for (int r = lo; r < hi; r++) {
        float *to = out + row_offset(dims, so, r);
        const float *from = x + (int64_t)r * n;
        if (so[3] == 1)
            for (int i = 0; i < n; i += LANES) {
                int count = n - i < LANES ? n - i : LANES;
                store_part(to + i, load_part(from + i, count), count);
            }
        else
            for (int i = 0; i < n; i++) to[(int64_t)i * so[3]] = from[i];
    }
}

/* y = 0. args: n y */
KERNEL(zero) {
    int lo, hi;
    share(ctx, a[0], LANES, &lo, &hi);
    for (int i = lo; i < hi; i += LANES) store_part(ctx->arena + a[1] + i, splat(0), hi - i < LANES ? hi - i : LANES);
}

/* y = x between *low and *high, which are scalars; with gradient = 1, y = x where low < limited < high, else 0.
 * args: gradient n x limited low high y */
KERNEL(clip) {
    vec low = splat(ctx->arena[a[4]]), high = splat(ctx->arena[a[5]]);
    int lo, hi;
    share(ctx, a[1], LANES, &lo, &hi);
    for (int i = lo; i < hi; i += LANES) {
        int count = hi - i < LANES ? hi - i : LANES;
        vec x = load_part(ctx->arena + a[2] + i, count), limited = load_part(ctx->arena + a[3] + i, count);
        vec y = choose(limited < low, low, choose(limited > high, high, limited));
        if (a[0]) y = choose((limited > low) & (limited < high), x, splat(0));
        store_part(ctx->arena + a[6] + i, y, count);
    }
}

/* 32 random bits of a place in a stream (a counter through two rounds of multiply and xor-shift). */
INLINE uint32_t hash_bits(uint32_t stream, uint32_t place) {
    uint32_t x = place * 0x9e3779b9u ^ stream;
    x = (x ^ x >> 16) * 0x21f0aaadu;
    x = (x ^ x >> 15) * 0x735a2d97u;
    x ^= x >> 15;
    x = (x + stream) * 0x85ebca6bu;
    return x ^ x >> 13;
}

/* mask = 1 / (1 - p) or, with probability p, 0; a new one for every value of the counter, which is a whole number below 2^24.
 * threshold = p 2^31; keep = the bits of 1 / (1 - p). args: n stream threshold keep counter mask */
KERNEL(dropout_mask) {
    union { int32_t i; float f; } keep = {a[3]};
    uint32_t stream = hash_bits((uint32_t)a[1], (uint32_t)ctx->arena[a[4]]);
    int lo, hi;
    share(ctx, a[0], LANES, &lo, &hi);
    for (int i = lo; i < hi; i++)
        ctx->arena[a[5] + i] = (int32_t)(hash_bits(stream, (uint32_t)i) >> 1) < a[2] ? 0 : keep.f;
}
