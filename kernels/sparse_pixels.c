/* Sparse convolution of fewer samples than a vector has lanes: lanes run over pixels (and samples), tiles
 * over a few vectors of them, and only some input channels at a time, so that what is read again for every
 * output channel is in the first-level cache. The sums of a tile wait in the second-level one for the next
 * channels.
 *
 * Rows of the strip are `pitch` floats: a row of outputs, and as many places behind it as the kernel reaches
 * over. So a nonzero reads at one offset for a whole tile, which goes on across the ends of rows; what is
 * summed behind a row is dropped. Where rows are whole vectors, a tile is some rows or a part of one. Sums go
 * over input channels in their order wherever a tile or a block of channels ends, so that results depend
 * neither on these nor on the threads. */
#include "sparse_tile.h"

#define STRIP_FLOATS (64 * 1024) /* a quarter of a second-level cache */
#define BLOCK_FLOATS (6 * 1024)  /* what is read at once: three quarters of a first-level cache */
#define SUMS_FLOATS (40 * 1024)  /* of a tile, for the output channels that are summed at once */
#define MOST_PLACES (24 * 1024)  /* input channels times taps of the kernel */
#define MOST_BOUNDS (48 * 1024)  /* output channels at once, times blocks of input channels and one more */
_Static_assert(STRIP_FLOATS + SUMS_FLOATS + MOST_PLACES + MOST_BOUNDS <= SCRATCH_FLOATS,
               "the scratch holds a strip, sums, offsets, and where blocks begin in each row");

/* Channels of a strip begin with a cache line, an odd number of them apart: the same pixels of many channels
 * do not meet in a few places of the cache. */
#define LINE_FLOATS 16

/* How the input lies in the strip, [channel][row phase][column phase][row][pitch], and how outputs are
 * divided. */
typedef struct {
    Reach row, col;
    int plain;                 /* 1 x 1 without a stride: all pixels are a single row */
    int height, run, pitch;    /* rows of outputs, their floats, and those of a row of the strip */
    int vectors, lines, tiles; /* a tile is so many vectors of so many rows; how many there are */
    int flat;                  /* whether a tile goes on across the ends of rows */
    int band, rows;            /* a strip serves tiles that begin in so many rows; rows of its planes */
    int plane_floats, channel_floats;
    int block, blocks; /* input channels that are summed at once, and how often */
    int together;      /* whether a strip holds all input channels, not those of a block */
} Pixels;

INLINE int ceil_div(int a, int b) { return (a + b - 1) / b; }

static int is_plain(const Correlation *c) {
    const Axis *row = &c->row, *col = &c->col;
    return row->taps * col->taps * row->mul * col->mul == 1 && row->shift == 0 && col->shift == 0 &&
           row->in == row->out && col->in == col->out;
}

/* Divides the outputs into tiles. A tile of few vectors takes as long as one of more, since its sums wait for
 * one another. */
static void divide(Pixels *p) {
    int in_row = p->run / LANES, parts = ceil_div(in_row, MOST_VECTORS);
    p->lines = 1, p->flat = p->run % LANES != 0 || in_row % parts != 0;
    if (p->flat) {
        int all = ceil_div((p->height - 1) * p->pitch + p->run, LANES);
        p->vectors = ceil_div(all, ceil_div(all, MOST_VECTORS));
        p->tiles = ceil_div(all, p->vectors);
        return;
    }
    p->vectors = in_row / parts;
    while (parts == 1 && 2 * p->lines * p->vectors <= MOST_VECTORS && p->height % (2 * p->lines) == 0)
        p->lines *= 2;
    p->tiles = p->height / p->lines * parts;
}

