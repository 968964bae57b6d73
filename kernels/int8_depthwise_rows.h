/* The inner loops of int8_depthwise.c, once for every way to multiply and add four bytes, see
 * int8_conv_tiles.h. */

/* The words that four taps in a row read, as words of four taps for each channel: of place p of four in
 * vector p. */
INLINE void VARIANT(read_taps)(const Strip *strip, int group, int place, ivec *words) {
    const int *at = strip->taps + 4 * group;
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) words[i] = load_words(strip->words + place + at[i]);
    transpose_bytes(words);
}

/* Sums of four places and four channels as words of bytes. `small`: see stay_small. */
INLINE ivec VARIANT(end_places)(ivec *sums, vec scale, const Ending *end, Limits limits, int small) {
#ifdef SATURATES
    if (small) {
#pragma GCC unroll 4
        for (int p = 0; p < 4; p++) sums[p] = nearest(__builtin_convertvector(sums[p], vec) * scale);
        return saturate(sums, end);
    }
#endif
    (void)end, (void)small;
#pragma GCC unroll 4
    for (int p = 0; p < 4; p++) sums[p] = to_bytes(__builtin_convertvector(sums[p], vec) * scale, limits);
    return narrow(sums);
}

/* Any kernel: fours of taps meet the four weights that each channel has for them. */
TARGET static void VARIANT(sum_strip)(const Strip *strip, const int32_t *weight, const Ending *given,
                                      const Sums *to, int groups) {
    Ending end = *given;
    Limits limits = limits_of(&end);
    ivec offset = repeat_four(end.offset);
    vec scale = (vec)repeat_four((const int32_t *)end.scale);
    int small = stay_small(end.scale);
    for (int i = 0; i < to->count; i += LANES) {
        ivec sums[4] = {offset, offset, offset, offset};
        for (int g = 0; g < groups; g++) {
            ivec words[4];
            VARIANT(read_taps)(strip, g, i, words);
            Bytes w = SIGNED(repeat_four(weight + 4 * g));
#pragma GCC unroll 4
            for (int p = 0; p < 4; p++) sums[p] = DOT(sums[p], UNSIGNED(words[p]), w);
        }
        store_words(to->words + i, VARIANT(end_places)(sums, scale, &end, limits, small));
    }
}

#if SHARED_ROWS == 2
/* Two rows of outputs, `stride` rows of the input apart, of a kernel of three rows of at most four taps. */
TARGET INLINE void VARIANT(sum_two_rows)(const Strip *strip, const int32_t *weight, const Ending *given,
                                         const Sums *to, const int stride) {
    Ending end = *given;
    Limits limits = limits_of(&end);
    ivec offset = repeat_four(end.offset);
    vec scale = (vec)repeat_four((const int32_t *)end.scale);
    int small = stay_small(end.scale);
    Bytes w[3];
    for (int k = 0; k < 3; k++) w[k] = SIGNED(repeat_four(weight + 4 * k));
    for (int i = 0; i < to->count; i += LANES) {
        ivec sums[2][4] = {{offset, offset, offset, offset}, {offset, offset, offset, offset}};
#pragma GCC unroll 5
        for (int t = 0; t < 3 + stride; t++) {
            ivec words[4];
            VARIANT(read_taps)(strip, t, i, words);
#pragma GCC unroll 4
            for (int p = 0; p < 4; p++) {
                Bytes x = UNSIGNED(words[p]);
                if (t < 3) sums[0][p] = DOT(sums[0][p], x, w[t]);
                if (t >= stride) sums[1][p] = DOT(sums[1][p], x, w[t - stride]);
            }
        }
        store_words(to->words + i, VARIANT(end_places)(sums[0], scale, &end, limits, small));
        store_words(to->words + to->apart + i, VARIANT(end_places)(sums[1], scale, &end, limits, small));
    }
}

TARGET static void VARIANT(sum_pairs)(const Strip *strip, const int32_t *weight, const Ending *end,
                                      const Sums *to, int stride) {
    if (stride == 1) VARIANT(sum_two_rows)(strip, weight, end, to, 1);
    else VARIANT(sum_two_rows)(strip, weight, end, to, 2);
}
#endif
