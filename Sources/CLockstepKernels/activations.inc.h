// Activations and their derivatives over arrays of vectors and over matrices, as Activation in ComputeBackend spells them.

/// Activation.leakySlope.
#define LEAKY_SLOPE ((ELEMENT)0.01)

static void NAME(activate)(lockstep_activation activation, VECTOR *values, ptrdiff_t count) {
  const VECTOR zero = NAME(splat)(0);
  switch (activation) {
  case LOCKSTEP_IDENTITY:
    break;
  case LOCKSTEP_RELU:
    for (ptrdiff_t i = 0; i < count; ++i) values[i] = values[i] < zero ? zero : values[i];
    break;
  case LOCKSTEP_LEAKY_RELU:
    for (ptrdiff_t i = 0; i < count; ++i) {
      values[i] = values[i] < zero ? values[i] * NAME(splat)(LEAKY_SLOPE) : values[i];
    }
    break;
  case LOCKSTEP_TANH:
    for (ptrdiff_t i = 0; i < count; ++i) values[i] = NAME(tanh)(values[i]);
    break;
  case LOCKSTEP_SIGMOID:
    for (ptrdiff_t i = 0; i < count; ++i) values[i] = NAME(sigmoid)(values[i]);
    break;
  case LOCKSTEP_ELU:
    for (ptrdiff_t i = 0; i < count; ++i) {
      values[i] = values[i] <= zero ? NAME(expm1)(values[i]) : values[i];
    }
    break;
  case LOCKSTEP_SOFTPLUS:
    for (ptrdiff_t i = 0; i < count; ++i) {
      const MASK is_negative = values[i] < zero;
      const VECTOR positive_part = is_negative ? zero : values[i];
      const VECTOR minus_magnitude = is_negative ? values[i] : -values[i];
      values[i] = positive_part + NAME(log1p)(NAME(exp)(minus_magnitude));
    }
    break;
  case LOCKSTEP_SILU:
    for (ptrdiff_t i = 0; i < count; ++i) values[i] = values[i] * NAME(sigmoid)(values[i]);
    break;
  case LOCKSTEP_GELU:
    for (ptrdiff_t i = 0; i < count; ++i) values[i] = values[i] * NAME(normal_cdf)(values[i]);
    break;
  }
}

/// Turns gradients with respect to the activated values `y` into those with respect to what was activated. Activations that
/// keep their sums find those in the place of `y`.
static void NAME(activate_backward)(lockstep_activation activation, VECTOR *gradients,
                                    const NAME(unaligned) * y, ptrdiff_t count) {
  const VECTOR zero = NAME(splat)(0);
  const VECTOR one = NAME(splat)(1);
  switch (activation) {
  case LOCKSTEP_IDENTITY:
    break;
  case LOCKSTEP_RELU:
    for (ptrdiff_t i = 0; i < count; ++i) gradients[i] = y[i] <= zero ? zero : gradients[i];
    break;
  case LOCKSTEP_LEAKY_RELU:
    for (ptrdiff_t i = 0; i < count; ++i) {
      gradients[i] = y[i] <= zero ? gradients[i] * NAME(splat)(LEAKY_SLOPE) : gradients[i];
    }
    break;
  case LOCKSTEP_TANH:
    for (ptrdiff_t i = 0; i < count; ++i) gradients[i] = gradients[i] * (one - y[i] * y[i]);
    break;
  case LOCKSTEP_SIGMOID:
    for (ptrdiff_t i = 0; i < count; ++i) gradients[i] = gradients[i] * (y[i] * (one - y[i]));
    break;
  case LOCKSTEP_ELU:
    for (ptrdiff_t i = 0; i < count; ++i) {
      gradients[i] = y[i] <= zero ? gradients[i] * (y[i] + one) : gradients[i];
    }
    break;
  case LOCKSTEP_SOFTPLUS:
    for (ptrdiff_t i = 0; i < count; ++i) gradients[i] = gradients[i] * NAME(sigmoid)(y[i]);
    break;
  case LOCKSTEP_SILU:
    for (ptrdiff_t i = 0; i < count; ++i) {
      const VECTOR sigmoid = NAME(sigmoid)(y[i]);
      gradients[i] = gradients[i] * (sigmoid * (one + y[i] * (one - sigmoid)));
    }
    break;
  case LOCKSTEP_GELU:
    for (ptrdiff_t i = 0; i < count; ++i) {
      const VECTOR exponential = NAME(exp)((y[i] * y[i]) * NAME(splat)((ELEMENT)-0.5));
      const VECTOR density = exponential * NAME(splat)((ELEMENT)0.3989422804014327);
      gradients[i] = gradients[i] * (NAME(normal_cdf)(y[i]) + y[i] * density);
    }
    break;
  }
}

/// Both over matrices: a few vectors at a time, so that what is left over is computed in whole ones, too.
static inline INLINED void NAME(activate_some)(const bool backward, const lockstep_elements *elements,
                                               lockstep_activation activation) {
  enum { MOST_VECTORS = 16 };
  VECTOR results[MOST_VECTORS] = {0}, values[MOST_VECTORS] = {0};
  const lockstep_mutable_matrix target = elements->target;
  const lockstep_matrix operand = elements->operand;
  for (ptrdiff_t row = 0; row < target.rows; ++row) {
    ELEMENT *to = (ELEMENT *)target.base + row * target.stride;
    const ELEMENT *from = (const ELEMENT *)operand.base + row * operand.stride;
    ptrdiff_t count;
    for (ptrdiff_t i = 0; i < target.columns; i += count) {
      count = target.columns - i < MOST_VECTORS * LANES ? target.columns - i : MOST_VECTORS * LANES;
      const ptrdiff_t vectors = (count + LANES - 1) / LANES;
      NAME(copy)((ELEMENT *)results, backward ? to + i : from + i, count);
      if (backward) {
        NAME(copy)((ELEMENT *)values, from + i, count);
        NAME(activate_backward)(activation, results, (const NAME(unaligned) *)values, vectors);
      } else {
        NAME(activate)(activation, results, vectors);
      }
      NAME(copy)(to + i, (const ELEMENT *)results, count);
    }
  }
}

static void NAME(activate_elements)(const lockstep_elements *elements, lockstep_argument argument) {
  NAME(activate_some)(false, elements, argument.activation);
}

static void NAME(activate_elements_backward)(const lockstep_elements *elements, lockstep_argument argument) {
  NAME(activate_some)(true, elements, argument.activation);
}

#undef LEAKY_SLOPE
