// The whole pass of a narrow network: forward, loss and backward over one leaf after the other, rows along the lanes,
// so that the data is read once and nothing else leaves the first-level cache. Small regressions keep all sums of a
// leaf in registers; how the sums of any other narrow network are taken lies in narrow.inc.h.

// MARK: - Small regressions

// One output, one hidden layer of `hidden` units or none, all activations the identity, under the mean squared error.
// Sums are numbered as the parameters lie: the weights of a layer, its bias, then those of the next; the last sum is
// that of the losses.
#define MOST_PASS_FEATURES 4
#define PASS_SUMS(inputs, hidden) (((inputs) + 1) * (hidden) + ((hidden) == 0 ? (inputs) : (hidden)) + 2)
#define MOST_PASS_SUMS ROUNDED_UP(PASS_SUMS(2, MOST_PASS_FEATURES))

// Rows between those that are computed and those that memory is asked for.
#define ROWS_AHEAD (4 * LEAF_ROWS)

/// Adds what LANES rows contribute to the sums.
static inline INLINED void NAME(fused_pass_rows)(const int inputs, const int hidden, const ELEMENT *parameters,
                                                 VECTOR scale, const VECTOR *x, VECTOR t, VECTOR *sums) {
  const VECTOR zero = NAME(splat)(0);
  VECTOR units[MOST_PASS_FEATURES];
#pragma clang loop unroll(full)
  for (int j = 0; j < hidden; ++j) {
    VECTOR z = zero;
#pragma clang loop unroll(full)
    for (int k = 0; k < inputs; ++k) {
      z = __builtin_elementwise_fma(x[k], NAME(splat)(parameters[k * hidden + j]), z);
    }
    units[j] = z + NAME(splat)(parameters[inputs * hidden + j]);
  }
  // The output's layer takes `width` features, and its parameters begin at `first`.
  const VECTOR *features = hidden == 0 ? x : units;
  const int width = hidden == 0 ? inputs : hidden;
  const int first = (inputs + 1) * hidden;
  VECTOR z = zero;
#pragma clang loop unroll(full)
  for (int k = 0; k < width; ++k) z = __builtin_elementwise_fma(features[k], NAME(splat)(parameters[first + k]), z);
  const VECTOR difference = (z + NAME(splat)(parameters[first + width])) - t;
  const VECTOR slope = difference * scale;
  sums[first + width + 1] = sums[first + width + 1] + __builtin_elementwise_fma(difference, difference, zero);
  sums[first + width] = sums[first + width] + slope;
#pragma clang loop unroll(full)
  for (int k = 0; k < width; ++k) sums[first + k] = __builtin_elementwise_fma(features[k], slope, sums[first + k]);
#pragma clang loop unroll(full)
  for (int j = 0; j < hidden; ++j) {
    const VECTOR unit_slope = __builtin_elementwise_fma(slope, NAME(splat)(parameters[first + j]), zero);
#pragma clang loop unroll(full)
    for (int k = 0; k < inputs; ++k) {
      sums[k * hidden + j] = __builtin_elementwise_fma(x[k], unit_slope, sums[k * hidden + j]);
    }
    sums[inputs * hidden + j] = sums[inputs * hidden + j] + unit_slope;
  }
}

