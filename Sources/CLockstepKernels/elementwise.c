// Primitives that go over elements one by one: nodes of the tree, activations, steps of descent and of other optimisers,
// dropout. Threads share rows, or a single one's columns.

#include "parts.h"

typedef struct {
  const lockstep_kernels *kernels;
  lockstep_elements elements;
  lockstep_elementwise *compute;
  lockstep_argument argument;
  ptrdiff_t parts;
} elementwise_parts;

static void elementwise_part(void *context, ptrdiff_t index) {
  const elementwise_parts *p = context;
  lockstep_elements part = p->elements;
  // A part of a single row is a range of columns, in whole cache lines.
  const bool by_columns = part.target.rows == 1;
  ptrdiff_t *lines = by_columns ? &part.target.columns : &part.target.rows;
  const ptrdiff_t total = *lines, unit = by_columns ? 64 : 1;
  const ptrdiff_t first = part_start(total, unit, index, p->parts);
  *lines = part_start(total, unit, index + 1, p->parts) - first;
#define AT_FIRST(matrix) element(p->kernels, (matrix).base, first * (by_columns ? 1 : (matrix).stride))
  part.target.base = (void *)AT_FIRST(part.target);
  part.operand.base = AT_FIRST(part.operand);
  if (part.first.base != NULL) part.first.base = (void *)AT_FIRST(part.first);
  if (part.second.base != NULL) part.second.base = (void *)AT_FIRST(part.second);
#undef AT_FIRST
  p->compute(&part, p->argument);
}

/// Whether a matrix has no gaps between its rows; one that is not there has none.
static bool is_contiguous(lockstep_mutable_matrix matrix) {
  return matrix.base == NULL || matrix.columns == matrix.stride;
}

/// On as many threads as have `least` elements each.
static void run_elementwise(const lockstep_kernels *kernels, int threads, lockstep_elements elements,
                            lockstep_elementwise *compute, lockstep_argument argument, double least) {
  if (is_contiguous(elements.target) && elements.operand.columns == elements.operand.stride &&
      is_contiguous(elements.first) && is_contiguous(elements.second)) {
    elements.target.columns *= elements.target.rows;
    elements.target.rows = 1;
  }
  threads = worthwhile_threads(threads, (double)elements.target.rows * (double)elements.target.columns, least);
  if (threads == 1) return compute(&elements, argument);
  elementwise_parts parts = {kernels, elements, compute, argument, threads};
  lockstep_parallel_for(threads, threads, elementwise_part, &parts);
}

void lockstep_add(const lockstep_kernels *kernels, int threads, lockstep_matrix other, lockstep_mutable_matrix sum) {
  run_elementwise(kernels, threads, (lockstep_elements){.target = sum, .operand = other}, kernels->add,
                  (lockstep_argument){0}, ELEMENTS_PER_THREAD);
}

void lockstep_descend(const lockstep_kernels *kernels, int threads, lockstep_mutable_matrix parameters,
                      lockstep_matrix gradient, double learning_rate) {
  run_elementwise(kernels, threads, (lockstep_elements){.target = parameters, .operand = gradient}, kernels->descend,
                  (lockstep_argument){.learning_rate = learning_rate}, ELEMENTS_PER_THREAD);
}

void lockstep_activate(const lockstep_kernels *kernels, int threads, lockstep_activation activation, lockstep_matrix sums,
                       lockstep_mutable_matrix output) {
  run_elementwise(kernels, threads, (lockstep_elements){.target = output, .operand = sums}, kernels->activate,
                  (lockstep_argument){.activation = activation}, FUNCTIONS_PER_THREAD);
}

void lockstep_activate_backward(const lockstep_kernels *kernels, int threads, lockstep_activation activation,
                                lockstep_matrix value, lockstep_mutable_matrix gradient) {
  // Where the value is what is kept, the derivative is a product or two.
  const double least = keeps_sums(activation) ? FUNCTIONS_PER_THREAD : ELEMENTS_PER_THREAD;
  run_elementwise(kernels, threads, (lockstep_elements){.target = gradient, .operand = value},
                  kernels->activate_backward, (lockstep_argument){.activation = activation}, least);
}

void lockstep_update(const lockstep_kernels *kernels, int threads, const lockstep_update_rule *rule,
                     lockstep_mutable_matrix parameters, lockstep_matrix gradient, lockstep_mutable_matrix first,
                     lockstep_mutable_matrix second) {
  run_elementwise(kernels, threads, (lockstep_elements){parameters, gradient, first, second}, kernels->update,
                  (lockstep_argument){.rule = rule}, ELEMENTS_PER_THREAD);
}

// MARK: - Dropout

typedef struct {
  const lockstep_kernels *kernels;
  const lockstep_dropout_rule *rule;
  ptrdiff_t first_row;
  lockstep_matrix values;
  lockstep_mutable_matrix output;
  ptrdiff_t parts;
} dropout_parts;

static void dropout_part(void *context, ptrdiff_t index) {
  const dropout_parts *p = context;
  const ptrdiff_t first = part_start(p->values.rows, 1, index, p->parts);
  const ptrdiff_t rows = part_start(p->values.rows, 1, index + 1, p->parts) - first;
  p->kernels->drop_out(p->rule, p->first_row + first, rows_of(p->kernels, p->values, first, rows),
                       mutable_rows_of(p->kernels, p->output, first, rows));
}

void lockstep_drop_out(const lockstep_kernels *kernels, int threads, const lockstep_dropout_rule *rule,
                       ptrdiff_t first_row, lockstep_matrix values, lockstep_mutable_matrix output) {
  const double elements = (double)values.rows * (double)values.columns;
  threads = worthwhile_threads(threads, elements, DROPS_PER_THREAD);
  if (threads == 1) return kernels->drop_out(rule, first_row, values, output);
  dropout_parts parts = {kernels, rule, first_row, values, output, threads};
  lockstep_parallel_for(threads, threads, dropout_part, &parts);
}
