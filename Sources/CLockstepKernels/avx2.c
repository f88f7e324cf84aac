// The kernels for x86-64-v3: 16 registers, of which the tile's sums take 12.
#if defined(__x86_64__)

#include "kernel_table.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)

#define INSTRUCTION_SET avx2
#define REGISTER_BYTES 32
#define TILE_ROWS 6
#define TILE_VECTORS 2

#define ELEMENT_IS_FLOAT 1
#include "kernels.inc.h"
#undef ELEMENT_IS_FLOAT
#define ELEMENT_IS_FLOAT 0
#include "kernels.inc.h"

#pragma clang attribute pop

#endif
