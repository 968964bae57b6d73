/* Sums of convolutions of bytes become bytes or floats. */
#include "int8_finish.h"

void finish(const Results *to, const ivec *sums, int vecs, int quad, int p0, int cols) {
    for (int v = 0; v * LANES < cols; v++) {
        int count = least(LANES, cols - v * LANES), p = p0 + v * LANES;
        if (!to->to_float) {
            ivec word = end_four(sums + v, vecs, &to->end, 4 * quad);
            store_some((int32_t *)to->y + (int64_t)quad * to->n + p, word, count);
            continue;
        }
        for (int r = 0; r < 4 && 4 * quad + r < to->out; r++) {
            ivec sum = sums[r * vecs + v] + to->end.offset[4 * quad + r];
            vec value = __builtin_convertvector(sum, vec) * to->end.scale[4 * quad + r];
            store_part(to->y + (int64_t)(4 * quad + r) * to->n + p, value, count);
        }
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
