/* What the sparse convolution kernels share: a weight of which only some positions exist, the taps of an
 * output in a list, and the input copied into a strip with zeros at its borders, so that a tap is one offset
 * whatever the position. A linear layer is the 1 x 1 case.
 *
 * A strip holds, for some samples and some rows of outputs, [channel][row phase][row][column
 * phase][column][samples]: with a stride, rows and columns are sorted by phase (position mod stride), so that
 * neighbouring outputs read neighbouring places. */
#ifndef ESPALIER_SPARSE_H
#define ESPALIER_SPARSE_H

#include "conv.h"

/* Taps that a thread lists at once, and the rows that they belong to, counted for every phase of outputs. */
#define SPARSE_MOST_TAPS (32 * 1024)
#define SPARSE_MOST_ROWS 8000

/* A tap of an output: where its run begins in the strip, and its weight, or which weight it is. */
typedef struct {
    int32_t offset;
    union {
        float value;
        int32_t entry;
    };
} Tap;
_Static_assert((SPARSE_STRIP_FLOATS + SPARSE_MOST_ROWS) * 4 + SPARSE_MOST_TAPS * sizeof(Tap) <= SCRATCH_BYTES,
               "the scratch holds a strip, taps, and where those of each row begin");
_Static_assert(SPARSE_MOST_ROWS / (SPARSE_MOST_STRIDE * SPARSE_MOST_STRIDE) >= 2,
               "one row is listed for all phases");

/* The nonzeros of row r (an output channel of the pass) are start[r] .. start[r + 1] of `place`, each its
 * channel times the taps, plus its tap. Their values have the same numbers or, where `entry` is given, those
 * in there. Without `values`, taps say which entry they are. */
typedef struct {
    const int32_t *start, *place, *entry;
    const float *values;
    int capacity, rows;
} Pattern;

/* How an axis of a strip lies: which phases of the input are in it (`slots` of them), and the range of
 * offsets of all taps. */
typedef struct {
    int slots, low, high, slot[SPARSE_MOST_STRIDE];
} Reach;

typedef struct {
    Reach row, col;
    int samples, width;
    int rows, columns; /* of outputs that it serves: rows, and columns of one output phase */
    int whole;         /* all samples of the batch lie side by side, so that a row of outputs is one run */
    int64_t row_floats, slot_floats, channel_floats;
} SparseStrip;

/* Where tap k of outputs phase, phase + div... of an axis reads: output number m reads place m + whole of an
 * input phase; 0 where it reads nothing. */
INLINE int tap_place(const Axis *axis, int out_phase, int k, int *phase, int *whole) {
    int shift = out_phase * axis->mul + k * axis->step + axis->shift;
    if (shift % axis->div) return 0;
    *whole = floor_div(shift / axis->div, axis->mul);
    *phase = shift / axis->div - *whole * axis->mul;
    return 1;
}

INLINE Reach reach_of(const Axis *axis) {
    Reach r = {0, 0, 0, {0}};
    int used[SPARSE_MOST_STRIDE] = {0}, any = 0, phase, whole;
    for (int p = 0; p < axis->div; p++)
        for (int k = 0; k < axis->taps; k++) {
            if (!tap_place(axis, p, k, &phase, &whole)) continue;
            used[phase] = 1;
            if (!any || whole < r.low) r.low = whole;
            if (!any || whole > r.high) r.high = whole;
            any = 1;
        }
    for (int p = 0; p < axis->mul; p++) {
        r.slot[p] = r.slots;
        r.slots += used[p];
    }
    return r;
}

/* Outputs of one phase of an axis. */
INLINE int outputs_of(const Axis *axis, int phase) { return (axis->out - phase + axis->div - 1) / axis->div; }

/* Whether these functions have room for the sizes: not whether a row fits the strip, which set_rows and the
 * caller see. */
INLINE int sparse_fits(const Correlation *c) {
    int stride = SPARSE_MOST_STRIDE;
    if (c->row.mul > stride || c->col.mul > stride || c->row.div > stride || c->col.div > stride) return 0;
    return (int64_t)c->row.taps * c->col.taps <= MOST_TAPS;
}

