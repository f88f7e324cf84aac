// The primitives: which kernel does which part of a result, on how many threads. Nothing here can change a bit; it is
// free to follow the shape, the number of threads and what was measured.

#include <stdlib.h>
#include <string.h>

#include "kernel_table.h"

const lockstep_kernels *lockstep_kernels_for(lockstep_instruction_set set, lockstep_precision precision) {
  const bool is_float = precision == LOCKSTEP_FLOAT;
#if defined(__x86_64__)
  if (set == LOCKSTEP_AVX2) return is_float ? &lockstep_kernels_f32_avx2 : &lockstep_kernels_f64_avx2;
  if (set == LOCKSTEP_AVX512) return is_float ? &lockstep_kernels_f32_avx512 : &lockstep_kernels_f64_avx512;
#elif defined(__aarch64__)
  if (set == LOCKSTEP_NEON) return is_float ? &lockstep_kernels_f32_neon : &lockstep_kernels_f64_neon;
#endif
  (void)is_float;
  return NULL;
}

// Less work than this for each thread is not worth a fork and join, which take up to five microseconds: as long as this
// much takes.
enum {
  PRODUCTS_PER_THREAD = 1 << 18,
  ELEMENTS_PER_THREAD = 1 << 16,
  LOSSES_PER_THREAD = 1 << 12,
  // Fetching an element of a large operand takes as long as this many multiply-adds.
  PRODUCTS_PER_ELEMENT = 3,
};

static ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

static ptrdiff_t divide_up(ptrdiff_t a, ptrdiff_t b) { return (a + b - 1) / b; }

/// How many threads are worth their fork for `work`, of which each should have `least`.
static int worthwhile_threads(int threads, double work, double least) {
  if (threads == 1) return 1;
  const double most = work / least;
  return most < 2 ? 1 : most < threads ? (int)most : threads;
}

/// What a product costs, in multiply-adds.
static double product_work(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth) {
  const ptrdiff_t few = smaller(rows, columns), many = rows + columns - few;
  return (double)(few < PRODUCTS_PER_ELEMENT ? PRODUCTS_PER_ELEMENT : few) * (double)many * (double)depth;
}

// MARK: - Matrix products

static const char *element(const lockstep_kernels *kernels, const void *base, ptrdiff_t index) {
  return (const char *)base + index * kernels->element_size;
}

static char *mutable_element(const lockstep_kernels *kernels, void *base, ptrdiff_t index) {
  return (char *)base + index * kernels->element_size;
}

/// A result cut into a grid of whole tiles.
typedef struct {
  const lockstep_kernels *kernels;
  const lockstep_product *product;
  ptrdiff_t rows, lanes;
  ptrdiff_t row_parts, lane_parts;
} grid;

/// Where part `part` of `parts` begins, in whole units.
static ptrdiff_t part_start(ptrdiff_t total, ptrdiff_t unit, ptrdiff_t part, ptrdiff_t parts) {
  return smaller(total, divide_up(total, unit) * part / parts * unit);
}

static void multiply_part(void *context, ptrdiff_t index) {
  const grid *g = context;
  const ptrdiff_t i = index / g->lane_parts, j = index % g->lane_parts;
  const ptrdiff_t tile_rows = g->kernels->tile_rows, tile_lanes = g->kernels->tile_vectors * g->kernels->lanes;
  g->kernels->product(g->product, part_start(g->rows, tile_rows, i, g->row_parts),
                      part_start(g->rows, tile_rows, i + 1, g->row_parts),
                      part_start(g->lanes, tile_lanes, j, g->lane_parts),
                      part_start(g->lanes, tile_lanes, j + 1, g->lane_parts));
}

