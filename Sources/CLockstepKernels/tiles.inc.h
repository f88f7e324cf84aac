// The register tile: sums of TILE_ROWS lines by TILE_VECTORS vectors of lanes, and every smaller size, so that the
// edges of a result cost little more than their share. Sums stay in registers from the first product to the result.
//
// The sums take TILE_ROWS * TILE_VECTORS registers: 12 of 16 with AVX2, 24 of 32 with AVX-512 and NEON. The rest hold a
// step's vectors of lanes and a factor. A step is as many multiply-adds as there are sums, 12 in 6 cycles with two
// units, and TILE_ROWS + TILE_VECTORS loads, 8 where 12 are possible: so the multiply-add units bind, as long as
// twelve chains and more hide their latency of four or five cycles.

/// A node of the tree, as far as a tile needs it: rows of whole vectors.
typedef struct {
  const ELEMENT *base;
  ptrdiff_t stride;
} NAME(node);

/// A panel of lanes that is packed while another one is used. A tile leaves half of the slots for instructions empty,
/// so a copy between its multiply-adds costs nothing, and waits for no memory that was asked for in time.
typedef struct {
  const ELEMENT *from;
  ptrdiff_t line_stride, depth_stride;
  ELEMENT *to;
  /// Steps, or cache lines of scattered lines, that are still to copy.
  ptrdiff_t pieces;
  /// The line of the next piece, where lines are scattered.
  ptrdiff_t line;
  /// True once the first pieces have had time to arrive.
  bool prefetched;
} NAME(growing_panel);

/// What a run of tiles computes, one below the other, and what becomes of the sums.
typedef struct {
  ptrdiff_t tiles;
  /// Line `i` of the rows at step `k` is `rows[i + k * height]`, tile after tile, where `height` is the tile's; vector
  /// `j` of the lanes is `lanes + k * lane_step`.
  const ELEMENT *rows, *lanes;
  ptrdiff_t lane_step, depth;
  /// Where the chains stand already; null where they start from +0.
  const ELEMENT *start;
  ptrdiff_t start_stride;
  /// Earlier nodes of the tree, which the sums are added to one after the other.
  const NAME(node) *earlier;
  ptrdiff_t merges;
  lockstep_finish finish;
  ELEMENT *result;
  ptrdiff_t stride;
  /// The bias from the first lane on, with a stride of 0, or the values that decide about the gradients; null where the
  /// finish takes neither.
  const ELEMENT *operand;
  ptrdiff_t operand_stride;
  ELEMENT rate;
  /// The panel that grows meanwhile, or null.
  NAME(growing_panel) *growing;
} NAME(tile_work);

/// Steps that are one piece of code, and between them a piece of a panel.
#define UNROLLED 8
/// How many pieces ahead memory is asked for.
#define PIECES_AHEAD 32
#define LINE_ELEMENTS (64 / (ptrdiff_t)sizeof(ELEMENT))

typedef enum { NAME(grows_not), NAME(grows_by_copy), NAME(grows_by_transposition) } NAME(growth);

/// Asks for a step, in the second-level cache, as the first has too few places for lines that lie pages apart. Where it
/// is not aligned to cache lines, it begins in one that the panel before has asked for.
static inline INLINED void NAME(prefetch_step)(const ELEMENT *step) {
#pragma clang loop unroll(full)
  for (ptrdiff_t j = PANEL_LANES - 1; j >= 0; j -= LINE_ELEMENTS) __builtin_prefetch(step + j, 0, 2);
}

/// Asks for the first pieces of a panel that will grow. A tile must pass before it does.
static void NAME(prefetch_panel)(const NAME(growing_panel) * growing) {
  if (growing->line_stride == 1) {
    for (ptrdiff_t k = 0; k < PIECES_AHEAD; ++k) NAME(prefetch_step)(growing->from + k * growing->depth_stride);
  } else {
    for (ptrdiff_t i = 0; i < PANEL_LANES; ++i) {
      for (ptrdiff_t k = 0; k < PIECES_AHEAD / PANEL_LANES; ++k) {
        __builtin_prefetch(growing->from + i * growing->line_stride + k * LINE_ELEMENTS);
      }
    }
  }
}

