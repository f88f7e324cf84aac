// The kernels for one kind of vector. Included once for each, with
//   VECTORS         the suffix of its names
//   REGISTER_BYTES  the size of a vector
//   TILE_ROWS, TILE_VECTORS  the register tile

#define CONCATENATE(name, set) lockstep_price_##name##_##set
#define EXPAND(name, set) CONCATENATE(name, set)
#define NAME(name) EXPAND(name, VECTORS)
#define LANES (REGISTER_BYTES / 4)
#define VECTOR NAME(vector)

typedef float NAME(vector) __attribute__((ext_vector_type(LANES)));
typedef float NAME(unaligned) __attribute__((ext_vector_type(LANES), aligned(4), may_alias));

/// One tile of sums over `steps` steps. A chain goes on from `to`; a partial sum is added to `to`; a leaf takes the
/// nodes that it completes, nearest first, and goes to `to`.
static inline INLINED void NAME(tile)(const lockstep_price_order order, ptrdiff_t steps, const float *a,
                                      const float *b, VECTOR *to, bool first, const VECTOR *const *nodes, int merges) {
  VECTOR sums[TILE_ROWS][TILE_VECTORS];
  const bool fresh = order != LOCKSTEP_PRICE_CHAIN || first;
#pragma clang loop unroll(full)
  for (int i = 0; i < TILE_ROWS; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < TILE_VECTORS; ++j) sums[i][j] = fresh ? (VECTOR)0 : to[i * TILE_VECTORS + j];
  }
  for (ptrdiff_t k = 0; k < steps; ++k) {
    VECTOR lanes[TILE_VECTORS];
#pragma clang loop unroll(full)
    for (int j = 0; j < TILE_VECTORS; ++j) lanes[j] = ((const VECTOR *)b)[j];
#pragma clang loop unroll(full)
    for (int i = 0; i < TILE_ROWS; ++i) {
      const VECTOR factor = (VECTOR)a[i];
#pragma clang loop unroll(full)
      for (int j = 0; j < TILE_VECTORS; ++j) sums[i][j] = __builtin_elementwise_fma(factor, lanes[j], sums[i][j]);
    }
    a += TILE_ROWS;
    b += TILE_VECTORS * LANES;
  }
  const bool adds = order == LOCKSTEP_PRICE_PARTIAL_SUMS && !first;
#pragma clang loop unroll(full)
  for (int i = 0; i < TILE_ROWS; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < TILE_VECTORS; ++j) {
      if (adds) sums[i][j] = to[i * TILE_VECTORS + j] + sums[i][j];
      if (order == LOCKSTEP_PRICE_TREE) {
        for (int node = 0; node < merges; ++node) sums[i][j] = nodes[node][i * TILE_VECTORS + j] + sums[i][j];
      }
      to[i * TILE_VECTORS + j] = sums[i][j];
    }
  }
}

#define TILE(name, order)                                                                                         \
  static void NAME(name)(ptrdiff_t steps, const float *a, const float *b, VECTOR *to, bool first,                 \
                         const VECTOR *const *nodes, int merges) {                                                \
    NAME(tile)(order, steps, a, b, to, first, nodes, merges);                                                     \
  }
TILE(chain_tile, LOCKSTEP_PRICE_CHAIN)
TILE(partial_tile, LOCKSTEP_PRICE_PARTIAL_SUMS)
TILE(tree_tile, LOCKSTEP_PRICE_TREE)
#undef TILE

typedef void (*NAME(tile_function))(ptrdiff_t, const float *, const float *, VECTOR *, bool, const VECTOR *const *,
                                    int);

/// Lines of the right operand side by side, in panels of a tile's width; what is not there is 0.
static void NAME(pack_right)(const float *right, ptrdiff_t depth_stride, ptrdiff_t columns, ptrdiff_t steps,
                             float *packed) {
  enum { WIDTH = TILE_VECTORS * LANES };
  for (ptrdiff_t column = 0; column < columns; column += WIDTH) {
    const ptrdiff_t lines = columns - column < WIDTH ? columns - column : WIDTH;
    for (ptrdiff_t k = 0; k < steps; ++k, packed += WIDTH) {
      const float *from = right + k * depth_stride + column;
      if (lines == WIDTH) {
        for (int j = 0; j < TILE_VECTORS; ++j) ((VECTOR *)packed)[j] = ((const NAME(unaligned) *)from)[j];
      } else {
        for (ptrdiff_t j = 0; j < WIDTH; ++j) packed[j] = j < lines ? from[j] : 0;
      }
    }
  }
}