/// Computes a product whose result has `rows` by `lanes` sums, in as many rectangles as there are threads. The
/// rectangles are chosen so that the largest is small, and each has few lines to pack.
static void multiply(const lockstep_kernels *kernels, int threads, const lockstep_product *product, ptrdiff_t rows,
                     ptrdiff_t lanes) {
  grid best = {kernels, product, rows, lanes, 1, 1};
  threads = worthwhile_threads(threads, product_work(rows, lanes, product->depth), PRODUCTS_PER_THREAD);
  const ptrdiff_t tile_lanes = kernels->tile_vectors * kernels->lanes;
  double least = 0;
  for (int row_parts = 1; row_parts <= threads; ++row_parts) {
    const int lane_parts = threads / row_parts;
    const double part_rows = (double)(divide_up(divide_up(rows, kernels->tile_rows), row_parts) * kernels->tile_rows);
    const double part_lanes = (double)(divide_up(divide_up(lanes, tile_lanes), lane_parts) * tile_lanes);
    // Packing an element costs about as much as ten multiply-adds in their vectors.
    const double cost = part_rows * part_lanes + 10 * (part_rows + part_lanes);
    if (row_parts == 1 || cost < least) {
      least = cost;
      best.row_parts = row_parts;
      best.lane_parts = lane_parts;
    }
  }
  lockstep_parallel_for(best.row_parts * best.lane_parts, threads, multiply_part, &best);
}

/// True where the rows of a result should lie along the lanes, because its columns would leave too many of them empty.
static bool prefers_rows_along_lanes(const lockstep_kernels *kernels, ptrdiff_t rows, ptrdiff_t columns) {
  const double along_columns = (double)rows * (double)(divide_up(columns, kernels->lanes) * kernels->lanes);
  const double along_rows = (double)columns * (double)(divide_up(rows, kernels->lanes) * kernels->lanes);
  return along_rows < 0.9 * along_columns;
}

static void few_features_part(void *context, ptrdiff_t index) {
  const grid *g = context;
  g->kernels->few_features(g->product, part_start(g->rows, g->kernels->lanes, index, g->row_parts),
                           part_start(g->rows, g->kernels->lanes, index + 1, g->row_parts));
}

/// Computes a product where its operands lie, if it is worth one thread alone and its operands are small enough.
static bool runs_in_place(const lockstep_kernels *kernels, int threads, lockstep_product *product, ptrdiff_t rows,
                          ptrdiff_t columns) {
  return worthwhile_threads(threads, product_work(rows, columns, product->depth), PRODUCTS_PER_THREAD) == 1 &&
         kernels->in_place(product, rows, columns);
}

/// Computes a product, whose operands may be exchanged. Copying its description would take as long as a small one.
static void run_product(const lockstep_kernels *kernels, int threads, lockstep_product *product, ptrdiff_t rows,
                        ptrdiff_t columns) {
  // Columns that fill a vector are better along the lanes, where the operands lie near.
  if (columns >= kernels->lanes && runs_in_place(kernels, threads, product, rows, columns)) return;
  if (!product->tree && columns <= MOST_FEATURES && product->depth <= MOST_FEATURES) {
    threads = worthwhile_threads(threads, (double)rows * (double)(columns + product->depth), ELEMENTS_PER_THREAD);
    grid parts = {kernels, product, rows, columns, threads, 1};
    lockstep_parallel_for(threads, threads, few_features_part, &parts);
  } else if (runs_in_place(kernels, threads, product, rows, columns)) {
    return;
  } else if (prefers_rows_along_lanes(kernels, rows, columns)) {
    lockstep_exchange_operands(product);
    multiply(kernels, threads, product, columns, rows);
  } else {
    multiply(kernels, threads, product, rows, columns);
  }
}

void lockstep_forward(const lockstep_kernels *kernels, int threads, lockstep_matrix input, lockstep_matrix weights,
                      lockstep_matrix bias, lockstep_activation activation, lockstep_mutable_matrix output) {
  lockstep_product product = {
      .rows = {input.base, input.rows, input.stride, 1},
      .lanes = {weights.base, weights.columns, 1, weights.stride},
      .depth = input.columns,
      .result = output.base,
      .stride = output.stride,
      .result_rows = output.rows,
      .epilogue = LOCKSTEP_ADD_BIAS_AND_ACTIVATE,
      .activation = activation,
      .bias = bias.base,
  };
  run_product(kernels, threads, &product, output.rows, output.columns);
}

