// Steps of optimisers, and sums of squares: what ComputeBackend's UpdateRule and SumOfSquares say, on vectors.

/// A step on the lanes of parameters, with their moments.
static inline INLINED void NAME(update_vector)(lockstep_update_formula formula, const lockstep_update_rule *rule,
                                               VECTOR gradient, VECTOR *parameters, VECTOR *first, VECTOR *second) {
#define COEFFICIENT(name) NAME(splat)((ELEMENT)rule->name)
  VECTOR p = *parameters, g = gradient * COEFFICIENT(gradient_factor);
  if (rule->weight_decay != 0) g = g + COEFFICIENT(weight_decay) * p;
  p = p * COEFFICIENT(parameter_factor);
  VECTOR direction = g;
  if (formula == LOCKSTEP_MOMENTUM_UPDATE || formula == LOCKSTEP_NESTEROV_UPDATE) {
    *first = COEFFICIENT(first_decay) * *first + g;
    direction = formula == LOCKSTEP_MOMENTUM_UPDATE ? *first : g + COEFFICIENT(first_decay) * *first;
  }
  if (formula == LOCKSTEP_RMSPROP_UPDATE || formula == LOCKSTEP_ADAM_UPDATE) {
    *second = COEFFICIENT(second_decay) * *second + COEFFICIENT(second_share) * (g * g);
  }
  if (formula == LOCKSTEP_RMSPROP_UPDATE) {
    direction = g / (__builtin_elementwise_sqrt(*second) + COEFFICIENT(epsilon));
  }
  if (formula == LOCKSTEP_ADAM_UPDATE) {
    *first = COEFFICIENT(first_decay) * *first + COEFFICIENT(first_share) * g;
    const VECTOR root = __builtin_elementwise_sqrt(*second) * COEFFICIENT(root_factor);
    direction = *first / (root + COEFFICIENT(epsilon));
  }
  *parameters = p - COEFFICIENT(rate) * direction;
#undef COEFFICIENT
}

/// A loop for one formula, which is known where it is compiled: moments that it does not keep are neither read nor written.
static inline INLINED void NAME(update_rows)(const lockstep_update_formula formula, const lockstep_elements *elements,
                                             const lockstep_update_rule *given) {
  const bool keeps_first = formula == LOCKSTEP_MOMENTUM_UPDATE || formula == LOCKSTEP_NESTEROV_UPDATE ||
                           formula == LOCKSTEP_ADAM_UPDATE;
  const bool keeps_second = formula == LOCKSTEP_RMSPROP_UPDATE || formula == LOCKSTEP_ADAM_UPDATE;
  // A copy that no store to the matrices can change.
  const lockstep_update_rule rule = *given;
  const lockstep_mutable_matrix parameters = elements->target, first = elements->first, second = elements->second;
  const lockstep_matrix gradient = elements->operand;
  for (ptrdiff_t row = 0; row < parameters.rows; ++row) {
    ELEMENT *p = (ELEMENT *)parameters.base + row * parameters.stride;
    const ELEMENT *g = (const ELEMENT *)gradient.base + row * gradient.stride;
    ELEMENT *m = keeps_first ? (ELEMENT *)first.base + row * first.stride : NULL;
    ELEMENT *v = keeps_second ? (ELEMENT *)second.base + row * second.stride : NULL;
    ptrdiff_t i = 0;
    for (; i + LANES <= parameters.columns; i += LANES) {
      VECTOR lanes = NAME(load)(p + i), first_lanes = {0}, second_lanes = {0};
      if (keeps_first) first_lanes = NAME(load)(m + i);
      if (keeps_second) second_lanes = NAME(load)(v + i);
      NAME(update_vector)(formula, &rule, NAME(load)(g + i), &lanes, &first_lanes, &second_lanes);
      NAME(store)(p + i, lanes);
      if (keeps_first) NAME(store)(m + i, first_lanes);
      if (keeps_second) NAME(store)(v + i, second_lanes);
    }
    const ptrdiff_t rest = parameters.columns - i;
    if (rest == 0) continue;
    // The last few, in a vector of their own.
    ELEMENT room[4][LANES] = {{0}};
    NAME(copy)(room[0], p + i, rest);
    NAME(copy)(room[1], g + i, rest);
    if (keeps_first) NAME(copy)(room[2], m + i, rest);
    if (keeps_second) NAME(copy)(room[3], v + i, rest);
    VECTOR lanes = NAME(load)(room[0]), first_lanes = NAME(load)(room[2]), second_lanes = NAME(load)(room[3]);
    NAME(update_vector)(formula, &rule, NAME(load)(room[1]), &lanes, &first_lanes, &second_lanes);
    NAME(store)(room[0], lanes);
    NAME(store)(room[2], first_lanes);
    NAME(store)(room[3], second_lanes);
    NAME(copy)(p + i, room[0], rest);
    if (keeps_first) NAME(copy)(m + i, room[2], rest);
    if (keeps_second) NAME(copy)(v + i, room[3], rest);
  }
}