/* Everything but the number of rows. Samples: whole cache lines of them, more where a row of outputs is
 * short, all of a small batch. */
INLINE SparseStrip sparse_strip(const Correlation *c) {
    SparseStrip s = {.row = reach_of(&c->row),
                     .col = reach_of(&c->col),
                     .samples = SPARSE_SAMPLES,
                     .columns = outputs_of(&c->col, 0)};
    while (s.columns * s.samples < SPARSE_ROW) s.samples *= 2;
    if (s.samples >= c->batch)
        s.samples = c->col.div == 1 ? c->batch : (c->batch + LANES - 1) / LANES * LANES;
    s.whole = s.samples == c->batch && c->col.div == 1;
    s.width = s.columns + s.col.high - s.col.low;
    s.row_floats = (int64_t)s.col.slots * s.width * s.samples;
    return s;
}

INLINE void set_rows(SparseStrip *s, int rows) {
    s->rows = rows;
    s->slot_floats = (rows + s->row.high - s->row.low) * s->row_floats;
    s->channel_floats = s->row.slots * s->slot_floats;
}

/* Zeros in whole vectors: what follows is overwritten, or is behind the strip, where there is room. */
INLINE void clear_run(float *to, const float *end) {
    if (to >= end) return;
    store(to, splat(0)); /* mostly all */
    for (to += LANES; to < end; to += LANES) store(to, splat(0));
}

INLINE void copy_floats(float *to, const float *from, int64_t floats) {
    if (floats >= LANES) {
        for (int64_t j = 0; j < floats - LANES; j += LANES) store(to + j, load(from + j));
        store(to + floats - LANES, load(from + floats - LANES));
    } else {
        for (int64_t j = 0; j < floats; j++) to[j] = from[j];
    }
}

/* `pixels` of them, `step` floats apart in the input: `count` samples of each, zeros up to `samples`. */
INLINE void copy_pixels(float *to, int samples, const float *from, int64_t step, int pixels, int count) {
    if (count == 16 && samples == 16) {
        for (int j = 0; j < pixels; j++, to += 16, from += step)
#pragma GCC unroll 4
            for (int v = 0; v < 16; v += LANES) store(to + v, load(from + v));
        return;
    }
    if (samples == 1) {
        int j = 0;
        if (step == 2)
            for (; j + 4 < pixels; j += 4) {
                quad a = *(const quad *)(from + 2 * j), b = *(const quad *)(from + 2 * j + 4);
                *(quad *)(to + j) = __builtin_shufflevector(a, b, 0, 2, 4, 6);
            }
        for (; j < pixels; j++) to[j] = from[j * step];
        return;
    }
    for (int j = 0; j < pixels; j++, to += samples, from += step) {
        copy_floats(to, from, count);
        for (int n = count; n < samples; n++) to[n] = 0;
    }
}

/* Columns of one phase: those of the strip from `first` to before `last` exist in the input, the first of
 * them as its column `from`. */
typedef struct {
    int first, last, from;
} Columns;

/* Fills a strip for outputs from row m0 on (counted within their phase), input channels [channel, channel +
 * channels), samples n0 .. n0 + count. */
