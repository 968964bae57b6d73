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
#include "sparse_pixels.h"

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

/* Whether the output channels of every GROUP have their nonzeros in the same places. */
static int is_grouped(const Pattern *p) {
    if (p->rows % GROUP) return 0;
    for (int r = 0; r < p->rows; r++) {
        int first = p->start[r / GROUP * GROUP], from = p->start[r], length = p->start[r + 1] - from;
        if (length != p->start[r / GROUP * GROUP + 1] - first) return 0;
        for (int e = 0; e < length; e++)
            if (p->place[from + e] != p->place[first + e]) return 0;
    }
    return 1;
}

int sparse_pixels(const Context *ctx, const Correlation *c, const Pattern *p, const float *residual) {
    Pixels px;
    if (!p->values || p->entry || c->batch >= LANES || !is_listable(c, p)) return 0;
    if (!pixels_of(c, is_grouped(p), &px)) return 0;
    float *strip = ctx->scratch, *sums = strip + PIXEL_STRIP_FLOATS;
    int32_t *offsets = (int32_t *)(sums + SUMS_FLOATS), *bounds = offsets + MOST_PLACES;
    list_offsets(c, &px, offsets);

    /* Tiles are shared where a strip costs more to fill than weights to read. */
    int lo = 0, hi = px.tiles, o0 = 0, o1 = c->out;
    int even = px.tiles % ctx->parts == 0 || px.tiles >= 4 * ctx->parts;
    int64_t filled = (int64_t)c->in * (px.plain ? px.run : px.channel_floats * ceil_div(px.height, px.band));
    if (even && filled / LANES > p->start[p->rows]) share(ctx, px.tiles, 1, &lo, &hi);
    else share_rows(ctx, p, &o0, &o1);
    if (px.grouped) o0 = o0 / GROUP * GROUP, o1 = o1 == c->out ? o1 : o1 / GROUP * GROUP;

    int size = px.vectors * px.lines * LANES, parts = px.flat ? 0 : px.run / (px.vectors * LANES);
    int most = least(SUMS_FLOATS / size, MOST_BOUNDS / (px.blocks + 1)) / GROUP * GROUP, band = -1;
    Work k = {.place = p->place, .bounds = bounds, .offsets = offsets, .value = p->values, .sums = sums};
    k.pitch = px.pitch, k.relu = c->relu, k.plane = (int64_t)c->row.out * c->col.out * c->batch;
    for (int o = o0; o < o1; o += k.rows) {
        k.rows = least(most, o1 - o);
        list_bounds(c, &px, p, o, k.rows, bounds);
        for (int tile = lo; tile < hi; tile++) {
            int f = tile * size, m = px.flat ? f / px.pitch : tile / parts * px.lines,
                q = px.flat ? f % px.pitch : tile % parts * px.vectors * LANES;
            if (px.together && (band < 0 || m < band || m >= band + px.band))
                band = m, fill_pixels(c, &px, strip, 0, c->in, m, q);
            Segment segments[MOST_VECTORS * LANES];
            int count = list_segments(&px, m, q, segments), whole = count && segments[0].count == size;
            float *y = c->y + o * k.plane;
            k.bias = c->bias ? c->bias + o : 0, k.residual = residual ? residual + o * k.plane : 0;
            if (k.residual && !whole) begin_sums(&k, segments, count, size);
            else if (k.residual) k.residual += segments[0].place;
            for (int b = 0; b < px.blocks; b++) {
                int channel = b * px.block, channels = least(px.block, c->in - channel);
                if (!px.together) fill_pixels(c, &px, strip, channel, channels, m, q);
                k.strip = strip + (px.plain ? 0 : (px.together ? m - band : 0) * px.pitch + q);
                k.bounds = bounds + b * k.rows, k.first = b == 0 && (whole || !k.residual);
                k.y = whole && b == px.blocks - 1 ? y + segments[0].place : 0;
                sum_block_of(&px, &k);
            }
            if (!whole) end_sums(&k, segments, count, size, y);
        }
    }
    return 1;
}