void lockstep_input_gradient(const lockstep_kernels *kernels, int threads, lockstep_matrix output_gradient,
                             lockstep_matrix weights, lockstep_matrix input, lockstep_activation activation,
                             lockstep_mutable_matrix input_gradient) {
  lockstep_product product = {
      .rows = {output_gradient.base, output_gradient.rows, output_gradient.stride, 1},
      .lanes = {weights.base, weights.rows, weights.stride, 1},
      .depth = output_gradient.columns,
      .result = input_gradient.base,
      .stride = input_gradient.stride,
      .result_rows = input_gradient.rows,
      .epilogue = LOCKSTEP_BACKWARD_ACTIVATION,
      .activation = activation,
      .values = input.base,
      .value_stride = input.stride,
  };
  run_product(kernels, threads, &product, input_gradient.rows, input_gradient.columns);
}

// MARK: - Sums over rows

/// Rows cut into nodes of the pairwise tree, each of a power of two of leaves, but the last of fewer.
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
      const lockstep_matrix other = {element(kernels, nodes, (left + step) * size), 1, size, size};
      const lockstep_mutable_matrix sum = {mutable_element(kernels, nodes, left * size), 1, size, size};
      kernels->add(sum, other, 0);
    }
  }
}

static lockstep_matrix some_rows(const lockstep_kernels *kernels, lockstep_matrix matrix, ptrdiff_t first,
                                 ptrdiff_t rows) {
  return (lockstep_matrix){element(kernels, matrix.base, first * matrix.stride), rows, matrix.columns, matrix.stride};
}

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
  const lockstep_matrix input = some_rows(g->kernels, g->input, first, rows);
  const lockstep_matrix output_gradient = some_rows(g->kernels, g->output_gradient, first, rows);
  const ptrdiff_t inputs = input.columns, outputs = output_gradient.columns;
  void *node = mutable_element(g->kernels, g->nodes, index * (inputs + 1) * outputs);
  void *bias = mutable_element(g->kernels, node, inputs * outputs);
  if (is_narrow(inputs, outputs)) {
    const lockstep_mutable_matrix weights = {node, inputs, outputs, outputs};
    g->kernels->narrow_gradients(input, output_gradient, weights, bias);
  } else {
    lockstep_product product = gradient_product(input, output_gradient, node, outputs, bias);
    run_product(g->kernels, 1, &product, inputs + 1, outputs);
  }
}

/// The step that follows sums which went to memory of their own.
static void descend_all(const lockstep_kernels *kernels, const void *sums, lockstep_mutable_matrix weights,
                        lockstep_mutable_matrix bias, double learning_rate) {
  const ptrdiff_t inputs = weights.rows, outputs = weights.columns;
  kernels->descend(weights, (lockstep_matrix){sums, inputs, outputs, outputs}, learning_rate);
  kernels->descend(bias, (lockstep_matrix){element(kernels, sums, inputs * outputs), 1, outputs, outputs},
                   learning_rate);
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
    double sums[2 * NARROW_WEIGHTS];
    const lockstep_mutable_matrix gradient = {sums, inputs, outputs, outputs};
    kernels->narrow_gradients(input, output_gradient, gradient, mutable_element(kernels, sums, inputs * outputs));
    descend_all(kernels, sums, weights, bias, learning_rate);
  } else if (narrow) {
    kernels->narrow_gradients(input, output_gradient, weights, bias.base);
  } else {
    lockstep_product product = gradient_product(input, output_gradient, weights.base, weights.stride, bias.base);
    product.epilogue = epilogue;
    product.learning_rate = learning_rate;
    run_product(kernels, threads, &product, inputs + 1, outputs);
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
  lockstep_matrix output, target;
  double scale;
  lockstep_mutable_matrix gradient;
  node_cut cut;
  double *sums;
} loss_parts;