/// The sums of a leaf: LANES of its stripes at a time, over all its rows. Columns of `x` lie LEAF_ROWS apart. `x_ahead` and
/// `t_ahead` are how far what will be wanted lies from what is read; 0 for copies, which are near.
static inline INLINED void NAME(fused_pass_leaf)(const int inputs, const int hidden, const ELEMENT *parameters,
                                                 VECTOR scale, const ELEMENT *x, ptrdiff_t x_ahead, const ELEMENT *t,
                                                 ptrdiff_t t_ahead, ptrdiff_t rows, ELEMENT *node) {
  const int count = PASS_SUMS(inputs, hidden);
  // The rows that fill no panel, filled up.
  const ptrdiff_t whole = rows / STRIPES * STRIPES;
  ELEMENT rest[(MOST_PASS_FEATURES + 1) * STRIPES];
  if (whole < rows) {
    for (int i = 0; i < (inputs + 1) * STRIPES; i += LANES) NAME(store)(rest + i, NAME(splat)(0));
    for (ptrdiff_t i = 0; i < rows - whole; ++i) {
#pragma clang loop unroll(full)
      for (int k = 0; k < inputs; ++k) rest[k * STRIPES + i] = x[k * LEAF_ROWS + whole + i];
      rest[inputs * STRIPES + i] = t[whole + i];
    }
  }
  VECTOR stripes[MOST_PASS_SUMS * STRIPE_VECTORS];
  for (int group = 0; group < STRIPE_VECTORS; ++group) {
    VECTOR sums[MOST_PASS_SUMS], columns[MOST_PASS_FEATURES];
#pragma clang loop unroll(full)
    for (int i = 0; i < count; ++i) sums[i] = NAME(splat)(0);
    for (ptrdiff_t row = group * LANES; row < whole; row += STRIPES) {
      __builtin_prefetch(x + row + x_ahead);
      __builtin_prefetch(t + row + t_ahead);
#pragma clang loop unroll(full)
      for (int k = 0; k < inputs; ++k) columns[k] = NAME(load)(x + k * LEAF_ROWS + row);
      NAME(fused_pass_rows)(inputs, hidden, parameters, scale, columns, NAME(load)(t + row), sums);
    }
    const ELEMENT *last = rest + group * LANES;
    const ptrdiff_t left = rows - whole - group * LANES;
    if (left > 0) {
      VECTOR longer[MOST_PASS_SUMS];
#pragma clang loop unroll(full)
      for (int i = 0; i < count; ++i) longer[i] = sums[i];
#pragma clang loop unroll(full)
      for (int k = 0; k < inputs; ++k) columns[k] = NAME(load)(last + k * STRIPES);
      NAME(fused_pass_rows)(inputs, hidden, parameters, scale, columns, NAME(load)(last + inputs * STRIPES), longer);
#pragma clang loop unroll(full)
      for (int i = 0; i < count; ++i) sums[i] = NAME(lanes_below)(left) ? longer[i] : sums[i];
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < count; ++i) stripes[i * STRIPE_VECTORS + group] = sums[i];
  }
#pragma clang loop unroll(full)
  for (int i = count * STRIPE_VECTORS; i < ROUNDED_UP(count) * STRIPE_VECTORS; ++i) stripes[i] = NAME(splat)(0);
#pragma clang loop unroll(full)
  for (int i = 0; i < count; i += LANES) NAME(store)(node + i, NAME(fold_stripes)(stripes + i * STRIPE_VECTORS));
}

/// Writes the sums over all rows.
static inline INLINED void NAME(fused_pass)(const int inputs, const int hidden, const ELEMENT *parameters,
                                            ELEMENT scale, lockstep_matrix input, lockstep_matrix target,
                                            ELEMENT *sums) {
  const int size = ROUNDED_UP(PASS_SUMS(inputs, hidden));
  const ptrdiff_t leaves = (input.rows + LEAF_ROWS - 1) / LEAF_ROWS;
  ELEMENT nodes[64 * MOST_PASS_SUMS], columns[MOST_PASS_FEATURES * LEAF_ROWS], target_column[LEAF_ROWS];
  for (int i = 0; i < size; ++i) nodes[i] = 0;
  for (ptrdiff_t leaf = 0; leaf < leaves; ++leaf) {
    const ptrdiff_t first = leaf * LEAF_ROWS;
    const ptrdiff_t rows = input.rows - first < LEAF_ROWS ? input.rows - first : LEAF_ROWS;
    const ptrdiff_t ahead = first + LEAF_ROWS + ROWS_AHEAD <= input.rows ? ROWS_AHEAD : 0;
    const bool copies_x = inputs > 1 || input.stride > 1, copies_t = target.stride > 1;
    const ELEMENT *x = (const ELEMENT *)input.base + first * input.stride;
    const ELEMENT *t = (const ELEMENT *)target.base + first * target.stride;
    if (copies_x) NAME(transpose)(rows, inputs, x, input.stride, columns, LEAF_ROWS);
    if (copies_t) NAME(transpose)(rows, 1, t, target.stride, target_column, LEAF_ROWS);
    NAME(fused_pass_leaf)(inputs, hidden, parameters, NAME(splat)(scale), copies_x ? columns : x, copies_x ? 0 : ahead,
                          copies_t ? target_column : t, copies_t ? 0 : ahead, rows,
                          nodes + lockstep_leaf_slot(leaf) * size);
    NAME(merge_nodes)(nodes, size, leaf, leaves);
  }
  for (int i = 0; i < size; i += LANES) NAME(store)(sums + i, NAME(load)(nodes + i));
}

