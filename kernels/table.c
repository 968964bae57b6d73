/* The kernel table of one instruction set. */
#include "kernel.h"

#define ENTRY(name) KERNEL(name);
#include "kernels.def"
#undef ENTRY

#define ENTRY(name) {#name, JOIN(name, ISA)},
const KernelEntry JOIN(espalier_kernels, ISA)[] = {
#include "kernels.def"
    {0, 0}};
#undef ENTRY

const int JOIN(espalier_lanes, ISA) = LANES;
