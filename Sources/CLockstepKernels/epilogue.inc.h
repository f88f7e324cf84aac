// What becomes of a tile of finished sums: bias, activation or its derivative, and the way to the result.

/// The start of row `row` of the result.
static inline ELEMENT *NAME(result_row)(const lockstep_product *product, ptrdiff_t row) {
  return row < product->result_rows ? (ELEMENT *)product->result + row * product->stride : product->extra_row;
}

/// Where a tile lies: its lines, and how many of its lanes there are.
typedef struct {
  ptrdiff_t row, rows, lane, lanes, width;
} NAME(place);

/// Sets a tile to zero that has lanes beyond the result: they are computed, too.
static inline INLINED void NAME(clear_beyond)(NAME(place) at, VECTOR *tile) {
  for (ptrdiff_t i = 0; at.lanes < at.width && i < at.rows * (at.width / LANES); ++i) tile[i] = NAME(splat)(0);
}

/// Reads the elements that lie where a tile does, in a matrix without an extra row.
static void NAME(load_tile)(const lockstep_product *product, NAME(place) at, const ELEMENT *from, ptrdiff_t stride,
                            ELEMENT *tile) {
  if (product->transposed) {
    NAME(transpose)(at.lanes, at.rows, from + at.lane * stride + at.row, stride, tile, at.width);
  } else {
    for (ptrdiff_t i = 0; i < at.rows; ++i) {
      NAME(copy)(tile + i * at.width, from + (at.row + i) * stride + at.lane, at.lanes);
    }
  }
}

/// Reads the elements of the result that a tile will replace.
static void NAME(load_result)(const lockstep_product *product, NAME(place) at, ELEMENT *tile) {
  if (product->transposed) {
    for (ptrdiff_t lane = 0; lane < at.lanes; ++lane) {
      const ELEMENT *from = NAME(result_row)(product, at.lane + lane) + at.row;
      for (ptrdiff_t i = 0; i < at.rows; ++i) tile[i * at.width + lane] = from[i];
    }
  } else {
    for (ptrdiff_t i = 0; i < at.rows; ++i) {
      NAME(copy)(tile + i * at.width, NAME(result_row)(product, at.row + i) + at.lane, at.lanes);
    }
  }
}

/// Writes a tile to the result.
static void NAME(store_tile)(const lockstep_product *product, NAME(place) at, const ELEMENT *tile) {
  if (product->transposed) {
    const ptrdiff_t inside = product->result_rows - at.lane;
    const ptrdiff_t lanes = inside < at.lanes ? inside : at.lanes;
    NAME(transpose)(at.rows, lanes, tile, at.width, NAME(result_row)(product, at.lane) + at.row, product->stride);
    for (ptrdiff_t lane = lanes; lane < at.lanes; ++lane) {
      ELEMENT *to = NAME(result_row)(product, at.lane + lane) + at.row;
      for (ptrdiff_t i = 0; i < at.rows; ++i) to[i] = tile[i * at.width + lane];
    }
  } else {
    for (ptrdiff_t i = 0; i < at.rows; ++i) {
      NAME(copy)(NAME(result_row)(product, at.row + i) + at.lane, tile + i * at.width, at.lanes);
    }
  }
}

/// The epilogue of a finished tile.
static void NAME(finish_tile)(const lockstep_product *product, NAME(place) at, VECTOR *sums) {
  const ptrdiff_t vectors = at.width / LANES;
  const ptrdiff_t count = at.rows * vectors;
  if (product->epilogue == LOCKSTEP_ADD_BIAS_AND_ACTIVATE) {
    const ELEMENT *bias = product->bias;
    if (product->transposed) {
      for (ptrdiff_t i = 0; i < at.rows; ++i) {
        const VECTOR b = NAME(splat)(bias[at.row + i]);
        for (ptrdiff_t j = 0; j < vectors; ++j) sums[i * vectors + j] = sums[i * vectors + j] + b;
      }
    } else {
      VECTOR b[TILE_VECTORS] = {0};
      NAME(copy)((ELEMENT *)b, bias + at.lane, at.lanes);
      for (ptrdiff_t i = 0; i < at.rows; ++i) {
        for (ptrdiff_t j = 0; j < vectors; ++j) sums[i * vectors + j] = sums[i * vectors + j] + b[j];
      }
    }
    NAME(activate)(product->activation, sums, count);
  } else if (product->epilogue == LOCKSTEP_BACKWARD_ACTIVATION && product->activation != LOCKSTEP_IDENTITY) {
    VECTOR values[TILE_SUMS];
    NAME(clear_beyond)(at, values);
    NAME(load_tile)(product, at, product->values, product->value_stride, (ELEMENT *)values);
    NAME(activate_backward)(product->activation, sums, (const NAME(unaligned) *)values, count);
  } else if (product->epilogue == LOCKSTEP_DESCEND) {
    VECTOR parameters[TILE_SUMS];
    NAME(clear_beyond)(at, parameters);
    NAME(load_result)(product, at, (ELEMENT *)parameters);
    const VECTOR rate = NAME(splat)((ELEMENT)product->learning_rate);
    for (ptrdiff_t i = 0; i < count; ++i) sums[i] = parameters[i] - rate * sums[i];
  }
  NAME(store_tile)(product, at, (const ELEMENT *)sums);
}
