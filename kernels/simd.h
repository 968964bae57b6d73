/* One vector type per target: LANES floats, written with the compiler's vector
 * extensions so that the same source serves AVX-512, AVX2, SSE2, NEON and WebAssembly. */
#ifndef ESPALIER_SIMD_H
#define ESPALIER_SIMD_H

#include <stdint.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX2__)
#define LANES 8
#else
#define LANES 4
#endif

typedef float vec __attribute__((vector_size(LANES * 4), may_alias));
typedef float vec_unaligned __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t ivec __attribute__((vector_size(LANES * 4), may_alias));
typedef uint32_t uvec __attribute__((vector_size(LANES * 4), may_alias));

/* The register tile of products and direct convolutions: rows (output channels) x vectors. */
#define TILE_ROWS 6
#if LANES == 16
#define TILE_VECS 4
#elif LANES == 8
#define TILE_VECS 2
#else
#define TILE_VECS 1
#endif

#define INLINE static inline __attribute__((always_inline))

INLINE vec load(const float *p) { return *(const vec_unaligned *)p; }
INLINE void store(float *p, vec v) { *(vec_unaligned *)p = v; }
/* x - 0 is x for every x, -0 and NaN included, so compilers make this a plain broadcast. */
INLINE vec splat(float x) { return x - (vec){0}; }

/* The first `count` lanes, as masked instructions want them. */
#if LANES == 16
INLINE __mmask16 first_lanes(int count) { return (__mmask16)((1u << count) - 1); }
#elif LANES == 8
INLINE __m256i first_lanes(int count) { return (__m256i)((ivec){0, 1, 2, 3, 4, 5, 6, 7} < count); }
#endif

/* The first `count` (1..LANES) floats at p, zeros after. */
INLINE vec load_part(const float *p, int count) {
    if (count == LANES) return load(p);
#if LANES == 16
    return (vec)_mm512_maskz_loadu_ps(first_lanes(count), p);
#elif LANES == 8
    return (vec)_mm256_maskload_ps(p, first_lanes(count));
#else
    union {
        float f[LANES];
        vec v;
    } u = {{0}};
    for (int i = 0; i < count; i++) u.f[i] = p[i];
    return u.v;
#endif
}

INLINE void store_part(float *p, vec v, int count) {
    if (count == LANES) {
        store(p, v);
        return;
    }
#if LANES == 16
    _mm512_mask_storeu_ps(p, first_lanes(count), (__m512)v);
#elif LANES == 8
    /* Masked stores take dozens of cycles on AMD's processors. */
    __m128 low = _mm256_castps256_ps128((__m256)v);
    if (count & 4) {
        _mm_storeu_ps(p, low);
        low = _mm256_extractf128_ps((__m256)v, 1), p += 4;
    }
    if (count & 2) {
        _mm_storel_pi((__m64 *)p, low);
        low = _mm_movehl_ps(low, low), p += 2;
    }
    if (count & 1) _mm_store_ss(p, low);
#else
    union {
        float f[LANES];
        vec v;
    } u;
    u.v = v;
    for (int i = 0; i < count; i++) p[i] = u.f[i];
#endif
}

/* The lanes of even numbers of two vectors, and those of odd ones. */
#if LANES == 16
#define PAIRS(i)                                                                                           \
    i, i + 2, i + 4, i + 6, i + 8, i + 10, i + 12, i + 14, i + 16, i + 18, i + 20, i + 22, i + 24, i + 26, \
        i + 28, i + 30
#elif LANES == 8
#define PAIRS(i) i, i + 2, i + 4, i + 6, i + 8, i + 10, i + 12, i + 14
#else
#define PAIRS(i) i, i + 2, i + 4, i + 6
#endif
INLINE vec even_lanes(vec a, vec b) { return __builtin_shufflevector(a, b, PAIRS(0)); }
INLINE vec odd_lanes(vec a, vec b) { return __builtin_shufflevector(a, b, PAIRS(1)); }