/// One step of a panel, whose lanes lie side by side.
static inline INLINED void NAME(copy_step)(NAME(growing_panel) * growing) {
#pragma clang loop unroll(full)
  for (int j = 0; j < TILE_VECTORS; ++j) {
    NAME(store)(growing->to + j * LANES, NAME(load)(growing->from + j * LANES));
  }
  NAME(prefetch_step)(growing->from + PIECES_AHEAD * growing->depth_stride);
  growing->from += growing->depth_stride;
  growing->to += PANEL_LANES;
}

/// A cache line along one line of the operand, by moves that need no vector register: the tile has none left.
static inline INLINED void NAME(transpose_line)(NAME(growing_panel) * growing) {
#if ELEMENT_IS_FLOAT
  typedef uint32_t bits __attribute__((may_alias));
#else
  typedef uint64_t bits __attribute__((may_alias));
#endif
  // Volatile, or they become vectors.
  const volatile bits *from = (const volatile bits *)growing->from;
  volatile bits *to = (volatile bits *)growing->to;
#pragma clang loop unroll(full)
  for (int k = 0; k < LINE_ELEMENTS; ++k) to[k * PANEL_LANES] = from[k];
  __builtin_prefetch(growing->from + PIECES_AHEAD / PANEL_LANES * LINE_ELEMENTS);
  const bool last = ++growing->line == PANEL_LANES;
  growing->from += growing->line_stride + (last ? LINE_ELEMENTS - PANEL_LANES * growing->line_stride : 0);
  growing->to += 1 + (last ? (LINE_ELEMENTS - 1) * PANEL_LANES : 0);
  growing->line = last ? 0 : growing->line;
}

#define EACH_SUM                                                    \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; ++i) \
  _Pragma("clang loop unroll(full)") for (int j = 0; j < vectors; ++j)

#if defined(__x86_64__)
#define VECTOR_REGISTER "+v"
#else
#define VECTOR_REGISTER "+w"
#endif

/// One step: a product for each sum.
static inline INLINED void NAME(tile_step)(const int rows, const int vectors, const ELEMENT *a, const ELEMENT *b,
                                           VECTOR sum[TILE_ROWS][TILE_VECTORS]) {
  VECTOR lanes[TILE_VECTORS];
#pragma clang loop unroll(full)
  for (int j = 0; j < vectors; ++j) lanes[j] = NAME(load)(b + j * LANES);
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; ++i) {
    const VECTOR factor = NAME(splat)(a[i]);
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; ++j) {
      sum[i][j] = __builtin_elementwise_fma(factor, lanes[j], sum[i][j]);
      // Here each sum is in a register, and no later load may move up: it would take a register that a sum has.
      __asm__ volatile("" : VECTOR_REGISTER(sum[i][j]) : : "memory");
    }
  }
}

#define STEP NAME(tile_step)(rows, vectors, a, b, sum), a += rows, b += lane_step;
#define EIGHT_STEPS STEP STEP STEP STEP STEP STEP STEP STEP

