/* Sums of convolutions of bytes become bytes or floats. */
#include "int8_finish.h"

void finish(const Results *to, const ivec *sums, int vecs, int quad, int p0, int cols) {
    const float *scale = to->end.scale + 4 * quad;
    if (to->to_float) {
        for (int r = 0; r < least(4, to->out - 4 * quad); r++)
            for (int v = 0; v * LANES < cols; v++) {
                vec value = __builtin_convertvector(sums[r * vecs + v], vec) * scale[r];
                float *y = to->y + (int64_t)(4 * quad + r) * to->n + p0 + v * LANES;
                store_part(y, value, least(LANES, cols - v * LANES));
            }
        return;
    }
    Ending end = to->end;
    Limits limits = limits_of(&end);
    vec by[4] = {splat(scale[0]), splat(scale[1]), splat(scale[2]), splat(scale[3])};
    int32_t *y = (int32_t *)to->y + (int64_t)quad * to->n + p0;
#ifdef SATURATES
    if (stay_small(scale)) {
        for (int v = 0; v * LANES < cols; v++) {
            ivec near[4];
#pragma GCC unroll 4
            for (int r = 0; r < 4; r++)
                near[r] = nearest(__builtin_convertvector(sums[r * vecs + v], vec) * by[r]);
            store_some(y + v * LANES, transpose_four(saturate(near, &end)), least(LANES, cols - v * LANES));
        }
        return;
    }
#endif
    for (int v = 0; v * LANES < cols; v++) {
        ivec word = splat_word(0);
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++) {
            vec value = __builtin_convertvector(sums[r * vecs + v], vec) * by[r];
            word |= to_bytes(value, limits) << (8 * r);
        }
        store_some(y + v * LANES, word, least(LANES, cols - v * LANES));
    }
}

void finish_one(const Results *to, const int32_t *sums, int quad, int p) {
    uint32_t word = 0;
    for (int r = 0; r < 4; r++) {
        int output = 4 * quad + r;
        float value = (float)(sums[r] + to->end.offset[output]) * to->end.scale[output];
        if (!to->to_float) word |= (uint32_t)to_byte(value, &to->end) << (8 * r);
        else if (output < to->out) to->y[(int64_t)output * to->n + p] = value;
    }
    if (!to->to_float) ((uint32_t *)to->y)[(int64_t)quad * to->n + p] = word;
}
