/* Depthwise convolution of few samples with a kernel of 3 x 3 taps and stride 1 or 2, and its input gradient
 * with stride 1: lanes run over the columns (and samples) of a row, and some rows of outputs are
 * summed at once, so that each load of the input serves all taps below one another. Each channel goes into a
 * strip with zeros at its borders, a band of rows at a time. With stride 2, a row of the strip holds the
 * columns of even places, then those of odd ones. Threads share the channels. */
#include "depthwise.h"
#include "sparse.h"

#define BAND_FLOATS (6 * 1024) /* of the strip: three quarters of a first-level cache */
#define SIDE 3
#define TAPS (SIDE * SIDE)

/* How the strip lies: `pitch` floats of a row and a phase. `low` is the column of the input that a row begins
 * with, `top` the row that the first output's kernel begins with. */
typedef struct {
    int mul, pitch, run, low, top, band;
    int64_t row_floats;
} Bands;

/* Where an axis begins to read. */
INLINE int lowest(const Axis *axis) {
    return axis->shift + (axis->step < 0 ? (axis->taps - 1) * axis->step : 0);
}

static int is_3x3(const Correlation *c) {
    const Axis *row = &c->row, *col = &c->col;
    if (row->taps != SIDE || col->taps != SIDE || row->mul != col->mul || row->mul > 2) return 0;
    if (row->div * col->div != 1 || (row->mul == 2 && c->batch > 1)) return 0;
    return (row->step == 1 || row->step == -1) && row->step == col->step;
}

static int bands_of(const Correlation *c, Bands *s) {
    if (!is_3x3(c)) return 0;
    *s = (Bands){.mul = c->row.mul, .low = lowest(&c->col), .top = lowest(&c->row)};
    s->run = c->col.out * c->batch;
    s->pitch = (s->run + (SIDE - 1) * c->batch + 2 * LANES - 1) / LANES * LANES;
    s->row_floats = (int64_t)s->pitch * s->mul;
    int64_t rows = BAND_FLOATS / s->row_floats - SIDE;
    s->band = rows < 4 ? 4 : least((int)(rows / s->mul + 1), c->row.out);
    return ((s->band - 1) * s->mul + SIDE + 2) * s->row_floats + BAND_FLOATS <= SCRATCH_FLOATS;
}

/* `floats` floats, whole vectors, of a row of `width`, from place `low` on, which may lie beside it: zeros
 * there. */
INLINE void fill_row(float *to, const float *from, int low, int width, int floats) {
    int first = low < 0 ? least(-low, floats) : 0, last = least(floats, width - low), j = first;
    if (first > 0) clear_run(to, to + first);
    for (; j + LANES <= last; j += LANES) store(to + j, load(from + low + j));
    if (j < last) {
        vec rest = load_part(from + low + j, last - j);
        if (j + LANES <= floats) store(to + j, rest), j += LANES;
        else store_part(to + j, rest, last - j), j = last;
    }
    for (; j + LANES <= floats; j += LANES) store(to + j, splat(0));
    if (j < floats) store_part(to + j, splat(0), floats - j);
}

/* A row of the strip with stride 2; `line` has room for it. */
static void fill_halves(float *to, float *line, const float *from, int low, int width, int pitch) {
    fill_row(line, from, low, width, 2 * pitch);
    for (int j = 0; j < pitch; j += LANES) {
        vec a = load(line + 2 * j), b = load(line + 2 * j + LANES);
        store(to + j, even_lanes(a, b));
        store(to + pitch + j, odd_lanes(a, b));
    }
}

/* `rows` rows of outputs, at most `band`, from row m on. */
static void fill_band(const Correlation *c, const Bands *s, float *strip, float *line, const float *x, int m,
                      int rows) {
    int width = c->col.in * c->batch, low = s->low * c->batch, y = m * s->mul + s->top;
    for (int k = 0; k < (rows - 1) * s->mul + SIDE; k++, y++, strip += s->row_floats) {
        const float *from = x + (int64_t)y * width;
        if (y < 0 || y >= c->row.in) fill_row(strip, x, 0, 0, (int)s->row_floats);
        else if (s->mul == 1) fill_row(strip, from, low, width, s->pitch);
        else fill_halves(strip, line, from, low, width, s->pitch);
    }
}