/// The same for lines of the left operand, in panels of a tile's height.
static void NAME(pack_left)(const float *left, ptrdiff_t line_stride, ptrdiff_t depth_stride, ptrdiff_t rows,
                            ptrdiff_t steps, float *packed) {
  for (ptrdiff_t row = 0; row < rows; row += TILE_ROWS, packed += TILE_ROWS * steps) {
    if (line_stride == 1 && row + TILE_ROWS <= rows) {
      for (ptrdiff_t k = 0; k < steps; ++k) {
        for (int i = 0; i < TILE_ROWS; ++i) packed[k * TILE_ROWS + i] = left[row + i + k * depth_stride];
      }
      continue;
    }
    for (ptrdiff_t i = 0; i < TILE_ROWS; ++i) {
      const float *from = left + (row + i) * line_stride;
      const bool is_there = row + i < rows;
      for (ptrdiff_t k = 0; k < steps; ++k) packed[k * TILE_ROWS + i] = is_there ? from[k * depth_stride] : 0;
    }
  }
}

static void NAME(run)(lockstep_price_product *p, lockstep_price_order order, const float *left, ptrdiff_t left_line,
                      ptrdiff_t left_depth, const float *right, ptrdiff_t right_depth) {
  const NAME(tile_function) tile = order == LOCKSTEP_PRICE_CHAIN          ? NAME(chain_tile)
                                   : order == LOCKSTEP_PRICE_PARTIAL_SUMS ? NAME(partial_tile)
                                                                          : NAME(tree_tile);
  const ptrdiff_t tiles = p->padded_rows / TILE_ROWS;
  const ptrdiff_t leaves = (p->depth + BLOCK_DEPTH - 1) / BLOCK_DEPTH;
  for (ptrdiff_t leaf = 0; leaf < leaves; ++leaf) {
    const ptrdiff_t skipped = leaf * BLOCK_DEPTH;
    const ptrdiff_t steps = p->depth - skipped < BLOCK_DEPTH ? p->depth - skipped : BLOCK_DEPTH;
    // The pending nodes lie one after the other, as the digits of a binary counter: see the order of arithmetic.
    const int pending = order == LOCKSTEP_PRICE_TREE ? __builtin_popcountll((unsigned long long)leaf) : 0;
    const int merges = order != LOCKSTEP_PRICE_TREE ? 0
                       : leaf + 1 == leaves         ? pending
                                                    : __builtin_ctzll((unsigned long long)leaf + 1);
    NAME(pack_right)(right + skipped * right_depth, right_depth, p->columns, steps, p->packed_right);
    for (ptrdiff_t row = 0; row < tiles * TILE_ROWS; row += BLOCK_ROWS) {
      const ptrdiff_t rows = p->padded_rows - row < BLOCK_ROWS ? p->padded_rows - row : BLOCK_ROWS;
      const ptrdiff_t there = p->rows - row < rows ? p->rows - row : rows;
      NAME(pack_left)(left + row * left_line + skipped * left_depth, left_line, left_depth, there, steps,
                      p->packed_left);
      for (ptrdiff_t column = 0; column < p->padded_columns; column += TILE_VECTORS * LANES) {
        for (ptrdiff_t i = 0; i < rows; i += TILE_ROWS) {
          // Tile after tile, a column of them after the other.
          const ptrdiff_t at = column * p->padded_rows + (row + i) * TILE_VECTORS * LANES;
          const VECTOR *nodes[MOST_NODES];
          for (int node = 0; node < merges; ++node) nodes[node] = (VECTOR *)(p->nodes[pending - 1 - node] + at);
          tile(steps, p->packed_left + i * steps, p->packed_right + column * steps,
               (VECTOR *)(p->nodes[pending - merges] + at), leaf == 0, nodes, merges);
        }
      }
    }
  }
}

static float NAME(dot)(const float *a, const float *b, ptrdiff_t count) {
  enum { CHAINS = 8 };
  VECTOR sums[CHAINS] = {0};
  ptrdiff_t k = 0;
  for (; k + CHAINS * LANES <= count; k += CHAINS * LANES) {
#pragma clang loop unroll(full)
    for (int i = 0; i < CHAINS; ++i) {
      sums[i] = __builtin_elementwise_fma(*(const NAME(unaligned) *)(a + k + i * LANES),
                                          *(const NAME(unaligned) *)(b + k + i * LANES), sums[i]);
    }
  }
  float sum = 0;
  for (; k < count; ++k) sum = __builtin_elementwise_fma(a[k], b[k], sum);
  for (int i = 1; i < CHAINS; ++i) sums[0] = sums[0] + sums[i];
  for (int lane = 0; lane < LANES; ++lane) sum = sum + sums[0][lane];
  return sum;
}

static const kernels NAME(kernels) = {TILE_ROWS, TILE_VECTORS * LANES, NAME(run), NAME(dot)};

#undef CONCATENATE
#undef EXPAND
#undef NAME
#undef LANES
#undef VECTOR
#undef VECTORS
#undef REGISTER_BYTES
#undef TILE_ROWS
#undef TILE_VECTORS
