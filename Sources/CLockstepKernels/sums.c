// Primitives that sum over rows: gradients of parameters, losses, and whole passes over narrow networks; and over elements,
// their squares. Threads share the result, or the nodes of the pairwise tree; no bit depends on which.

#include <string.h>

#include "parts.h"

/// Rows, or elements, cut into nodes of the pairwise tree, each of a power of two of leaves, but the last of fewer.
typedef struct {
  ptrdiff_t rows, node_rows, nodes;
} node_cut;

/// The fewest leaves in a node that leave no more than `most` nodes.
static node_cut cut_into_nodes(ptrdiff_t rows, ptrdiff_t most) {
  node_cut cut = {rows, LEAF_ROWS, divide_up(rows, LEAF_ROWS)};
  while (cut.nodes > most) {
    cut.node_rows *= 2;
    cut.nodes = divide_up(rows, cut.node_rows);
  }
  return cut;
}

/// Folds nodes, each `size` elements, into the first: `fold(low, high) = fold(low, middle) + fold(middle, high)`, the
/// left half a power of two.
static void fold_nodes(const lockstep_kernels *kernels, void *nodes, ptrdiff_t size, ptrdiff_t count) {
  for (ptrdiff_t step = 1; step < count; step *= 2) {
    for (ptrdiff_t left = 0; left + step < count; left += 2 * step) {
      const lockstep_elements both = {
          .target = {mutable_element(kernels, nodes, left * size), 1, size, size},
          .operand = {element(kernels, nodes, (left + step) * size), 1, size, size},
      };
      kernels->add(&both, (lockstep_argument){0});
    }
  }
}

/// The most nodes of sums that are one number each.
enum { MOST_NUMBERS = 64 };

/// The same of single numbers. Those of float, which is what `in_float` says they are, are the same by way of double: it has
/// more than twice the digits and two (Figueroa 1995).
static double fold_numbers(double *nodes, ptrdiff_t count, bool in_float) {
  for (ptrdiff_t step = 1; step < count; step *= 2) {
    for (ptrdiff_t left = 0; left + step < count; left += 2 * step) {
      const double sum = nodes[left] + nodes[left + step];
      nodes[left] = in_float ? (double)(float)sum : sum;
    }
  }
  return nodes[0];
}

// MARK: - Gradients

/// Gradients of the parameters, node by node: each node is the weight gradient and below it the bias gradient.
typedef struct {
  const lockstep_kernels *kernels;
  lockstep_matrix input, output_gradient;
  node_cut cut;
  void *nodes;
} gradient_nodes;

static lockstep_product gradient_product(lockstep_matrix input, lockstep_matrix output_gradient, void *weight_gradient,
                                         ptrdiff_t stride, void *bias_gradient) {
  return (lockstep_product){
      .rows = {input.base, input.columns, 1, input.stride},
      .lanes = {output_gradient.base, output_gradient.columns, 1, output_gradient.stride},
      .depth = input.rows,
      .tree = true,
      .result = weight_gradient,
      .stride = stride,
      .result_rows = input.columns,
      .extra_row = bias_gradient,
      .epilogue = LOCKSTEP_STORE,
  };
}

static bool is_narrow(ptrdiff_t inputs, ptrdiff_t outputs) {
  return inputs < NARROW_WEIGHTS && outputs < NARROW_WEIGHTS && inputs * outputs < NARROW_WEIGHTS;
}

static void gradients_of_node(void *context, ptrdiff_t index) {
  const gradient_nodes *g = context;
  const ptrdiff_t first = index * g->cut.node_rows;
  const ptrdiff_t rows = smaller(g->cut.node_rows, g->cut.rows - first);
  const lockstep_matrix input = rows_of(g->kernels, g->input, first, rows);
  const lockstep_matrix output_gradient = rows_of(g->kernels, g->output_gradient, first, rows);
  const ptrdiff_t inputs = input.columns, outputs = output_gradient.columns;
  void *node = mutable_element(g->kernels, g->nodes, index * (inputs + 1) * outputs);
  void *bias = mutable_element(g->kernels, node, inputs * outputs);
  if (is_narrow(inputs, outputs)) {
    const lockstep_mutable_matrix weights = {node, inputs, outputs, outputs};
    g->kernels->narrow_gradients(input, output_gradient, weights, bias);
  } else {
    lockstep_product product = gradient_product(input, output_gradient, node, outputs, bias);
    lockstep_run_product(g->kernels, 1, &product, inputs + 1, outputs);
  }
}