static void loss_of_part(void *context, ptrdiff_t index) {
  const loss_parts *p = context;
  const ptrdiff_t first = index * p->cut.node_rows;
  const ptrdiff_t rows = smaller(p->cut.node_rows, p->cut.rows - first);
  lockstep_mutable_matrix gradient = p->gradient;
  gradient.base = mutable_element(p->kernels, gradient.base, first * gradient.stride);
  gradient.rows = rows;
  p->sums[index] = p->kernels->loss_rows(p->loss, some_rows(p->kernels, p->output, first, rows),
                                         some_rows(p->kernels, p->target, first, rows), p->scale, gradient);
}

double lockstep_loss(const lockstep_kernels *kernels, int threads, lockstep_loss_function loss, lockstep_matrix output,
                     lockstep_matrix target, double scale, lockstep_mutable_matrix gradient) {
  const ptrdiff_t least = loss == LOCKSTEP_MEAN_SQUARED_ERROR ? ELEMENTS_PER_THREAD : LOSSES_PER_THREAD;
  threads = worthwhile_threads(threads, (double)output.rows * (double)output.columns, (double)least);
  if (threads == 1) return kernels->loss_rows(loss, output, target, scale, gradient);
  enum { MOST_PARTS = 64 };
  double sums[MOST_PARTS];
  loss_parts parts = {kernels, loss, output, target, scale, gradient, cut_into_nodes(output.rows, MOST_PARTS), sums};
  lockstep_parallel_for(parts.cut.nodes, threads, loss_of_part, &parts);
  // The nodes of the element type, as they fold in it.
  float float_sums[MOST_PARTS];
  const bool is_float = kernels->element_size == sizeof(float);
  if (is_float) {
    for (ptrdiff_t i = 0; i < parts.cut.nodes; ++i) float_sums[i] = (float)sums[i];
  }
  fold_nodes(kernels, is_float ? (void *)float_sums : sums, 1, parts.cut.nodes);
  return is_float ? float_sums[0] : sums[0];
}

// MARK: - Narrow networks

bool lockstep_narrow_gradients(const lockstep_kernels *kernels, const lockstep_narrow_layer *layers,
                               ptrdiff_t layer_count, lockstep_matrix input, lockstep_matrix target,
                               lockstep_loss_function loss, double scale, double *loss_sum) {
  for (ptrdiff_t i = 0; i < layer_count; ++i) {
    if (!is_narrow(layers[i].weights.rows, layers[i].weights.columns)) return false;
  }
  if (layer_count == 0) return false;
  *loss_sum = kernels->narrow_pass(layers, layer_count, input, target, loss, scale);
  return true;
}

// MARK: - Elementwise

typedef struct {
  const lockstep_kernels *kernels;
  lockstep_matrix operand;
  lockstep_mutable_matrix target;
  lockstep_update *update;
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

static void run_elementwise(const lockstep_kernels *kernels, int threads, lockstep_matrix operand,
                            lockstep_mutable_matrix target, lockstep_update *update, double factor) {
  if (operand.stride == operand.columns && target.stride == target.columns) {
    target.columns *= target.rows;
    target.rows = 1;
  }
  threads = worthwhile_threads(threads, (double)target.rows * (double)target.columns, ELEMENTS_PER_THREAD);
  if (threads == 1) return update(target, operand, factor);
  elementwise_parts parts = {kernels, operand, target, update, factor, threads};
  lockstep_parallel_for(threads, threads, elementwise_part, &parts);
}

void lockstep_add(const lockstep_kernels *kernels, int threads, lockstep_matrix other, lockstep_mutable_matrix sum) {
  run_elementwise(kernels, threads, other, sum, kernels->add, 0);
}

void lockstep_descend(const lockstep_kernels *kernels, int threads, lockstep_mutable_matrix parameters,
                      lockstep_matrix gradient, double learning_rate) {
  run_elementwise(kernels, threads, gradient, parameters, kernels->descend, learning_rate);
}
