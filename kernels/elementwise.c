/* Elementwise work over up to four (collapsed) dimensions with strides; the output is contiguous. */
#include "functions.h"

INLINE vec negative(vec x) { return -x; }
INLINE vec inverse(vec x) { return 1.0f / x; }

/* y = f(x) of n elements. */
INLINE void each(vec (*f)(vec), int n, const float *x, float *y) {
    for (int i = 0; i < n; i += LANES) {
        int count = least(LANES, n - i);
        store_part(y + i, f(load_part(x + i, count)), count);
    }
}

/* The same for functions that WebAssembly, where bytes count, calls for every vector. */
#ifdef __wasm__
static APART void each_called(vec (*f)(vec), int n, const float *x, float *y) { each(f, n, x, y); }
#else
#define each_called each
#endif

/* y = op(x). */
DEFINE_KERNEL(unary) {
    int lo, hi;
    share(ctx, a->n, LANES, &lo, &hi);
    const float *x = ctx->arena + a->x + lo;
    float *y = ctx->arena + a->y + lo;
    int n = hi - lo;
    switch (a->op) {
        case UNARY_NEG: each(negative, n, x, y); return;
        case UNARY_RELU: each(relu, n, x, y); return;
        case UNARY_SQRT: each(sqrt_vec, n, x, y); return;
        case UNARY_RECIPROCAL: each(inverse, n, x, y); return;
        case UNARY_SIGMOID: each(sigmoid_vec, n, x, y); return;
        case UNARY_ABS: each(abs_vec, n, x, y); return;
        case UNARY_EXP: each_called(exp_any, n, x, y); return;
        case UNARY_LOG: each_called(log_any, n, x, y); return;
        case UNARY_TANH: each_called(tanh_vec, n, x, y); return;
        case UNARY_ERF: each_called(erf_vec, n, x, y); return;
        case UNARY_FLOOR: each_called(floor_vec, n, x, y); return;
        case UNARY_CEIL: each_called(ceil_vec, n, x, y); return;
        case UNARY_ROUND: each_called(round_vec, n, x, y); return;
        case UNARY_TRUNC: each_called(trunc_vec, n, x, y); return;
        case UNARY_SIGN: each_called(sign_vec, n, x, y); return;
        case UNARY_SIN: each_called(sin_vec, n, x, y); return;
        case UNARY_COS: each_called(cos_vec, n, x, y); return;
        default: each_called(atan_vec, n, x, y); /* UNARY_ATAN */
    }
}

INLINE vec truth(ivec mask) { return choose(mask, splat(1), splat(0)); }

static APART vec combine_rarely(int op, vec x, vec y) {
    switch (op) {
        case BINARY_MAX: return largest(x, y);
        case BINARY_MIN: return smallest(x, y);
        case BINARY_POW: return pow_vec(x, y);
        case BINARY_FMOD: return fmod_vec(x, y);
        case BINARY_LESS: return truth(x < y);
        case BINARY_LESS_OR_EQUAL: return truth(x <= y);
        default: return truth(x == y); /* BINARY_EQUAL */
    }
}

INLINE vec combine(int op, vec x, vec y) {
    switch (op) {
        case BINARY_ADD: return x + y;
        case BINARY_SUB: return x - y;
        case BINARY_MUL: return x * y;
        case BINARY_ADD_RELU: return relu(x + y);
        case BINARY_DIV: return x / y;
        case BINARY_RELU_GRAD:
            return choose(y <= 0, splat(0), x); /* x is the gradient, y the ReLU's output */
        default: return combine_rarely(op, x, y);
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
        union {
            float f[LANES];
            vec v;
        } u = {{0}}, v = {{0}};
        for (int l = 0; l < count; l++) u.f[l] = x[(int64_t)(i + l) * sx], v.f[l] = y[(int64_t)(i + l) * sy];
        store_part(out + i, combine(op, u.v, v.v), count);
    }
}

static void any_row(int op, int n, const float *x, int sx, const float *y, int sy, float *out) {
    switch (op) {
        case BINARY_ADD: binary_row(BINARY_ADD, n, x, sx, y, sy, out); return;
        case BINARY_SUB: binary_row(BINARY_SUB, n, x, sx, y, sy, out); return;
        case BINARY_MUL: binary_row(BINARY_MUL, n, x, sx, y, sy, out); return;
        case BINARY_ADD_RELU: binary_row(BINARY_ADD_RELU, n, x, sx, y, sy, out); return;
        case BINARY_DIV: binary_row(BINARY_DIV, n, x, sx, y, sy, out); return;
        case BINARY_RELU_GRAD: binary_row(BINARY_RELU_GRAD, n, x, sx, y, sy, out); return;
        default: binary_row(op, n, x, sx, y, sy, out);
    }
}

/* The offset of row r (over the three outer dimensions) in an operand with strides s[0..3]. */
INLINE int64_t row_offset(const int32_t *dims, const int32_t *s, int64_t r) {
    int64_t i2 = r % dims[2], i1 = r / dims[2] % dims[1], i0 = r / dims[2] / dims[1];
    return i0 * s[0] + i1 * s[1] + i2 * s[2];
}