/* The floats of a channel in a strip for `band` rows. */
static int64_t set_band(Pixels *p, int band) {
    int more = p->flat ? (p->vectors * LANES + p->pitch - 2) / p->pitch : p->lines - 1;
    p->band = band, p->rows = least(p->height, band + more) + p->row.high - p->row.low;
    int64_t plane = (int64_t)p->rows * p->pitch,
            lines = (plane * p->row.slots * p->col.slots + LINE_FLOATS - 1) / LINE_FLOATS;
    p->plane_floats = plane < INT32_MAX ? (int)plane : 0;
    return (lines | 1) * LINE_FLOATS;
}

/* 0 where there is no room. */
static int pixels_of(const Correlation *c, Pixels *p) {
    if (c->batch >= LANES || c->row.div * c->col.div > 1 || !sparse_fits(c)) return 0;
    *p = (Pixels){.row = reach_of(&c->row), .col = reach_of(&c->col), .plain = is_plain(c)};
    int64_t kernel = c->row.taps * c->col.taps, run = (int64_t)c->col.out * c->batch,
            pitch = run + (int64_t)(p->col.high - p->col.low) * c->batch;
    p->height = p->plain ? 1 : c->row.out;
    if (p->plain) pitch = run *= c->row.out;
    if (p->height * run < LANES || p->height * pitch > INT32_MAX / 16 || c->in * kernel > MOST_PLACES)
        return 0;
    p->run = (int)run, p->pitch = (int)pitch;
    divide(p);

    int64_t tile = p->vectors * LANES, channel = tile, room = STRIP_FLOATS - MOST_VECTORS * LANES;
    if (!p->plain) {
        room -= p->pitch;
        tile = least(p->pitch, (int)tile + p->pitch - p->run); /* of a row */
        tile *= (int64_t)(set_band(p, 1) / p->pitch);
        for (int band = p->height;; band = (band + 1) / 2) {
            channel = set_band(p, band);
            p->together = channel * c->in <= room;
            if (p->together || band == 1) break;
        }
    }
    if (channel > room) return 0;
    p->channel_floats = (int)channel;
    /* Where a strip is hardly read again, the block is what fits into it. */
    int64_t at_once = p->tiles < 3 ? room / 3 : BLOCK_FLOATS;
    if (tile > at_once) at_once = tile;
    p->block = least(c->in, (int)(at_once / tile));
    if (!p->together) p->block = least(p->block, (int)(room / channel));
    p->blocks = ceil_div(c->in, p->block);
    return p->blocks < MOST_BOUNDS;
}

/* Where in the strip each place of a row of the pattern reads. */
static void list_offsets(const Correlation *c, const Pixels *p, int32_t *offsets) {
    int kernel = c->row.taps * c->col.taps, fy = 0, wy = 0, fx = 0, wx = 0;
    for (int t = 0; t < kernel; t++) {
        tap_place(&c->row, 0, t / c->col.taps, &fy, &wy);
        tap_place(&c->col, 0, t % c->col.taps, &fx, &wx);
        int plane = p->row.slot[fy] * p->col.slots + p->col.slot[fx];
        int32_t inside =
            plane * p->plane_floats + (wy - p->row.low) * p->pitch + (wx - p->col.low) * c->batch;
        for (int i = 0, at = 0; i < c->in; i++) {
            offsets[i * kernel + t] = at * p->channel_floats + inside;
            at = !p->together && at + 1 == p->block ? 0 : at + 1;
        }
    }
}

/* For rows [first, first + rows) and every block: bounds[b * rows + r], where its nonzeros begin, and where
 * those of the last end. */
static void list_bounds(const Correlation *c, const Pixels *px, const Pattern *p, int first, int rows,
                        int32_t *bounds) {
    int step = px->block * c->row.taps * c->col.taps;
    for (int r = 0; r < rows; r++) {
        int start = p->start[first + r], length = p->start[first + r + 1] - start;
        const int32_t *place = p->place + start;
        bounds[r] = start, bounds[px->blocks * rows + r] = start + length;
        for (int b = 1; b < px->blocks; b++) {
            int before = 0;
            for (int e = 0; e < length; e++) before += place[e] < b * step;
            bounds[b * rows + r] = start + before;
        }
    }
}

