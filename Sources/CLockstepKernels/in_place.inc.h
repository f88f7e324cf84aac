// Products whose operands lie in the nearest caches: a register tile reads its rows where they are, at any stride, and
// its lanes too where they lie side by side. Packing would cost as much there as a good part of the product.

/// What the operands may take up.
#define IN_PLACE_BYTES (256 << 10)
/// The lanes that few rows read where they are: those from memory come too slowly by strips.
#define STREAMED_BYTES (4 << 20)
/// The usual size of the cache next to the registers.
#define FIRST_LEVEL_BYTES (32 << 10)
/// Lines that lie a multiple of this apart share a set of that cache.
#define SET_PERIOD_BYTES (4 << 10)
/// What transposing an element costs, in multiply-adds of one lane.
#define TRANSPOSE_COST 6
/// The vectors of a tile of one row: as many chains as a multiply-add takes cycles.
#define LONE_VECTORS 4

/// What tiles compute, and what becomes of their sums.
typedef struct {
  const lockstep_product *product;
  /// Vectors of lanes: vector `j` of step `k` at `lanes + k * lane_step + j * LANES`, but the last at `+ last_lanes`.
  const ELEMENT *lanes;
  ptrdiff_t lane_step, last_lanes;
  /// The first lane, and how far the last vector begins after it: less than its place where vectors overlap, as the
  /// last ends where the lanes do.
  ptrdiff_t lane, last;
  /// Where the rows of sums go, and what becomes of them first.
  ELEMENT *result;
  ptrdiff_t stride;
  lockstep_epilogue epilogue;
} NAME(strip);

/// The activation of a tile that holds the sums it takes, or its derivative, where it is more than a comparison. All is
/// read before anything is written, as vectors may overlap.
static void NAME(activate_tile)(const NAME(strip) * strip, ptrdiff_t rows, ptrdiff_t vectors, ELEMENT *result,
                                const ELEMENT *values) {
  const lockstep_product *product = strip->product;
  VECTOR sums[TILE_SUMS], y[TILE_SUMS];
  ELEMENT *at[TILE_SUMS];
  const bool backward = strip->epilogue == LOCKSTEP_BACKWARD_ACTIVATION;
  for (ptrdiff_t n = 0; n < rows * vectors; ++n) {
    const ptrdiff_t i = n / vectors, j = n % vectors, lane = strip->lane + (j < vectors - 1 ? j * LANES : strip->last);
    at[n] = result + i * strip->stride + lane;
    sums[n] = NAME(load)(at[n]);
    if (backward) y[n] = NAME(load)(values + i * product->value_stride + lane);
  }
  if (backward) {
    NAME(activate_backward)(product->activation, sums, (const NAME(unaligned) *)y, rows * vectors);
  } else {
    NAME(activate)(product->activation, sums, rows * vectors);
  }
  for (ptrdiff_t n = 0; n < rows * vectors; ++n) NAME(store)(at[n], sums[n]);
}

#define EACH_VECTOR _Pragma("clang loop unroll(full)") for (int j = 0; j < vectors; ++j)
#define EACH_ROW _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; ++i)

