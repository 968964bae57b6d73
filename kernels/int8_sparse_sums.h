/* The inner loops of int8_sparse.c, once for every way to multiply and add four bytes, see int8_conv_tiles.h.
 */

/* A group of one output and `vecs` vectors of positions, onto sums. */
TARGET INLINE void VARIANT(add_group)(ivec *acc, const Groups *g, int e, const int32_t *panel,
                                      const int vecs) {
    uint32_t k = (uint32_t)g->places[e];
    if (k >= g->depth) return;
    const int32_t *x = panel + k * (uint32_t)(vecs * LANES);
    Bytes w = SIGNED(splat_word(g->values[e]));
#pragma GCC unroll 8
    for (int v = 0; v < vecs; v++) acc[v] = DOT(acc[v], UNSIGNED(load_words(x + v * LANES)), w);
}

/* One output: groups [from, to), onto an offset. Of few vectors every other group has sums of its own, so
 * that an addition need not wait for the last. */
TARGET INLINE void VARIANT(sum_groups)(ivec *sums, const Groups *g, int32_t offset, int from, int to,
                                       const int32_t *panel, const int vecs) {
    ivec acc[SPARSE_VECS], more[SPARSE_VECS];
    for (int v = 0; v < vecs; v++) acc[v] = splat_word(offset);
    if (vecs <= 4) {
        for (int v = 0; v < vecs; v++) more[v] = splat_word(0);
        for (; from + 1 < to; from += 2) {
            VARIANT(add_group)(acc, g, from, panel, vecs);
            VARIANT(add_group)(more, g, from + 1, panel, vecs);
        }
        for (int v = 0; v < vecs; v++) acc[v] += more[v];
    }
    for (; from < to; from++) VARIANT(add_group)(acc, g, from, panel, vecs);
    for (int v = 0; v < vecs; v++) sums[v] = acc[v];
}

/* Outputs [4 q0, 4 q1) of a tile of positions. */
TARGET INLINE void VARIANT(sum_outputs)(const SparseConv *c, const Tile *t, const int vecs) {
    Groups g = c->groups;
    for (int quad = t->q0; quad < t->q1; quad++) {
        ivec sums[4 * SPARSE_VECS];
        for (int r = 0; r < 4; r++) {
            int output = 4 * quad + r, from = 0, to = 0;
            if (output < c->to.out) groups_of(&g, output, &from, &to);
            VARIANT(sum_groups)(sums + r * vecs, &g, c->to.end.offset[output], from, to, t->panel, vecs);
        }
        finish(&c->to, sums, vecs, quad, t->p0, t->cols);
    }
}

/* The same by the number of vectors, which is then a constant. */
TARGET static void VARIANT(sum_tile)(const SparseConv *c, const Tile *t, int vecs) {
    switch (vecs) {
#if SPARSE_VECS == 8
        case 8: VARIANT(sum_outputs)(c, t, 8); return;
        case 7: VARIANT(sum_outputs)(c, t, 7); return;
        case 6: VARIANT(sum_outputs)(c, t, 6); return;
        case 5: VARIANT(sum_outputs)(c, t, 5); return;
#endif
        case 4: VARIANT(sum_outputs)(c, t, 4); return;
        case 3: VARIANT(sum_outputs)(c, t, 3); return;
        case 2: VARIANT(sum_outputs)(c, t, 2); return;
        default: VARIANT(sum_outputs)(c, t, 1);
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
