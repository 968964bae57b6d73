/* What sparse convolutions of few samples consist of: strips and tiles (pixel_strip.c), sums of a tile
 * (pixel_sums.c), and which are whose (sparse_pixels.c). */
#ifndef ESPALIER_SPARSE_PIXELS_H
#define ESPALIER_SPARSE_PIXELS_H

#include "sparse_tile.h"

#define PIXEL_STRIP_FLOATS (64 * 1024) /* a quarter of a second-level cache */
#define BLOCK_FLOATS (6 * 1024)        /* what is read at once: three quarters of a first-level cache */
#define SUMS_FLOATS (40 * 1024)        /* of a tile, for the output channels that are summed at once */
#define MOST_PLACES (24 * 1024)        /* input channels times taps of the kernel */
#define MOST_BOUNDS (48 * 1024) /* output channels at once, times blocks of input channels and one more */
_Static_assert(PIXEL_STRIP_FLOATS + SUMS_FLOATS + MOST_PLACES + MOST_BOUNDS <= SCRATCH_FLOATS,
               "the scratch holds a strip, sums, offsets, and where blocks begin in each row");

/* Channels of a strip begin with a cache line, an odd number of them apart: the same pixels of many channels
 * do not meet in a few places of the cache. */
#define LINE_FLOATS 16

/* Output channels whose nonzeros may be in the same places (weights pruned in blocks of outputs): they share
 * the loads of the input. */
#define GROUP 4
#define GROUPED_VECTORS 3

/* How the input lies in the strip, [channel][row phase][column phase][row][pitch], and how outputs are
 * divided. */
typedef struct {
    Reach row, col;
    int plain;                 /* 1 x 1 without a stride: all pixels are a single row */
    int height, run, pitch;    /* rows of outputs, their floats, and those of a row of the strip */
    int vectors, lines, tiles; /* a tile is so many vectors of so many rows; how many there are */
    int grouped;               /* whether the channels of every GROUP have the same pattern */
    int flat;                  /* whether a tile goes on across the ends of rows */
    int band, rows;            /* a strip serves tiles that begin in so many rows; rows of its planes */
    int plane_floats, channel_floats;
    int block, blocks; /* input channels that are summed at once, and how often */
    int together;      /* whether a strip holds all input channels, not those of a block */
} Pixels;

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

/* A run of outputs of one row within a tile: where it begins in the tile and in an output channel, and how
 * many there are. */
typedef struct {
    int at, place, count;
} Segment;

INLINE int ceil_div(int a, int b) { return (a + b - 1) / b; }

/* One symbol per instruction set. */
#define pixels_of JOIN(pixels_of, ISA)
#define fill_pixels JOIN(fill_pixels, ISA)
#define list_segments JOIN(list_segments, ISA)
#define sum_block_of JOIN(sum_block_of, ISA)
#define begin_sums JOIN(begin_sums, ISA)
#define end_sums JOIN(end_sums, ISA)

/* 0 where there is no room. `grouped`: the pattern is that of every GROUP output channels alike. */
int pixels_of(const Correlation *c, int grouped, Pixels *p);
/* Channels [channel, channel + channels) in the strip, for a tile that begins with output q of row m. */
void fill_pixels(const Correlation *c, const Pixels *p, float *to, int channel, int channels, int m, int q);
/* The runs of that tile; how many there are. */
int list_segments(const Pixels *p, int m, int q, Segment *to);

/* Sums of a tile go on with a block. */
void sum_block_of(const Pixels *p, const Work *k);
/* What the sums of a tile with several runs begin with where there is a residual, and where they end. */
void begin_sums(const Work *k, const Segment *segments, int count, int size);
void end_sums(const Work *k, const Segment *segments, int count, int size, float *y);

#endif
