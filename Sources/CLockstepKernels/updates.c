// Primitives that training needs beside the gradients: steps of optimisers, sums of squares, dropout. Threads share
// elements, nodes of the tree, or rows.

#include <string.h>

#include "parts.h"

// MARK: - Steps of optimisers

typedef struct {
  const lockstep_kernels *kernels;
  const lockstep_update_rule *rule;
  lockstep_mutable_matrix parameters;
  lockstep_matrix gradient;
  lockstep_mutable_matrix first, second;
  ptrdiff_t parts;
} update_parts;

/// Whether a matrix has no gaps between its rows; one that is not there has none.
static bool is_contiguous(const void *base, ptrdiff_t columns, ptrdiff_t stride) {
  return base == NULL || columns == stride;
}

static lockstep_mutable_matrix part_of(const lockstep_kernels *kernels, lockstep_mutable_matrix matrix, ptrdiff_t first,
                                       ptrdiff_t count, bool by_columns) {
  if (matrix.base == NULL) return matrix;
  matrix.base = mutable_element(kernels, matrix.base, first * (by_columns ? 1 : matrix.stride));
  *(by_columns ? &matrix.columns : &matrix.rows) = count;
  return matrix;
}

static void update_part(void *context, ptrdiff_t index) {
  const update_parts *p = context;
  // A part of a single row is a range of columns, in whole cache lines.
  const bool by_columns = p->parameters.rows == 1;
  const ptrdiff_t total = by_columns ? p->parameters.columns : p->parameters.rows;
  const ptrdiff_t unit = by_columns ? 64 : 1;
  const ptrdiff_t start = part_start(total, unit, index, p->parts);
  const ptrdiff_t count = part_start(total, unit, index + 1, p->parts) - start;
  lockstep_matrix gradient = p->gradient;
  gradient.base = element(p->kernels, gradient.base, start * (by_columns ? 1 : gradient.stride));
  *(by_columns ? &gradient.columns : &gradient.rows) = count;
  p->kernels->update(p->rule, part_of(p->kernels, p->parameters, start, count, by_columns), gradient,
                     part_of(p->kernels, p->first, start, count, by_columns),
                     part_of(p->kernels, p->second, start, count, by_columns));
}

void lockstep_update(const lockstep_kernels *kernels, int threads, const lockstep_update_rule *rule,
                     lockstep_mutable_matrix parameters, lockstep_matrix gradient, lockstep_mutable_matrix first,
                     lockstep_mutable_matrix second) {
  if (parameters.stride == parameters.columns && gradient.stride == gradient.columns &&
      is_contiguous(first.base, first.columns, first.stride) &&
      is_contiguous(second.base, second.columns, second.stride)) {
    parameters.columns *= parameters.rows;
    parameters.rows = 1;
  }
  const double elements = (double)parameters.rows * (double)parameters.columns;
  threads = worthwhile_threads(threads, elements, ELEMENTS_PER_THREAD);
  if (threads == 1) return kernels->update(rule, parameters, gradient, first, second);
  update_parts parts = {kernels, rule, parameters, gradient, first, second, threads};
  lockstep_parallel_for(threads, threads, update_part, &parts);
}

// MARK: - Sums of squares

/// Elements without gaps, cut into nodes of a power of two of leaves, but the last of fewer.
typedef struct {
  const lockstep_kernels *kernels;
  const void *elements;
  ptrdiff_t count, node_elements;
  double *nodes;
} square_parts;

static void squares_of_node(void *context, ptrdiff_t index) {
  const square_parts *p = context;
  const ptrdiff_t first = index * p->node_elements;
  p->nodes[index] = p->kernels->sum_of_squares(element(p->kernels, p->elements, first),
                                               smaller(p->node_elements, p->count - first));
}

double lockstep_sum_of_squares(const lockstep_kernels *kernels, int threads, lockstep_matrix matrix) {
  const ptrdiff_t count = matrix.rows * matrix.columns;
  const void *elements = matrix.base;
  if (matrix.stride != matrix.columns && matrix.rows > 1) {
    char *packed = lockstep_workspace(LOCKSTEP_SHARED_NODES, (size_t)(count * kernels->element_size));
    const size_t row_bytes = (size_t)(matrix.columns * kernels->element_size);
    for (ptrdiff_t row = 0; row < matrix.rows; ++row) {
      memcpy(packed + (size_t)row * row_bytes, element(kernels, matrix.base, row * matrix.stride), row_bytes);
    }
    elements = packed;
  }
  threads = worthwhile_threads(threads, (double)count, ELEMENTS_PER_THREAD);
  if (threads == 1) return kernels->sum_of_squares(elements, count);
  enum { MOST_NODES = 64 };
  double nodes[MOST_NODES];
  square_parts parts = {kernels, elements, count, LEAF_ROWS, nodes};
  while (divide_up(count, parts.node_elements) > MOST_NODES) parts.node_elements *= 2;
  const ptrdiff_t node_count = divide_up(count, parts.node_elements);
  lockstep_parallel_for(node_count, threads, squares_of_node, &parts);
  for (ptrdiff_t step = 1; step < node_count; step *= 2) {
    for (ptrdiff_t left = 0; left + step < node_count; left += 2 * step) nodes[left] = nodes[left] + nodes[left + step];
  }
  return nodes[0];
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
  lockstep_matrix values = p->values;
  values.base = element(p->kernels, values.base, first * values.stride);
  values.rows = part_start(p->values.rows, 1, index + 1, p->parts) - first;
  const lockstep_mutable_matrix output = part_of(p->kernels, p->output, first, values.rows, false);
  p->kernels->drop_out(p->rule, p->first_row + first, values, output);
}

void lockstep_drop_out(const lockstep_kernels *kernels, int threads, const lockstep_dropout_rule *rule,
                       ptrdiff_t first_row, lockstep_matrix values, lockstep_mutable_matrix output) {
  const double elements = (double)values.rows * (double)values.columns;
  threads = worthwhile_threads(threads, elements, DROPS_PER_THREAD);
  if (threads == 1) return kernels->drop_out(rule, first_row, values, output);
  dropout_parts parts = {kernels, rule, first_row, values, output, threads};
  lockstep_parallel_for(threads, threads, dropout_part, &parts);
}