INLINE void fill_sparse_strip(const Correlation *c, const SparseStrip *s, float *to, int channel,
                              int channels, int m0, int n0, int count) {
    int rows = s->rows + s->row.high - s->row.low, row_mul = c->row.mul, mul = c->col.mul, slots = 0;
    int64_t line = (int64_t)c->col.in * c->batch, run = (int64_t)s->width * s->samples,
            step = (int64_t)mul * c->batch;
    Columns columns[SPARSE_MOST_STRIDE];
    for (int phase = 0; phase < mul; phase++) {
        if (s->col.slot[phase] != slots || slots == s->col.slots) continue;
        if (phase + 1 < mul && s->col.slot[phase + 1] == slots) continue; /* no tap reads it */
        int first = -s->col.low, last = floor_div(c->col.in - phase + mul - 1, mul) - s->col.low;
        first = first < 0 ? 0 : least(first, s->width);
        last = last < first ? first : least(last, s->width);
        columns[slots++] = (Columns){first, last, (s->col.low + first) * mul + phase};
    }
    for (int i = 0; i < channels; i++)
        for (int phase = 0; phase < row_mul; phase++) {
            int slot = s->row.slot[phase];
            if (slot == s->row.slots || (phase + 1 < row_mul && s->row.slot[phase + 1] == slot)) continue;
            float *row = to + i * s->channel_floats + slot * s->slot_floats;
            int y = (m0 + s->row.low) * row_mul + phase;
            const float *from = c->x + ((int64_t)(channel + i) * c->row.in + y) * line + n0;
            for (int k = 0; k < rows; k++, row += s->row_floats, y += row_mul, from += row_mul * line) {
                if (y < 0 || y >= c->row.in) {
                    clear_run(row, row + s->row_floats);
                    continue;
                }
                for (int j = 0; j < slots; j++) {
                    float *at = row + j * run, *first = at + columns[j].first * s->samples,
                          *last = at + columns[j].last * s->samples;
                    const float *pixels = from + (int64_t)columns[j].from * c->batch;
                    clear_run(at, first);
                    if (s->whole && mul == 1) copy_floats(first, pixels, last - first);
                    else
                        copy_pixels(first, s->samples, pixels, step, columns[j].last - columns[j].first,
                                    count);
                    clear_run(last, at + run);
                }
            }
        }
}

/* The rows from `first` on, of at most `last`, whose nonzeros a list of taps holds for every one of `phases`
 * phases of outputs. */
INLINE int listed_rows(const Pattern *p, int first, int last, int phases) {
    int row = first, most = SPARSE_MOST_ROWS / phases - 1;
    for (int64_t taps = 0; row < last && row - first < most; row++) {
        taps += p->start[row + 1] - (int64_t)p->start[row];
        if (taps > SPARSE_MOST_TAPS && row > first) break;
    }
    return row;
}

/* Where in a channel of the strip each tap of the kernel reads for outputs of one phase; -1 where it reads
 * nothing. */
INLINE void place_taps(const Correlation *c, const SparseStrip *s, int row_phase, int col_phase,
                       int32_t *within) {
    for (int t = 0; t < c->row.taps * c->col.taps; t++) {
        int fy, wy, fx, wx;
        within[t] = -1;
        if (tap_place(&c->row, row_phase, t / c->col.taps, &fy, &wy) &&
            tap_place(&c->col, col_phase, t % c->col.taps, &fx, &wx))
            within[t] = (int32_t)(s->row.slot[fy] * s->slot_floats + (wy - s->row.low) * s->row_floats +
                                  ((int64_t)s->col.slot[fx] * s->width + wx - s->col.low) * s->samples);
    }
}

/* The taps of nonzeros [from, to) of a 1 x 1 kernel, where all of them read channels [low, low + size) and
 * their values have the same numbers: in vectors. 0, and nothing is listed, where one does not. */
INLINE int list_plain_taps(const Pattern *p, int from, int to, uint32_t low, uint32_t size, int32_t step,
                           int32_t inside, Tap *taps) {
    int all = 1;
    for (int e = from; e < to; e++) all &= (uint32_t)p->place[e] - low < size;
    if (!all) return 0;
    for (int e = from; e < to; e++)
        taps[e - from] = (Tap){.offset = (p->place[e] - (int32_t)low) * step + inside, .value = p->values[e]};
    return 1;
}

/* The taps of rows [first, last) that read input channels [channel, channel + channels), for outputs of one
 * phase, behind the `count` that are listed. starts[r - first] is where row r begins, with one more for the
 * end, which is returned. Whatever the pattern holds, no tap leaves the strip and no entry the values. */