/// Sums of `rows` lines by `vectors` vectors, `tiles` times, from line `row` on. With `ones`, the last line is the one
/// of all ones.
static inline INLINED void NAME(strip_tiles)(const int rows, const int vectors, const bool ones,
                                             const NAME(strip) * strip, ptrdiff_t row, ptrdiff_t tiles) {
  const lockstep_product *product = strip->product;
  const VECTOR zero = NAME(splat)(0);
  const int factors = ones ? rows - 1 : rows;
  const ptrdiff_t line_stride = product->rows.line_stride, row_step = product->rows.depth_stride;
  const ptrdiff_t lane_step = strip->lane_step, last_lanes = strip->last_lanes, depth = product->depth;
  const ptrdiff_t lane = strip->lane, last = strip->last;
  const lockstep_epilogue epilogue = strip->epilogue;
  const lockstep_activation activation = product->activation;
  const bool elementary = (epilogue == LOCKSTEP_ADD_BIAS_AND_ACTIVATE || epilogue == LOCKSTEP_BACKWARD_ACTIVATION) &&
                          activation != LOCKSTEP_IDENTITY && activation != LOCKSTEP_RELU;
  const ELEMENT *first = (const ELEMENT *)product->rows.base + row * line_stride;
  ELEMENT *result = strip->result + row * strip->stride;
  const ptrdiff_t stride = strip->stride;
  ELEMENT *extra_row = product->extra_row;
  const ELEMENT *bias = product->bias, *values = product->values;
  const ptrdiff_t value_stride = product->value_stride;
  if (bias != NULL && product->transposed) bias += row;
  if (values != NULL) values += row * value_stride;

#define RESULT(i) (ones && (i) == rows - 1 ? extra_row : result + (i) * stride)
#define LANE(j) (lane + (j < vectors - 1 ? j * LANES : last))
// One step of depth for row `i`.
#define STEP(i)                                                                                     \
  if (ones && (i) == rows - 1) {                                                                    \
    EACH_VECTOR sum[i][j] = sum[i][j] + lanes[j];                                                   \
  } else {                                                                                          \
    const VECTOR factor = NAME(splat)(a[(i) / 3][(i) % 3 * line_stride]);                           \
    EACH_VECTOR sum[i][j] = __builtin_elementwise_fma(factor, lanes[j], sum[i][j]);                 \
  }
// The last step of each row, and at once what becomes of its sums: a dozen stores in a row would keep the multiply-adds
// of the next tile waiting for more than twenty cycles. The barrier keeps the compiler from gathering them.
#define FINISH(value)                                                                               \
  EACH_ROW {                                                                                        \
    STEP(i)                                                                                         \
    EACH_VECTOR sum[i][j] = value;                                                                  \
    EACH_VECTOR NAME(store)(RESULT(i) + LANE(j), sum[i][j]);                                        \
    __asm__ volatile("" ::: "memory");                                                              \
  }
#define RECTIFIED(value) ((value) < zero ? zero : (value))

  for (; tiles > 0; --tiles) {
    VECTOR sum[TILE_ROWS][LONE_VECTORS], lanes[LONE_VECTORS];
    EACH_ROW EACH_VECTOR sum[i][j] = zero;
    const ELEMENT *b = strip->lanes;
    // An address reaches three lines from one pointer: more would be a chain of additions as long as the multiply-adds.
    const ELEMENT *a[(TILE_ROWS + 2) / 3];
#pragma clang loop unroll(full)
    for (int i = 0; i < factors; i += 3) {
      a[i / 3] = first + i * line_stride;
      __asm__("" : "+r"(a[i / 3]));
    }
#pragma clang loop unroll_count(2)
    for (ptrdiff_t k = depth; k > 1; --k) {
      EACH_VECTOR lanes[j] = NAME(load)(b + (j < vectors - 1 ? j * LANES : last_lanes));
      EACH_ROW STEP(i)
#pragma clang loop unroll(full)
      for (int i = 0; i < factors; i += 3) a[i / 3] += row_step;
      b += lane_step;
    }
    EACH_VECTOR lanes[j] = NAME(load)(b + (j < vectors - 1 ? j * LANES : last_lanes));
    if (epilogue == LOCKSTEP_DESCEND) {
      // A strip holds both of the vectors that overlap, and all of a row is read before anything is written.
      const VECTOR rate = NAME(splat)((ELEMENT)product->learning_rate);
      FINISH(NAME(load)(RESULT(i) + LANE(j)) - rate * sum[i][j])
    } else if (epilogue == LOCKSTEP_BACKWARD_ACTIVATION && activation == LOCKSTEP_RELU) {
      FINISH(NAME(load)(values + i * value_stride + LANE(j)) <= zero ? zero : sum[i][j])
    } else if (epilogue != LOCKSTEP_ADD_BIAS_AND_ACTIVATE) {
      FINISH(sum[i][j])
    } else if (product->transposed) {
      if (activation == LOCKSTEP_RELU) {
        FINISH(RECTIFIED(sum[i][j] + NAME(splat)(bias[i])))
      } else {
        FINISH(sum[i][j] + NAME(splat)(bias[i]))
      }
    } else if (activation == LOCKSTEP_RELU) {
      FINISH(RECTIFIED(sum[i][j] + NAME(load)(bias + LANE(j))))
    } else {
      FINISH(sum[i][j] + NAME(load)(bias + LANE(j)))
    }
    if (elementary) NAME(activate_tile)(strip, rows, vectors, result, values);
    first += rows * line_stride;
    result += rows * stride;
    if (values != NULL) values += rows * value_stride;
    if (bias != NULL && product->transposed) bias += rows;
  }
#undef RECTIFIED
#undef FINISH
#undef STEP
#undef LANE
#undef RESULT
}

