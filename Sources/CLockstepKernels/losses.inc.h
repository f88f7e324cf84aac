// Losses: one row in each lane, as Loss in ComputeBackend spells them, and their sum over rows, in stripes. `z`, `t`
// and `gradient` hold vectors of rows for each output, `apart` elements from those of the next; `scales` holds the factor of
// each row's gradient, and `sums` receives the losses.

// The most vectors of rows at a time.
#define LOSS_VECTORS (LEAF_ROWS / LANES)

#define AT(column, j, v) (*(const NAME(unaligned) *)((column) + (j) * apart + (v) * LANES))
#define GRADIENT(j, v) (*(NAME(unaligned) *)(gradient + (j) * apart + (v) * LANES))

/// The sum with one more term of a loss whose terms have nothing to do with each other, and the term's gradient.
static inline INLINED VECTOR NAME(add_term)(const lockstep_loss_function loss, VECTOR output, VECTOR target, VECTOR scale,
                                            VECTOR sum, VECTOR *gradient) {
  const VECTOR zero = NAME(splat)(0), one = NAME(splat)(1), half = NAME(splat)((ELEMENT)0.5);
  if (loss == LOCKSTEP_BINARY_CROSS_ENTROPY) {
    const MASK is_negative = output < zero;
    const VECTOR positive_part = is_negative ? zero : output;
    const VECTOR minus_magnitude = is_negative ? output : -output;
    *gradient = (NAME(sigmoid)(output) - target) * scale;
    return sum + ((positive_part - output * target) + NAME(log1p)(NAME(exp)(minus_magnitude)));
  }
  const VECTOR difference = output - target;
  if (loss == LOCKSTEP_MEAN_SQUARED_ERROR) {
    *gradient = difference * scale;
    return __builtin_elementwise_fma(difference, difference, sum);
  }
  const MASK is_negative = difference < zero;
  const VECTOR magnitude = is_negative ? -difference : difference;
  if (loss == LOCKSTEP_MEAN_ABSOLUTE_ERROR) {
    // Where neither is larger, +0; NaN stays.
    const VECTOR level = zero < difference ? scale : difference + zero;
    *gradient = is_negative ? -scale : level;
    return sum + magnitude;
  }
  const VECTOR raised = difference < -one ? -one : difference;
  *gradient = (one < raised ? one : raised) * scale;
  return sum + (magnitude <= one ? (difference * difference) * half : magnitude - half);
}

/// A loss of such terms, which is known where this is compiled.
static inline INLINED void NAME(sum_terms)(const lockstep_loss_function loss, ptrdiff_t outputs, ptrdiff_t apart,
                                           ptrdiff_t vectors, const VECTOR *scales, const ELEMENT *z, const ELEMENT *t,
                                           ELEMENT *gradient, VECTOR *sums) {
  for (ptrdiff_t v = 0; v < vectors; ++v) {
    VECTOR sum = NAME(splat)(0), slope;
    for (ptrdiff_t j = 0; j < outputs; ++j) {
      sum = NAME(add_term)(loss, AT(z, j, v), AT(t, j, v), scales[v], sum, &slope);
      GRADIENT(j, v) = slope;
    }
    sums[v] = sum;
  }
}

