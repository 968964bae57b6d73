/* Functions of one number or two, for whole vectors where that is worth it. Each is good to a few units in
 * the last place of single precision; NaN stays NaN. Polynomials were fitted by weighted least squares
 * (Lawson) to values of high precision. */
#ifndef ESPALIER_FUNCTIONS_H
#define ESPALIER_FUNCTIONS_H

#include "kernel.h"

/* Large and rarely called: code once, not wherever it is called. */
#define APART __attribute__((noinline, unused))

INLINE vec abs_vec(vec x) { return (vec)((ivec)x & 0x7fffffff); }
/* The absolute value of x with the sign of y. */
INLINE vec with_sign(vec x, vec y) { return (vec)(((ivec)x & 0x7fffffff) | ((ivec)y & (-0x7fffffff - 1))); }
INLINE vec min_vec(vec a, vec b) { return choose(a < b, a, b); }

/* The largest and the least of two; NaN if one of them is. */
INLINE vec largest(vec a, vec b) { return choose((a > b) | (a != a), a, b); }
INLINE vec smallest(vec a, vec b) { return choose((a < b) | (a != a), a, b); }

INLINE vec floor_vec(vec x) {
    for (int i = 0; i < LANES; i++) x[i] = __builtin_floorf(x[i]);
    return x;
}
INLINE vec ceil_vec(vec x) {
    for (int i = 0; i < LANES; i++) x[i] = __builtin_ceilf(x[i]);
    return x;
}
INLINE vec trunc_vec(vec x) {
    for (int i = 0; i < LANES; i++) x[i] = __builtin_truncf(x[i]);
    return x;
}
/* The nearest whole number, the even one of two. */
INLINE vec round_vec(vec x) {
    for (int i = 0; i < LANES; i++) x[i] = __builtin_rintf(x[i]);
    return x;
}
INLINE vec sign_vec(vec x) { return choose(x > 0, splat(1), choose(x < 0, splat(-1), x)); }

/* e^x over the whole range: gradually 0 below, infinite above. */
INLINE vec exp_any(vec x) {
    vec inside = max_vec(splat(-105), choose(x < 90, x, splat(90)));
    return choose(x != x, x, exp_inside(inside));
}

/* The natural logarithm of any x: -infinite at 0, NaN below. */
INLINE vec log_any(vec x) {
    const float infinity = __builtin_inff();
    /* log_vec takes normal numbers: smaller ones times 2^24. */
    ivec tiny = x < 1.17549435e-38f;
    vec y = log_vec(choose(tiny, x * 16777216.0f, x));
    y = choose(tiny, y - 16.6355324f, y);
    y = choose(x == 0, splat(-infinity), choose(x < 0, splat(__builtin_nanf("")), y));
    return choose(x == infinity, x, y);
}

INLINE vec sigmoid_vec(vec x) { return 1.0f / (1.0f + exp_vec(-x)); }

/* Near 0 an odd polynomial, else 1 - 2 / (e^2|x| + 1). */
INLINE vec tanh_vec(vec x) {
    vec size = abs_vec(x), z = x * x;
    vec p = splat(-5.7170487e-3f);
    p = p * z + 2.06505909e-2f;
    p = p * z - 5.37434994e-2f;
    p = p * z + 1.33314913e-1f;
    p = p * z - 3.33332839e-1f;
    vec far = 1.0f - 2.0f / (exp_vec(size + size) + 1.0f);
    vec y = choose(size < 0.625f, x + x * z * p, with_sign(far, x));
    return choose(x != x, x, y);
}

/* The error function: near 0 an odd polynomial, else 1 - e^-q(|x|). */
INLINE vec erf_vec(vec x) {
    vec z = x * x, t = min_vec(abs_vec(x), splat(4));
    vec p = splat(7.88926778e-5f);
    p = p * z - 8.02088919e-4f;
    p = p * z + 5.18954129e-3f;
    p = p * z - 2.68544481e-2f;
    p = p * z + 1.12836003e-1f;
    p = p * z - 3.76126271e-1f;
    p = p * z + 1.28379166e-1f;
    vec q = splat(-1.8638008431e-4f);
    q = q * t + 2.9476667972e-3f;
    q = q * t - 2.1838096971e-2f;
    q = q * t + 1.0310682138e-1f;
    q = q * t + 6.3814475817e-1f;
    q = q * t + 1.1270892338f;
    q = q * t + 3.4151258969e-4f;
    vec y = choose(t < 1, x + x * p, with_sign(1.0f - exp_vec(-q), x));
    return choose(x != x, x, y);
}

