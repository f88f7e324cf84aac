// What the kernels of an instruction set offer to the primitives: single-threaded work on a part of an operand. How the
// work is cut into parts lies in products.c, sums.c and elementwise.c.
#ifndef LOCKSTEP_KERNEL_TABLE_H
#define LOCKSTEP_KERNEL_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lockstep_kernels.h"

#define INLINED __attribute__((always_inline))

enum {
  // The order of arithmetic: see OrderOfArithmetic in ComputeBackend.
  LEAF_ROWS = 256,
  STRIPES = 16,
  NARROW_WEIGHTS = 16,
  // Not of the order, but of speed: layers up to this wide on both sides have a kernel of their own.
  MOST_FEATURES = 16,
};

/// One operand of a matrix product: `lines` lines (rows of the left operand, columns of the right one), each as long as
/// the depth of the product. Lines from number `lines` on are all ones: the sum of a column is its product with them.
typedef struct {
  const void *base;
  ptrdiff_t lines, line_stride, depth_stride;
} lockstep_operand;

/// What becomes of a finished sum.
typedef enum {
  LOCKSTEP_STORE,
  LOCKSTEP_ADD_BIAS_AND_ACTIVATE,
  LOCKSTEP_BACKWARD_ACTIVATION,
  /// The result, of which the sums are subtracted, times the learning rate.
  LOCKSTEP_DESCEND,
} lockstep_epilogue;

/// What a register tile does itself with its sums: the epilogues that need no more than a few registers.
typedef enum {
  LOCKSTEP_FINISH_STORE,
  LOCKSTEP_FINISH_BIAS,
  LOCKSTEP_FINISH_BIAS_RELU,
  LOCKSTEP_FINISH_BACKWARD_RELU,
  LOCKSTEP_FINISH_DESCEND,
} lockstep_finish;

/// A matrix product. The lines of `rows` are spread over the rows of register tiles, those of `lanes` over the lanes of
/// vectors; which operand is which is free, as `fma` is commutative.
typedef struct {
  lockstep_operand rows, lanes;
  ptrdiff_t depth;
  /// Sums run in leaves and the pairwise tree, not in one chain.
  bool tree;
  /// The lines of `rows` are the columns of the result, not its rows.
  bool transposed;
  void *result;
  ptrdiff_t stride;
  /// Row number `result_rows` of the result lies here: the sums with the line of ones.
  ptrdiff_t result_rows;
  void *extra_row;
  lockstep_epilogue epilogue;
  lockstep_activation activation;
  /// One for each column of the result.
  const void *bias;
  /// The activated values, or the sums, that the backward epilogue takes, laid out as the result.
  const void *values;
  ptrdiff_t value_stride;
  /// The factor of the sums that are subtracted from the result: a value of the element type.
  double learning_rate;
} lockstep_product;

/// The same product with the rows of its result along the lanes.
static inline INLINED void lockstep_exchange_operands(lockstep_product *product) {
  const lockstep_operand rows = product->rows;
  product->rows = product->lanes;
  product->lanes = rows;
  product->transposed = true;
}

/// What elementwise work goes over: matrices of one shape, which is that of `target`. What is not there has no base.
typedef struct {
  /// Replaced, element by element.
  lockstep_mutable_matrix target;
  lockstep_matrix operand;
  /// The moments of an optimiser, replaced beside the target.
  lockstep_mutable_matrix first, second;
} lockstep_elements;

/// What elementwise work takes beside matrices: one of these, or nothing.
typedef union {
  /// A value of the element type.
  double learning_rate;
  lockstep_activation activation;
  const lockstep_update_rule *rule;
} lockstep_argument;

/// Elementwise work.
typedef void lockstep_elementwise(const lockstep_elements *elements, lockstep_argument argument);

struct lockstep_kernels {
  ptrdiff_t element_size, lanes, tile_rows, tile_vectors;

  /// The part of a product's result that belongs to lines `row_begin..<row_end` of `rows` and `lane_begin..<lane_end`
  /// of `lanes`.
  void (*product)(const lockstep_product *product, ptrdiff_t row_begin, ptrdiff_t row_end, ptrdiff_t lane_begin,
                  ptrdiff_t lane_end);