/// In steps over all vectors, as each step of a single one would wait for the one before.
static void NAME(softmax_cross_entropy)(ptrdiff_t outputs, ptrdiff_t apart, ptrdiff_t vectors, const VECTOR *scales,
                                        const ELEMENT *z, const ELEMENT *t, ELEMENT *gradient, VECTOR *sums) {
  VECTOR largest[LOSS_VECTORS], exponentials[LOSS_VECTORS], targets[LOSS_VECTORS];
  for (ptrdiff_t v = 0; v < vectors; ++v) {
    sums[v] = NAME(splat)(0);
    if (outputs == 0) continue;
    VECTOR most = AT(z, 0, v);
    for (ptrdiff_t j = 1; j < outputs; ++j) {
      const VECTOR output = AT(z, j, v);
      most = most < output ? output : most;
    }
    largest[v] = most;
    exponentials[v] = NAME(splat)(0);
    targets[v] = NAME(splat)(0);
  }
  if (outputs == 0) return;
  for (ptrdiff_t j = 0; j < outputs; ++j) {
    for (ptrdiff_t v = 0; v < vectors; ++v) {
      const VECTOR exponential = NAME(exp)(AT(z, j, v) - largest[v]);
      GRADIENT(j, v) = exponential;
      exponentials[v] = exponentials[v] + exponential;
      targets[v] = targets[v] + AT(t, j, v);
    }
  }
  VECTOR logarithms[LOSS_VECTORS];
  for (ptrdiff_t v = 0; v < vectors; ++v) logarithms[v] = NAME(log)(exponentials[v]);
  for (ptrdiff_t j = 0; j < outputs; ++j) {
    for (ptrdiff_t v = 0; v < vectors; ++v) {
      const VECTOR target = AT(t, j, v);
      sums[v] = __builtin_elementwise_fma(target, logarithms[v] - (AT(z, j, v) - largest[v]), sums[v]);
      GRADIENT(j, v) = ((GRADIENT(j, v) / exponentials[v]) * targets[v] - target) * scales[v];
    }
  }
}

#undef AT
#undef GRADIENT

/// Losses and gradient of up to LOSS_VECTORS vectors of rows.
static void NAME(loss_panel)(lockstep_loss_function loss, ptrdiff_t outputs, ptrdiff_t apart, ptrdiff_t vectors,
                             const VECTOR *scales, const ELEMENT *z, const ELEMENT *t, ELEMENT *gradient,
                             VECTOR *sums) {
#define TERMS(loss) \
  case loss: return NAME(sum_terms)(loss, outputs, apart, vectors, scales, z, t, gradient, sums);
  switch (loss) {
    TERMS(LOCKSTEP_MEAN_SQUARED_ERROR)
    TERMS(LOCKSTEP_BINARY_CROSS_ENTROPY)
    TERMS(LOCKSTEP_MEAN_ABSOLUTE_ERROR)
    TERMS(LOCKSTEP_HUBER)
  case LOCKSTEP_SOFTMAX_CROSS_ENTROPY:
    return NAME(softmax_cross_entropy)(outputs, apart, vectors, scales, z, t, gradient, sums);
  }
#undef TERMS
}

/// The same scale for all rows, in as many vectors as they fill, of a leaf at most.
static inline void NAME(fill_scales)(double scale, ptrdiff_t rows, VECTOR *scales) {
  const ptrdiff_t most = rows < LEAF_ROWS ? rows : LEAF_ROWS;
  for (ptrdiff_t v = 0; v < (most + LANES - 1) / LANES; ++v) scales[v] = NAME(splat)((ELEMENT)scale);
}

/// The weights of rows as vectors, and the scale times each of them.
static inline void NAME(weigh_rows)(lockstep_matrix weights, ptrdiff_t row, ptrdiff_t rows, double scale,
                                    VECTOR *row_weights, VECTOR *scales) {
  const ELEMENT *from = (const ELEMENT *)weights.base + row * weights.stride;
  const ptrdiff_t vectors = (rows + LANES - 1) / LANES;
  row_weights[vectors - 1] = NAME(splat)(0);
  for (ptrdiff_t i = 0; i < rows; ++i) ((ELEMENT *)row_weights)[i] = from[i * weights.stride];
  for (ptrdiff_t v = 0; v < vectors; ++v) scales[v] = NAME(splat)((ELEMENT)scale) * row_weights[v];
}

/// Adds the losses of `rows` rows, the first of them number `row` of its leaf, to the stripes: STRIPE_VECTORS vectors.
static inline void NAME(add_losses)(const VECTOR *losses, ptrdiff_t row, ptrdiff_t rows, VECTOR *stripes) {
  for (ptrdiff_t at = 0; at < rows; at += LANES) {
    VECTOR *stripe = stripes + (row + at) / LANES % STRIPE_VECTORS;
    // Adding +0 changes no stripe: none is -0, as they start from +0 and only two that are -0 add up to it.
    *stripe = *stripe + (NAME(lanes_below)(rows - at) ? losses[at / LANES] : NAME(splat)(0));
  }
}

