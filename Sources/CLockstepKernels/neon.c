// The kernels for arm64: 32 registers, of which the tile's sums take 24.
#if defined(__aarch64__)

#include "kernel_table.h"

#define INSTRUCTION_SET neon
#define REGISTER_BYTES 16
#define TILE_ROWS 8
#define TILE_VECTORS 3

#define ELEMENT_IS_FLOAT 1
#include "kernels.inc.h"
#undef ELEMENT_IS_FLOAT
#define ELEMENT_IS_FLOAT 0
#include "kernels.inc.h"

#endif
