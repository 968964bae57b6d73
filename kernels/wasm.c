/* The WebAssembly face: one thread, no libc. The arena and the program lie in the module's memory. */
#include "declarations.h"
#include "kernel.h"

extern const Kernel JOIN(espalier_kernels, ISA)[];
static _Alignas(64) float scratch[SCRATCH_FLOATS];
static float *const scratches[] = {scratch};

#define EXPORT __attribute__((visibility("default")))

/* The declarations (kernels.def), up to the first whose kind is null. */
EXPORT const Declaration *declarations(void) { return espalier_declarations; }

EXPORT void run(float *arena, const int32_t *code, int32_t length) {
    Context ctx = {.arena = arena, .scratch = scratch, .part = 0, .parts = 1, .scratches = scratches};
    for (int32_t at = 0; at < length; at += 2 + code[at + 1])
        JOIN(espalier_kernels, ISA)[code[at]](&ctx, code + at + 2);
}

/* Compilers call these for large copies and clears. */
void *memset(void *to, int value, __SIZE_TYPE__ n) {
    unsigned char *p = to;
    for (__SIZE_TYPE__ i = 0; i < n; i++) p[i] = (unsigned char)value;
    return to;
}
void *memcpy(void *to, const void *from, __SIZE_TYPE__ n) {
    unsigned char *p = to;
    const unsigned char *q = from;
    for (__SIZE_TYPE__ i = 0; i < n; i++) p[i] = q[i];
    return to;
}
