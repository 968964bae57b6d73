/* What kernels.def declares, as data for TypeScript. */
#ifndef ESPALIER_DECLARATIONS_H
#define ESPALIER_DECLARATIONS_H

#include <stdint.h>

/* kernel: its name and its arguments, "m, n, k, a". limit: its name and value. codes: their name, and all of
 * them. */
typedef struct {
    const char *kind, *name, *list;
    int32_t value;
} Declaration;

/* In the order of kernels.def, so that the first kernel has number 0 in the kernel tables. Ends with a null
 * kind. */
extern const Declaration espalier_declarations[];

#endif