#undef EACH_ROW
#undef EACH_VECTOR

typedef void (*NAME(strip_function))(const NAME(strip) * strip, ptrdiff_t row, ptrdiff_t tiles);

#define STRIP(rows, vectors)                                                                                   \
  static void NAME(strip_##rows##x##vectors)(const NAME(strip) * strip, ptrdiff_t row, ptrdiff_t tiles) {      \
    NAME(strip_tiles)(rows, vectors, false, strip, row, tiles);                                                \
  }                                                                                                            \
  static void NAME(ones_strip_##rows##x##vectors)(const NAME(strip) * strip, ptrdiff_t row, ptrdiff_t tiles) { \
    NAME(strip_tiles)(rows, vectors, true, strip, row, tiles);                                                 \
  }
#define STRIP_NAME(rows, vectors) {NAME(strip_##rows##x##vectors), NAME(ones_strip_##rows##x##vectors)},

TILES_OF_WIDTH(STRIP, 1)
TILES_OF_WIDTH(STRIP, 2)
#if TILE_VECTORS == 3
TILES_OF_WIDTH(STRIP, 3)
#endif

/// The tile of `vectors` vectors and `rows` rows, at `[vectors - 1][rows - 1]`, without and with a line of ones.
static const NAME(strip_function) NAME(strips)[TILE_VECTORS][TILE_ROWS][2] = {
    {TILES_OF_WIDTH(STRIP_NAME, 1)},
    {TILES_OF_WIDTH(STRIP_NAME, 2)},
#if TILE_VECTORS == 3
    {TILES_OF_WIDTH(STRIP_NAME, 3)},
#endif
};

#define LONE_STRIP(vectors)                                                                              \
  static void NAME(lone_strip_##vectors)(const NAME(strip) * strip, ptrdiff_t row, ptrdiff_t tiles) {    \
    NAME(strip_tiles)(1, vectors, false, strip, row, tiles);                                             \
  }

LONE_STRIP(1)
LONE_STRIP(2)
LONE_STRIP(3)
LONE_STRIP(4)

/// The tile of one row and `vectors` vectors, at `[vectors - 1]`.
static const NAME(strip_function) NAME(lone_strips)[LONE_VECTORS] = {
    NAME(lone_strip_1), NAME(lone_strip_2), NAME(lone_strip_3), NAME(lone_strip_4)};

#undef STRIP
#undef STRIP_NAME
#undef LONE_STRIP

