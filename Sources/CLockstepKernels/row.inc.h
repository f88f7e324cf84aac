// One row through a dense layer, whose sums stay in registers from the first step of the depth to the activation. Nothing is
// packed or stored in between, so a small network answers in little more than the chains take.

/// The vectors of a strip: as many chains as two units with a latency of four cycles keep going.
#define ROW_VECTORS 8
/// What the weights may take up: half of a second-level cache of 512 KB, or a quarter of one of a megabyte.
#define ROW_BYTES (256 << 10)

/// The activation of `vectors` sums and their way to the result.
static inline INLINED void NAME(finish_row)(const int vectors, lockstep_activation activation, VECTOR *sums,
                                            ELEMENT *result, ptrdiff_t last) {
  if (activation == LOCKSTEP_RELU) {
    const VECTOR zero = NAME(splat)(0);
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; ++j) sums[j] = sums[j] < zero ? zero : sums[j];
  } else if (activation != LOCKSTEP_IDENTITY) {
    // A copy, as sums with an address would never be in registers.
    VECTOR values[ROW_VECTORS];
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; ++j) values[j] = sums[j];
    NAME(activate)(activation, values, vectors);
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; ++j) sums[j] = values[j];
  }
#pragma clang loop unroll(full)
  for (int j = 0; j < vectors; ++j) NAME(store)(result + (j < vectors - 1 ? j * LANES : last), sums[j]);
}

/// The sums of `vectors` vectors from `lane` on, of which the last begins `last` lanes after it: less than its place where
/// it overlaps its neighbour, as it ends where the columns do.
static inline INLINED void NAME(row_strip)(const int vectors, const lockstep_product *product, ptrdiff_t lane,
                                           ptrdiff_t last) {
  const ELEMENT *a = product->rows.base, *b = (const ELEMENT *)product->lanes.base + lane;
  const ELEMENT *bias = (const ELEMENT *)product->bias + lane;
  const ptrdiff_t depth = product->depth, step = product->lanes.depth_stride;
  VECTOR sums[ROW_VECTORS];
#pragma clang loop unroll(full)
  for (int j = 0; j < vectors; ++j) sums[j] = NAME(splat)(0);
  for (ptrdiff_t k = 0; k < depth; ++k, b += step) {
    const VECTOR factor = NAME(splat)(a[k]);
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; ++j) {
      sums[j] = __builtin_elementwise_fma(factor, NAME(load)(b + (j < vectors - 1 ? j * LANES : last)), sums[j]);
    }
  }
#pragma clang loop unroll(full)
  for (int j = 0; j < vectors; ++j) sums[j] = sums[j] + NAME(load)(bias + (j < vectors - 1 ? j * LANES : last));
  NAME(finish_row)(vectors, product->activation, sums, (ELEMENT *)product->result + lane, last);
}

/// Fewer columns than a vector has lanes: chains side by side, each an element wide.
static void NAME(narrow_row)(const lockstep_product *product) {
  const ELEMENT *a = product->rows.base, *b = product->lanes.base, *bias = product->bias;
  const ptrdiff_t columns = product->lanes.lines, depth = product->depth, step = product->lanes.depth_stride;
  VECTOR sum = NAME(splat)(0);
  ELEMENT *result = product->result;
  ptrdiff_t k = 0;
  if (columns == 1) {
    ELEMENT chain = 0;
    for (; k < depth; ++k) chain = __builtin_elementwise_fma(a[k], b[k * step], chain);
    sum[0] = chain;
  } else {
    // A vector may reach into the next row of weights, whose sums are thrown away; but not over the last one's end.
    for (; step == columns && k * step + LANES <= depth * step; ++k) {
      sum = __builtin_elementwise_fma(NAME(splat)(a[k]), NAME(load)(b + k * step), sum);
    }
    for (; k < depth; ++k) {
      VECTOR weights = NAME(splat)(0);
      NAME(copy)((ELEMENT *)&weights, b + k * step, columns);
      sum = __builtin_elementwise_fma(NAME(splat)(a[k]), weights, sum);
    }
  }
  VECTOR addend = NAME(splat)(0);
  NAME(copy)((ELEMENT *)&addend, bias, columns);
  sum = sum + addend;
  NAME(activate)(product->activation, &sum, 1);
  NAME(copy)(result, (const ELEMENT *)&sum, columns);
}

static bool NAME(row)(const lockstep_product *product) {
  const ptrdiff_t lanes = product->lanes.lines, vectors = (lanes + LANES - 1) / LANES;
  // From afar, weights come faster in whole rows: see NAME(multiply_few_rows). What is near is worth no second thread.
  if (product->depth * lanes * (ptrdiff_t)sizeof(ELEMENT) > ROW_BYTES) return false;
  if (lanes < LANES) {
    NAME(narrow_row)(product);
    return true;
  }
  ptrdiff_t count;
  for (ptrdiff_t vector = 0; vector < vectors; vector += count) {
    count = vectors - vector < ROW_VECTORS ? vectors - vector : ROW_VECTORS;
    const ptrdiff_t lane = vector * LANES;
    const ptrdiff_t last = vector + count == vectors ? lanes - LANES - lane : (count - 1) * LANES;
    switch (count) {
#define STRIP(count)                             \
  case count:                                    \
    NAME(row_strip)(count, product, lane, last); \
    break;
      STRIP(1)
      STRIP(2)
      STRIP(3)
      STRIP(4)
      STRIP(5)
      STRIP(6)
      STRIP(7)
      STRIP(8)
#undef STRIP
    }
  }
  return true;
}

#undef ROW_BYTES
#undef ROW_VECTORS