/* arctan: beyond tan(3 pi/8) by that of -1 / x, beyond tan(pi/8) by that of (x - 1) / (x + 1). */
INLINE vec atan_vec(vec x) {
    vec size = abs_vec(x);
    ivec far = size > 2.41421356f, middle = size > 0.414213562f;
    vec from = choose(far, splat(1.57079633f), choose(middle, splat(0.785398163f), splat(0)));
    vec t = choose(far, -1.0f / size, choose(middle, (size - 1.0f) / (size + 1.0f), size)), z = t * t;
    vec p = splat(8.0592967e-2f);
    p = p * z - 1.38795596e-1f;
    p = p * z + 1.99779015e-1f;
    p = p * z - 3.33329547e-1f;
    vec y = with_sign(from + (t * z * p + t), x);
    return choose(x != x, x, y);
}

/* sin(x + quarters pi/2). The nearest multiple of pi/2 is taken off in double precision, which is exact
 * enough up to 2^30; far beyond, where neighbours are many turns apart, the result is only known to lie in
 * [-1, 1]. */
static APART vec sine(vec x, int quarters) {
    const double most = 1125899906842624.0, magic = 6755399441055744.0; /* 2^50 and 1.5 * 2^52 */
    vec r;
    ivec turn;
    for (int i = 0; i < LANES; i++) {
        double t = x[i];
        t = t < -most ? -most : t < most ? t : most;
        double k = t * 0.63661977236758134 + magic - magic;
        double rest = t - k * 1.57079632673412561417 - k * 6.07710050650619224932e-11;
        r[i] = (float)(rest < -0.7854 ? -0.7854 : rest < 0.7854 ? rest : 0.7854);
        turn[i] = (int32_t)((int64_t)k & 3);
    }
    turn += quarters;
    vec z = r * r;
    vec s = ((-1.951722e-4f * z + 8.3321776e-3f) * z - 1.66666549e-1f) * z * r + r;
    vec c = ((2.44383573e-5f * z - 1.38873667e-3f) * z + 4.16666469e-2f) * z * z - 0.5f * z + 1.0f;
    vec y = choose(-(turn & 1), c, s);
    /* x - x is NaN where x is infinite. */
    return choose(-((turn >> 1) & 1), -y, y) + (x - x);
}
INLINE vec sin_vec(vec x) { return sine(x, 0); }
INLINE vec cos_vec(vec x) { return sine(x, 1); }

typedef union {
    double value;
    int64_t bits;
} Bits64;

/* Natural logarithm of a positive normal double, to 1e-12. */
INLINE double log_double(double x) {
    Bits64 m = {x};
    int64_t e = (m.bits - 0x3fe6a09e667f3bcd) >> 52;
    m.bits -= e << 52;
    double s = (m.value - 1) / (m.value + 1), z = s * s, p = 0;
    for (int k = 17; k > 0; k -= 2) p = p * z + 2.0 / k;
    return (double)e * 0.69314718055994530942 + p * s;
}

/* e^x to 1e-12, for |x| below 700. */
INLINE double exp_double(double x) {
    const double magic = 6755399441055744.0;
    double n = x * 1.44269504088896340736 + magic - magic, r = x - n * 0.69314718055994530942, p = 1;
    for (int k = 11; k > 0; k--) p = p * r / k + 1;
    Bits64 scale = {.bits = ((int64_t)n + 1023) << 52};
    return p * scale.value;
}

/* x^y as C's pow: 1 where y is 0 or x is 1, NaN where x is below 0 and y no whole number. */
static APART float pow_one(float x, float y) {
    const float infinity = __builtin_inff();
    if (y == 0 || x == 1) return 1;
    if (x != x || y != y) return x + y;
    float size = x < 0 ? -x : x, far = y < 0 ? -y : y;
    /* Of floats from 2^24 on, none is odd. */
    int whole = far >= 16777216 || (float)(int32_t)y == y, odd = far < 16777216 && whole && ((int32_t)y & 1);
    float result;
    if (size == 0 || size == infinity) {
        result = (size == 0) == (y > 0) ? 0 : infinity;
    } else {
        if (x < 0 && !whole) return __builtin_nanf("");
        double t = size == 1 ? 0 : y * log_double(size);
        result = t > 89 ? infinity : t < -105 ? 0 : (float)exp_double(t);
    }
    return odd ? __builtin_copysignf(result, x) : result;
}

/* The remainder of x / y with the sign of x, exact, by long division: NaN where y is 0 or x infinite. */
static APART float fmod_one(float x, float y) {
    double r = __builtin_fabs((double)x), d = __builtin_fabs((double)y);
    if (!(r <= 3.4028234663852886e38) || !(d > 0)) return __builtin_nanf("");
    if (d > r) return x;
    double step = d;
    while (step <= r * 0.5) step *= 2;
    for (; step >= d; step *= 0.5)
        if (r >= step) r -= step;
    return __builtin_copysignf((float)r, x);
}

INLINE vec pow_vec(vec x, vec y) {
    for (int i = 0; i < LANES; i++) x[i] = pow_one(x[i], y[i]);
    return x;
}
INLINE vec fmod_vec(vec x, vec y) {
    for (int i = 0; i < LANES; i++) x[i] = fmod_one(x[i], y[i]);
    return x;
}

#endif