/// A product that is not deeper than a leaf where it is a tree, at least LANES lanes wide. Where it is
/// transposed, its sums go to `scratch`, row after row.
static void NAME(multiply_in_place)(const lockstep_product *product, ptrdiff_t rows, ptrdiff_t lanes, ELEMENT *panel,
                                    ELEMENT *scratch) {
  if (rows == 0) return;
  const ptrdiff_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  const ptrdiff_t vectors = (lanes + LANES - 1) / LANES;
  const bool ones = rows > product->rows.lines;
  NAME(strip) strip = {.product = product, .result = product->result, .stride = product->stride,
                       .epilogue = product->epilogue};
  if (product->transposed) {
    strip.result = scratch;
    strip.stride = lanes;
    if (strip.epilogue == LOCKSTEP_DESCEND) strip.epilogue = LOCKSTEP_STORE;
  }
  // Tiles of as equal a height as there are: the higher ones come first, the line of ones has one of its own.
  const ptrdiff_t height = rows / tiles, higher = rows % tiles;
  // Lanes that fill the first-level cache, a power of two apart, share few of its sets with the rows of the result that
  // a descent reads and writes. Rows of a result that share one set throw out of it the lanes that lie there.
  const ptrdiff_t apart = product->lanes.depth_stride * (ptrdiff_t)sizeof(ELEMENT);
  const bool crowds = strip.epilogue == LOCKSTEP_DESCEND && tiles >= 4 && apart % 256 == 0 &&
                      product->depth * apart >= FIRST_LEVEL_BYTES;
  const bool shares_set = tiles >= 8 && strip.stride * (ptrdiff_t)sizeof(ELEMENT) % SET_PERIOD_BYTES == 0;
  const bool gathers = product->lanes.line_stride != 1, packs = gathers || crowds || shares_set;
  const bool lone = rows == 1 && !ones;
  const ptrdiff_t most = lone ? LONE_VECTORS : TILE_VECTORS;
  // The first strip takes what the others leave, so that the last has both of the vectors that overlap.
  ptrdiff_t count = (vectors - 1) % most + 1;
  for (ptrdiff_t vector = 0; vector < vectors; vector += count, count = most) {
    strip.lane = vector * LANES;
    strip.last = (vector + count == vectors ? lanes - LANES : (vector + count - 1) * LANES) - strip.lane;
    const ELEMENT *from = (const ELEMENT *)product->lanes.base + strip.lane * product->lanes.line_stride;
    strip.lanes = packs ? panel : from;
    strip.lane_step = packs ? count * LANES : product->lanes.depth_stride;
    strip.last_lanes = packs ? (count - 1) * LANES : strip.last;
    for (ptrdiff_t j = 0; packs && j < count; ++j) {
      const ELEMENT *line = from + (j < count - 1 ? j * LANES : strip.last) * product->lanes.line_stride;
      ELEMENT *to = panel + j * LANES;
      if (gathers) {
        NAME(transpose)(LANES, product->depth, line, product->lanes.line_stride, to, strip.lane_step);
      } else {
        for (ptrdiff_t k = 0; k < product->depth; ++k) {
          NAME(store)(to + k * strip.lane_step, NAME(load)(line + k * product->lanes.depth_stride));
        }
      }
    }
    if (lone) {
      NAME(lone_strips)[count - 1](&strip, 0, 1);
      continue;
    }
    if (higher > 0) NAME(strips)[count - 1][height][0](&strip, 0, higher);
    NAME(strips)[count - 1][height - 1][0](&strip, higher * (height + 1), tiles - higher - (ones ? 1 : 0));
    if (ones) NAME(strips)[count - 1][height - 1][1](&strip, rows - height, 1);
  }
}

/// The sums of lines with a line of ones, a few vectors at a time, of which the last overlaps its neighbour.
static void NAME(sum_lines)(const lockstep_operand *operand, ptrdiff_t depth, ELEMENT *sums) {
  const ELEMENT *from = operand->base;
  const ptrdiff_t lines = operand->lines, stride = operand->depth_stride;
  if (lines < LANES) {
    for (ptrdiff_t line = 0; line < lines; ++line) {
      ELEMENT sum = 0;
      for (ptrdiff_t k = 0; k < depth; ++k) sum = sum + from[k * stride + line];
      sums[line] = sum;
    }
    return;
  }
  for (ptrdiff_t line = 0; line < lines; line += 2 * LANES) {
    const ptrdiff_t first = line < lines - LANES ? line : lines - LANES;
    const ptrdiff_t second = first < lines - 2 * LANES ? first + LANES : lines - LANES;
    VECTOR a = NAME(splat)(0), b = a;
    for (ptrdiff_t k = 0; k < depth; ++k) {
      a = a + NAME(load)(from + k * stride + first);
      b = b + NAME(load)(from + k * stride + second);
    }
    NAME(store)(sums + first, a);
    NAME(store)(sums + second, b);
  }
}

/// What a product costs with `lanes` along the lanes: multiply-adds of one lane, a transposed element as much as a few.
static inline ptrdiff_t NAME(in_place_cost)(ptrdiff_t depth, ptrdiff_t rows, const lockstep_operand *lanes,
                                            ptrdiff_t count) {
  const ptrdiff_t packed = lanes->line_stride == 1 ? 0 : TRANSPOSE_COST * count;
  return depth * (rows * ((count + LANES - 1) / LANES * LANES) + packed);
}

