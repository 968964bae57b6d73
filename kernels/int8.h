/* What kernels of bytes share. A map of bytes lies as [channel / 4][row][column][sample][4]: four channels of
 * a position are one 32-bit word, so that vectors run over positions and samples and one instruction
 * multiplies and adds four channels (vpdpbusd), where a processor has it. Channels are filled up to fours;
 * what the last ones hold meets weights that are zero. Activations are 0 to 255, weights -128 to 127, and
 * sums exact, in 32 bits; whoever makes a program sees to it that they fit.
 *
 * A sum becomes a byte by  y = clamp(round(float(sum + offset[o]) * scale[o]) + zero, low, high),
 * in single precision, to the even one of two: as ONNX Runtime does it. */
#ifndef ESPALIER_INT8_H
#define ESPALIER_INT8_H

#include "kernel.h"

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

typedef int32_t word_vec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int16_t half_vec __attribute__((vector_size(LANES * 4), may_alias));
typedef int32_t four __attribute__((vector_size(16), aligned(4), may_alias));

INLINE ivec load_words(const int32_t *p) { return (ivec) * (const word_vec *)p; }
INLINE void store_words(int32_t *p, ivec v) { *(word_vec *)p = (word_vec)v; }
INLINE void store_some(int32_t *p, ivec v, int count) { store_part((float *)p, (vec)v, count); }
INLINE ivec splat_word(int32_t x) { return x - (ivec){0}; }

/* Four words, again and again. */
INLINE ivec repeat_four(const int32_t *p) {
    four q = *(const four *)p;
#if LANES == 16
    return (ivec)_mm512_broadcast_i32x4((__m128i)q);
#elif LANES == 8
    return (ivec)_mm256_broadcastsi128_si256((__m128i)q);
#else
    return (ivec)q;
#endif
}

INLINE int quads(int channels) { return (channels + 3) / 4; }

/* The sum of the two products of halves, in every word. */
INLINE ivec multiply_halves(ivec x, ivec w) {
#if LANES == 16 && defined(__AVX512BW__)
    return (ivec)_mm512_madd_epi16((__m512i)x, (__m512i)w);
#elif LANES == 8
    return (ivec)_mm256_madd_epi16((__m256i)x, (__m256i)w);
#elif defined(__SSE2__)
    return (ivec)__builtin_ia32_pmaddwd128((half_vec)x, (half_vec)w);
#elif defined(__wasm_simd128__)
    return (ivec)wasm_i32x4_dot_i16x8((v128_t)x, (v128_t)w);
#else
    return (x << 16 >> 16) * (w << 16 >> 16) + (x >> 16) * (w >> 16);
#endif
}

/* Bytes of even and of odd places as halves. */
typedef struct {
    ivec even, odd;
} Halves;
INLINE Halves halves_of_unsigned(ivec x) {
    return (Halves){x & 0x00ff00ff, (ivec)((uvec)x >> 8) & 0x00ff00ff};
}
INLINE Halves halves_of_signed(ivec w) {
    return (Halves){(ivec)((half_vec)w << 8 >> 8), (ivec)((half_vec)w >> 8)};
}
INLINE ivec add_products(ivec sum, Halves x, Halves w) {
    return sum + multiply_halves(x.even, w.even) + multiply_halves(x.odd, w.odd);
}

/* Whether the processor has instructions that multiply and add four bytes, for vectors of this width. */
#if (LANES == 16 || LANES == 8) && !defined(WITHOUT_DOT)
#include <cpuid.h>
#define HAS_DOT 1
#if LANES == 16
#define DOT_TARGET __attribute__((target("avx512vnni")))
#else
#define DOT_TARGET __attribute__((target("avxvnni")))
#endif
INLINE int has_dot(void) {
    static int known; /* 1: no, 2: yes; all threads find the same */
    int is = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (is) return is == 2;
    unsigned a = 0, b = 0, c = 0, d = 0;
#if LANES == 16
    is = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c >> 11 & 1) ? 2 : 1;
#else
    is = __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1) ? 2 : 1;
#endif
    __atomic_store_n(&known, is, __ATOMIC_RELAXED);
    return is == 2;
}
#endif

/* How sums end. `offset` and `scale` have a value for each output, up to whole fours. */
typedef struct {
    const int32_t *offset;
    const float *scale;
    int zero, low, high;
} Ending;

