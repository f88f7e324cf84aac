// Activations and their derivatives over arrays of vectors, as Activation in ComputeBackend spells them.

/// Activation.leakySlope.
#define LEAKY_SLOPE ((ELEMENT)0.01)

static void NAME(activate)(lockstep_activation activation, VECTOR *values, ptrdiff_t count) {
  const VECTOR zero = NAME(splat)(0);
  switch (activation) {
  case LOCKSTEP_IDENTITY:
    break;
  case LOCKSTEP_RELU:
    for (ptrdiff_t i = 0; i < count; ++i) values[i] = NAME(select)(values[i] < zero, zero, values[i]);
    break;
  case LOCKSTEP_LEAKY_RELU:
    for (ptrdiff_t i = 0; i < count; ++i) {
      values[i] = NAME(select)(values[i] < zero, values[i] * NAME(splat)(LEAKY_SLOPE), values[i]);
    }
    break;
  case LOCKSTEP_TANH:
    for (ptrdiff_t i = 0; i < count; ++i) values[i] = NAME(tanh)(values[i]);
    break;
  case LOCKSTEP_SIGMOID:
    for (ptrdiff_t i = 0; i < count; ++i) values[i] = NAME(sigmoid)(values[i]);
    break;
  }
}

/// Turns gradients with respect to the activated values `y` into those with respect to what was activated.
static void NAME(activate_backward)(lockstep_activation activation, VECTOR *gradients,
                                    const NAME(unaligned) * y, ptrdiff_t count) {
  const VECTOR zero = NAME(splat)(0);
  const VECTOR one = NAME(splat)(1);
  switch (activation) {
  case LOCKSTEP_IDENTITY:
    break;
  case LOCKSTEP_RELU:
    for (ptrdiff_t i = 0; i < count; ++i) gradients[i] = NAME(select)(y[i] <= zero, zero, gradients[i]);
    break;
  case LOCKSTEP_LEAKY_RELU:
    for (ptrdiff_t i = 0; i < count; ++i) {
      gradients[i] = NAME(select)(y[i] <= zero, gradients[i] * NAME(splat)(LEAKY_SLOPE), gradients[i]);
    }
    break;
  case LOCKSTEP_TANH:
    for (ptrdiff_t i = 0; i < count; ++i) gradients[i] = gradients[i] * (one - y[i] * y[i]);
    break;
  case LOCKSTEP_SIGMOID:
    for (ptrdiff_t i = 0; i < count; ++i) gradients[i] = gradients[i] * (y[i] * (one - y[i]));
    break;
  }
}

#undef LEAKY_SLOPE
