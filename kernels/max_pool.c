/* Maximum pooling over windows of [channel][row][column][sample]. Lanes are samples or, where there are
 * fewer, columns and samples: then the largest value of each column of a row of windows comes first, and of
 * these the largest of each window. */
#include "pooling.h"

/* Floats of a row of the input, sorted by phase (column mod stride), with room beside it for the padding. */
INLINE int64_t phase_width(const Window *s) { return s->ow + (s->kw + s->left) / s->sx + 2; }
INLINE int64_t row_floats(const Window *s) {
    int64_t sorted = s->sx * phase_width(s), plain = s->w;
    return (sorted > plain ? sorted : plain) * s->batch + 2 * LANES;
}

/* The better of two candidates: the larger, of equal ones the first; of NaNs the last. */
INLINE void take_better(vec *best, vec *place, vec v, vec p) {
    ivec nan = (ivec)(v != v), worse = (ivec)(*best != *best);
    ivec better =
        (ivec)(v > *best) | ((ivec)(v == *best) & (ivec)(p < *place)) | (nan & (~worse | (ivec)(p > *place)));
    *best = choose(better, v, *best);
    *place = choose(better, p, *place);
}

/* Row t % oh of channel t / oh. `scratch` has room for four rows. */
static void max_row(const Window *s, const float *x, int t, float *scratch, float *y, float *index) {
    int64_t room = row_floats(s), width = phase_width(s) * s->batch, line = (int64_t)s->w * s->batch;
    float *value = scratch, *row = value + room, *values = row + room, *rows = values + room;
    const float *plane = x + t / s->oh * (int64_t)s->h * line;
    int y0, y1;
    inside(t % s->oh, s->sy, s->top, s->kh, s->h, &y0, &y1);
    for (int64_t j = 0; j < line; j += LANES) {
        int count = line - j < LANES ? (int)(line - j) : LANES;
        vec best = load_part(plane + y0 * line + j, count), place = splat((float)y0);
        for (int r = y0 + 1; r < y1; r++)
            take_better(&best, &place, load_part(plane + r * line + j, count), splat((float)r));
        store(value + j, best);
        store(row + j, place);
    }
    /* What lies beside the input never wins: any value is as large, and its place is first. */
    for (int phase = 0; phase < s->sx; phase++) {
        float *to = values + phase * width, *at = rows + phase * width;
        for (int j = 0, col = phase - s->left; j < phase_width(s); j++, col += s->sx)
            for (int n = 0; n < s->batch; n++, to++, at++) {
                int64_t from = (int64_t)col * s->batch + n;
                int is_inside = col >= 0 && col < s->w;
                *to = is_inside ? value[from] : -__builtin_inff();
                *at = is_inside ? row[from] * (float)s->w + (float)col : __builtin_inff();
            }
    }
    int64_t run = (int64_t)s->ow * s->batch, out = (int64_t)t * run;
    for (int64_t j = 0; j < run; j += LANES) {
        int count = run - j < LANES ? (int)(run - j) : LANES;
        vec best = splat(0), place = splat(0);
        for (int k = 0; k < s->kw; k++) {
            int64_t at = k % s->sx * width + (int64_t)(k / s->sx) * s->batch + j;
            vec v = load(values + at), p = load(rows + at);
            if (k == 0) best = v, place = p;
            else take_better(&best, &place, v, p);
        }
        store_part(y + out + j, best, count);
        store_part(index + out + j, place, count);
    }
}

/* y = the largest value of the window, index = where it is in the plane (row * w + column; the first among
 * equals). */
DEFINE_KERNEL(max_pool) {
    Window s = *(const Window *)a;
    int lo, hi;
    share(ctx, s.channels * s.oh, 1, &lo, &hi);
    float *y = ctx->arena + a->y, *index = ctx->arena + a->index;
    if (s.batch < LANES && row_floats(&s) * 4 + LANES <= SCRATCH_FLOATS) {
        for (int t = lo; t < hi; t++) max_row(&s, ctx->arena + a->x, t, ctx->scratch, y, index);
        return;
    }
    for (int t = lo; t < hi; t++) {
        int c = t / s.oh, r = t % s.oh, y0, y1;
        const float *plane = ctx->arena + a->x + (int64_t)c * s.h * s.w * s.batch;
        inside(r, s.sy, s.top, s.kh, s.h, &y0, &y1);
        for (int col = 0; col < s.ow; col++) {
            int x0, x1;
            inside(col, s.sx, s.left, s.kw, s.w, &x0, &x1);
            int64_t out = ((int64_t)t * s.ow + col) * s.batch;
            for (int n = 0; n < s.batch; n += LANES) {
                int count = s.batch - n < LANES ? s.batch - n : LANES;
                vec best = splat(0), place = splat(0);
                for (int row = y0; row < y1; row++)
                    for (int x = x0; x < x1; x++) {
                        vec v = load_part(plane + ((int64_t)row * s.w + x) * s.batch + n, count);
                        if (row == y0 && x == x0) {
                            best = v;
                            place = splat((float)(row * s.w + x));
                        } else {
                            ivec better = (v > best) | (v != v); /* NaN stays */
                            best = choose(better, v, best);
                            place = choose(better, splat((float)(row * s.w + x)), place);
                        }
                    }
                store_part(y + out + n, best, count);
                store_part(index + out + n, place, count);
            }
        }
    }
}
