/* Runs recorded kernel calls (test/support/record-case.ts) on 1, 2 and 4 threads and compares what they leave
 * in the arena with what the reference machine computed: for processors that the tests themselves do not run
 * on.
 *
 * Usage: replay-cases FILE... Prints each failure and, at the end, how many calls of how many kernels
 * agreed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kernels/declarations.h"
#include "../kernels/pool.h"

#define MOST_KERNELS 256
#define MOST_SHOWN 20

extern const Kernel espalier_kernels_baseline[];

/* What follows in the file: the kernel's name, padded to whole words; its arguments; the arena; the
 * regions. */
typedef struct {
    int32_t magic, name_bytes, arguments, floats, regions;
} Header;
#define MAGIC 0x45534143 /* "CASE" */

/* Values that the kernel may change; `count` expected ones and as many tolerances follow, all of them
 * doubles. */
enum { FLOATS, DOUBLES, BYTES };
typedef struct {
    int32_t type, offset, count;
} Region;

static int cases[MOST_KERNELS], failures;

static void *take(FILE *file, size_t bytes) {
    void *data = aligned_alloc(64, (bytes + 64) / 64 * 64);
    if (data && fread(data, 1, bytes, file) == bytes) return data;
    fprintf(stderr, "a file of cases ends too early, or is too large\n");
    exit(2);
}

/* The number of a kernel in the table. */
static int number_of(const char *name) {
    int number = 0;
    for (const Declaration *d = espalier_declarations; d->kind; d++) {
        if (strcmp(d->kind, "kernel")) continue;
        if (!strcmp(d->name, name)) return number;
        number++;
    }
    fprintf(stderr, "there is no kernel %s\n", name);
    exit(2);
}

static void fail(const char *name, const char *what, int64_t place, double got, double want) {
    if (failures++ < MOST_SHOWN)
        printf("%s, call %d: %s %lld is %.9g, expected %.9g\n", name, cases[number_of(name)], what,
               (long long)place, got, want);
}

static int agrees(double got, double want, double rounded, double tolerance) {
    if (isnan(got) && isnan(want)) return 1;
    if (got == rounded && signbit(got) == signbit(rounded)) return 1;
    return tolerance > 0 && fabs(got - want) <= tolerance;
}

/* Compares one region, and then makes it what it was, so that the rest can be compared with `before`. */
static void check_region(const char *name, const Region *r, const double *want, float *arena,
                         const float *before) {
    static const char *const names[] = {"float", "the double at", "a byte of the region at"};
    static const size_t widths[] = {4, 8, 1};
    for (int32_t i = 0; i < r->count; i++) {
        double got, rounded = r->type == DOUBLES ? want[i] : (float)want[i];
        if (r->type == DOUBLES) memcpy(&got, arena + r->offset + 2 * i, sizeof got);
        else got = r->type == BYTES ? ((const uint8_t *)(arena + r->offset))[i] : arena[r->offset + i];
        if (!agrees(got, want[i], rounded, want[r->count + i]))
            fail(name, names[r->type], r->offset + i, got, want[i]);
    }
    memcpy(arena + r->offset, before + r->offset, (size_t)r->count * widths[r->type]);
}

static void run_case(FILE *file, const Header *h, Pool *const *pools, int pool_count) {
    char *name = take(file, (size_t)h->name_bytes);
    int number = number_of(name);
    size_t bytes = (size_t)h->floats * sizeof(float), words = (size_t)h->arguments;
    int32_t *arguments = take(file, words * 4), *code = malloc((words + 2) * 4);
    float *before = take(file, bytes), *first = 0;
    code[0] = number, code[1] = h->arguments;
    memcpy(code + 2, arguments, words * 4);
    cases[number]++;

    for (int p = 0; p < pool_count; p++) {
        float *arena = aligned_alloc(64, (bytes + 64) / 64 * 64);
        memcpy(arena, before, bytes);
        pool_run(pools[p], (Run){arena, code, h->arguments + 2});
        if (!first) {
            first = arena;
            continue;
        }
        for (int32_t i = 0; i < h->floats; i++)
            if (memcmp(arena + i, first + i, 4) && !(isnan(arena[i]) && isnan(first[i])))
                fail(name, "on more threads, float", i, arena[i], first[i]);
        free(arena);
    }
    for (int32_t i = 0; i < h->regions; i++) {
        Region *region = take(file, sizeof *region);
        double *want = take(file, (size_t)region->count * 2 * sizeof(double));
        check_region(name, region, want, first, before);
        free(want), free(region);
    }
    for (int32_t i = 0; i < h->floats; i++)
        if (memcmp(first + i, before + i, 4)) fail(name, "beside the results, float", i, first[i], before[i]);
    free(name), free(arguments), free(code), free(before), free(first);
}

int main(int argc, char **argv) {
    Pool *pools[] = {pool_create(1, espalier_kernels_baseline), pool_create(2, espalier_kernels_baseline),
                     pool_create(4, espalier_kernels_baseline)};
    int total = 0, covered = 0, known = 0;
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        Header header;
        if (!file) return perror(argv[i]), 2;
        while (fread(&header, sizeof header, 1, file) == 1) {
            if (header.magic != MAGIC) return fprintf(stderr, "%s is no file of cases\n", argv[i]), 2;
            run_case(file, &header, pools, sizeof pools / sizeof *pools);
            total++;
        }
        fclose(file);
    }
    for (const Declaration *d = espalier_declarations; d->kind; d++) {
        if (strcmp(d->kind, "kernel")) continue;
        if (cases[known++]) covered++;
        else printf("no call of %s was recorded\n", d->name);
    }
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++) pool_destroy(pools[i]);
    printf("%d calls of %d of %d kernels, %d lanes: %d values differ\n", total, covered, known, LANES,
           failures);
    return failures > 0 || total == 0;
}
