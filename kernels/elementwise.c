/* Elementwise work over up to four (collapsed) dimensions with strides; the output is contiguous. */
#include "kernel.h"

enum { NEG, RELU, SQRT, RECIPROCAL, SIGMOID };

INLINE vec unary_value(int op, vec x) {
    switch (op) {
        case NEG: return -x;
        case RELU: return relu(x);
        case SQRT: return sqrt_vec(x);
        case RECIPROCAL: return 1.0f / x;
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
