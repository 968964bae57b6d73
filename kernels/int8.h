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

/* What becomes of values: bytes, in words. */
INLINE ivec to_bytes(vec value, const Ending *e) {
    vec low = splat((float)(e->low - e->zero)), high = splat((float)(e->high - e->zero));
    value = max_vec(value, low);
    value = choose(value < high, value, high);
    return (ivec)(value + ROUNDER) + (e->zero - ROUNDER_BITS);
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

/* Sums of four outputs of the same positions as words of bytes. */
INLINE ivec end_four(const ivec *sums, int stride, const Ending *e, int first) {
    ivec word = splat_word(0);
#pragma GCC unroll 4
    for (int r = 0; r < 4; r++) {
        vec value =
            __builtin_convertvector(sums[r * stride] + e->offset[first + r], vec) * e->scale[first + r];
        word |= to_bytes(value, e) << (8 * r);
    }
    return word;
}

#endif