typedef void (*NAME(fused_pass_function))(const ELEMENT *parameters, ELEMENT scale, lockstep_matrix input,
                                          lockstep_matrix target, ELEMENT *sums);

#define PASS(inputs, hidden)                                                                                        \
  static void NAME(fused_pass_##inputs##_##hidden)(const ELEMENT *parameters, ELEMENT scale, lockstep_matrix input, \
                                                   lockstep_matrix target, ELEMENT *sums) {                         \
    NAME(fused_pass)(inputs, hidden, parameters, scale, input, target, sums);                                       \
  }
PASS(1, 0)
PASS(1, 1)
PASS(1, 2)
PASS(1, 3)
PASS(1, 4)
PASS(2, 0)
PASS(2, 1)
PASS(2, 2)
PASS(2, 3)
PASS(2, 4)
#undef PASS

/// The pass of `inputs` features and `hidden` units, at `[inputs - 1][hidden]`.
static const NAME(fused_pass_function) NAME(passes)[2][MOST_PASS_FEATURES + 1] = {
    {NAME(fused_pass_1_0), NAME(fused_pass_1_1), NAME(fused_pass_1_2), NAME(fused_pass_1_3), NAME(fused_pass_1_4)},
    {NAME(fused_pass_2_0), NAME(fused_pass_2_1), NAME(fused_pass_2_2), NAME(fused_pass_2_3), NAME(fused_pass_2_4)},
};

/// The pass in registers that a network has, or NULL.
static inline NAME(fused_pass_function) NAME(small_pass)(const lockstep_narrow_layer *layers, ptrdiff_t layer_count,
                                                        lockstep_matrix target, lockstep_loss_function loss) {
  if (loss != LOCKSTEP_MEAN_SQUARED_ERROR || layer_count > 2 || target.columns != 1) return NULL;
  const ptrdiff_t inputs = layers[0].weights.rows, hidden = layer_count == 1 ? 0 : layers[0].weights.columns;
  if (inputs < 1 || inputs > 2 || hidden > MOST_PASS_FEATURES || (layer_count == 2 && hidden == 0)) return NULL;
  for (ptrdiff_t i = 0; i < layer_count; ++i) {
    if (layers[i].activation != LOCKSTEP_IDENTITY) return NULL;
  }
  return NAME(passes)[inputs - 1][hidden];
}

/// Runs a pass in registers.
static double NAME(run_small_pass)(NAME(fused_pass_function) pass, const lockstep_narrow_layer *layers,
                                   ptrdiff_t layer_count, lockstep_matrix input, lockstep_matrix target, double scale) {
  ELEMENT parameters[MOST_PASS_SUMS], sums[MOST_PASS_SUMS];
  ptrdiff_t count = 0;
  for (ptrdiff_t i = 0; i < layer_count; ++i) {
    const lockstep_matrix weights = layers[i].weights;
    for (ptrdiff_t k = 0; k < weights.rows; ++k, count += weights.columns) {
      NAME(copy)(parameters + count, (const ELEMENT *)weights.base + k * weights.stride, weights.columns);
    }
    NAME(copy)(parameters + count, layers[i].bias, weights.columns);
    count += weights.columns;
  }
  pass(parameters, (ELEMENT)scale, input, target, sums);
  ptrdiff_t stored = 0;
  for (ptrdiff_t i = 0; i < layer_count; ++i) {
    NAME(store_gradients)(sums + stored, layers[i].weight_gradient, layers[i].bias_gradient);
    stored += (layers[i].weights.rows + 1) * layers[i].weights.columns;
  }
  return sums[stored];
}

