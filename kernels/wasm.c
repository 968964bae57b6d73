/* The WebAssembly face: one thread, no libc. The arena and the program lie in the module's memory. */
#include "kernel.h"

extern const KernelEntry JOIN(espalier_kernels, ISA)[];
static _Alignas(64) float scratch[SCRATCH_FLOATS];

#define EXPORT __attribute__((visibility("default")))

/* The name of kernel i, or null past the last. */
EXPORT const char *kernel_name(int i) { return JOIN(espalier_kernels, ISA)[i].name; }

EXPORT void run(float *arena, const int32_t *code, int32_t length) {
    Context ctx = {arena, scratch, 0, 1};
    for (int32_t at = 0; at < length; at += 2 + code[at + 1]) JOIN(espalier_kernels, ISA)[code[at]].run(&ctx, code + at + 2);
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
