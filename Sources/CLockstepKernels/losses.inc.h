// Losses: one row in each lane, as Loss in ComputeBackend spells them, and their sum over rows, in stripes. `z`, `t` and
// `gradient` hold a vector of rows for each output, `apart` elements apart.

#define AT(column, j) (*(const NAME(unaligned) *)((column) + (j) * apart))
#define GRADIENT(j) (*(NAME(unaligned) *)(gradient + (j) * apart))

static inline INLINED VECTOR NAME(mean_squared_error)(ptrdiff_t outputs, ptrdiff_t apart, VECTOR scale,
                                                      const ELEMENT *z, const ELEMENT *t, ELEMENT *gradient) {
  VECTOR sum = NAME(splat)(0);
  for (ptrdiff_t j = 0; j < outputs; ++j) {
    const VECTOR difference = AT(z, j) - AT(t, j);
    sum = __builtin_elementwise_fma(difference, difference, sum);
    GRADIENT(j) = difference * scale;
  }
  return sum;
}

static inline INLINED VECTOR NAME(binary_cross_entropy)(ptrdiff_t outputs, ptrdiff_t apart, VECTOR scale,
                                                        const ELEMENT *z, const ELEMENT *t, ELEMENT *gradient) {
  const VECTOR zero = NAME(splat)(0);
  VECTOR sum = zero;
  for (ptrdiff_t j = 0; j < outputs; ++j) {
    const VECTOR output = AT(z, j), target = AT(t, j);
    const MASK is_negative = output < zero;
    const VECTOR positive_part = NAME(select)(is_negative, zero, output);
    const VECTOR minus_magnitude = NAME(select)(is_negative, output, -output);
    sum = sum + ((positive_part - output * target) + NAME(log1p)(NAME(exp)(minus_magnitude)));
    GRADIENT(j) = (NAME(sigmoid)(output) - target) * scale;
  }
  return sum;
}

static inline INLINED VECTOR NAME(softmax_cross_entropy)(ptrdiff_t outputs, ptrdiff_t apart, VECTOR scale,
                                                         const ELEMENT *z, const ELEMENT *t, ELEMENT *gradient) {
  VECTOR sum = NAME(splat)(0);
  if (outputs == 0) return sum;
  VECTOR largest = AT(z, 0);
  for (ptrdiff_t j = 1; j < outputs; ++j) {
    const VECTOR output = AT(z, j);
    largest = NAME(select)(largest < output, output, largest);
  }
  VECTOR exponentials = NAME(splat)(0);
  VECTOR targets = NAME(splat)(0);
  for (ptrdiff_t j = 0; j < outputs; ++j) {
    const VECTOR exponential = NAME(exp)(AT(z, j) - largest);
    GRADIENT(j) = exponential;
    exponentials = exponentials + exponential;
    targets = targets + AT(t, j);
  }
  const VECTOR logarithm = NAME(log)(exponentials);
  for (ptrdiff_t j = 0; j < outputs; ++j) {
    const VECTOR target = AT(t, j);
    sum = __builtin_elementwise_fma(target, logarithm - (AT(z, j) - largest), sum);
    GRADIENT(j) = ((GRADIENT(j) / exponentials) * targets - target) * scale;
  }
  return sum;
}

#undef AT
#undef GRADIENT

/// Loss and gradient of LANES rows.
static VECTOR NAME(loss_panel)(lockstep_loss_function loss, ptrdiff_t outputs, ptrdiff_t apart, VECTOR scale,
                               const ELEMENT *z, const ELEMENT *t, ELEMENT *gradient) {
  switch (loss) {
  case LOCKSTEP_MEAN_SQUARED_ERROR:
    return NAME(mean_squared_error)(outputs, apart, scale, z, t, gradient);
  case LOCKSTEP_BINARY_CROSS_ENTROPY:
    return NAME(binary_cross_entropy)(outputs, apart, scale, z, t, gradient);
  case LOCKSTEP_SOFTMAX_CROSS_ENTROPY:
    return NAME(softmax_cross_entropy)(outputs, apart, scale, z, t, gradient);
  }
}

/// The gradient of rows, and the sum of their losses.
static double NAME(loss_rows)(lockstep_loss_function loss, lockstep_matrix output, lockstep_matrix target, double scale,
                              lockstep_mutable_matrix gradient) {
  const VECTOR factor = NAME(splat)((ELEMENT)scale);
  const ptrdiff_t outputs = output.columns;
  const bool in_place = outputs == 1 && output.stride == 1 && target.stride == 1 && gradient.stride == 1;
  ELEMENT *z = lockstep_workspace(LOCKSTEP_PANELS, (size_t)(3 * outputs * LANES) * sizeof(ELEMENT));
  ELEMENT *t = z + outputs * LANES;
  ELEMENT *slopes = t + outputs * LANES;
  const ptrdiff_t leaves = (output.rows + LEAF_ROWS - 1) / LEAF_ROWS;
  ELEMENT nodes[64];
  nodes[0] = 0;
  for (ptrdiff_t leaf = 0; leaf < leaves; ++leaf) {
    VECTOR stripes[LANES * STRIPE_VECTORS] = {0};
    const ptrdiff_t first = leaf * LEAF_ROWS;
    const ptrdiff_t last = output.rows - first < LEAF_ROWS ? output.rows : first + LEAF_ROWS;
    for (ptrdiff_t row = first; row < last; row += LANES) {
      const ptrdiff_t rows = last - row < LANES ? last - row : LANES;
      const ELEMENT *output_rows = (const ELEMENT *)output.base + row * output.stride;
      const ELEMENT *target_rows = (const ELEMENT *)target.base + row * target.stride;
      ELEMENT *gradient_rows = (ELEMENT *)gradient.base + row * gradient.stride;
      VECTOR sums;
      if (in_place && rows == LANES) {
        sums = NAME(loss_panel)(loss, 1, LANES, factor, output_rows, target_rows, gradient_rows);
      } else {
        if (rows < LANES) {
          for (ptrdiff_t i = 0; i < 2 * outputs * LANES; ++i) z[i] = 0;
        }
        NAME(transpose)(rows, outputs, output_rows, output.stride, z, LANES);
        NAME(transpose)(rows, outputs, target_rows, target.stride, t, LANES);
        // Adding +0 changes no stripe: none is -0, as they start from +0 and only two that are -0 add up to it.
        sums = NAME(select)(NAME(lanes_below)(rows), NAME(loss_panel)(loss, outputs, LANES, factor, z, t, slopes),
                            NAME(splat)(0));
        NAME(transpose)(outputs, rows, slopes, LANES, gradient_rows, gradient.stride);
      }
      VECTOR *stripe = stripes + (row - first) / LANES % STRIPE_VECTORS;
      *stripe = *stripe + sums;
    }
    nodes[lockstep_leaf_slot(leaf)] = NAME(fold_stripes)(stripes)[0];
    NAME(merge_nodes)(nodes, 1, leaf, leaves);
  }
  return nodes[0];
}
