#include "declarations.h"

/* Two steps, so that lists of arguments that are macros are spelt out. */
#define SPELL(...) #__VA_ARGS__

#define KERNEL(name, ...) {"kernel", #name, SPELL(__VA_ARGS__), 0},
#define LIMIT(name, value) {"limit", #name, "", value},
#define CODES(name, ...) {"codes", #name, SPELL(__VA_ARGS__), 0},
const Declaration espalier_declarations[] = {
#include "kernels.def"
    {0, 0, 0, 0}};