/* Of phase `phase` of an axis: whether a tap reads it. */
INLINE int is_read(const Axis *axis, const Reach *reach, int phase) {
    int slot = reach->slot[phase], next = phase + 1 < axis->mul ? reach->slot[phase + 1] : reach->slots;
    return slot < next;
}

/* One phase of rows and one of columns of a channel, for tiles that begin in row m or below. Zeros may be
 * written behind the plane. */
static void fill_plane(const Correlation *c, const Pixels *p, float *row, const float *plane, int m,
                       int row_phase, int col_phase) {
    int batch = c->batch, mul = c->col.mul, width = p->pitch / batch,
        first = least(width, p->col.low < 0 ? -p->col.low : 0),
        last = least(width, floor_div(c->col.in - col_phase + mul - 1, mul) - p->col.low);
    int64_t line = (int64_t)c->col.in * batch;
    plane += ((int64_t)(p->col.low + first) * mul + col_phase) * batch;
    for (int k = 0; k < p->rows; k++, row += p->pitch) {
        int y = (m + k + p->row.low) * c->row.mul + row_phase;
        if (y < 0 || y >= c->row.in || last <= first) {
            clear_run(row, row + p->pitch);
            continue;
        }
        float *at = row + first * batch;
        clear_run(row, at);
        if (mul == 1) copy_floats(at, plane + y * line, (int64_t)(last - first) * batch);
        else copy_pixels(at, batch, plane + y * line, (int64_t)mul * batch, last - first, batch);
        clear_run(row + last * batch, row + p->pitch);
    }
}

/* Planes in their order, since zeros may be written behind each. */
static void fill_pixels(const Correlation *c, const Pixels *p, float *to, int channel, int channels, int m) {
    const float *from = c->x + (int64_t)channel * c->row.in * c->col.in * c->batch;
    for (int i = 0; i < channels; i++, from += (int64_t)c->row.in * c->col.in * c->batch) {
        float *plane = to + (int64_t)i * p->channel_floats;
        for (int y = 0; y < c->row.mul; y++)
            for (int x = 0; x < c->col.mul; x++)
                if (is_read(&c->row, &p->row, y) && is_read(&c->col, &p->col, x)) {
                    fill_plane(c, p, plane, from, m, y, x);
                    plane += p->plane_floats;
                }
    }
}

/* The same where the kernel is 1 x 1 and has no stride: the floats of a tile from f on. */
static void fill_plain(const Correlation *c, const Pixels *p, float *to, int channel, int channels, int f) {
    const float *from = c->x + (int64_t)channel * p->run + f;
    int floats = p->vectors * LANES, there = least(floats, p->run - f), j;
    for (int i = 0; i < channels; i++, from += p->run, to += floats) {
        for (j = 0; j + LANES <= there; j += LANES) store(to + j, load(from + j));
        if (j < there) store(to + j, load_part(from + j, there - j)), j += LANES;
        for (; j < floats; j += LANES) store(to + j, splat(0));
    }
}

/* One tile over one block of input channels, for `rows` output channels: what it reads, and what its sums
 * begin and end with. Sums that are not the first or not the last of a tile wait in `sums`. */
typedef struct {
    const int32_t *place, *bounds, *offsets;
    const float *value, *strip;
    int pitch, rows, first, relu;
    int64_t plane; /* floats of an output channel */
    float *sums;
    const float *bias, *residual; /* or null */
    float *y;                     /* or null: these are not the last */
} Work;

