// The register tile: sums of TILE_ROWS lines by TILE_VECTORS vectors of lanes, and every smaller size, so that the
// edges of a result cost little more than their share.

/// Adds `depth` products to each of `rows` by `vectors` chains, in ascending order. The chains start from `sums`, or
/// from +0 where `fresh`, and are left in `sums`.
static inline INLINED void NAME(tile)(const int rows, const int vectors, ptrdiff_t depth, const ELEMENT *a,
                                      const ELEMENT *b, VECTOR *sums, bool fresh) {
  VECTOR sum[TILE_ROWS][TILE_VECTORS];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; ++j) sum[i][j] = fresh ? NAME(splat)(0) : sums[i * vectors + j];
  }
  for (ptrdiff_t k = 0; k < depth; ++k) {
    VECTOR lanes[TILE_VECTORS];
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; ++j) lanes[j] = ((const VECTOR *)b)[j];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; ++i) {
      const VECTOR factor = NAME(splat)(a[i]);
#pragma clang loop unroll(full)
      for (int j = 0; j < vectors; ++j) sum[i][j] = __builtin_elementwise_fma(factor, lanes[j], sum[i][j]);
    }
    a += rows;
    b += vectors * LANES;
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; ++j) sums[i * vectors + j] = sum[i][j];
  }
}

typedef void (*NAME(tile_function))(ptrdiff_t depth, const ELEMENT *a, const ELEMENT *b, VECTOR *sums, bool fresh);

#define TILE(rows, vectors)                                                                                      \
  static void NAME(tile_##rows##x##vectors)(ptrdiff_t depth, const ELEMENT *a, const ELEMENT *b, VECTOR *sums,   \
                                            bool fresh) {                                                        \
    NAME(tile)(rows, vectors, depth, a, b, sums, fresh);                                                         \
  }
#define TILE_NAME(rows, vectors) NAME(tile_##rows##x##vectors),

#if TILE_ROWS == 6
#define TILES_OF_WIDTH(X, v) X(1, v) X(2, v) X(3, v) X(4, v) X(5, v) X(6, v)
#elif TILE_ROWS == 8
#define TILES_OF_WIDTH(X, v) X(1, v) X(2, v) X(3, v) X(4, v) X(5, v) X(6, v) X(7, v) X(8, v)
#elif TILE_ROWS == 12
#define TILES_OF_WIDTH(X, v) \
  X(1, v) X(2, v) X(3, v) X(4, v) X(5, v) X(6, v) X(7, v) X(8, v) X(9, v) X(10, v) X(11, v) X(12, v)
#endif

TILES_OF_WIDTH(TILE, 1)
TILES_OF_WIDTH(TILE, 2)
#if TILE_VECTORS == 3
TILES_OF_WIDTH(TILE, 3)
#endif

/// The tile of `vectors` vectors and `rows` rows, at `[vectors - 1][rows - 1]`.
static const NAME(tile_function) NAME(tiles)[TILE_VECTORS][TILE_ROWS] = {
    {TILES_OF_WIDTH(TILE_NAME, 1)},
    {TILES_OF_WIDTH(TILE_NAME, 2)},
#if TILE_VECTORS == 3
    {TILES_OF_WIDTH(TILE_NAME, 3)},
#endif
};

#undef TILE
#undef TILE_NAME