// MARK: - Any narrow network

/// Sets the rows that fill the last panel up.
static inline void NAME(fill_up)(ELEMENT *columns, ptrdiff_t count, ptrdiff_t rows, ELEMENT value) {
  for (ptrdiff_t column = 0; column < count; ++column) {
    for (ptrdiff_t row = rows; row % STRIPES != 0; ++row) columns[column * LEAF_ROWS + row] = value;
  }
}

/// Products of the columns of a leaf with `outputs` lines of weights, chain after chain.
static void NAME(multiply_columns)(const ELEMENT *x, ptrdiff_t depth, const ELEMENT *w, ptrdiff_t line_stride,
                                   ptrdiff_t depth_stride, ptrdiff_t outputs, ptrdiff_t rows, ELEMENT *z) {
  for (ptrdiff_t j = 0; j < outputs; ++j) {
    ptrdiff_t row = 0;
    for (; row + 4 * LANES <= rows; row += 4 * LANES) {
      NAME(column_chains)(4, depth, x + row, LEAF_ROWS, w + j * line_stride, depth_stride, z + j * LEAF_ROWS + row);
    }
    for (; row < rows; row += LANES) {
      NAME(column_chains)(1, depth, x + row, LEAF_ROWS, w + j * line_stride, depth_stride, z + j * LEAF_ROWS + row);
    }
  }
}

