/* Includes INT8_INNER once for every way to multiply and add four bytes: by halves everywhere, and by one
 * instruction where the processor may have it. See int8_conv_tiles.h for what it sees. */
#define Bytes Halves
#define UNSIGNED halves_of_unsigned
#define SIGNED halves_of_signed
#define DOT add_products
#define VARIANT(name) name##_by_halves
#define TARGET
#include INT8_INNER
#undef Bytes
#undef UNSIGNED
#undef SIGNED
#undef DOT
#undef VARIANT
#undef TARGET

#ifdef HAS_DOT
#define Bytes ivec
#define UNSIGNED(x) (x)
#define SIGNED(w) (w)
#if LANES == 16
#define DOT(sum, x, w) (ivec) _mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(x), (__m512i)(w))
#else
#define DOT(sum, x, w) (ivec) _mm256_dpbusd_avx_epi32((__m256i)(sum), (__m256i)(x), (__m256i)(w))
#endif
#define VARIANT(name) name##_by_dots
#define TARGET DOT_TARGET
#include INT8_INNER
#undef Bytes
#undef UNSIGNED
#undef SIGNED
#undef DOT
#undef VARIANT
#undef TARGET
#define BY(name, ...) (has_dot() ? name##_by_dots(__VA_ARGS__) : name##_by_halves(__VA_ARGS__))
#else
#define BY(name, ...) name##_by_halves(__VA_ARGS__)
#endif
