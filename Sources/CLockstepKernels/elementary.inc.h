// The project's elementary functions for the C kernels: exp, expm1, log, log1p, tanh, sigmoid and the normal distribution
// function of vectors. The same sequence of operations as Elementary in the Swift module ComputeBackend, which says where
// each comes from; whoever changes one changes the other. Here lies what they share, in the files that this one includes lie
// the functions. Nothing in them knows of matrices.
//
// A template, included once for every precision and instruction set, after the includer has defined
//   VECTOR            the clang vector (ext_vector_type) of float or double that the functions take and return,
//   WIDE              the vector of as many doubles (VECTOR itself for double),
//   WIDE_BITS         the vector of as many uint64_t,
//   ELEMENT_IS_FLOAT  1 for float, 0 for double,
//   NAME(x)           the identifier x with a suffix for precision and instruction set.
// The file must be compiled with -ffp-contract=off: a product and a sum fuse only in FUSED.

#pragma clang diagnostic push
// Everything is inlined: no vector crosses a call.
#pragma clang diagnostic ignored "-Wpsabi"

#define ELEMENTARY static inline __attribute__((always_inline))
#define FUSED(a, b, c) __builtin_elementwise_fma(a, b, c)
#define SPLAT(x) ((WIDE)(x))

// Adding it to a small number rounds that to an integer, which then stands in the lowest bits.
#define ROUNDER SPLAT(0x1.8p52)
#define LN2_HIGH SPLAT(0x1.62e42fefa38p-1)
#define LN2_LOW SPLAT(0x1.ef35793c7673p-45)

// The sum of two numbers, the second far smaller.
typedef struct {
  WIDE high, low;
} NAME(pair);

#if ELEMENT_IS_FLOAT

// high + low rounded to odd, so that rounding it to float cannot tie. No sum at hand is the middle of two floats.
ELEMENTARY WIDE NAME(sum_rounded_to_odd)(WIDE high, WIDE low) {
  WIDE sum = high + low;
  WIDE error = (high - sum) + low;
  WIDE_BITS is_too_large = ((WIDE_BITS)error ^ (WIDE_BITS)sum) >> 63;
  return (WIDE)(((WIDE_BITS)sum - is_too_large) | 1);
}

#endif

#include "exponential.inc.h"
#include "logarithm.inc.h"
#include "normal.inc.h"

#undef ELEMENTARY
#undef FUSED
#undef SPLAT
#undef ROUNDER
#undef LN2_HIGH
#undef LN2_LOW

#pragma clang diagnostic pop
