/* The inner loops of int8_sparse.c, once for every way to multiply and add four bytes, see int8_conv_tiles.h.
 */

/* One output and `vecs` vectors of positions: groups [from, to). */
TARGET INLINE void VARIANT(sum_groups)(ivec *sums, const Groups *g, int from, int to, const int32_t *panel,
                                       const int vecs) {
    ivec acc[SPARSE_VECS];
    for (int v = 0; v < vecs; v++) acc[v] = splat_word(0);
    for (int e = from; e < to; e++) {
        uint32_t k = (uint32_t)g->places[e];
        if (k >= g->depth) continue;
        const int32_t *x = panel + k * (uint32_t)(vecs * LANES);
        Bytes w = SIGNED(splat_word(g->values[e]));
#pragma GCC unroll 8
        for (int v = 0; v < vecs; v++) acc[v] = DOT(acc[v], UNSIGNED(load_words(x + v * LANES)), w);
    }
    for (int v = 0; v < vecs; v++) sums[v] = acc[v];
}

TARGET static void VARIANT(sum_tile)(ivec *sums, const Groups *g, int from, int to, const int32_t *panel,
                                     int vecs) {
    switch (vecs) {
#if SPARSE_VECS == 8
        case 8: VARIANT(sum_groups)(sums, g, from, to, panel, 8); return;
        case 7: VARIANT(sum_groups)(sums, g, from, to, panel, 7); return;
        case 6: VARIANT(sum_groups)(sums, g, from, to, panel, 6); return;
        case 5: VARIANT(sum_groups)(sums, g, from, to, panel, 5); return;
#endif
        case 4: VARIANT(sum_groups)(sums, g, from, to, panel, 4); return;
        case 3: VARIANT(sum_groups)(sums, g, from, to, panel, 3); return;
        case 2: VARIANT(sum_groups)(sums, g, from, to, panel, 2); return;
        default: VARIANT(sum_groups)(sums, g, from, to, panel, 1);
    }
}

/* One output and one position: lanes run over groups. */
TARGET static int32_t VARIANT(sum_column)(const Groups *g, int from, int to, const int32_t *column) {
    ivec acc = splat_word(0);
    for (int e = from; e < to; e += LANES) {
        union {
            int32_t of[LANES];
            ivec v;
        } x = {{0}}, w = {{0}};
        for (int i = 0, count = least(LANES, to - e); i < count; i++) {
            uint32_t k = (uint32_t)g->places[e + i];
            if (k < g->depth) x.of[i] = column[k], w.of[i] = g->values[e + i];
        }
        acc = DOT(acc, UNSIGNED(x.v), SIGNED(w.v));
    }
    int32_t sum = 0;
    for (int i = 0; i < LANES; i++) sum += acc[i];
    return sum;
}
