// Losses: one row in each lane, as Loss in ComputeBackend spells them. `z`, `t` and `gradient` hold output after
// output, a vector of rows each.

static inline INLINED VECTOR NAME(mean_squared_error)(ptrdiff_t outputs, VECTOR scale, const NAME(unaligned) * z,
                                                      const NAME(unaligned) * t, NAME(unaligned) * gradient) {
  VECTOR sum = NAME(splat)(0);
  for (ptrdiff_t j = 0; j < outputs; ++j) {
    const VECTOR difference = z[j] - t[j];
    sum = __builtin_elementwise_fma(difference, difference, sum);
    gradient[j] = difference * scale;
  }
  return sum;
}

static inline INLINED VECTOR NAME(binary_cross_entropy)(ptrdiff_t outputs, VECTOR scale, const NAME(unaligned) * z,
                                                        const NAME(unaligned) * t, NAME(unaligned) * gradient) {
  const VECTOR zero = NAME(splat)(0);
  VECTOR sum = zero;
  for (ptrdiff_t j = 0; j < outputs; ++j) {
    const MASK is_negative = z[j] < zero;
    const VECTOR positive_part = NAME(select)(is_negative, zero, z[j]);
    const VECTOR minus_magnitude = NAME(select)(is_negative, z[j], -z[j]);
    sum = sum + ((positive_part - z[j] * t[j]) + NAME(log1p)(NAME(exp)(minus_magnitude)));
    gradient[j] = (NAME(sigmoid)(z[j]) - t[j]) * scale;
  }
  return sum;
}

static inline INLINED VECTOR NAME(softmax_cross_entropy)(ptrdiff_t outputs, VECTOR scale, const NAME(unaligned) * z,
                                                         const NAME(unaligned) * t, NAME(unaligned) * gradient) {
  VECTOR sum = NAME(splat)(0);
  if (outputs == 0) return sum;
  VECTOR largest = z[0];
  for (ptrdiff_t j = 1; j < outputs; ++j) largest = NAME(select)(largest < z[j], z[j], largest);
  VECTOR exponentials = NAME(splat)(0);
  VECTOR targets = NAME(splat)(0);
  for (ptrdiff_t j = 0; j < outputs; ++j) {
    const VECTOR exponential = NAME(exp)(z[j] - largest);
    gradient[j] = exponential;
    exponentials = exponentials + exponential;
    targets = targets + t[j];
  }
  const VECTOR logarithm = NAME(log)(exponentials);
  for (ptrdiff_t j = 0; j < outputs; ++j) {
    sum = __builtin_elementwise_fma(t[j], logarithm - (z[j] - largest), sum);
    gradient[j] = ((gradient[j] / exponentials) * targets - t[j]) * scale;
  }
  return sum;
}

/// Loss and gradient of LANES rows.
static VECTOR NAME(loss_panel)(lockstep_loss_function loss, ptrdiff_t outputs, VECTOR scale, const ELEMENT *z,
                               const ELEMENT *t, ELEMENT *gradient) {
  const NAME(unaligned) *outputs_at = (const NAME(unaligned) *)z, *targets_at = (const NAME(unaligned) *)t;
  NAME(unaligned) *gradient_at = (NAME(unaligned) *)gradient;
  switch (loss) {
  case LOCKSTEP_MEAN_SQUARED_ERROR:
    return NAME(mean_squared_error)(outputs, scale, outputs_at, targets_at, gradient_at);
  case LOCKSTEP_BINARY_CROSS_ENTROPY:
    return NAME(binary_cross_entropy)(outputs, scale, outputs_at, targets_at, gradient_at);
  case LOCKSTEP_SOFTMAX_CROSS_ENTROPY:
    return NAME(softmax_cross_entropy)(outputs, scale, outputs_at, targets_at, gradient_at);
  }
}

static void NAME(loss_rows)(lockstep_loss_function loss, lockstep_matrix output, lockstep_matrix target, double scale,
                            lockstep_mutable_matrix gradient, void *losses) {
  const VECTOR factor = NAME(splat)((ELEMENT)scale);
  const ptrdiff_t outputs = output.columns;
  const bool in_place = outputs == 1 && output.stride == 1 && target.stride == 1 && gradient.stride == 1;
  ELEMENT *z = lockstep_workspace(LOCKSTEP_PANELS, (size_t)(3 * outputs * LANES) * sizeof(ELEMENT));
  ELEMENT *t = z + outputs * LANES;
  ELEMENT *slopes = t + outputs * LANES;
  for (ptrdiff_t row = 0; row < output.rows; row += LANES) {
    const ptrdiff_t rows = output.rows - row < LANES ? output.rows - row : LANES;
    const ELEMENT *output_rows = (const ELEMENT *)output.base + row * output.stride;
    const ELEMENT *target_rows = (const ELEMENT *)target.base + row * target.stride;
    ELEMENT *gradient_rows = (ELEMENT *)gradient.base + row * gradient.stride;
    if (in_place && rows == LANES) {
      const VECTOR sums = NAME(loss_panel)(loss, outputs, factor, output_rows, target_rows, gradient_rows);
      NAME(store)((ELEMENT *)losses + row, sums);
      continue;
    }
    if (rows < LANES) {
      for (ptrdiff_t i = 0; i < 2 * outputs * LANES; ++i) z[i] = 0;
    }
    NAME(transpose)(rows, outputs, output_rows, output.stride, z, LANES);
    NAME(transpose)(rows, outputs, target_rows, target.stride, t, LANES);
    const VECTOR sums = NAME(loss_panel)(loss, outputs, factor, z, t, slopes);
    NAME(transpose)(outputs, rows, slopes, LANES, gradient_rows, gradient.stride);
    NAME(copy)((ELEMENT *)losses + row, (const ELEMENT *)&sums, rows);
  }
}
