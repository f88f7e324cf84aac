// How primitives share work between threads: what is worth a fork, and where parts begin. What the parts compute lies in
// products.c, sums.c and elementwise.c.

#ifndef LOCKSTEP_PARTS_H
#define LOCKSTEP_PARTS_H

#include "kernel_table.h"

// Less work than this for each thread is not worth a fork and join, which take up to five microseconds: as long as this
// much takes.
enum {
  PRODUCTS_PER_THREAD = 1 << 18,
  ELEMENTS_PER_THREAD = 1 << 16,
  FUNCTIONS_PER_THREAD = 1 << 12,
  DROPS_PER_THREAD = 1 << 14,
};

static inline ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

static inline ptrdiff_t divide_up(ptrdiff_t a, ptrdiff_t b) { return (a + b - 1) / b; }

/// How many threads are worth their fork for `work`, of which each should have `least`.
static inline int worthwhile_threads(int threads, double work, double least) {
  if (threads == 1) return 1;
  const double most = work / least;
  return most < 2 ? 1 : most < threads ? (int)most : threads;
}

static inline const char *element(const lockstep_kernels *kernels, const void *base, ptrdiff_t index) {
  return (const char *)base + index * kernels->element_size;
}

static inline char *mutable_element(const lockstep_kernels *kernels, void *base, ptrdiff_t index) {
  return (char *)base + index * kernels->element_size;
}

/// Where part `part` of `parts` begins, in whole units.
static inline ptrdiff_t part_start(ptrdiff_t total, ptrdiff_t unit, ptrdiff_t part, ptrdiff_t parts) {
  return smaller(total, divide_up(total, unit) * part / parts * unit);
}

/// Rows `first..<first + rows` of a matrix.
static inline lockstep_matrix rows_of(const lockstep_kernels *kernels, lockstep_matrix matrix, ptrdiff_t first,
                                      ptrdiff_t rows) {
  return (lockstep_matrix){element(kernels, matrix.base, first * matrix.stride), rows, matrix.columns, matrix.stride};
}

static inline lockstep_mutable_matrix mutable_rows_of(const lockstep_kernels *kernels, lockstep_mutable_matrix matrix,
                                                      ptrdiff_t first, ptrdiff_t rows) {
  void *base = mutable_element(kernels, matrix.base, first * matrix.stride);
  return (lockstep_mutable_matrix){base, rows, matrix.columns, matrix.stride};
}

/// Activation.keepsSums.
static inline bool keeps_sums(lockstep_activation activation) {
  return activation == LOCKSTEP_SOFTPLUS || activation == LOCKSTEP_SILU || activation == LOCKSTEP_GELU;
}

/// Computes a product of `rows` by `columns` sums, whose operands may be exchanged. Copying its description would take as
/// long as a small one.
void lockstep_run_product(const lockstep_kernels *kernels, int threads, lockstep_product *product, ptrdiff_t rows,
                          ptrdiff_t columns);

#endif