/// The step that follows sums which went to memory of their own.
static void descend_all(const lockstep_kernels *kernels, const void *sums, lockstep_mutable_matrix weights,
                        lockstep_mutable_matrix bias, double learning_rate) {
  const ptrdiff_t inputs = weights.rows, outputs = weights.columns;
  const lockstep_argument rate = {.learning_rate = learning_rate};
  const lockstep_matrix bias_gradient = {element(kernels, sums, inputs * outputs), 1, outputs, outputs};
  kernels->descend(&(lockstep_elements){.target = weights, .operand = {sums, inputs, outputs, outputs}}, rate);
  kernels->descend(&(lockstep_elements){.target = bias, .operand = bias_gradient}, rate);
}

/// The parameters' gradients, stored, or subtracted `learning_rate` times with the epilogue LOCKSTEP_DESCEND.
static void sum_gradients(const lockstep_kernels *kernels, int threads, lockstep_matrix input,
                          lockstep_matrix output_gradient, lockstep_mutable_matrix weights,
                          lockstep_mutable_matrix bias, lockstep_epilogue epilogue, double learning_rate) {
  const ptrdiff_t inputs = input.columns, outputs = output_gradient.columns, size = (inputs + 1) * outputs;
  const bool narrow = is_narrow(inputs, outputs), descends = epilogue == LOCKSTEP_DESCEND;
  const double work = (double)input.rows * (double)size;
  threads = worthwhile_threads(threads, work, narrow ? ELEMENTS_PER_THREAD : PRODUCTS_PER_THREAD);

  // Few sums over many rows: threads share the rows. Many sums: threads share the result.
  const ptrdiff_t tile_sums = kernels->tile_rows * kernels->tile_vectors * kernels->lanes;
  if (threads > 1 && input.rows > LEAF_ROWS && (narrow || size < 4 * threads * tile_sums)) {
    gradient_nodes g = {kernels, input, output_gradient, cut_into_nodes(input.rows, 16 * threads), NULL};
    g.nodes = lockstep_workspace(LOCKSTEP_SHARED_NODES, (size_t)(g.cut.nodes * size * kernels->element_size));
    lockstep_parallel_for(g.cut.nodes, threads, gradients_of_node, &g);
    fold_nodes(kernels, g.nodes, size, g.cut.nodes);
    if (descends) return descend_all(kernels, g.nodes, weights, bias, learning_rate);
    for (ptrdiff_t row = 0; row <= inputs; ++row) {
      void *to = row < inputs ? mutable_element(kernels, weights.base, row * weights.stride) : bias.base;
      memcpy(to, element(kernels, g.nodes, row * outputs), (size_t)(outputs * kernels->element_size));
    }
  } else if (narrow && descends) {
    // Fewer than 16 weights, and no more than 15 biases.
    union {
      float floats[2 * NARROW_WEIGHTS];
      double doubles[2 * NARROW_WEIGHTS];
    } sums;
    const lockstep_mutable_matrix gradient = {&sums, inputs, outputs, outputs};
    kernels->narrow_gradients(input, output_gradient, gradient, mutable_element(kernels, &sums, inputs * outputs));
    descend_all(kernels, &sums, weights, bias, learning_rate);
  } else if (narrow) {
    kernels->narrow_gradients(input, output_gradient, weights, bias.base);
  } else {
    lockstep_product product = gradient_product(input, output_gradient, weights.base, weights.stride, bias.base);
    product.epilogue = epilogue;
    product.learning_rate = learning_rate;
    lockstep_run_product(kernels, threads, &product, inputs + 1, outputs);
  }
}

void lockstep_parameter_gradients(const lockstep_kernels *kernels, int threads, lockstep_matrix input,
                                  lockstep_matrix output_gradient, lockstep_mutable_matrix weight_gradient,
                                  lockstep_mutable_matrix bias_gradient) {
  sum_gradients(kernels, threads, input, output_gradient, weight_gradient, bias_gradient, LOCKSTEP_STORE, 0);
}

