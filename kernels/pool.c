#define _GNU_SOURCE
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif

#define SPINS_AT_BARRIER 20000 /* then give the processor away: another process may need it to let ours go on */
#define SPINS_WHEN_IDLE 20000  /* then sleep: the next run of a training loop usually comes sooner */

typedef struct {
    Pool *pool;
    int part;
    float *scratch;
    pthread_t thread;
} Worker;

struct Pool {
    int threads;
    const KernelEntry *kernels;
    Worker *workers; /* workers[0] is the caller of pool_run */

    float *arena;
    const int32_t *code;
    int32_t length;

    atomic_uint run;   /* counts calls of pool_run; a change is the signal to start */
    atomic_int closing;
    atomic_int sleepers;
    pthread_mutex_t lock;
    pthread_cond_t wake;

    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_uint phase;
};

static void barrier(Pool *pool) {
    if (pool->threads == 1) return;
    unsigned phase = atomic_load_explicit(&pool->phase, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&pool->arrived, 1, memory_order_acq_rel) + 1 == pool->threads) {
        atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&pool->phase, phase + 1, memory_order_release);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&pool->phase, memory_order_acquire) == phase; spins++) {
        if (spins < SPINS_AT_BARRIER) PAUSE();
        else sched_yield();
    }
}

static void execute(Pool *pool, const Worker *worker) {
    Context ctx = {pool->arena, worker->scratch, worker->part, pool->threads};
    const int32_t *code = pool->code;
    for (int32_t at = 0; at < pool->length; at += 2 + code[at + 1]) {
        pool->kernels[code[at]].run(&ctx, code + at + 2);
        barrier(pool);
    }
}

static unsigned wait_for_run(Pool *pool, unsigned seen) {
    for (int spins = 0; spins < SPINS_WHEN_IDLE; spins++) {
        unsigned run = atomic_load_explicit(&pool->run, memory_order_acquire);
        if (run != seen) return run;
        PAUSE();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(&pool->run) == seen) pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->lock);
    return atomic_load_explicit(&pool->run, memory_order_acquire);
}

static void announce(Pool *pool) {
    atomic_fetch_add(&pool->run, 1);
    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->lock);
    }
}

static void *work(void *argument) {
    Worker *worker = argument;
    unsigned seen = 0;
    for (;;) {
        seen = wait_for_run(worker->pool, seen);
        if (atomic_load(&worker->pool->closing)) return 0;
        execute(worker->pool, worker);
    }
}

void pool_run(Pool *pool, float *arena, const int32_t *code, int32_t length) {
    if (length == 0) return;
    pool->arena = arena;
    pool->code = code;
    pool->length = length;
    if (pool->threads > 1) announce(pool);
    execute(pool, &pool->workers[0]);
}

void pool_destroy(Pool *pool) {
    atomic_store(&pool->closing, 1);
    announce(pool);
    for (int i = 1; i < pool->threads; i++) pthread_join(pool->workers[i].thread, 0);
    for (int i = 0; i < pool->threads; i++) free(pool->workers[i].scratch);
    free(pool->workers);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

Pool *pool_create(int threads, const KernelEntry *kernels) {
    Pool *pool = aligned_alloc(64, (sizeof *pool + 63) / 64 * 64);
    if (!pool) return 0;
    *pool = (Pool){.kernels = kernels};
    pthread_mutex_init(&pool->lock, 0);
    pthread_cond_init(&pool->wake, 0);
    pool->workers = calloc((size_t)threads, sizeof *pool->workers);
    /* pool->threads counts the workers that exist, so that pool_destroy can undo a partial start. */
    for (int i = 0; pool->workers && i < threads; i++) {
        Worker *worker = &pool->workers[i];
        *worker = (Worker){pool, i, aligned_alloc(64, SCRATCH_FLOATS * sizeof(float)), 0};
        if (!worker->scratch || (i > 0 && pthread_create(&worker->thread, 0, work, worker))) {
            free(worker->scratch);
            break;
        }
        pool->threads = i + 1;
    }
    if (pool->threads == threads) return pool;
    pool_destroy(pool);
    return 0;
}
