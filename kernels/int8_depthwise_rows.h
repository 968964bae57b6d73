/* The inner loop of int8_depthwise.c, once for every way to multiply and add four bytes, see
 * int8_conv_tiles.h. */

/* Sums of `count` places in a row: of every four taps, which are bytes of four vectors, words are made for
 * each channel, and these meet the four weights that the channel has for them. `groups` may be a constant. */
TARGET INLINE void VARIANT(sum_places)(const Strip *strip, const int32_t *weight, const Ending *given,
                                       int32_t *to, int count, const int groups) {
    Ending end = *given;
    ivec offset = repeat_four(end.offset);
    vec scale = (vec)repeat_four((const int32_t *)end.scale);
    Limits limits = limits_of(&end);
#ifdef SATURATES
    int small = stay_small(end.scale);
#endif
    for (int i = 0; i < count; i += LANES) {
        ivec sums[4] = {offset, offset, offset, offset};
        for (int g = 0; g < groups; g++) {
            const int32_t *taps = strip->words + i;
            const int *at = strip->taps + 4 * g;
            ivec words[4] = {load_words(taps + at[0]), load_words(taps + at[1]), load_words(taps + at[2]),
                             load_words(taps + at[3])};
            transpose_bytes(words);
            Bytes w = SIGNED(repeat_four(weight + 4 * g));
#pragma GCC unroll 4
            for (int p = 0; p < 4; p++) sums[p] = DOT(sums[p], UNSIGNED(words[p]), w);
        }
#ifdef SATURATES
        if (small) {
#pragma GCC unroll 4
            for (int p = 0; p < 4; p++) sums[p] = nearest(__builtin_convertvector(sums[p], vec) * scale);
            store_words(to + i, saturate(sums, &end));
            continue;
        }
#endif
#pragma GCC unroll 4
        for (int p = 0; p < 4; p++) sums[p] = to_bytes(__builtin_convertvector(sums[p], vec) * scale, limits);
        store_words(to + i, narrow(sums));
    }
}

TARGET static void VARIANT(sum_strip)(const Strip *strip, const int32_t *weight, const Ending *end,
                                      int32_t *to, int count, int groups) {
#ifndef __wasm__
    if (groups == 3) {
        VARIANT(sum_places)(strip, weight, end, to, count, 3);
        return;
    }
#endif
    VARIANT(sum_places)(strip, weight, end, to, count, groups);
}
