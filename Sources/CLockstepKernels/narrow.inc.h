// Sums over rows in stripes: the gradients of narrow layers, and the fold that the sums of losses share. Sixteen rows
// lie across the lanes.

#define STRIPE_VECTORS (STRIPES / LANES)

/// Room for `count` sums in whole vectors.
#define ROUNDED_UP(count) (((count) + LANES - 1) / LANES * LANES)

/// Where each segment of `segment` lanes is half of a sum of `a` and half of one of `b`, those of `a` first: the halves
/// of the sums, `part` 0 or 1.
#if LANES == 16
#define HALVES(a, b, segment, part)                                                                              \
  (segment == 16  ? __builtin_shufflevector(a, b, 8 * part, 8 * part + 1, 8 * part + 2, 8 * part + 3,            \
                                            8 * part + 4, 8 * part + 5, 8 * part + 6, 8 * part + 7, 8 * part + 16, \
                                            8 * part + 17, 8 * part + 18, 8 * part + 19, 8 * part + 20,          \
                                            8 * part + 21, 8 * part + 22, 8 * part + 23)                         \
   : segment == 8 ? __builtin_shufflevector(a, b, 4 * part, 4 * part + 1, 4 * part + 2, 4 * part + 3,            \
                                            4 * part + 16, 4 * part + 17, 4 * part + 18, 4 * part + 19,          \
                                            4 * part + 8, 4 * part + 9, 4 * part + 10, 4 * part + 11,            \
                                            4 * part + 24, 4 * part + 25, 4 * part + 26, 4 * part + 27)          \
   : segment == 4 ? __builtin_shufflevector(a, b, 2 * part, 2 * part + 1, 2 * part + 16, 2 * part + 17,          \
                                            2 * part + 4, 2 * part + 5, 2 * part + 20, 2 * part + 21,            \
                                            2 * part + 8, 2 * part + 9, 2 * part + 24, 2 * part + 25,            \
                                            2 * part + 12, 2 * part + 13, 2 * part + 28, 2 * part + 29)          \
                  : __builtin_shufflevector(a, b, part, part + 16, part + 2, part + 18, part + 4, part + 20,     \
                                            part + 6, part + 22, part + 8, part + 24, part + 10, part + 26,      \
                                            part + 12, part + 28, part + 14, part + 30))
#elif LANES == 8
#define HALVES(a, b, segment, part)                                                                          \
  (segment == 8   ? __builtin_shufflevector(a, b, 4 * part, 4 * part + 1, 4 * part + 2, 4 * part + 3,        \
                                            4 * part + 8, 4 * part + 9, 4 * part + 10, 4 * part + 11)        \
   : segment == 4 ? __builtin_shufflevector(a, b, 2 * part, 2 * part + 1, 2 * part + 8, 2 * part + 9,        \
                                            2 * part + 4, 2 * part + 5, 2 * part + 12, 2 * part + 13)        \
                  : __builtin_shufflevector(a, b, part, part + 8, part + 2, part + 10, part + 4, part + 12,  \
                                            part + 6, part + 14))
#elif LANES == 4
#define HALVES(a, b, segment, part)                                                                      \
  (segment == 4 ? __builtin_shufflevector(a, b, 2 * part, 2 * part + 1, 2 * part + 4, 2 * part + 5)      \
                : __builtin_shufflevector(a, b, part, part + 4, part + 2, part + 6))
#else
#define HALVES(a, b, segment, part) __builtin_shufflevector(a, b, part, part + 2)
#endif

