// Products that packing would only slow down: layers of few features, and few rows at a time.

// MARK: - Few features

// Rows in flight: their columns stay in the first-level cache.
#define CHUNK (512 / (ptrdiff_t)sizeof(ELEMENT))

/// Rows of one column of a product: the chains of `vectors` vectors of rows, several at a time, over columns of `x`
/// that lie `apart` elements apart.
static inline INLINED void NAME(column_chains)(const int vectors, ptrdiff_t depth, const ELEMENT *x, ptrdiff_t apart,
                                               const ELEMENT *w, ptrdiff_t w_stride, ELEMENT *sums) {
  VECTOR sum[4];
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; ++v) sum[v] = NAME(splat)(0);
  for (ptrdiff_t k = 0; k < depth; ++k) {
    const VECTOR factor = NAME(splat)(w[k * w_stride]);
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; ++v) {
      sum[v] = __builtin_elementwise_fma(NAME(load)(x + k * apart + v * LANES), factor, sum[v]);
    }
  }
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; ++v) NAME(store)(sums + v * LANES, sum[v]);
}

/// Rows `row_begin..<row_end` of a product of no more than MOST_FEATURES by MOST_FEATURES weights, rows along the
/// lanes.
static void NAME(few_features)(const lockstep_product *product, ptrdiff_t row_begin, ptrdiff_t row_end) {
  const ptrdiff_t columns = product->lanes.lines, depth = product->depth;
  const ELEMENT *weights = product->lanes.base, *bias = product->bias;
  VECTOR inputs[MOST_FEATURES * CHUNK / LANES], sums[MOST_FEATURES * CHUNK / LANES];
  VECTOR values[MOST_FEATURES * CHUNK / LANES];
  for (ptrdiff_t row = row_begin; row < row_end; row += CHUNK) {
    const ptrdiff_t rows = row_end - row < CHUNK ? row_end - row : CHUNK;
    const ptrdiff_t vectors = (rows + LANES - 1) / LANES;
    const lockstep_matrix input = {(const ELEMENT *)product->rows.base + row * product->rows.line_stride, rows, depth,
                                   product->rows.line_stride};
    const ELEMENT *x = NAME(split_columns)(input, LANES, 0, (ELEMENT *)inputs, CHUNK);
    const ELEMENT *y = NULL;
    if (product->epilogue == LOCKSTEP_BACKWARD_ACTIVATION && product->activation != LOCKSTEP_IDENTITY) {
      const lockstep_matrix value = {(const ELEMENT *)product->values + row * product->value_stride, rows, columns,
                                     product->value_stride};
      y = NAME(split_columns)(value, LANES, 0, (ELEMENT *)values, CHUNK);
    }
    for (ptrdiff_t column = 0; column < columns; ++column) {
      VECTOR *sum = sums + column * (CHUNK / LANES);
      const ELEMENT *w = weights + column * product->lanes.line_stride;
      ptrdiff_t v = 0;
      for (; v + 4 <= vectors; v += 4) {
        NAME(column_chains)(4, depth, x + v * LANES, CHUNK, w, product->lanes.depth_stride, (ELEMENT *)(sum + v));
      }
      for (; v < vectors; ++v) {
        NAME(column_chains)(1, depth, x + v * LANES, CHUNK, w, product->lanes.depth_stride, (ELEMENT *)(sum + v));
      }
      if (product->epilogue == LOCKSTEP_ADD_BIAS_AND_ACTIVATE) {
        for (v = 0; v < vectors; ++v) sum[v] = sum[v] + NAME(splat)(bias[column]);
        NAME(activate)(product->activation, sum, vectors);
      } else if (y != NULL) {
        NAME(activate_backward)(product->activation, sum, (const NAME(unaligned) *)(y + column * CHUNK), vectors);
      }
    }
    NAME(transpose)(columns, rows, (const ELEMENT *)sums, CHUNK, (ELEMENT *)product->result + row * product->stride,
                    product->stride);
  }
}

#undef CHUNK

// MARK: - Few rows

// The operand streams once, row by row, as it lies in memory: its bytes are what such a product waits for.

// The most rows: their factors of a step or more fit in registers beside the lanes.
#define MOST_STREAMED_ROWS 4

// The most steps of depth at a time: a sum is loaded and stored once for all of them.
#define STEPS 4

