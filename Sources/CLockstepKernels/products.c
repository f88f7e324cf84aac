// Matrix products and the primitives that are one: which kernel computes which part, on how many threads. Nothing here can
// change a bit; it is free to follow the shape, the number of threads and what was measured. Sums over rows lie in sums.c.

#include "parts.h"

// Fetching an element of a large operand takes as long as this many multiply-adds.
enum { PRODUCTS_PER_ELEMENT = 3 };

/// What a product costs, in multiply-adds.
static double product_work(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth) {
  const ptrdiff_t few = smaller(rows, columns), many = rows + columns - few;
  return (double)(few < PRODUCTS_PER_ELEMENT ? PRODUCTS_PER_ELEMENT : few) * (double)many * (double)depth;
}

/// A result cut into a grid of whole tiles.
typedef struct {
  const lockstep_kernels *kernels;
  const lockstep_product *product;
  ptrdiff_t rows, lanes;
  ptrdiff_t row_parts, lane_parts;
} grid;

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

void lockstep_run_product(const lockstep_kernels *kernels, int threads, lockstep_product *product, ptrdiff_t rows,
                          ptrdiff_t columns) {
  // Columns that fill a vector are better along the lanes, where the operands lie near.
  if (columns >= kernels->lanes && runs_in_place(kernels, threads, product, rows, columns)) return;
  if (!product->tree && columns <= MOST_FEATURES && product->depth <= MOST_FEATURES) {
    threads = worthwhile_threads(threads, (double)rows * (double)(columns + product->depth), ELEMENTS_PER_THREAD);
    grid parts = {kernels, product, rows, columns, threads, 1};
    lockstep_parallel_for(threads, threads, few_features_part, &parts);
  } else if (columns < kernels->lanes && runs_in_place(kernels, threads, product, rows, columns)) {
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
  if (output.rows == 1 && kernels->row(&product)) return;
  lockstep_run_product(kernels, threads, &product, output.rows, output.columns);
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
  lockstep_run_product(kernels, threads, &product, input_gradient.rows, input_gradient.columns);
}