/// Folds the stripes of LANES sums at once, vector `v` of sum `i` at `stripes[i * STRIPE_VECTORS + v]`: stripe s with
/// s + 8, then with s + 4, s + 2 and s + 1. Sum `i` ends in lane `i`.
static inline INLINED VECTOR NAME(fold_stripes)(const VECTOR *stripes) {
  VECTOR sums[LANES];
#pragma clang loop unroll(full)
  for (int i = 0; i < LANES; ++i) {
    VECTOR parts[STRIPE_VECTORS];
#pragma clang loop unroll(full)
    for (int v = 0; v < STRIPE_VECTORS; ++v) parts[v] = stripes[i * STRIPE_VECTORS + v];
#pragma clang loop unroll(full)
    for (int half = STRIPE_VECTORS / 2; half > 0; half /= 2) {
#pragma clang loop unroll(full)
      for (int v = 0; v < half; ++v) parts[v] = parts[v] + parts[v + half];
    }
    sums[i] = parts[0];
  }
  // Two vectors of whole sums become one of half sums, and so on: a lane's number names its sum, highest bit first.
#define FOLD(segment)                                                                                              \
  for (int i = 0; i < segment / 2; ++i) {                                                                          \
    sums[i] = HALVES(sums[i], sums[i + segment / 2], segment, 0) + HALVES(sums[i], sums[i + segment / 2], segment, 1); \
  }
#if LANES >= 16
  FOLD(16)
#endif
#if LANES >= 8
  FOLD(8)
#endif
#if LANES >= 4
  FOLD(4)
#endif
  FOLD(2)
#undef FOLD
  return sums[0];
}

#undef HALVES

/// Folds leaf number `leaf`, just written to its slot of `nodes`, into the nodes that are complete with it. After the
/// last leaf the sum is in slot 0.
static inline INLINED void NAME(merge_nodes)(ELEMENT *nodes, ptrdiff_t size, ptrdiff_t leaf, ptrdiff_t leaves) {
  ptrdiff_t slot = lockstep_leaf_slot(leaf);
  for (ptrdiff_t merges = lockstep_merges_after(leaf, leaves); merges > 0; --merges, --slot) {
    NAME(add_array)(nodes + (slot - 1) * size, nodes + slot * size, size);
  }
}

/// The columns of a leaf, filled up with `padding` to whole panels of 16 rows.
static const ELEMENT *NAME(leaf_columns)(lockstep_matrix matrix, ptrdiff_t first, ptrdiff_t rows, ELEMENT padding,
                                         ELEMENT *columns) {
  const lockstep_matrix leaf = {(const ELEMENT *)matrix.base + first * matrix.stride, rows, matrix.columns,
                                matrix.stride};
  return NAME(split_columns)(leaf, STRIPES, padding, columns, LEAF_ROWS);
}