/* mask lanes are -1 (take a) or 0 (take b) */
INLINE vec choose(ivec mask, vec a, vec b) { return (vec)((mask & (ivec)a) | (~mask & (ivec)b)); }
INLINE vec max_vec(vec a, vec b) { return choose(a > b, a, b); }
/* NaN stays: a diverged network must not look healthy. */
#if defined(__wasm__)
/* The first operand unless the second is larger. A choice by x <= 0 becomes this, too, by clang 19, which
 * then leaves -0 as it is. */
INLINE vec relu(vec x) { return (vec)__builtin_wasm_pmax_f32x4(x, splat(0)) + splat(0); }
#else
INLINE vec relu(vec x) { return choose(x <= 0, splat(0), x); }
#endif

INLINE vec sqrt_vec(vec x) {
    for (int i = 0; i < LANES; i++) x[i] = __builtin_sqrtf(x[i]);
    return x;
}

typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));

/* Adds the upper half of the lanes to the lower until four are left. */
INLINE quad fold_lanes(vec v) {
    union {
        vec v;
        quad q[LANES / 4];
    } u;
    u.v = v;
#if LANES == 16
    return (u.q[0] + u.q[2]) + (u.q[1] + u.q[3]);
#elif LANES == 8
    return u.q[0] + u.q[1];
#else
    return u.q[0];
#endif
}

INLINE float sum_lanes(vec v) {
    quad q = fold_lanes(v);
    q += __builtin_shufflevector(q, q, 2, 3, 0, 1);
    return q[0] + q[1];
}

/* The sums over the lanes of four vectors. */
INLINE quad sum_lanes_of_four(const vec *v) {
    quad q[4];
    for (int i = 0; i < 4; i++) q[i] = fold_lanes(v[i]);
    quad a =
        __builtin_shufflevector(q[0], q[1], 0, 4, 1, 5) + __builtin_shufflevector(q[0], q[1], 2, 6, 3, 7);
    quad b =
        __builtin_shufflevector(q[2], q[3], 0, 4, 1, 5) + __builtin_shufflevector(q[2], q[3], 2, 6, 3, 7);
    return __builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7);
}

/* e^x to about 1 ulp of float32 for x in [-105, 90]: gradually 0 and at last infinite at the ends.
 * Range reduction x = n ln 2 + r with |r| <= ln 2 / 2, then the Taylor polynomial of degree 7. */
INLINE vec exp_inside(vec x) {
    const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to the nearest integer */
    vec shifted = x * 1.44269504f + magic;
    vec n = shifted - magic;
    vec r = x - n * 0.693359375f + n * 2.12194440e-4f;
    vec p = splat(1.0f / 5040);
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    /* Two factors, since 2^n alone leaves the exponent range at the ends. */
    ivec whole = __builtin_convertvector(n, ivec), half = whole >> 1;
    vec low = (vec)((half + 127) << 23), high = (vec)((whole - half + 127) << 23);
    return p * low * high;
}

/* The same, clamped outside of [-87.3, 88.7] (0 below -103, never infinite). */
INLINE vec exp_vec(vec x) {
    ivec vanished = x < -103.0f;
    vec clamped = max_vec(splat(-87.3f), choose(x < 88.7f, x, splat(88.7f)));
    vec y = exp_inside(clamped);
    y = choose(x != x, x, y);
    return choose(vanished, splat(0.0f), y);
}

/* Natural logarithm of positive normal x: x = 2^e m with m in [sqrt(1/2), sqrt(2)),
 * log m = 2 atanh(s), s = (m - 1) / (m + 1), as an odd polynomial in s. */
INLINE vec log_vec(vec x) {
    uvec bits = (uvec)x;
    ivec e = (ivec)(bits - 0x3f3504f3u) >> 23;
    vec m = (vec)(bits - ((uvec)e << 23));
    vec s = (m - 1.0f) / (m + 1.0f), z = s * s;
    vec p = splat(2.0f / 11);
    p = p * z + 2.0f / 9;
    p = p * z + 2.0f / 7;
    p = p * z + 2.0f / 5;
    p = p * z + 2.0f / 3;
    p = p * z + 2.0f;
    vec ef = __builtin_convertvector(e, vec);
    vec y = ef * 0.693359375f + (p * s - ef * 2.12194440e-4f);
    y = choose(x < 1.17549435e-38f, splat(-__builtin_inff()), y);
    return choose(x != x, x, y);
}

#endif