/// True where a product has so few rows that the other operand is better read once, in place, than packed.
static bool NAME(suits_few_rows)(const lockstep_product *product, ptrdiff_t rows, ptrdiff_t lanes) {
  return !product->tree && !product->transposed && product->lanes.line_stride == 1 && rows >= 1 &&
         rows <= MOST_STREAMED_ROWS && lanes >= LANES;
}

/// Adds `steps` products to the sums of each of `rows` rows and `vectors` vectors of lanes; the sums of a vector lie
/// side by side, as tiles have them. `ahead` is how far what will be wanted next lies from what is read now.
static inline INLINED void NAME(stream_steps)(const int rows, const int steps, const ELEMENT *a, ptrdiff_t a_stride,
                                              const ELEMENT *b, ptrdiff_t b_stride, ptrdiff_t ahead, ptrdiff_t vectors,
                                              VECTOR *sums) {
  VECTOR factors[MOST_STREAMED_ROWS][STEPS];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; ++i) {
#pragma clang loop unroll(full)
    for (int s = 0; s < steps; ++s) factors[i][s] = NAME(splat)(a[i * a_stride + s]);
  }
#pragma clang loop unroll_count(2)
  for (ptrdiff_t v = 0; v < vectors; ++v) {
    VECTOR lanes[STEPS];
#pragma clang loop unroll(full)
    for (int s = 0; s < steps; ++s) {
      lanes[s] = NAME(load)(b + s * b_stride);
      __builtin_prefetch(b + s * b_stride + ahead);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; ++i) {
      VECTOR sum = sums[i];
#pragma clang loop unroll(full)
      for (int s = 0; s < steps; ++s) sum = __builtin_elementwise_fma(factors[i][s], lanes[s], sum);
      sums[i] = sum;
    }
    b += LANES;
    sums += rows;
  }
}

/// Whole vectors of lanes, for all rows.
static inline INLINED void NAME(stream_lanes)(const int rows, const lockstep_product *product, ptrdiff_t row,
                                              ptrdiff_t lane, ptrdiff_t lanes, VECTOR *sums) {
  const ptrdiff_t vectors = lanes / LANES;
  for (ptrdiff_t i = 0; i < vectors * rows; ++i) sums[i] = NAME(splat)(0);
  const ELEMENT *a = (const ELEMENT *)product->rows.base + row * product->rows.line_stride;
  const ELEMENT *b = (const ELEMENT *)product->lanes.base + lane;
  const ptrdiff_t a_stride = product->rows.line_stride, b_stride = product->lanes.depth_stride;
  // The factors of all steps stay in registers.
  const int steps = rows <= 2 ? STEPS : STEPS / 2;
  ptrdiff_t k = 0;
  for (; k + steps <= product->depth; k += steps) {
    const ptrdiff_t ahead = k + 2 * steps <= product->depth ? steps * b_stride : 0;
    NAME(stream_steps)(rows, steps, a + k, a_stride, b + k * b_stride, b_stride, ahead, vectors, sums);
  }
  for (; k < product->depth; ++k) {
    NAME(stream_steps)(rows, 1, a + k, a_stride, b + k * b_stride, b_stride, 0, vectors, sums);
  }
  for (ptrdiff_t v = 0; v < vectors; ++v) {
    NAME(finish_tile)(product, (NAME(place)){row, rows, lane + v * LANES, LANES, LANES}, sums + v * rows);
  }
}

/// A part of a result that NAME(suits_few_rows) accepts. What is left over the last whole vector is computed in a
/// vector that ends where the part does: its first lanes are computed and written twice, with the same bits.
static void NAME(multiply_few_rows)(const lockstep_product *product, ptrdiff_t row_begin, ptrdiff_t row_end,
                                    ptrdiff_t lane_begin, ptrdiff_t lane_end) {
  const ptrdiff_t rows = row_end - row_begin;
  const ptrdiff_t whole = (lane_end - lane_begin) / LANES * LANES;
  VECTOR *sums = lockstep_workspace(LOCKSTEP_PANELS, (size_t)(whole * rows) * sizeof(ELEMENT));
#define STREAM(rows)                                                                                              \
  case rows:                                                                                                      \
    NAME(stream_lanes)(rows, product, row_begin, lane_begin, whole, sums);                                        \
    if (lane_begin + whole < lane_end) NAME(stream_lanes)(rows, product, row_begin, lane_end - LANES, LANES, sums); \
    break;
  switch (rows) {
    STREAM(1)
    STREAM(2)
    STREAM(3)
    STREAM(4)
  }
#undef STREAM
}

#undef STEPS
