/* The WebAssembly face, without libc. The arena and the program lie in the module's memory, and so do the
 * scratches of all threads. Where memory is shared, every thread has an instance of the module over it. */
#include "declarations.h"
#include "kernel.h"

extern const Kernel JOIN(espalier_kernels, ISA)[];

#define EXPORT __attribute__((visibility("default")))

/* The declarations (kernels.def), up to the first whose kind is null. */
EXPORT const Declaration *declarations(void) { return espalier_declarations; }

/* Bytes of the scratch of a thread, each of which `run` is given. */
EXPORT int32_t scratch_bytes(void) { return SCRATCH_BYTES; }

#ifdef __wasm_atomics__
#include <stdatomic.h>

/* How often a thread looks before it sleeps: as in pool.c. */
#define SPINS 2000

static _Alignas(64) atomic_int arrived;
static _Alignas(64) atomic_int phase;

static void barrier(void *team) {
    int parts = (int)(intptr_t)team;
    int seen = atomic_load_explicit(&phase, memory_order_relaxed);
    if (atomic_fetch_add(&arrived, 1) + 1 == parts) {
        atomic_store_explicit(&arrived, 0, memory_order_relaxed);
        atomic_fetch_add(&phase, 1);
        __builtin_wasm_memory_atomic_notify((int *)&phase, (unsigned)-1);
        return;
    }
    for (int i = 0; i < SPINS; i++)
        if (atomic_load_explicit(&phase, memory_order_acquire) != seen) return;
    while (atomic_load(&phase) == seen) __builtin_wasm_memory_atomic_wait32((int *)&phase, seen, -1);
}
#else
static void barrier(void *team) { (void)team; }
#endif

/* One part of a run; it returns when all parts are done. */
EXPORT void run(float *arena, const int32_t *code, int32_t length, float *const *scratches, int32_t part,
                int32_t parts) {
    Context ctx = {.arena = arena,
                   .scratch = scratches[part],
                   .part = part,
                   .parts = parts,
                   .scratches = scratches,
                   .barrier = barrier,
                   .team = (void *)(intptr_t)parts};
    for (const int32_t *end = code + length; code < end;) {
        /* The next run may be written as soon as all parts have met. */
        const int32_t *next = code + 2 + code[1];
        JOIN(espalier_kernels, ISA)[code[0]](&ctx, code + 2);
        meet(&ctx);
        code = next;
    }
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
