/* Windows of maps of bytes as columns of words, and rows of a map with what lies beside it. */
#include "int8_window.h"

/* `count` words from place `from` on of a row of `width`, which may lie beside it. */
INLINE void copy_clipped(int32_t *to, const int32_t *row, int64_t from, int width, int count,
                         int32_t border) {
    int before = from < 0 ? (from < -count ? count : (int)-from) : 0;
    int end = from + count > width ? (int)(width - from) : count;
    if (end < before) end = before;
    fill_words(to, border, before);
    copy_words(to + before, row + from + before, end - before);
    fill_words(to + end, border, count - end);
}

/* Every sx-th word of a row of one sample from column `from` on, `count` of them. */
static void copy_columns(int32_t *to, const int32_t *row, int from, const Int8Sizes *s, int count,
                         int32_t border) {
    int before = from < 0 ? least((-from + s->sx - 1) / s->sx, count) : 0;
    int end = s->w > from ? least((s->w - from + s->sx - 1) / s->sx, count) : 0, i = before;
    if (end < before) end = before;
    fill_words(to, border, before);
    if (s->sx == 2)
        for (; i < end; i += LANES) {
            const float *at = (const float *)row + from + 2 * i;
            int columns = least(LANES, end - i), words = 2 * columns - 1;
            vec next = splat(0);
            if (words > LANES) next = load_part(at + LANES, words - LANES);
            store_part((float *)to + i, even_lanes(load_part(at, least(LANES, words)), next), columns);
        }
    for (; i < end; i++) to[i] = row[from + i * s->sx];
    fill_words(to + end, border, count - end);
}

void pack_run(const Windows *c, int32_t *to, const int32_t *row, int j, int count, int shift) {
    const Int8Sizes *s = &c->s;
    if (s->sx == 1) {
        copy_clipped(to, row, j + (int64_t)shift * s->batch, s->w * s->batch, count, c->border);
        return;
    }
    if (s->batch == 1) {
        copy_columns(to, row, j * s->sx + shift, s, count, c->border);
        return;
    }
    int column = j / s->batch, n = j % s->batch;
    for (int i = 0; i < count; i++) {
        int from = column * s->sx + shift;
        to[i] = from < 0 || from >= s->w ? c->border : row[(int64_t)from * s->batch + n];
        if (++n == s->batch) n = 0, column++;
    }
}

void pack_windows(const Windows *c, int32_t *to, int64_t p0, int cols, int width) {
    const Int8Sizes *s = &c->s;
    int64_t plane = (int64_t)s->h * s->w * s->batch;
    int run = s->ow * s->batch;
    if (s->kh * s->kw * s->sy * s->sx == 1 && s->top == 0 && s->left == 0 && s->h == s->oh && s->w == s->ow) {
        for (int q = 0; q < quads(s->in); q++)
            copy_words(to + (int64_t)q * width, c->x + q * plane + p0, cols);
        return;
    }
    for (int q = 0; q < quads(s->in); q++)
        for (int ky = 0; ky < s->kh; ky++)
            for (int kx = 0; kx < s->kw; kx++, to += width) {
                int r = (int)(p0 / run), j = (int)(p0 % run);
                for (int done = 0, count; done < cols; done += count, j = 0, r++) {
                    count = least(run - j, cols - done);
                    int y = r * s->sy + ky * s->dy - s->top;
                    if (y < 0 || y >= s->h) fill_words(to + done, c->border, count);
                    else
                        pack_run(c, to + done, c->x + q * plane + (int64_t)y * s->w * s->batch, j, count,
                                 kx * s->dx - s->left);
                }
            }
}
