/* How the outputs of a sparse convolution of few samples are divided into tiles, and the input copied into a
 * strip for them. */
#include "sparse_pixels.h"

static int is_plain(const Correlation *c) {
    const Axis *row = &c->row, *col = &c->col;
    return row->taps * col->taps * row->mul * col->mul == 1 && row->shift == 0 && col->shift == 0 &&
           row->in == row->out && col->in == col->out;
}

/* Divides the outputs into tiles. A tile of few vectors takes as long as one of more, since its sums wait for
 * one another. */
static void divide(Pixels *p) {
    int in_row = p->run / LANES, most = p->grouped ? GROUPED_VECTORS : MOST_VECTORS,
        parts = ceil_div(in_row, most);
    p->lines = 1, p->flat = p->run % LANES != 0 || in_row % parts != 0;
    if (p->flat) {
        int all = ceil_div((p->height - 1) * p->pitch + p->run, LANES);
        p->vectors = ceil_div(all, ceil_div(all, most));
        p->tiles = ceil_div(all, p->vectors);
        return;
    }
    p->vectors = in_row / parts;
    while (!p->grouped && parts == 1 && 2 * p->lines * p->vectors <= MOST_VECTORS &&
           p->height % (2 * p->lines) == 0)
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

int pixels_of(const Correlation *c, int grouped, Pixels *p) {
    if (c->row.div * c->col.div > 1 || !sparse_fits(c)) return 0;
    *p = (Pixels){.row = reach_of(&c->row), .col = reach_of(&c->col), .plain = is_plain(c)};
    p->grouped = grouped;
    int64_t kernel = c->row.taps * c->col.taps, run = (int64_t)c->col.out * c->batch,
            pitch = run + (int64_t)(p->col.high - p->col.low) * c->batch;
    p->height = p->plain ? 1 : c->row.out;
    if (p->plain) pitch = run *= c->row.out;
    if (p->height * run < LANES || p->height * pitch > INT32_MAX / 16 || c->in * kernel > MOST_PLACES)
        return 0;
    p->run = (int)run, p->pitch = (int)pitch;
    divide(p);

    int64_t tile = p->vectors * LANES, channel = tile, room = PIXEL_STRIP_FLOATS - MOST_VECTORS * LANES;
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
    return GROUP * (p->blocks + 1) <= MOST_BOUNDS; /* room for the output channels of one group */
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
static void fill_planes(const Correlation *c, const Pixels *p, float *to, int channel, int channels, int m) {
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

void fill_pixels(const Correlation *c, const Pixels *p, float *to, int channel, int channels, int m, int q) {
    if (p->plain) fill_plain(c, p, to, channel, channels, q);
    else fill_planes(c, p, to, channel, channels, m);
}

int list_segments(const Pixels *p, int m, int q, Segment *to) {
    int count = 0, size = p->vectors * p->lines * LANES;
    if (!p->flat || p->height == 1) {
        to[0] = (Segment){0, m * p->run + q, least(size, p->run * p->height - m * p->run - q)};
        return 1;
    }
    for (int at = 0; m < p->height && at < size; m++, at += p->pitch - q, q = 0)
        if (q < p->run) to[count++] = (Segment){at, m * p->run + q, least(p->run - q, size - at)};
    return count;
}