/// The stripes of the products of one column of `x`, or of ones where it is NULL, with `count` columns of `dz`.
static inline INLINED void NAME(column_stripes)(const int count, const ELEMENT *x, const ELEMENT *dz, ptrdiff_t rows,
                                                VECTOR *stripes) {
  VECTOR sums[4][STRIPE_VECTORS];
#pragma clang loop unroll(full)
  for (int j = 0; j < count; ++j) {
#pragma clang loop unroll(full)
    for (int v = 0; v < STRIPE_VECTORS; ++v) sums[j][v] = NAME(splat)(0);
  }
  for (ptrdiff_t row = 0; row < rows; row += STRIPES) {
#pragma clang loop unroll(full)
    for (int v = 0; v < STRIPE_VECTORS; ++v) {
      const ptrdiff_t at = row + v * LANES;
#pragma clang loop unroll(full)
      for (int j = 0; j < count; ++j) {
        const VECTOR g = NAME(load)(dz + j * LEAF_ROWS + at);
        sums[j][v] = x == NULL ? sums[j][v] + g : __builtin_elementwise_fma(NAME(load)(x + at), g, sums[j][v]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int j = 0; j < count; ++j) {
#pragma clang loop unroll(full)
    for (int v = 0; v < STRIPE_VECTORS; ++v) stripes[j * STRIPE_VECTORS + v] = sums[j][v];
  }
}

/// The sums of one column of `x`, or of ones, with each column of `dz`: as many vectors of stripes as there are
/// columns.
static void NAME(row_of_stripes)(const ELEMENT *x, const ELEMENT *dz, ptrdiff_t outputs, ptrdiff_t rows,
                                 VECTOR *stripes) {
  ptrdiff_t j = 0;
  if (x == NULL) {
    for (; j < outputs; ++j) {
      NAME(column_stripes)(1, NULL, dz + j * LEAF_ROWS, rows, stripes + j * STRIPE_VECTORS);
    }
    return;
  }
#if STRIPE_VECTORS <= 2
  for (; j + 4 <= outputs; j += 4) {
    NAME(column_stripes)(4, x, dz + j * LEAF_ROWS, rows, stripes + j * STRIPE_VECTORS);
  }
#endif
  for (; j + 2 <= outputs; j += 2) {
    NAME(column_stripes)(2, x, dz + j * LEAF_ROWS, rows, stripes + j * STRIPE_VECTORS);
  }
  if (j < outputs) NAME(column_stripes)(1, x, dz + j * LEAF_ROWS, rows, stripes + j * STRIPE_VECTORS);
}

// The sums of a narrow layer: fewer than 16 weights, and no more than 15 biases.
#define MOST_SUMS ROUNDED_UP(2 * NARROW_WEIGHTS)

/// The parameter gradients of a narrow layer over a leaf, from columns filled up with what adds nothing: the weights,
/// then the bias. Writes ROUNDED_UP((inputs + 1) * outputs) elements.
static void NAME(leaf_gradients)(const ELEMENT *x, ptrdiff_t inputs, const ELEMENT *dz, ptrdiff_t outputs,
                                 ptrdiff_t rows, ELEMENT *node) {
  VECTOR stripes[MOST_SUMS * STRIPE_VECTORS];
  const ptrdiff_t size = (inputs + 1) * outputs;
  for (ptrdiff_t k = 0; k <= inputs; ++k) {
    NAME(row_of_stripes)(k < inputs ? x + k * LEAF_ROWS : NULL, dz, outputs, rows,
                         stripes + k * outputs * STRIPE_VECTORS);
  }
  for (ptrdiff_t i = size * STRIPE_VECTORS; i < ROUNDED_UP(size) * STRIPE_VECTORS; ++i) stripes[i] = NAME(splat)(0);
  for (ptrdiff_t i = 0; i < size; i += LANES) NAME(store)(node + i, NAME(fold_stripes)(stripes + i * STRIPE_VECTORS));
}

/// Writes the gradients of a layer where they belong.
static inline INLINED void NAME(store_gradients)(const ELEMENT *sums, lockstep_mutable_matrix weight_gradient,
                                                 ELEMENT *bias_gradient) {
  const ptrdiff_t outputs = weight_gradient.columns;
  for (ptrdiff_t k = 0; k < weight_gradient.rows; ++k) {
    NAME(copy)((ELEMENT *)weight_gradient.base + k * weight_gradient.stride, sums + k * outputs, outputs);
  }
  NAME(copy)(bias_gradient, sums + weight_gradient.rows * outputs, outputs);
}

static void NAME(narrow_gradients)(lockstep_matrix input, lockstep_matrix output_gradient,
                                   lockstep_mutable_matrix weight_gradient, void *bias_gradient) {
  const ptrdiff_t inputs = input.columns, outputs = output_gradient.columns;
  const ptrdiff_t size = ROUNDED_UP((inputs + 1) * outputs);
  const ptrdiff_t leaves = (input.rows + LEAF_ROWS - 1) / LEAF_ROWS;
  ELEMENT nodes[64 * MOST_SUMS];
  for (ptrdiff_t i = 0; i < size; ++i) nodes[i] = 0;
  ELEMENT input_columns[NARROW_WEIGHTS * LEAF_ROWS], gradient_columns[NARROW_WEIGHTS * LEAF_ROWS];

  for (ptrdiff_t leaf = 0; leaf < leaves; ++leaf) {
    const ptrdiff_t first = leaf * LEAF_ROWS;
    const ptrdiff_t rows = input.rows - first < LEAF_ROWS ? input.rows - first : LEAF_ROWS;
    // A row of padding adds 0 times -0, or -0: what leaves every sum as it is, -0 too, which underflow may give.
    const ELEMENT *x = NAME(leaf_columns)(input, first, rows, 0, input_columns);
    const ELEMENT *dz = NAME(leaf_columns)(output_gradient, first, rows, (ELEMENT)-0.0, gradient_columns);
    NAME(leaf_gradients)(x, inputs, dz, outputs, rows, nodes + lockstep_leaf_slot(leaf) * size);
    NAME(merge_nodes)(nodes, size, leaf, leaves);
  }
  NAME(store_gradients)(nodes, weight_gradient, bias_gradient);
}
