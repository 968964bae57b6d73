/* The kernel table of one instruction set, in the order of kernels.def. */
#include "kernel.h"

#define LIMIT(name, value)
#define CODES(name, ...)

#define KERNEL(name, ...) void JOIN(name, ISA)(const Context *ctx, const void *args);
#include "kernels.def"
#undef KERNEL

#define KERNEL(name, ...) JOIN(name, ISA),
const Kernel JOIN(espalier_kernels, ISA)[] = {
#include "kernels.def"
};

const int JOIN(espalier_lanes, ISA) = LANES;
