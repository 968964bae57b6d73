#define _GNU_SOURCE
#include "pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif

/* How long a thread spins before it sleeps: longer than a barrier or the pause between two steps usually
 * takes, and short, because on a busy machine only a sleeping thread lets the scheduler bring the other one
 * to its processor. */
#define SPINS_AT_BARRIER 2000
#define SPINS_WHEN_IDLE 10000

typedef struct {
    Pool *pool;
    int part;
    float *scratch;
    pthread_t thread;
} Worker;

struct Pool {
    int threads;
    const Kernel *kernels;
    Worker *workers;   /* workers[0] is the caller of pool_run */
    float **scratches; /* those of the workers */

    Run together; /* on all threads, or, where there are some: */
    const Run *apart;
    int count;
    atomic_int taken; /* of those */

    atomic_uint run; /* counts calls of pool_run; a change is the signal to start */
    atomic_int closing;
    atomic_int sleepers; /* threads that sleep, at the barrier or between runs */
    pthread_mutex_t lock;
    pthread_cond_t wake;

    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_uint phase;
};

/* Returns when *counter is no longer `seen`: spins for a while, then sleeps. */
static void wait_for_change(Pool *pool, atomic_uint *counter, unsigned seen, int spins) {
    for (int i = 0; i < spins; i++) {
        if (atomic_load_explicit(counter, memory_order_acquire) != seen) return;
        PAUSE();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(counter) == seen) pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->lock);
}

/* Counts up and wakes whoever sleeps. The order of the two (sequentially consistent) accesses, here and
 * above, is what keeps a thread from going to sleep unseen. */
static void change(Pool *pool, atomic_uint *counter) {
    atomic_fetch_add(counter, 1);
    if (atomic_load(&pool->sleepers) == 0) return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

static void barrier(void *team) {
    Pool *pool = team;
    if (pool->threads == 1) return;
    unsigned phase = atomic_load_explicit(&pool->phase, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&pool->arrived, 1, memory_order_acq_rel) + 1 < pool->threads) {
        wait_for_change(pool, &pool->phase, phase, SPINS_AT_BARRIER);
        return;
    }
    atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
    change(pool, &pool->phase);
}

INLINE void walk(const Pool *pool, const Run *run, const Context *ctx) {
    const int32_t *code = run->code, *end = code + run->length;
    while (code < end) {
        const int32_t *next = code + 2 + code[1];
        pool->kernels[code[0]](ctx, code + 2);
        meet(ctx);
        code = next;
    }
}

static void execute(Pool *pool, Worker *worker) {
    Context ctx = {
        .scratch = worker->scratch, .scratches = pool->scratches, .barrier = barrier, .team = pool};
    if (!pool->count) {
        ctx.arena = pool->together.arena, ctx.part = worker->part, ctx.parts = pool->threads;
        walk(pool, &pool->together, &ctx);
        return;
    }
    ctx.scratches = &worker->scratch, ctx.part = 0, ctx.parts = 1;
    for (int i; (i = atomic_fetch_add(&pool->taken, 1)) < pool->count;) {
        ctx.arena = pool->apart[i].arena;
        walk(pool, &pool->apart[i], &ctx);
    }
    barrier(pool);
}

static void *work(void *argument) {
    Worker *worker = argument;
    Pool *pool = worker->pool;
    for (unsigned seen = 0;; seen++) {
        wait_for_change(pool, &pool->run, seen, SPINS_WHEN_IDLE);
        if (atomic_load(&pool->closing)) return 0;
        execute(pool, worker);
    }
}

static void start(Pool *pool) {
    if (pool->threads > 1) change(pool, &pool->run);
    execute(pool, &pool->workers[0]);
}

void pool_run(Pool *pool, Run run) {
    if (run.length == 0) return;
    pool->together = run;
    pool->count = 0;
    start(pool);
}

void pool_run_apart(Pool *pool, const Run *runs, int count) {
    if (count == 0) return;
    pool->apart = runs;
    pool->count = count;
    atomic_store(&pool->taken, 0);
    start(pool);
}

void pool_destroy(Pool *pool) {
    atomic_store(&pool->closing, 1);
    change(pool, &pool->run);
    for (int i = 1; i < pool->threads; i++) pthread_join(pool->workers[i].thread, 0);
    for (int i = 0; i < pool->threads; i++) free(pool->workers[i].scratch);
    free(pool->workers);
    free(pool->scratches);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

Pool *pool_create(int threads, const Kernel *kernels) {
    Pool *pool = aligned_alloc(64, (sizeof *pool + 63) / 64 * 64);
    if (!pool) return 0;
    *pool = (Pool){.kernels = kernels};
    pthread_mutex_init(&pool->lock, 0);
    pthread_cond_init(&pool->wake, 0);
    pool->workers = calloc((size_t)threads, sizeof *pool->workers);
    pool->scratches = calloc((size_t)threads, sizeof *pool->scratches);
    /* pool->threads counts the workers that exist, so that pool_destroy can undo a partial start. */
    for (int i = 0; pool->workers && pool->scratches && i < threads; i++) {
        Worker *worker = &pool->workers[i];
        *worker = (Worker){pool, i, aligned_alloc(64, SCRATCH_FLOATS * sizeof(float)), 0};
        pool->scratches[i] = worker->scratch;
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