/// The pass of a network of which each layer is narrow.
static double NAME(narrow_pass)(const lockstep_narrow_layer *layers, ptrdiff_t layer_count, lockstep_matrix input,
                                lockstep_matrix target, lockstep_loss_function loss, double scale) {
  const NAME(fused_pass_function) small = NAME(small_pass)(layers, layer_count, target, loss);
  if (small != NULL) return NAME(run_small_pass)(small, layers, layer_count, input, target, scale);

  // Columns of the leaf: those of the input, those of each layer's outputs, those of the target; and the gradients with
  // respect to the sums of a layer and of the one below.
  ptrdiff_t columns = input.columns + target.columns + 2 * NARROW_WEIGHTS, size = LANES;
  for (ptrdiff_t i = 0; i < layer_count; ++i) {
    columns += layers[i].weights.columns;
    size += ROUNDED_UP((layers[i].weights.rows + 1) * layers[i].weights.columns);
  }
  ELEMENT *input_columns =
      lockstep_workspace(LOCKSTEP_PANELS, (size_t)(columns * LEAF_ROWS) * sizeof(ELEMENT));
  ELEMENT *target_columns = input_columns + input.columns * LEAF_ROWS;
  ELEMENT *slopes = target_columns + target.columns * LEAF_ROWS;
  ELEMENT *first_values = slopes + 2 * NARROW_WEIGHTS * LEAF_ROWS;
  const ptrdiff_t leaves = (input.rows + LEAF_ROWS - 1) / LEAF_ROWS;
  const ptrdiff_t slots = 65 - __builtin_clzll((unsigned long long)leaves | 1);
  ELEMENT *nodes = lockstep_workspace(LOCKSTEP_PENDING_NODES, (size_t)(slots * size) * sizeof(ELEMENT));
  for (ptrdiff_t i = 0; i < size; ++i) nodes[i] = 0;
  VECTOR scales[LOSS_VECTORS];
  // Panels are filled up to whole stripes.
  NAME(fill_scales)(scale, input.rows + STRIPES - 1, scales);

  for (ptrdiff_t leaf = 0; leaf < leaves; ++leaf) {
    const ptrdiff_t first = leaf * LEAF_ROWS;
    const ptrdiff_t rows = input.rows - first < LEAF_ROWS ? input.rows - first : LEAF_ROWS;
    const ptrdiff_t padded = (rows + STRIPES - 1) / STRIPES * STRIPES;
    const ELEMENT *x = NAME(leaf_columns)(input, first, rows, 0, input_columns);
    const ELEMENT *t = NAME(leaf_columns)(target, first, rows, 0, target_columns);

    // Whatever a row of padding gives, 0 takes its place: so that its products with -0 below leave every sum as it is.
    const ELEMENT *values = x;
    ELEMENT *next_values = first_values;
    for (ptrdiff_t i = 0; i < layer_count; ++i) {
      const lockstep_matrix weights = layers[i].weights;
      NAME(multiply_columns)(values, weights.rows, weights.base, 1, weights.stride, weights.columns, padded,
                             next_values);
      for (ptrdiff_t j = 0; j < weights.columns; ++j) {
        VECTOR *z = (VECTOR *)(next_values + j * LEAF_ROWS);
        const VECTOR bias = NAME(splat)(((const ELEMENT *)layers[i].bias)[j]);
        for (ptrdiff_t v = 0; v < padded / LANES; ++v) z[v] = z[v] + bias;
        NAME(activate)(layers[i].activation, z, padded / LANES);
      }
      NAME(fill_up)(next_values, weights.columns, rows, 0);
      values = next_values;
      next_values += weights.columns * LEAF_ROWS;
    }

    ELEMENT *node = nodes + lockstep_leaf_slot(leaf) * size;
    ELEMENT *slope = slopes, *slope_below = slopes + NARROW_WEIGHTS * LEAF_ROWS;
    VECTOR stripes[LANES * STRIPE_VECTORS] = {0};
    VECTOR losses[LOSS_VECTORS];
    NAME(loss_panel)(loss, target.columns, LEAF_ROWS, padded / LANES, scales, values, t, slope, losses);
    NAME(add_losses)(losses, 0, rows, stripes);
    NAME(store)(node, NAME(fold_stripes)(stripes));
    node += LANES;
    for (ptrdiff_t j = 0; j < target.columns; ++j) {
      NAME(activate_backward)(layers[layer_count - 1].activation, (VECTOR *)(slope + j * LEAF_ROWS),
                              (const NAME(unaligned) *)(values + j * LEAF_ROWS), padded / LANES);
    }

    for (ptrdiff_t i = layer_count; i-- > 0;) {
      const lockstep_matrix weights = layers[i].weights;
      values = i == 0 ? x : values - weights.rows * LEAF_ROWS;
      NAME(fill_up)(slope, weights.columns, rows, (ELEMENT)-0.0);
      NAME(leaf_gradients)(values, weights.rows, slope, weights.columns, padded, node);
      node += ROUNDED_UP((weights.rows + 1) * weights.columns);
      if (i == 0) break;
      NAME(multiply_columns)(slope, weights.columns, weights.base, weights.stride, 1, weights.rows, padded,
                             slope_below);
      for (ptrdiff_t k = 0; k < weights.rows; ++k) {
        NAME(activate_backward)(layers[i - 1].activation, (VECTOR *)(slope_below + k * LEAF_ROWS),
                                (const NAME(unaligned) *)(values + k * LEAF_ROWS), padded / LANES);
      }
      ELEMENT *above = slope;
      slope = slope_below;
      slope_below = above;
    }
    NAME(merge_nodes)(nodes, size, leaf, leaves);
  }

  const ELEMENT *sums = nodes + LANES;
  for (ptrdiff_t i = layer_count; i-- > 0;) {
    NAME(store_gradients)(sums, layers[i].weight_gradient, layers[i].bias_gradient);
    sums += ROUNDED_UP((layers[i].weights.rows + 1) * layers[i].weights.columns);
  }
  return nodes[0];
}

#undef MOST_PASS_FEATURES
#undef MOST_PASS_SUMS
#undef PASS_SUMS
#undef ROWS_AHEAD
#undef LOSS_VECTORS