/* out = op(x, y), of dimensions d. */
DEFINE_KERNEL(binary) {
    const int32_t *dims = a->d, *sx = a->sx, *sy = a->sy;
    const float *x = ctx->arena + a->x, *y = ctx->arena + a->y;
    float *out = ctx->arena + a->out;
    int rows = dims[0] * dims[1] * dims[2], n = dims[3], lo, hi;
    if (rows == 1) {
        share(ctx, n, LANES, &lo, &hi);
        any_row(a->op, hi - lo, x + (int64_t)lo * sx[3], sx[3], y + (int64_t)lo * sy[3], sy[3], out + lo);
        return;
    }
    share(ctx, rows, 1, &lo, &hi);
    for (int r = lo; r < hi; r++)
        any_row(a->op, n, x + row_offset(dims, sx, r), sx[3], y + row_offset(dims, sy, r), sy[3],
                out + (int64_t)r * n);
}

/* `count` elements that lie `stride` apart, zeros after. */
INLINE vec load_apart(const float *p, int stride, int count) {
    if (stride == 1) return load_part(p, count);
    if (stride == 0) return splat(*p);
    union {
        float f[LANES];
        vec v;
    } u = {{0}};
    for (int l = 0; l < count; l++) u.f[l] = p[(int64_t)l * stride];
    return u.v;
}

/* out = x where c is not 0, else y; of dimensions d. */
DEFINE_KERNEL(where) {
    const int32_t *dims = a->d;
    int rows = dims[0] * dims[1] * dims[2], n = dims[3], sc = a->sc[3], sx = a->sx[3], sy = a->sy[3];
    int per_row = (n + LANES - 1) / LANES, lo, hi;
    share(ctx, rows * per_row, 1, &lo, &hi);
    for (int t = lo; t < hi; t++) {
        int r = t / per_row, i = t % per_row * LANES, count = least(LANES, n - i);
        const float *c = ctx->arena + a->c + row_offset(dims, a->sc, r) + (int64_t)i * sc;
        const float *x = ctx->arena + a->x + row_offset(dims, a->sx, r) + (int64_t)i * sx;
        const float *y = ctx->arena + a->y + row_offset(dims, a->sy, r) + (int64_t)i * sy;
        ivec mask = load_apart(c, sc, count) != 0;
        vec chosen = choose(mask, load_apart(x, sx, count), load_apart(y, sy, count));
        store_part(ctx->arena + a->out + (int64_t)r * n + i, chosen, count);
    }
}

/* A strided read into a contiguous output: broadcast (stride 0) and change of layout. */
DEFINE_KERNEL(copy) {
    const int32_t *dims = a->d, *sx = a->sx;
    const float *x = ctx->arena + a->x;
    float *out = ctx->arena + a->out;
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

/* The reverse of copy: x is contiguous, the output is written with strides and otherwise left alone. */
DEFINE_KERNEL(place) {
    const int32_t *dims = a->d, *so = a->so;
    const float *x = ctx->arena + a->x;
    float *out = ctx->arena + a->out;
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

/* y = 0. */
DEFINE_KERNEL(zero) {
    int lo, hi;
    share(ctx, a->n, LANES, &lo, &hi);
    for (int i = lo; i < hi; i += LANES)
        store_part(ctx->arena + a->y + i, splat(0), hi - i < LANES ? hi - i : LANES);
}

/* y = x between *low and *high, which are scalars; with gradient = 1, y = x where low < limited < high, else
 * 0. */
DEFINE_KERNEL(clip) {
    vec low = splat(ctx->arena[a->low]), high = splat(ctx->arena[a->high]);
    int lo, hi;
    share(ctx, a->n, LANES, &lo, &hi);
    for (int i = lo; i < hi; i += LANES) {
        int count = hi - i < LANES ? hi - i : LANES;
        vec x = load_part(ctx->arena + a->x + i, count),
            limited = load_part(ctx->arena + a->limited + i, count);
        vec y = choose(limited < low, low, choose(limited > high, high, limited));
        if (a->gradient) y = choose((limited > low) & (limited < high), x, splat(0));
        store_part(ctx->arena + a->y + i, y, count);
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

/* mask = 1 / (1 - p) or, with probability p, 0; a new one for every value of the counter, which is a whole
 * number below 2^24. threshold = p 2^31; keep = the bits of 1 / (1 - p). */
DEFINE_KERNEL(dropout_mask) {
    float keep = bits_to_float(a->keep), *mask = ctx->arena + a->mask;
    uint32_t stream = hash_bits((uint32_t)a->stream, (uint32_t)ctx->arena[a->counter]);
    int lo, hi;
    share(ctx, a->n, LANES, &lo, &hi);
    for (int i = lo; i < hi; i++)
        mask[i] = (int32_t)(hash_bits(stream, (uint32_t)i) >> 1) < a->threshold ? 0 : keep;
}