static void NAME(update)(const lockstep_elements *elements, lockstep_argument argument) {
#define FORMULA(formula) \
  case formula: return NAME(update_rows)(formula, elements, argument.rule);
  switch (argument.rule->formula) {
    FORMULA(LOCKSTEP_DESCENT_UPDATE)
    FORMULA(LOCKSTEP_MOMENTUM_UPDATE)
    FORMULA(LOCKSTEP_NESTEROV_UPDATE)
    FORMULA(LOCKSTEP_RMSPROP_UPDATE)
    FORMULA(LOCKSTEP_ADAM_UPDATE)
  }
#undef FORMULA
}

/// A leaf of a sum of squares: 16 stripes, folded.
static inline INLINED double NAME(leaf_of_squares)(const ELEMENT *elements, ptrdiff_t count) {
  WIDE chains[STRIPE_VECTORS];
  for (int v = 0; v < STRIPE_VECTORS; ++v) chains[v] = (WIDE)(0.0);
  ptrdiff_t i = 0;
  for (; i + STRIPES <= count; i += STRIPES) {
#pragma clang loop unroll(full)
    for (int v = 0; v < STRIPE_VECTORS; ++v) {
      const WIDE x = __builtin_convertvector(NAME(load)(elements + i + v * LANES), WIDE);
      chains[v] = __builtin_elementwise_fma(x, x, chains[v]);
    }
  }
  double stripes[STRIPES];
  memcpy(stripes, chains, sizeof stripes);
  for (int s = 0; i < count; ++i, ++s) {
    const double x = elements[i];
    stripes[s] = __builtin_elementwise_fma(x, x, stripes[s]);
  }
  for (int half = STRIPES / 2; half > 0; half /= 2) {
    for (int s = 0; s < half; ++s) stripes[s] = stripes[s] + stripes[s + half];
  }
  return stripes[0];
}

/// Copies elements `first..<first + count` of the rows one after the other. Not inlined, it takes no register from sums over
/// elements without gaps.
static __attribute__((noinline)) void NAME(gather)(lockstep_matrix matrix, ptrdiff_t first, ptrdiff_t count,
                                                   ELEMENT *to) {
  const ELEMENT *from = (const ELEMENT *)matrix.base + first / matrix.columns * matrix.stride;
  for (ptrdiff_t column = first % matrix.columns, part; count > 0; count -= part, to += part, column = 0) {
    part = matrix.columns - column < count ? matrix.columns - column : count;
    NAME(copy)(to, from + column, part);
    from += matrix.stride;
  }
}

static double NAME(sum_of_squares)(lockstep_matrix matrix, ptrdiff_t first, ptrdiff_t count) {
  const bool gathers = matrix.rows > 1 && matrix.stride != matrix.columns;
  ELEMENT gathered[LEAF_ROWS];
  // As many nodes wait as a leaf's number has ones.
  double nodes[64] = {0};
  const ptrdiff_t leaves = (count + LEAF_ROWS - 1) / LEAF_ROWS;
  for (ptrdiff_t leaf = 0; leaf < leaves; ++leaf, first += LEAF_ROWS, count -= LEAF_ROWS) {
    const ptrdiff_t size = count < LEAF_ROWS ? count : LEAF_ROWS;
    if (gathers) NAME(gather)(matrix, first, size, gathered);
    ptrdiff_t slot = lockstep_leaf_slot(leaf);
    nodes[slot] = NAME(leaf_of_squares)(gathers ? gathered : (const ELEMENT *)matrix.base + first, size);
    for (ptrdiff_t merges = lockstep_merges_after(leaf, leaves); merges > 0; --merges, --slot) {
      nodes[slot - 1] = nodes[slot - 1] + nodes[slot];
    }
  }
  return nodes[0];
}
