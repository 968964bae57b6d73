/* The native face (N-API). It trusts its callers: programs are validated in TypeScript
 * (src/engine/program.ts), and only the machine in src/engine/machines/native.ts calls it. */
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <node_api.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "declarations.h"
#include "pool.h"

// Node 20 wraps memory that is not its own as a buffer, and these end there.
#define MOST_WRAPPED ((size_t)1 << 32)
#define PAGE ((size_t)4096)

typedef struct {
    const char *name;
    const Kernel *kernels;
    const int *lanes;
} InstructionSet;

#define TABLE(isa)                                \
    extern const Kernel espalier_kernels_##isa[]; \
    extern const int espalier_lanes_##isa;
TABLE(baseline)
#if defined(__x86_64__)
TABLE(avx2)
TABLE(avx512)
#endif

/* The sets this processor has, best first. */
static int instruction_sets(InstructionSet *out) {
    int count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
        out[count++] = (InstructionSet){"avx512", espalier_kernels_avx512, &espalier_lanes_avx512};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        out[count++] = (InstructionSet){"avx2", espalier_kernels_avx2, &espalier_lanes_avx2};
#endif
    out[count++] = (InstructionSet){"baseline", espalier_kernels_baseline, &espalier_lanes_baseline};
    return count;
}

static napi_value string(napi_env env, const char *text) {
    napi_value value;
    napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
    return value;
}

static napi_value number(napi_env env, int32_t n) {
    napi_value value;
    napi_create_int32(env, n, &value);
    return value;
}

static napi_value fail(napi_env env, const char *message) {
    napi_throw_error(env, 0, message);
    return 0;
}

static void free_pool(napi_env env, void *data, void *hint) {
    (void)env, (void)hint;
    pool_destroy(data);
}

static void prefer_huge_pages(void *data, size_t bytes) {
#ifdef MADV_HUGEPAGE
    madvise(data, bytes, MADV_HUGEPAGE);
#else
    (void)data, (void)bytes;
#endif
}

/* Zeroed memory, or null. With the address sanitizer it comes from malloc, which guards its ends. */
#ifdef __SANITIZE_ADDRESS__
static void *arena_create(size_t bytes) { return calloc(1, bytes); }
static void arena_destroy(void *data, size_t bytes) { (void)bytes, free(data); }
#else
static void *arena_create(size_t bytes) {
    void *data = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) return 0;
    prefer_huge_pages(data, bytes);
    return data;
}
static void arena_destroy(void *data, size_t bytes) { munmap(data, bytes); }
#endif

static void free_arena(napi_env env, void *data, void *hint) {
    (void)env;
    arena_destroy(data, (size_t)hint);
}

/* createPool(instructionSet: string, threads: number): external */
static napi_value create_pool(napi_env env, napi_callback_info info) {
    napi_value args[2], external;
    size_t count = 2;
    char name[16];
    int32_t threads = 0;
    InstructionSet sets[3];
    napi_get_cb_info(env, info, &count, args, 0, 0);
    if (napi_get_value_string_utf8(env, args[0], name, sizeof name, 0) != napi_ok ||
        napi_get_value_int32(env, args[1], &threads) != napi_ok || threads < 1 || threads > MOST_THREADS)
        return fail(env, "createPool: expected an instruction set and 1 to MOST_THREADS threads");
    for (int i = 0, n = instruction_sets(sets); i < n; i++) {
        if (strcmp(sets[i].name, name)) continue;
        Pool *pool = pool_create(threads, sets[i].kernels);
        if (!pool) return fail(env, "createPool: threads could not be started");
        if (napi_create_external(env, pool, free_pool, 0, &external) == napi_ok) return external;
        pool_destroy(pool);
        return fail(env, "createPool: out of memory");
    }
    return fail(env, "createPool: this processor lacks that instruction set");
}

/* An ArrayBuffer of memory that the addon takes and gives back. Null, and an exception, where there is
 * none. */
static napi_value wrapped_buffer(napi_env env, size_t bytes) {
    napi_value buffer;
    void *data = arena_create(bytes);
    if (!data) return fail(env, "allocate: out of memory");
    if (napi_create_external_arraybuffer(env, data, bytes, free_arena, (void *)bytes, &buffer) == napi_ok)
        return buffer;
    arena_destroy(data, bytes);
    return fail(env, "allocate: this runtime does not allow external memory");
}

/* An ArrayBuffer of the runtime's own memory, and where its first page begins. Null, and the runtime's
 * exception, where there is none. */
static napi_value own_buffer(napi_env env, size_t bytes, size_t *first_page) {
    napi_value global, constructor, size, buffer;
    void *data;
    size_t length;
    napi_get_global(env, &global);
    napi_get_named_property(env, global, "ArrayBuffer", &constructor);
    napi_create_double(env, (double)(bytes + PAGE), &size);
    if (napi_new_instance(env, constructor, 1, &size, &buffer) != napi_ok) return 0;
    napi_get_arraybuffer_info(env, buffer, &data, &length);
    *first_page = -(uintptr_t)data % PAGE;
    prefer_huge_pages((char *)data + *first_page, bytes);
    return buffer;
}

/* allocate(floats: number): Float32Array, zeroed, at the start of a page (but with sanitizers) */
static napi_value allocate(napi_env env, napi_callback_info info) {
    napi_value args[1], buffer, view;
    size_t count = 1, offset = 0;
    int64_t floats = 0;
    napi_get_cb_info(env, info, &count, args, 0, 0);
    if (napi_get_value_int64(env, args[0], &floats) != napi_ok || floats < 1 || floats > INT32_MAX)
        return fail(env, "allocate: expected 1 to 2^31 - 1 floats");
    size_t bytes = (size_t)floats * sizeof(float);
    buffer = bytes > MOST_WRAPPED ? own_buffer(env, bytes, &offset) : wrapped_buffer(env, bytes);
    if (!buffer) return 0;
    if (napi_create_typedarray(env, napi_float32_array, (size_t)floats, buffer, offset, &view) == napi_ok)
        return view;
    return fail(env, "allocate: this runtime has no arrays of that size");
}

