/* The inner loops of int8_conv.c, once for every way to multiply and add four bytes: `Bytes` is what a vector
 * of activations or weights is then, UNSIGNED and SIGNED make it, DOT adds products, VARIANT(name) names it.
 */

/* Four outputs x `vecs` vectors of positions, over all of the depth, from the offsets on. Weights: [depth][4
 * outputs][4]. */
TARGET INLINE void VARIANT(multiply)(ivec *sums, const int32_t *offset, const int32_t *weight,
                                     const int32_t *panel, int depth, const int vecs) {
    ivec acc[4][INT8_VECS];
    for (int r = 0; r < 4; r++)
        for (int v = 0; v < vecs; v++) acc[r][v] = splat_word(offset[r]);
    for (int k = 0; k < depth; k++, weight += 4, panel += vecs * LANES) {
        Bytes x[INT8_VECS];
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) x[v] = UNSIGNED(load_words(panel + v * LANES));
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++) {
            Bytes w = SIGNED(splat_word(weight[r]));
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++) acc[r][v] = DOT(acc[r][v], x[v], w);
        }
    }
    for (int r = 0; r < 4; r++)
        for (int v = 0; v < vecs; v++) sums[r * vecs + v] = acc[r][v];
}

/* Outputs [4 q0, 4 q1) of a tile of positions. */
TARGET INLINE void VARIANT(multiply_outputs)(const Conv *c, const Tile *t, int depth, const int vecs) {
    for (int quad = t->q0; quad < t->q1; quad++) {
        ivec sums[4 * INT8_VECS];
        const int32_t *weight = c->weight + (int64_t)quad * 4 * depth;
        VARIANT(multiply)(sums, c->to.end.offset + 4 * quad, weight, t->panel, depth, vecs);
        finish(&c->to, sums, vecs, quad, t->p0, t->cols);
    }
}

/* The same by the number of vectors, which is then a constant. */
TARGET static void VARIANT(multiply_tile)(const Conv *c, const Tile *t, int depth, int vecs) {
    switch (vecs) {
#if INT8_VECS == 4
        case 4: VARIANT(multiply_outputs)(c, t, depth, 4); return;
        case 3: VARIANT(multiply_outputs)(c, t, depth, 3); return;
#endif
        case 2: VARIANT(multiply_outputs)(c, t, depth, 2); return;
        default: VARIANT(multiply_outputs)(c, t, depth, 1);
    }
}

/* Four outputs of one position. Lanes run over outputs and, where there are more than four, over the depth:
 * `column` has every word four times, and zeros up to whole vectors. */
TARGET static four VARIANT(multiply_column)(const int32_t *weight, const int32_t *column, int depth) {
    ivec acc = splat_word(0), more = splat_word(0);
    int words = 4 * depth, i = 0;
    for (; i + 2 * LANES <= words; i += 2 * LANES) {
        acc = DOT(acc, UNSIGNED(load_words(column + i)), SIGNED(load_words(weight + i)));
        more = DOT(more, UNSIGNED(load_words(column + i + LANES)), SIGNED(load_words(weight + i + LANES)));
    }
    for (; i < words; i += LANES) {
        ivec w = (ivec)load_part((const float *)weight + i, least(LANES, words - i));
        acc = DOT(acc, UNSIGNED(load_words(column + i)), SIGNED(w));
    }
    union {
        ivec v;
        four f[LANES / 4];
    } all = {acc + more};
    four sum = all.f[0];
    for (int part = 1; part < LANES / 4; part++) sum += all.f[part];
    return sum;
}