INLINE void sum_block_of(const Work *k, const int vectors, const int lines) {
    float *sums = k->sums;
    for (int r = 0; r < k->rows; r++, sums += vectors * lines * LANES) {
        const int32_t *place = k->place + k->bounds[r], *end = k->place + k->bounds[k->rows + r];
        const float *value = k->value + k->bounds[r], *residual = k->residual + r * k->plane;
        vec acc[MOST_VECTORS];
        if (k->first) {
            vec bias = splat(k->bias ? k->bias[r] : 0);
#pragma GCC unroll 8
            for (int v = 0; v < vectors * lines; v++) acc[v] = bias;
            if (k->residual)
#pragma GCC unroll 8
                for (int v = 0; v < vectors * lines; v++) acc[v] += load(residual + v * LANES);
        } else {
#pragma GCC unroll 8
            for (int v = 0; v < vectors * lines; v++) acc[v] = load(sums + v * LANES);
        }
        for (; place < end; place++, value++) {
            const float *x = k->strip + k->offsets[*place];
            vec w = splat(*value);
#pragma GCC unroll 8
            for (int l = 0; l < lines; l++, x += k->pitch)
#pragma GCC unroll 8
                for (int v = 0; v < vectors; v++) acc[l * vectors + v] += w * load(x + v * LANES);
        }
        float *to = k->y ? k->y + r * k->plane : sums;
        if (k->y && k->relu)
#pragma GCC unroll 8
            for (int v = 0; v < vectors * lines; v++) acc[v] = relu(acc[v]);
#pragma GCC unroll 8
        for (int v = 0; v < vectors * lines; v++) store(to + v * LANES, acc[v]);
    }
}

typedef void (*SumBlock)(const Work *);
#define SUM_BLOCK(vectors, lines) \
    static void sum_##vectors##x##lines(const Work *k) { sum_block_of(k, vectors, lines); }
SUM_BLOCK(1, 1)
SUM_BLOCK(2, 1)
SUM_BLOCK(3, 1)
SUM_BLOCK(4, 1)
SUM_BLOCK(5, 1)
SUM_BLOCK(6, 1)
SUM_BLOCK(7, 1)
SUM_BLOCK(8, 1)
SUM_BLOCK(1, 2)
SUM_BLOCK(2, 2)
SUM_BLOCK(3, 2)
SUM_BLOCK(4, 2)
SUM_BLOCK(1, 4)
SUM_BLOCK(2, 4)
SUM_BLOCK(1, 8)

/* By the logarithm of lines, and vectors. */
static const SumBlock sum_blocks[4][MOST_VECTORS] = {
    {sum_1x1, sum_2x1, sum_3x1, sum_4x1, sum_5x1, sum_6x1, sum_7x1, sum_8x1},
    {sum_1x2, sum_2x2, sum_3x2, sum_4x2},
    {sum_1x4, sum_2x4},
    {sum_1x8}};

/* A run of outputs of one row within a tile: where it begins in the tile and in an output channel, and how
 * many there are. */
typedef struct {
    int at, place, count;
} Segment;

/* The runs of a tile whose first output is number q of row m. */
static int list_segments(const Pixels *p, int m, int q, Segment *to) {
    int count = 0, size = p->vectors * p->lines * LANES;
    if (!p->flat || p->height == 1) {
        to[0] = (Segment){0, m * p->run + q, least(size, p->run * p->height - m * p->run - q)};
        return 1;
    }
    for (int at = 0; m < p->height && at < size; m++, at += p->pitch - q, q = 0)
        if (q < p->run) to[count++] = (Segment){at, m * p->run + q, least(p->run - q, size - at)};
    return count;
}

/* What the sums of a tile with several runs begin with where there is a residual, and where they end. */
static void begin_sums(const Work *k, const Segment *segments, int count, int size) {
    float *sums = k->sums;
    for (int r = 0; r < k->rows; r++, sums += size) {
        vec bias = splat(k->bias ? k->bias[r] : 0);
        for (int i = 0; i < size; i += LANES) store(sums + i, bias);
        for (const Segment *s = segments; s < segments + count; s++)
            for (int i = 0; i < s->count; i += LANES) {
                int part = least(LANES, s->count - i);
                vec more = load_part(k->residual + r * k->plane + s->place + i, part);
                store_part(sums + s->at + i, load_part(sums + s->at + i, part) + more, part);
            }
    }
}