INLINE int list_taps_of(const Correlation *c, const SparseStrip *s, const Pattern *p, int first, int last,
                        int channel, int channels, int row_phase, int col_phase, Tap *taps, int32_t *starts,
                        int count) {
    int kernel = c->row.taps * c->col.taps;
    int32_t within[MOST_TAPS];
    place_taps(c, s, row_phase, col_phase, within);
    uint32_t low = (uint32_t)(channel * kernel), size = (uint32_t)(channels * kernel),
             capacity = (uint32_t)p->capacity;
    int plain = kernel == 1 && within[0] >= 0 && p->values && !p->entry;
    /* Places are small enough that this divides exactly. */
    uint64_t inverse = ((1ull << 32) + (uint32_t)kernel - 1) / (uint32_t)kernel;
    for (int row = first; row < last; row++) {
        int from = p->start[row], to = least(p->start[row + 1], p->capacity);
        starts[row - first] = count;
        if (plain && from >= 0 && from < to && to - from <= SPARSE_MOST_TAPS - count &&
            list_plain_taps(p, from, to, low, size, (int32_t)s->channel_floats, within[0], taps + count)) {
            count += to - from;
            continue;
        }
        for (int e = from < 0 ? to : from; e < to; e++) {
            uint32_t place = (uint32_t)p->place[e] - low, entry = (uint32_t)(p->entry ? p->entry[e] : e);
            if (place >= size || entry >= capacity || count == SPARSE_MOST_TAPS) continue;
            uint32_t i = (uint32_t)(place * inverse >> 32);
            int32_t inside = within[place - i * (uint32_t)kernel];
            if (inside < 0) continue;
            taps[count].offset = (int32_t)(i * s->channel_floats) + inside;
            if (p->values) taps[count].value = p->values[entry];
            else taps[count].entry = (int32_t)entry;
            count++;
        }
    }
    starts[last - first] = count;
    return count;
}

/* Whether the places of each row are numbers of weights in rising order: then they can be read
 * without looking at each. */
INLINE int is_listable(const Correlation *c, const Pattern *p) {
    int places = c->in * c->row.taps * c->col.taps, bad = p->start[0] < 0;
    for (int r = 0; r < p->rows; r++) {
        int from = p->start[r], to = p->start[r + 1];
        if (bad || from > to || to > p->capacity) return 0;
        if (from == to) continue;
        bad |= p->place[from] < 0 || p->place[to - 1] >= places;
        for (int e = from + 1; e < to; e++) bad |= p->place[e] <= p->place[e - 1];
    }
    return !bad;
}

/* This thread's share of the rows of a pattern, by nonzeros: a row costs as much as two taps more than it
 * has. */
INLINE void share_rows(const Context *ctx, const Pattern *p, int *lo, int *hi) {
    int64_t base = p->start[0], total = p->start[p->rows] - base + 2 * (int64_t)p->rows;
    int64_t from = total * ctx->part / ctx->parts, to = total * (ctx->part + 1) / ctx->parts;
    *lo = *hi = 0;
    for (int r = 0; r < p->rows; r++) {
        int64_t before = p->start[r] - base + 2 * (int64_t)r;
        *lo += before < from;
        *hi += before < to;
    }
}

/* A 1 x 1 convolution without stride or padding, whose maps are rows of (row, column, sample), is a linear
 * layer of as many samples as a row has. */
INLINE Correlation as_linear(const Correlation *c) {
    const Axis *row = &c->row, *col = &c->col;
    Correlation linear = *c;
    int plain = row->shift == 0 && col->shift == 0 && row->mul * row->div == 1 && col->mul * col->div == 1;
    if (row->taps * col->taps != 1 || !plain || row->in != row->out || col->in != col->out) return linear;
    linear.batch = c->batch * row->in * col->in;
    linear.row.in = linear.row.out = linear.col.in = linear.col.out = 1;
    return linear;
}

/* Whether the input is read where it lies: that of a linear layer, unless offsets of taps would not fit. */
INLINE int reads_directly(const Correlation *c) {
    int linear = c->row.taps * c->col.taps == 1 && c->row.in * c->col.in == 1 && c->row.out * c->col.out == 1;
    int plain = c->row.shift == 0 && c->col.shift == 0 && c->row.div * c->col.div == 1;
    return linear && plain && c->batch <= INT32_MAX / SPARSE_MOST_TAPS;
}

#endif