  /// A whole product of `rows` by `columns` sums that is not transposed yet, on operands that are small enough to be
  /// read where they lie. False, and nothing computed or changed, where they are not; else the operands may be
  /// exchanged.
  bool (*in_place)(lockstep_product *product, ptrdiff_t rows, ptrdiff_t columns);

  /// A dense layer on one row, whose weights lie side by side in the nearest caches; false, and nothing computed, where they
  /// lie farther away.
  bool (*row)(const lockstep_product *product);

  /// Rows `row_begin..<row_end` of a product that is neither a tree nor transposed, whose depth and whose number of
  /// columns are at most MOST_FEATURES.
  void (*few_features)(const lockstep_product *product, ptrdiff_t row_begin, ptrdiff_t row_end);

  /// The parameter gradients of a narrow layer.
  void (*narrow_gradients)(lockstep_matrix input, lockstep_matrix output_gradient,
                           lockstep_mutable_matrix weight_gradient, void *bias_gradient);

  /// The gradients of a network of which each layer is narrow, and the sum of losses.
  double (*narrow_pass)(const lockstep_narrow_layer *layers, ptrdiff_t layer_count, lockstep_matrix input,
                        lockstep_matrix target, lockstep_loss_function loss, double scale);

  /// The gradient of rows, and the sum of their losses, with weights that have a base.
  double (*loss_rows)(lockstep_loss_function loss, lockstep_matrix output, lockstep_matrix target,
                      lockstep_matrix weights, double scale, lockstep_mutable_matrix gradient);

  /// Adds the operand, another node.
  lockstep_elementwise *add;
  /// Subtracts the operand, a gradient, times the learning rate.
  lockstep_elementwise *descend;
  /// The activation of the operand, which may be the target.
  lockstep_elementwise *activate;
  /// Takes gradients through the derivative of the activation; the operand is its values, or its sums where it keeps those.
  lockstep_elementwise *activate_backward;
  /// A step of an optimiser; the operand is the gradient.
  lockstep_elementwise *update;

  /// The sum of the squares of elements `first..<first + count` of the rows one after the other. The first begins a leaf.
  double (*sum_of_squares)(lockstep_matrix matrix, ptrdiff_t first, ptrdiff_t count);

  /// Dropout of rows, the first of which is number `first_row` of the batch.
  void (*drop_out)(const lockstep_dropout_rule *rule, ptrdiff_t first_row, lockstep_matrix values,
                   lockstep_mutable_matrix output);
};

extern const lockstep_kernels lockstep_kernels_f32_avx2, lockstep_kernels_f64_avx2;
extern const lockstep_kernels lockstep_kernels_f32_avx512, lockstep_kernels_f64_avx512;
extern const lockstep_kernels lockstep_kernels_f32_neon, lockstep_kernels_f64_neon;

// The pairwise tree over leaves that come one after the other, as a binary counter: as many nodes are pending as the
// number of the leaf has ones. They fill the slots from 0 on, and the leaf goes to the next.

/// The slot of leaf number `leaf`.
static inline INLINED ptrdiff_t lockstep_leaf_slot(ptrdiff_t leaf) {
  return __builtin_popcountll((unsigned long long)leaf);
}

/// How often the last pending node joins the one before, once leaf number `leaf` is there: the last leaf completes all.
static inline INLINED ptrdiff_t lockstep_merges_after(ptrdiff_t leaf, ptrdiff_t leaves) {
  return leaf + 1 == leaves ? lockstep_leaf_slot(leaf) : __builtin_ctzll((unsigned long long)leaf + 1);
}

/// What a thread keeps memory for.
typedef enum {
  /// Packed panels, and sums in flight.
  LOCKSTEP_PANELS,
  /// Nodes of a tree, while panels come and go.
  LOCKSTEP_PENDING_NODES,
  /// Nodes of a tree whose leaves threads share.
  LOCKSTEP_SHARED_NODES,
  LOCKSTEP_WORKSPACES,
} lockstep_workspace_use;

/// Memory of the calling thread, aligned for vectors, valid until its next call for the same use. Ends the program
/// where there is none.
void *lockstep_workspace(lockstep_workspace_use use, size_t bytes);

#endif