/* 1.5 * 2^23: adding it rounds to the nearest whole number, which is then in the lowest bits. */
#define ROUNDER 12582912.0f
#define ROUNDER_BITS 0x4b400000

/* Within limits; the first, where the value is NaN. */
INLINE vec within(vec value, float low, float high) {
#if LANES == 16
    return (vec)_mm512_min_ps(_mm512_max_ps((__m512)value, (__m512)splat(low)), (__m512)splat(high));
#elif LANES == 8
    return (vec)_mm256_min_ps(_mm256_max_ps((__m256)value, (__m256)splat(low)), (__m256)splat(high));
#elif defined(__SSE2__)
    return (vec)__builtin_ia32_minps(__builtin_ia32_maxps(value, splat(low)), splat(high));
#elif defined(__wasm_simd128__)
    return (vec)wasm_f32x4_pmin((v128_t)splat(high), wasm_f32x4_pmax((v128_t)splat(low), (v128_t)value));
#else
    value = max_vec(value, splat(low));
    return choose(value < high, value, splat(high));
#endif
}

/* The limits of an ending, copied: what is stored in a loop might otherwise be what they lie in. */
typedef struct {
    float low, high;
    int zero;
} Limits;
INLINE Limits limits_of(const Ending *e) {
    return (Limits){(float)(e->low - e->zero), (float)(e->high - e->zero), e->zero - ROUNDER_BITS};
}

/* What becomes of values: bytes, in words. */
INLINE ivec to_bytes(vec value, Limits to) {
    return (ivec)(within(value, to.low, to.high) + ROUNDER) + to.zero;
}

/* The nearest whole numbers of values within 32 bits. AVX2 and later make bytes of four vectors of them at
 * once. */
#if LANES == 16
#define SATURATES 1
INLINE ivec nearest(vec x) { return (ivec)_mm512_cvtps_epi32((__m512)x); }
/* Within each four words of a vector: bytes [vector][word]. */
INLINE ivec saturate(const ivec *x, const Ending *e) {
    __m512i zero = _mm512_set1_epi16((short)e->zero);
    __m512i low = _mm512_packs_epi32((__m512i)x[0], (__m512i)x[1]);
    __m512i high = _mm512_packs_epi32((__m512i)x[2], (__m512i)x[3]);
    __m512i all = _mm512_packus_epi16(_mm512_adds_epi16(low, zero), _mm512_adds_epi16(high, zero));
    all = _mm512_max_epu8(all, _mm512_set1_epi8((char)e->low));
    return (ivec)_mm512_min_epu8(all, _mm512_set1_epi8((char)e->high));
}
/* Bytes [i][k] of each four words as [k][i]. */
INLINE ivec transpose_four(ivec x) {
    __m128i places = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return (ivec)_mm512_shuffle_epi8((__m512i)x, _mm512_broadcast_i32x4(places));
}
#elif LANES == 8
#define SATURATES 1
INLINE ivec nearest(vec x) { return (ivec)_mm256_cvtps_epi32((__m256)x); }
INLINE ivec saturate(const ivec *x, const Ending *e) {
    __m256i zero = _mm256_set1_epi16((short)e->zero);
    __m256i low = _mm256_packs_epi32((__m256i)x[0], (__m256i)x[1]);
    __m256i high = _mm256_packs_epi32((__m256i)x[2], (__m256i)x[3]);
    __m256i all = _mm256_packus_epi16(_mm256_adds_epi16(low, zero), _mm256_adds_epi16(high, zero));
    all = _mm256_max_epu8(all, _mm256_set1_epi8((char)e->low));
    return (ivec)_mm256_min_epu8(all, _mm256_set1_epi8((char)e->high));
}
INLINE ivec transpose_four(ivec x) {
    __m128i places = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return (ivec)_mm256_shuffle_epi8((__m256i)x, _mm256_broadcastsi128_si256(places));
}
#endif
/* Whether sums times four scales stay within 32 bits. */
INLINE int stay_small(const float *scale) {
    return scale[0] < 1 && scale[1] < 1 && scale[2] < 1 && scale[3] < 1;
}

INLINE int to_byte(float value, const Ending *e) {
    union {
        float f;
        int32_t i;
    } u;
    float low = (float)(e->low - e->zero), high = (float)(e->high - e->zero);
    u.f = (value > low ? value < high ? value : high : low) + ROUNDER;
    return u.i - ROUNDER_BITS + e->zero;
}

#endif