/* `rows` rows of outputs; `step`: floats between neighbouring columns. */
INLINE void sum_rows(const Correlation *c, const Bands *s, const float *strip, const vec *weight, vec bias,
                     float *y, const int mul, const int rows) {
    int step = mul == 1 ? c->batch : 1;
    vec w[TAPS];
    for (int t = 0; t < TAPS; t++) w[t] = weight[t];
    for (int q = 0; q < s->run; q += LANES) {
        const float *x = strip + q;
        vec acc[4];
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) acc[r] = bias;
#pragma GCC unroll 8
        for (int i = 0; i < (rows - 1) * mul + SIDE; i++, x += s->row_floats)
#pragma GCC unroll 3
            for (int k = 0; k < SIDE; k++) {
                vec v = load(x + (mul == 1 ? k * step : (k & 1) * s->pitch + (k >> 1)));
#pragma GCC unroll 4
                for (int r = 0; r < rows; r++)
                    if (i >= r * mul && i - r * mul < SIDE) acc[r] += w[(i - r * mul) * SIDE + k] * v;
            }
        int part = least(LANES, s->run - q);
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++)
            store_part(y + r * s->run + q, c->relu ? rectify(acc[r], c->relu) : acc[r], part);
    }
}

/* All rows of a band, as many at once as leave room for the weights in registers. */
INLINE void sum_band(const Correlation *c, const Bands *s, const float *strip, const vec *weight, vec bias,
                     float *y, int rows, const int mul, const int most) {
    int64_t step = mul * s->row_floats;
    int m = 0;
    for (; m + most <= rows; m += most, y += most * s->run, strip += most * step)
        sum_rows(c, s, strip, weight, bias, y, mul, most);
    for (; m + 2 <= rows; m += 2, y += 2 * s->run, strip += 2 * step)
        sum_rows(c, s, strip, weight, bias, y, mul, 2);
    if (m < rows) sum_rows(c, s, strip, weight, bias, y, mul, 1);
}

static void list_weights(const Correlation *c, int g, vec *weight) {
    const float *from = c->weight + g * c->weight_group;
    for (int t = 0; t < TAPS; t++) weight[t] = splat(from[c->row.step < 0 ? TAPS - 1 - t : t]);
}

int depthwise_3x3(const Context *ctx, const Correlation *c) {
    Bands s;
    if (!bands_of(c, &s)) return 0;
    /* Small channels go together: what was just stored is not yet there to be loaded. */
    int64_t floats = ((s.band - 1) * s.mul + SIDE) * s.row_floats;
    int together = floats < BAND_FLOATS ? (int)(BAND_FLOATS / floats) : 1, lo, hi;
    float *line = ctx->scratch + together * floats;
    share(ctx, c->groups, 1, &lo, &hi);
    for (int g0 = lo; g0 < hi; g0 += together)
        for (int m = 0, rows, end = least(g0 + together, hi); m < c->row.out; m += rows) {
            rows = least(s.band, c->row.out - m);
            for (int g = g0; g < end; g++)
                fill_band(c, &s, ctx->scratch + (g - g0) * floats, line,
                          c->x + (int64_t)g * c->row.in * c->col.in * c->batch, m, rows);
            for (int g = g0; g < end; g++) {
                vec weight[TAPS], bias = splat(c->bias ? c->bias[g] : 0);
                list_weights(c, g, weight);
                const float *strip = ctx->scratch + (g - g0) * floats;
                float *y = c->y + ((int64_t)g * c->row.out + m) * s.run;
                if (s.mul == 1) sum_band(c, &s, strip, weight, bias, y, rows, 1, 4);
                else sum_band(c, &s, strip, weight, bias, y, rows, 2, 2);
            }
        }
    return 1;
}