static inline INLINED void NAME(tile)(const int rows, const int vectors, const NAME(growth) growth,
                                      const NAME(tile_work) * work) {
  const ELEMENT *a = work->rows, *start = work->start, *operand = work->operand;
  ELEMENT *result = work->result;
  if (growth != NAME(grows_not) && !work->growing->prefetched) NAME(prefetch_panel)(work->growing);
  for (int i = 0; i < rows; ++i) __builtin_prefetch(result + i * work->stride, 1);
  const ptrdiff_t lane_step = work->lane_step, stride = work->stride, operand_stride = work->operand_stride;
  for (ptrdiff_t tile = 0; tile < work->tiles; ++tile) {
    // Sums so far are needed at once: so a tile ahead.
    if (tile + 1 < work->tiles) {
      for (int i = rows; i < 2 * rows; ++i) __builtin_prefetch(result + i * stride, 1);
    }
    if (operand_stride != 0) {
      for (int i = 0; i < rows; ++i) __builtin_prefetch(operand + i * operand_stride);
    }
    VECTOR sum[TILE_ROWS][TILE_VECTORS];
    if (start == NULL) {
      EACH_SUM sum[i][j] = NAME(splat)(0);
    } else {
      EACH_SUM sum[i][j] = NAME(load)(start + i * work->start_stride + j * LANES);
      start += rows * work->start_stride;
    }
    const ELEMENT *b = work->lanes;
    ptrdiff_t left = work->depth;
    if (growth != NAME(grows_not) && (tile > 0 || work->growing->prefetched)) {
      NAME(growing_panel) growing = *work->growing;
      ptrdiff_t pieces = left / UNROLLED;
      pieces = pieces < growing.pieces ? pieces : growing.pieces;
      left -= pieces * UNROLLED;
      growing.pieces -= pieces;
      for (; pieces > 0; --pieces) {
        EIGHT_STEPS
        if (growth == NAME(grows_by_copy)) {
          NAME(copy_step)(&growing);
        } else {
          NAME(transpose_line)(&growing);
        }
      }
      *work->growing = growing;
    }
    for (; left >= UNROLLED; left -= UNROLLED) {
      EIGHT_STEPS
    }
#pragma clang loop unroll(disable)
    for (; left > 0; --left, a += rows, b += lane_step) NAME(tile_step)(rows, vectors, a, b, sum);
    for (ptrdiff_t merge = 0; merge < work->merges; ++merge) {
      const NAME(node) *node = &work->earlier[merge];
      EACH_SUM sum[i][j] = NAME(load)(node->base + (tile * rows + i) * node->stride + j * LANES) + sum[i][j];
    }
    switch (work->finish) {
    case LOCKSTEP_FINISH_STORE:
      EACH_SUM NAME(store)(result + i * stride + j * LANES, sum[i][j]);
      break;
    case LOCKSTEP_FINISH_BIAS:
      EACH_SUM NAME(store)(result + i * stride + j * LANES, sum[i][j] + NAME(load)(operand + j * LANES));
      break;
    case LOCKSTEP_FINISH_BIAS_RELU:
      EACH_SUM {
        const VECTOR z = sum[i][j] + NAME(load)(operand + j * LANES);
        NAME(store)(result + i * stride + j * LANES, z < NAME(splat)(0) ? NAME(splat)(0) : z);
      }
      break;
    case LOCKSTEP_FINISH_BACKWARD_RELU:
      EACH_SUM {
        const VECTOR y = NAME(load)(operand + i * operand_stride + j * LANES);
        NAME(store)(result + i * stride + j * LANES, y <= NAME(splat)(0) ? NAME(splat)(0) : sum[i][j]);
      }
      break;
    case LOCKSTEP_FINISH_DESCEND: {
      const VECTOR rate = NAME(splat)(work->rate);
      EACH_SUM {
        ELEMENT *at = result + i * stride + j * LANES;
        NAME(store)(at, NAME(load)(at) - rate * sum[i][j]);
      }
      break;
    }
    }
    result += rows * stride;
    if (operand_stride != 0) operand += rows * operand_stride;
  }
  if (growth != NAME(grows_not)) work->growing->prefetched = true;
}

#undef EACH_SUM
#undef VECTOR_REGISTER
#undef STEP
#undef EIGHT_STEPS

typedef void (*NAME(tile_function))(const NAME(tile_work) * work);

#define TILE(rows, vectors)                                                 \
  static void NAME(tile_##rows##x##vectors)(const NAME(tile_work) * work) { \
    NAME(tile)(rows, vectors, NAME(grows_not), work);                       \
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

/// A tile of full size beside which a panel grows.
static __attribute__((noinline)) void NAME(tile_and_copy)(const NAME(tile_work) * work) {
  NAME(tile)(TILE_ROWS, TILE_VECTORS, NAME(grows_by_copy), work);
}

static __attribute__((noinline)) void NAME(tile_and_transpose)(const NAME(tile_work) * work) {
  NAME(tile)(TILE_ROWS, TILE_VECTORS, NAME(grows_by_transposition), work);
}

#undef TILE
#undef TILE_NAME
