// Elementwise work on matrices: nodes of the pairwise tree, steps of gradient descent.

static void NAME(add)(lockstep_mutable_matrix sum, lockstep_matrix other, double factor) {
  (void)factor;
  for (ptrdiff_t row = 0; row < sum.rows; ++row) {
    NAME(add_array)((ELEMENT *)sum.base + row * sum.stride, (const ELEMENT *)other.base + row * other.stride,
                    sum.columns);
  }
}

static void NAME(descend)(lockstep_mutable_matrix parameters, lockstep_matrix gradient, double learning_rate) {
  const ELEMENT rate = (ELEMENT)learning_rate;
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
