// Elementwise work on matrices: nodes of the pairwise tree, steps of gradient descent.

static void NAME(add)(const lockstep_elements *elements, lockstep_argument argument) {
  (void)argument;
  const lockstep_mutable_matrix sum = elements->target;
  const lockstep_matrix other = elements->operand;
  for (ptrdiff_t row = 0; row < sum.rows; ++row) {
    NAME(add_array)((ELEMENT *)sum.base + row * sum.stride, (const ELEMENT *)other.base + row * other.stride,
                    sum.columns);
  }
}

static void NAME(descend)(const lockstep_elements *elements, lockstep_argument argument) {
  const lockstep_mutable_matrix parameters = elements->target;
  const lockstep_matrix gradient = elements->operand;
  const ELEMENT rate = (ELEMENT)argument.learning_rate;
  for (ptrdiff_t row = 0; row < parameters.rows; ++row) {
    ELEMENT *p = (ELEMENT *)parameters.base + row * parameters.stride;
    const ELEMENT *g = (const ELEMENT *)gradient.base + row * gradient.stride;
    ptrdiff_t i = 0;
    for (; i + LANES <= parameters.columns; i += LANES) {
      NAME(store)(p + i, NAME(load)(p + i) - NAME(splat)(rate) * NAME(load)(g + i));
    }
    for (; i < parameters.columns; ++i) p[i] = p[i] - rate * g[i];
  }
}
