// The kernels for one element type and one instruction set. Included once for each pair by avx2.c, avx512.c and neon.c,
// which define
//   INSTRUCTION_SET   the suffix of its names
//   ELEMENT_IS_FLOAT  1 for float, 0 for double
//   REGISTER_BYTES    the size of a vector
//   TILE_ROWS, TILE_VECTORS  the register tile: as many accumulators as fit, with room for the operands
// and set the target of every function with `#pragma clang attribute`, so that no file needs flags of its own.

#if ELEMENT_IS_FLOAT
#define ELEMENT float
#define PRECISION f32
#define LANES (REGISTER_BYTES / 4)
#define BLOCK 4
#else
#define ELEMENT double
#define PRECISION f64
#define LANES (REGISTER_BYTES / 8)
#define BLOCK 2
#endif
// The side of the squares that are transposed in registers: of 32 bytes where there are such registers.
#if REGISTER_BYTES >= 32
#define SQUARE (2 * BLOCK)
#else
#define SQUARE BLOCK
#endif

#define CONCATENATE(name, precision, set) lockstep_##name##_##precision##_##set
#define EXPAND(name, precision, set) CONCATENATE(name, precision, set)
#define NAME(name) EXPAND(name, PRECISION, INSTRUCTION_SET)

#define TILE_SUMS (TILE_ROWS * TILE_VECTORS)
#define VECTOR NAME(vector)
#define MASK NAME(mask)
#define WIDE NAME(wide)
#define WIDE_BITS NAME(wide_bits)

// Each part takes what those before it define.
#include "vectors.inc.h"
#include "elementary.inc.h"
#include "activations.inc.h"
#include "panels.inc.h"
#include "tiles.inc.h"
#include "epilogue.inc.h"
#include "small.inc.h"
#include "product.inc.h"
#include "narrow.inc.h"
#include "losses.inc.h"
#include "narrow_pass.inc.h"
#include "elementwise.inc.h"
#include "updates.inc.h"
#include "dropout.inc.h"
#include "in_place.inc.h"
#include "row.inc.h"

const lockstep_kernels NAME(kernels) = {
    .element_size = sizeof(ELEMENT),
    .lanes = LANES,
    .tile_rows = TILE_ROWS,
    .tile_vectors = TILE_VECTORS,
    .product = NAME(product),
    .in_place = NAME(in_place),
    .row = NAME(row),
    .few_features = NAME(few_features),
    .narrow_gradients = NAME(narrow_gradients),
    .narrow_pass = NAME(narrow_pass),
    .loss_rows = NAME(loss_rows),
    .add = NAME(add),
    .descend = NAME(descend),
    .activate = NAME(activate_elements),
    .activate_backward = NAME(activate_elements_backward),
    .update = NAME(update),
    .sum_of_squares = NAME(sum_of_squares),
    .drop_out = NAME(drop_out),
};

#undef ELEMENT
#undef PRECISION
#undef LANES
#undef BLOCK
#undef SQUARE
#undef CONCATENATE
#undef EXPAND
#undef NAME
#undef TILE_SUMS
#undef VECTOR
#undef MASK
#undef WIDE
#undef WIDE_BITS
#undef TILES_OF_WIDTH
#undef STRIPE_VECTORS
#undef ROUNDED_UP
#undef MOST_SUMS
