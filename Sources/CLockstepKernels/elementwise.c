// Primitives that go over elements one by one: sums of arrays, steps of descent, activations.

#include "parts.h"

typedef struct {
  const lockstep_kernels *kernels;
  lockstep_matrix operand;
  lockstep_mutable_matrix target;
  lockstep_elementwise *update;
  double factor;
  ptrdiff_t parts;
} elementwise_parts;

static void elementwise_part(void *context, ptrdiff_t index) {
  const elementwise_parts *p = context;
  const lockstep_kernels *kernels = p->kernels;
  // A part of a single row is a range of columns, in whole cache lines.
  const bool by_columns = p->target.rows == 1;
  const ptrdiff_t total = by_columns ? p->target.columns : p->target.rows;
  const ptrdiff_t unit = by_columns ? 64 : 1;
  const ptrdiff_t first = part_start(total, unit, index, p->parts);
  const ptrdiff_t count = part_start(total, unit, index + 1, p->parts) - first;
  lockstep_matrix operand = p->operand;
  lockstep_mutable_matrix target = p->target;
  operand.base = element(kernels, operand.base, first * (by_columns ? 1 : operand.stride));
  target.base = mutable_element(kernels, target.base, first * (by_columns ? 1 : target.stride));
  *(by_columns ? &target.columns : &target.rows) = count;
  p->update(target, operand, p->factor);
}

/// On as many threads as have `least` elements each.
static void run_elementwise(const lockstep_kernels *kernels, int threads, lockstep_matrix operand,
                            lockstep_mutable_matrix target, lockstep_elementwise *update, double factor,
                            double least) {
  if (operand.stride == operand.columns && target.stride == target.columns) {
    target.columns *= target.rows;
    target.rows = 1;
  }
  threads = worthwhile_threads(threads, (double)target.rows * (double)target.columns, least);
  if (threads == 1) return update(target, operand, factor);
  elementwise_parts parts = {kernels, operand, target, update, factor, threads};
  lockstep_parallel_for(threads, threads, elementwise_part, &parts);
}

void lockstep_add(const lockstep_kernels *kernels, int threads, lockstep_matrix other, lockstep_mutable_matrix sum) {
  run_elementwise(kernels, threads, other, sum, kernels->add, 0, ELEMENTS_PER_THREAD);
}

void lockstep_descend(const lockstep_kernels *kernels, int threads, lockstep_mutable_matrix parameters,
                      lockstep_matrix gradient, double learning_rate) {
  run_elementwise(kernels, threads, gradient, parameters, kernels->descend, learning_rate, ELEMENTS_PER_THREAD);
}

void lockstep_activate(const lockstep_kernels *kernels, int threads, lockstep_activation activation, lockstep_matrix sums,
                       lockstep_mutable_matrix output) {
  run_elementwise(kernels, threads, sums, output, kernels->activate, activation, FUNCTIONS_PER_THREAD);
}