// What the columns of the rows in flight may take up: most of the first-level cache.
#define COLUMN_BYTES (24 << 10)

/// The gradient of rows, and the sum of their losses. Without a base, there are no weights.
static double NAME(loss_rows)(lockstep_loss_function loss, lockstep_matrix output, lockstep_matrix target,
                              lockstep_matrix weights, double scale, lockstep_mutable_matrix gradient) {
  const bool is_weighted = weights.base != NULL;
  VECTOR scales[LOSS_VECTORS], row_weights[LOSS_VECTORS];
  if (!is_weighted) NAME(fill_scales)(scale, output.rows, scales);
  const ptrdiff_t outputs = output.columns;
  // Rows at a time: a leaf, or as many as leave their columns of outputs, targets and slopes in the first-level cache
  // from the transposition that writes them to the last step that reads them.
  const ptrdiff_t most = COLUMN_BYTES / (ptrdiff_t)sizeof(ELEMENT) / (3 * outputs + 1) / LANES * LANES;
  const ptrdiff_t chunk = most < LANES ? LANES : most < LEAF_ROWS ? most : LEAF_ROWS;
  const bool in_place = outputs == 1 && output.stride == 1 && target.stride == 1 && gradient.stride == 1;
  ELEMENT *columns = lockstep_workspace(LOCKSTEP_PANELS, (size_t)(3 * outputs * chunk) * sizeof(ELEMENT));
  const ptrdiff_t leaves = (output.rows + LEAF_ROWS - 1) / LEAF_ROWS;
  ELEMENT nodes[64];
  nodes[0] = 0;
  for (ptrdiff_t leaf = 0; leaf < leaves; ++leaf) {
    // The sum of losses, and beside it the rest of what NAME(fold_stripes) folds at once, which stays +0.
    VECTOR stripes[LANES * STRIPE_VECTORS] = {0};
    const ptrdiff_t first = leaf * LEAF_ROWS;
    const ptrdiff_t end = output.rows - first < LEAF_ROWS ? output.rows : first + LEAF_ROWS;
    ptrdiff_t rows;
    for (ptrdiff_t row = first; row < end; row += rows) {
      rows = end - row < chunk ? end - row : chunk;
      const ELEMENT *z = (const ELEMENT *)output.base + row * output.stride;
      const ELEMENT *t = (const ELEMENT *)target.base + row * target.stride;
      ELEMENT *slopes = (ELEMENT *)gradient.base + row * gradient.stride;
      if (in_place && rows >= LANES) {
        rows = rows / LANES * LANES;
      } else {
        NAME(transpose)(rows, outputs, z, output.stride, columns, chunk);
        NAME(transpose)(rows, outputs, t, target.stride, columns + outputs * chunk, chunk);
        z = columns;
        t = columns + outputs * chunk;
        slopes = columns + 2 * outputs * chunk;
      }
      VECTOR losses[LOSS_VECTORS];
      const ptrdiff_t vectors = (rows + LANES - 1) / LANES;
      if (is_weighted) NAME(weigh_rows)(weights, row, rows, scale, row_weights, scales);
      NAME(loss_panel)(loss, outputs, chunk, vectors, scales, z, t, slopes, losses);
      for (ptrdiff_t v = 0; is_weighted && v < vectors; ++v) losses[v] = row_weights[v] * losses[v];
      NAME(add_losses)(losses, row - first, rows, stripes);
      if (z == columns) {
        NAME(transpose)(outputs, rows, slopes, chunk, (ELEMENT *)gradient.base + row * gradient.stride,
                        gradient.stride);
      }
    }
    nodes[lockstep_leaf_slot(leaf)] = NAME(fold_stripes)(stripes)[0];
    NAME(merge_nodes)(nodes, 1, leaf, leaves);
  }
  return nodes[0];
}

#undef COLUMN_BYTES
