// Sums over rows in stripes: the gradients of narrow layers, and the sum of losses. Sixteen rows lie across the lanes.

#define STRIPE_VECTORS (STRIPES / LANES)

/// Folds stripe s with s + 8, then with s + 4, s + 2 and s + 1.
static inline ELEMENT NAME(fold_stripes)(const VECTOR *vectors) {
  ELEMENT stripes[STRIPES];
  for (int v = 0; v < STRIPE_VECTORS; ++v) NAME(store)(stripes + v * LANES, vectors[v]);
  for (int half = STRIPES / 2; half > 0; half /= 2) {
    for (int s = 0; s < half; ++s) stripes[s] = stripes[s] + stripes[s + half];
  }
  return stripes[0];
}

/// Folds leaf number `leaf`, just written to its slot of `nodes`, into the nodes that are complete with it. After the
/// last leaf the sum is in slot 0.
static inline void NAME(merge_nodes)(ELEMENT *nodes, ptrdiff_t size, ptrdiff_t leaf, ptrdiff_t leaves) {
  ptrdiff_t slot = lockstep_leaf_slot(leaf);
  for (ptrdiff_t merges = lockstep_merges_after(leaf, leaves); merges > 0; --merges, --slot) {
    NAME(add_array)(nodes + (slot - 1) * size, nodes + slot * size, size);
  }
}

static double NAME(striped_sum)(const void *values, ptrdiff_t count) {
  const ptrdiff_t leaves = (count + LEAF_ROWS - 1) / LEAF_ROWS;
  ELEMENT nodes[64] = {0};
  for (ptrdiff_t leaf = 0; leaf < leaves; ++leaf) {
    const ELEMENT *from = (const ELEMENT *)values + leaf * LEAF_ROWS;
    const ptrdiff_t rows = count - leaf * LEAF_ROWS < LEAF_ROWS ? count - leaf * LEAF_ROWS : LEAF_ROWS;
    VECTOR stripes[STRIPE_VECTORS] = {0};
    ptrdiff_t row = 0;
    for (; row + STRIPES <= rows; row += STRIPES) {
      for (int v = 0; v < STRIPE_VECTORS; ++v) stripes[v] = stripes[v] + NAME(load)(from + row + v * LANES);
    }
    if (row < rows) {
      // Adding +0 changes no sum: none is -0, as they start from +0 and only two that are -0 add up to it.
      ELEMENT rest[STRIPES] = {0};
      NAME(copy)(rest, from + row, rows - row);
      for (int v = 0; v < STRIPE_VECTORS; ++v) stripes[v] = stripes[v] + NAME(load)(rest + v * LANES);
    }
    nodes[lockstep_leaf_slot(leaf)] = NAME(fold_stripes)(stripes);
    NAME(merge_nodes)(nodes, 1, leaf, leaves);
  }
  return nodes[0];
}

/// The columns of a leaf, filled up with `padding` to whole panels of 16 rows.
static const ELEMENT *NAME(leaf_columns)(lockstep_matrix matrix, ptrdiff_t first, ptrdiff_t rows, ELEMENT padding,
                                         ELEMENT *columns) {
  const lockstep_matrix leaf = {(const ELEMENT *)matrix.base + first * matrix.stride, rows, matrix.columns,
                                matrix.stride};
  return NAME(split_columns)(leaf, STRIPES, padding, columns, LEAF_ROWS);
}

static void NAME(narrow_gradients)(lockstep_matrix input, lockstep_matrix output_gradient,
                                   lockstep_mutable_matrix weight_gradient, void *bias_gradient) {
  const ptrdiff_t inputs = input.columns, outputs = output_gradient.columns;
  const ptrdiff_t size = (inputs + 1) * outputs;
  const ptrdiff_t leaves = (input.rows + LEAF_ROWS - 1) / LEAF_ROWS;
  // Fewer than 16 weights, and no more than 15 biases.
  ELEMENT nodes[64 * 2 * NARROW_WEIGHTS];
  for (ptrdiff_t i = 0; i < size; ++i) nodes[i] = 0;
  ELEMENT input_columns[NARROW_WEIGHTS * LEAF_ROWS], gradient_columns[NARROW_WEIGHTS * LEAF_ROWS];

  for (ptrdiff_t leaf = 0; leaf < leaves; ++leaf) {
    const ptrdiff_t first = leaf * LEAF_ROWS;
    const ptrdiff_t rows = input.rows - first < LEAF_ROWS ? input.rows - first : LEAF_ROWS;
    // A row of padding adds 0 times -0, or -0: what leaves every sum as it is, -0 too, which underflow may give.
    const ELEMENT *x = NAME(leaf_columns)(input, first, rows, 0, input_columns);
    const ELEMENT *dz = NAME(leaf_columns)(output_gradient, first, rows, (ELEMENT)-0.0, gradient_columns);
    ELEMENT *node = nodes + lockstep_leaf_slot(leaf) * size;
    for (ptrdiff_t j = 0; j < outputs; ++j) {
      const ELEMENT *g = dz + j * LEAF_ROWS;
      for (ptrdiff_t k = 0; k < inputs; ++k) {
        VECTOR stripes[STRIPE_VECTORS] = {0};
        for (ptrdiff_t row = 0; row < rows; row += STRIPES) {
          for (int v = 0; v < STRIPE_VECTORS; ++v) {
            const ptrdiff_t at = row + v * LANES;
            stripes[v] =
                __builtin_elementwise_fma(NAME(load)(x + k * LEAF_ROWS + at), NAME(load)(g + at), stripes[v]);
          }
        }
        node[k * outputs + j] = NAME(fold_stripes)(stripes);
      }
      VECTOR stripes[STRIPE_VECTORS] = {0};
      for (ptrdiff_t row = 0; row < rows; row += STRIPES) {
        for (int v = 0; v < STRIPE_VECTORS; ++v) stripes[v] = stripes[v] + NAME(load)(g + row + v * LANES);
      }
      node[inputs * outputs + j] = NAME(fold_stripes)(stripes);
    }
    NAME(merge_nodes)(nodes, size, leaf, leaves);
  }
  for (ptrdiff_t k = 0; k < inputs; ++k) {
    NAME(copy)((ELEMENT *)weight_gradient.base + k * weight_gradient.stride, nodes + k * outputs, outputs);
  }
  NAME(copy)(bias_gradient, nodes + inputs * outputs, outputs);
}

#undef STRIPE_VECTORS