static void end_sums(const Work *k, const Segment *segments, int count, int size, float *y) {
    const float *sums = k->sums;
    for (int r = 0; r < k->rows; r++, sums += size)
        for (const Segment *s = segments; s < segments + count; s++)
            for (int i = 0; i < s->count; i += LANES) {
                int part = least(LANES, s->count - i);
                vec sum = load_part(sums + s->at + i, part);
                store_part(y + r * k->plane + s->place + i, k->relu ? relu(sum) : sum, part);
            }
}

int sparse_pixels(const Context *ctx, const Correlation *c, const Pattern *p, const float *residual) {
    Pixels px;
    if (!p->values || p->entry || !pixels_of(c, &px) || !is_listable(c, p)) return 0;
    float *strip = ctx->scratch, *sums = strip + STRIP_FLOATS;
    int32_t *offsets = (int32_t *)(sums + SUMS_FLOATS), *bounds = offsets + MOST_PLACES;
    list_offsets(c, &px, offsets);

    /* Tiles are shared where a strip costs more to fill than weights to read. */
    int lo = 0, hi = px.tiles, o0 = 0, o1 = c->out;
    int even = px.tiles % ctx->parts == 0 || px.tiles >= 4 * ctx->parts;
    int64_t filled = (int64_t)c->in * (px.plain ? px.run : px.channel_floats * ceil_div(px.height, px.band));
    if (even && filled / LANES > p->start[p->rows]) share(ctx, px.tiles, 1, &lo, &hi);
    else share_rows(ctx, p, &o0, &o1);

    int size = px.vectors * px.lines * LANES, parts = px.flat ? 0 : px.run / (px.vectors * LANES);
    int most = least(SUMS_FLOATS / size, MOST_BOUNDS / (px.blocks + 1)), band = -1;
    SumBlock sum = sum_blocks[__builtin_ctz((unsigned)px.lines)][px.vectors - 1];
    Work k = {.place = p->place, .bounds = bounds, .offsets = offsets, .value = p->values, .sums = sums};
    k.pitch = px.pitch, k.relu = c->relu, k.plane = (int64_t)c->row.out * c->col.out * c->batch;
    for (int o = o0; o < o1; o += k.rows) {
        k.rows = least(most, o1 - o);
        list_bounds(c, &px, p, o, k.rows, bounds);
        for (int tile = lo; tile < hi; tile++) {
            int f = tile * size, m = px.flat ? f / px.pitch : tile / parts * px.lines,
                q = px.flat ? f % px.pitch : tile % parts * px.vectors * LANES;
            if (px.together && (band < 0 || m < band || m >= band + px.band))
                band = m, fill_pixels(c, &px, strip, 0, c->in, m);
            Segment segments[MOST_VECTORS * LANES];
            int count = list_segments(&px, m, q, segments), whole = count && segments[0].count == size;
            float *y = c->y + o * k.plane;
            k.bias = c->bias ? c->bias + o : 0, k.residual = residual ? residual + o * k.plane : 0;
            if (k.residual && !whole) begin_sums(&k, segments, count, size);
            else if (k.residual) k.residual += segments[0].place;
            for (int b = 0; b < px.blocks; b++) {
                int channel = b * px.block, channels = least(px.block, c->in - channel);
                if (px.plain) fill_plain(c, &px, strip, channel, channels, q);
                else if (!px.together) fill_pixels(c, &px, strip, channel, channels, m);
                k.strip = strip + (px.plain ? 0 : (px.together ? m - band : 0) * px.pitch + q);
                k.bounds = bounds + b * k.rows, k.first = b == 0 && (whole || !k.residual);
                k.y = whole && b == px.blocks - 1 ? y + segments[0].place : 0;
                sum(&k);
            }
            if (!whole) end_sums(&k, segments, count, size, y);
        }
    }
    return 1;
}