/// A product whose lanes are the rows of its result, and its bias gradient where it has one.
static void NAME(multiply_transposed)(const lockstep_product *product, ptrdiff_t columns) {
  const ptrdiff_t rows = product->lanes.lines;
  const size_t sums = (size_t)(rows * columns);
  const ptrdiff_t panel = product->depth * LONE_VECTORS * LANES;
  ELEMENT *scratch = lockstep_workspace(LOCKSTEP_PANELS, (2 * sums + (size_t)(columns + panel)) * sizeof(ELEMENT));
  ELEMENT *gradient = scratch + sums, *bias_gradient = gradient + sums;
  NAME(multiply_in_place)(product, columns, rows, bias_gradient + columns, scratch);
  if (product->epilogue != LOCKSTEP_DESCEND) {
    NAME(transpose)(columns, rows, scratch, rows, product->result, product->stride);
    if (product->extra_row != NULL) NAME(sum_lines)(&product->rows, product->depth, product->extra_row);
    return;
  }
  NAME(transpose)(columns, rows, scratch, rows, gradient, columns);
  NAME(sum_lines)(&product->rows, product->depth, bias_gradient);
  const lockstep_argument rate = {.learning_rate = product->learning_rate};
  NAME(descend)(&(lockstep_elements){.target = {product->result, rows, columns, product->stride},
                                     .operand = {gradient, rows, columns, columns}}, rate);
  NAME(descend)(&(lockstep_elements){.target = {product->extra_row, 1, columns, columns},
                                     .operand = {bias_gradient, 1, columns, columns}}, rate);
}

/// A whole product, with lanes along the columns of the result or along its rows. False, and nothing computed, where
/// neither has a vector's worth, or where its operands leave the nearest caches; but lanes that lie side by side are
/// read where they are, too, if the rows are so few that each is read once or twice.
static bool NAME(in_place)(lockstep_product *product, ptrdiff_t rows, ptrdiff_t columns) {
  if (product->depth == 0 || (product->tree && product->depth > LEAF_ROWS)) return false;
  const ptrdiff_t lane_bytes = product->depth * columns * (ptrdiff_t)sizeof(ELEMENT);
  const bool streams = !product->tree && rows <= 2 * TILE_ROWS && product->lanes.line_stride == 1 &&
                       lane_bytes <= STREAMED_BYTES;
  // One or two rows have too few chains for a tile, and lanes from afar come faster in whole rows: see
  // NAME(suits_few_rows).
  if (rows <= (lane_bytes > IN_PLACE_BYTES ? MOST_STREAMED_ROWS : 2) && columns >= 8 * LANES &&
      NAME(suits_few_rows)(product, rows, columns)) {
    return false;
  }
  if (!streams && product->depth * (rows + columns) * (ptrdiff_t)sizeof(ELEMENT) > IN_PLACE_BYTES) return false;
  const lockstep_operand left = product->rows;
  const bool fits = columns >= LANES;
  const bool fits_exchanged =
      left.lines >= LANES &&
      (product->epilogue != LOCKSTEP_BACKWARD_ACTIVATION || product->activation == LOCKSTEP_IDENTITY);
  if (fits_exchanged &&
      (!fits || NAME(in_place_cost)(product->depth, columns, &left, left.lines) + TRANSPOSE_COST * rows * columns <
                    NAME(in_place_cost)(product->depth, rows, &product->lanes, columns))) {
    lockstep_exchange_operands(product);
    NAME(multiply_transposed)(product, columns);
    return true;
  }
  if (!fits) return false;
  // What streams is never packed.
  const ptrdiff_t panel = lane_bytes <= IN_PLACE_BYTES ? product->depth * LONE_VECTORS * LANES : 0;
  ELEMENT *memory = lockstep_workspace(LOCKSTEP_PANELS, (size_t)panel * sizeof(ELEMENT));
  NAME(multiply_in_place)(product, rows, columns, memory, NULL);
  return true;
}

#undef IN_PLACE_BYTES
#undef MOST_STREAMED_ROWS
#undef STREAMED_BYTES
#undef FIRST_LEVEL_BYTES
#undef SET_PERIOD_BYTES
#undef LONE_VECTORS
#undef TRANSPOSE_COST