void lockstep_update_parameters(const lockstep_kernels *kernels, int threads, lockstep_matrix input,
                                lockstep_matrix output_gradient, lockstep_mutable_matrix weights,
                                lockstep_mutable_matrix bias, double learning_rate) {
  sum_gradients(kernels, threads, input, output_gradient, weights, bias, LOCKSTEP_DESCEND, learning_rate);
}

// MARK: - Loss

typedef struct {
  const lockstep_kernels *kernels;
  lockstep_loss_function loss;
  lockstep_matrix output, target, weights;
  double scale;
  lockstep_mutable_matrix gradient;
  node_cut cut;
  double *sums;
} loss_parts;

static void loss_of_part(void *context, ptrdiff_t index) {
  const loss_parts *p = context;
  const ptrdiff_t first = index * p->cut.node_rows;
  const ptrdiff_t rows = smaller(p->cut.node_rows, p->cut.rows - first);
  const lockstep_matrix weights =
      p->weights.base == NULL ? p->weights : rows_of(p->kernels, p->weights, first, rows);
  p->sums[index] = p->kernels->loss_rows(p->loss, rows_of(p->kernels, p->output, first, rows),
                                         rows_of(p->kernels, p->target, first, rows), weights, p->scale,
                                         mutable_rows_of(p->kernels, p->gradient, first, rows));
}

double lockstep_loss(const lockstep_kernels *kernels, int threads, lockstep_loss_function loss, lockstep_matrix output,
                     lockstep_matrix target, lockstep_matrix weights, double scale, lockstep_mutable_matrix gradient) {
  const bool is_entropy = loss == LOCKSTEP_BINARY_CROSS_ENTROPY || loss == LOCKSTEP_SOFTMAX_CROSS_ENTROPY;
  const double least = is_entropy ? FUNCTIONS_PER_THREAD : ELEMENTS_PER_THREAD;
  threads = worthwhile_threads(threads, (double)output.rows * (double)output.columns, least);
  if (threads == 1) return kernels->loss_rows(loss, output, target, weights, scale, gradient);
  double sums[MOST_NUMBERS];
  const node_cut cut = cut_into_nodes(output.rows, MOST_NUMBERS);
  loss_parts parts = {kernels, loss, output, target, weights, scale, gradient, cut, sums};
  lockstep_parallel_for(cut.nodes, threads, loss_of_part, &parts);
  return fold_numbers(sums, cut.nodes, kernels->element_size == sizeof(float));
}

// MARK: - Squares

typedef struct {
  const lockstep_kernels *kernels;
  lockstep_matrix matrix;
  node_cut cut;
  double *sums;
} square_parts;

static void squares_of_part(void *context, ptrdiff_t index) {
  const square_parts *p = context;
  const ptrdiff_t first = index * p->cut.node_rows;
  p->sums[index] = p->kernels->sum_of_squares(p->matrix, first, smaller(p->cut.node_rows, p->cut.rows - first));
}

double lockstep_sum_of_squares(const lockstep_kernels *kernels, int threads, lockstep_matrix matrix) {
  const ptrdiff_t count = matrix.rows * matrix.columns;
  threads = worthwhile_threads(threads, (double)count, ELEMENTS_PER_THREAD);
  if (threads == 1) return kernels->sum_of_squares(matrix, 0, count);
  double sums[MOST_NUMBERS];
  square_parts parts = {kernels, matrix, cut_into_nodes(count, MOST_NUMBERS), sums};
  lockstep_parallel_for(parts.cut.nodes, threads, squares_of_part, &parts);
  return fold_numbers(sums, parts.cut.nodes, false);
}

// MARK: - Narrow networks

bool lockstep_narrow_gradients(const lockstep_kernels *kernels, const lockstep_narrow_layer *layers,
                               ptrdiff_t layer_count, lockstep_matrix input, lockstep_matrix target,
                               lockstep_loss_function loss, double scale, double *loss_sum) {
  for (ptrdiff_t i = 0; i < layer_count; ++i) {
    if (!is_narrow(layers[i].weights.rows, layers[i].weights.columns) || keeps_sums(layers[i].activation)) return false;
  }
  if (layer_count == 0) return false;
  *loss_sum = kernels->narrow_pass(layers, layer_count, input, target, loss, scale);
  return true;
}