static int run_of(napi_env env, napi_value floats, napi_value words, Run *out) {
    size_t length;
    void *arena, *code;
    napi_typedarray_type type;
    if (napi_get_typedarray_info(env, floats, &type, &length, &arena, 0, 0) != napi_ok ||
        type != napi_float32_array ||
        napi_get_typedarray_info(env, words, &type, &length, &code, 0, 0) != napi_ok ||
        type != napi_int32_array)
        return 0;
    *out = (Run){arena, code, (int32_t)length};
    return 1;
}

/* run(pool, arena: Float32Array, code: Int32Array): void */
static napi_value run(napi_env env, napi_callback_info info) {
    napi_value args[3];
    size_t count = 3;
    void *pool;
    Run one;
    napi_get_cb_info(env, info, &count, args, 0, 0);
    if (napi_get_value_external(env, args[0], &pool) != napi_ok || !run_of(env, args[1], args[2], &one))
        return fail(env, "run: expected a pool, an arena and an Int32Array");
    pool_run(pool, one);
    return 0;
}

/* runApart(pool, arenas: Float32Array[], codes: Int32Array[]): void */
static napi_value run_apart(napi_env env, napi_callback_info info) {
    napi_value args[3];
    size_t count = 3;
    uint32_t n;
    void *pool;
    Run runs[MOST_THREADS];
    napi_get_cb_info(env, info, &count, args, 0, 0);
    if (napi_get_value_external(env, args[0], &pool) != napi_ok ||
        napi_get_array_length(env, args[1], &n) != napi_ok || n > MOST_THREADS)
        return fail(env, "runApart: expected a pool, at most MOST_THREADS arenas and as many Int32Arrays");
    for (uint32_t i = 0; i < n; i++) {
        napi_value arena, code;
        if (napi_get_element(env, args[1], i, &arena) != napi_ok ||
            napi_get_element(env, args[2], i, &code) != napi_ok || !run_of(env, arena, code, &runs[i]))
            return fail(env,
                        "runApart: expected a pool, at most MOST_THREADS arenas and as many Int32Arrays");
    }
    pool_run_apart(pool, runs, (int)n);
    return 0;
}

/* What SIGINT and SIGTERM write to stderr before they end the process; tables fit, too. */
static char last_words[1 << 16];
static const int ending[] = {SIGINT, SIGTERM};
/* What they did before, which restores the terminal. */
static struct sigaction before[2];
static int is_set;

static void say_and_end(int signal_number) {
    ssize_t written = write(STDERR_FILENO, last_words, strlen(last_words));
    (void)written;
    sigaction(signal_number, &before[signal_number == SIGTERM], 0);
    raise(signal_number);
}

/* lastWords(text: string): void, for as long as no signal can be served; '' leaves signals as they were */
static napi_value set_last_words(napi_env env, napi_callback_info info) {
    napi_value args[1];
    size_t count = 1;
    static char text[sizeof last_words];
    struct sigaction action = {.sa_handler = say_and_end};
    napi_get_cb_info(env, info, &count, args, 0, 0);
    if (napi_get_value_string_utf8(env, args[0], text, sizeof text, 0) != napi_ok)
        return fail(env, "lastWords: expected a string");
    for (int i = 0; i < 2 && is_set; i++) sigaction(ending[i], &before[i], 0);
    is_set = *text != 0;
    strcpy(last_words, text);
    for (int i = 0; i < 2 && is_set; i++) sigaction(ending[i], &action, &before[i]);
    return 0;
}

static napi_value declaration(napi_env env, const Declaration *d) {
    napi_value object;
    napi_create_object(env, &object);
    napi_set_named_property(env, object, "kind", string(env, d->kind));
    napi_set_named_property(env, object, "name", string(env, d->name));
    napi_set_named_property(env, object, "list", string(env, d->list));
    napi_set_named_property(env, object, "value", number(env, d->value));
    return object;
}

NAPI_MODULE_INIT() {
    napi_property_descriptor functions[] = {
        {"createPool", 0, create_pool, 0, 0, 0, napi_default, 0},
        {"allocate", 0, allocate, 0, 0, 0, napi_default, 0},
        {"run", 0, run, 0, 0, 0, napi_default, 0},
        {"runApart", 0, run_apart, 0, 0, 0, napi_default, 0},
        {"lastWords", 0, set_last_words, 0, 0, 0, napi_default, 0},
    };
    napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);

    napi_value declarations, sets;
    napi_create_array(env, &declarations);
    for (int i = 0; espalier_declarations[i].kind; i++)
        napi_set_element(env, declarations, (uint32_t)i, declaration(env, &espalier_declarations[i]));
    napi_set_named_property(env, exports, "declarations", declarations);

    InstructionSet found[3];
    napi_create_array(env, &sets);
    for (int i = 0, n = instruction_sets(found); i < n; i++) {
        napi_value set;
        napi_create_object(env, &set);
        napi_set_named_property(env, set, "name", string(env, found[i].name));
        napi_set_named_property(env, set, "lanes", number(env, *found[i].lanes));
        napi_set_element(env, sets, (uint32_t)i, set);
    }
    napi_set_named_property(env, exports, "instructionSets", sets);
    return exports;
}
