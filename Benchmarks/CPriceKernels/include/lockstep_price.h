// Matrix products in the order of arithmetic and in orders that are free of it, alike in everything else.
#ifndef LOCKSTEP_PRICE_H
#define LOCKSTEP_PRICE_H

#include <stdbool.h>
#include <stddef.h>

/// In which order products are summed.
typedef enum {
  /// One chain: of features in the order of arithmetic, free of it (a running sum) where the sum is over rows.
  LOCKSTEP_PRICE_CHAIN,
  /// A partial sum for each block that fits the cache: free.
  LOCKSTEP_PRICE_PARTIAL_SUMS,
  /// Leaves of 256 and the pairwise tree: of rows in the order of arithmetic.
  LOCKSTEP_PRICE_TREE,
} lockstep_price_order;

/// The vectors that compute.
typedef enum { LOCKSTEP_PRICE_AVX2, LOCKSTEP_PRICE_AVX512, LOCKSTEP_PRICE_NEON } lockstep_price_vectors;

/// A product of `[rows × depth]` and `[depth × columns]` in Float, with the memory that it takes.
typedef struct lockstep_price_product lockstep_price_product;

/// NULL for vectors of another architecture, or where memory runs out. The CPU must have the vectors.
lockstep_price_product *lockstep_price_create(lockstep_price_vectors vectors, ptrdiff_t rows, ptrdiff_t columns,
                                              ptrdiff_t depth);

void lockstep_price_destroy(lockstep_price_product *product);

/// Computes on the calling thread. Element (i, k) of the left operand lies at `left[i * left_line + k * left_depth]`,
/// element (k, j) of the right one at `right[j + k * right_depth]`.
void lockstep_price_run(lockstep_price_product *product, lockstep_price_order order, const float *left,
                        ptrdiff_t left_line, ptrdiff_t left_depth, const float *right, ptrdiff_t right_depth);

/// Copies what the last run left to `[rows × columns]`.
void lockstep_price_result(const lockstep_price_product *product, float *result);

/// The product of two vectors: one chain, as in the order of arithmetic.
float lockstep_price_dot_chain(const float *a, const float *b, ptrdiff_t count);

/// The same in a free order: as many chains as the vectors and the latency of a multiply-add ask for.
float lockstep_price_dot_free(const lockstep_price_product *product, const float *a, const float *b, ptrdiff_t count);

#endif
