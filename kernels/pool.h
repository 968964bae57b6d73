/* A program is a flat list of instructions [kernel, argument count, arguments...] over one arena.
 * A pool runs it on some threads: every thread walks the whole list and meets the others after each
 * instruction, so a step of training costs one wake-up, whatever its length. */
#ifndef ESPALIER_POOL_H
#define ESPALIER_POOL_H

#include "kernel.h"

typedef struct Pool Pool;

/* Null where memory or threads run out. */
Pool *pool_create(int threads, const Kernel *kernels);
void pool_destroy(Pool *pool);

typedef struct {
    float *arena;
    const int32_t *code;
    int32_t length;
} Run;

/* Returns when every instruction is done. The calling thread works too. */
void pool_run(Pool *pool, Run run);

/* Runs programs over arenas of their own, each on one thread, which meets the others at the end only. */
void pool_run_apart(Pool *pool, const Run *runs, int count);

#endif
