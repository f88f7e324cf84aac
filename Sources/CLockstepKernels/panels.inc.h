// Packing: lines of an operand side by side, so that a register tile reads its operands in sequence. Also the
// transposition that packing, losses and transposed results share, and columns set apart, with rows along the lanes.

/// A square of BLOCK by BLOCK elements: 128-bit vectors, which every instruction set has.
static inline INLINED void NAME(transpose_block)(const ELEMENT *from, ptrdiff_t from_stride, ELEMENT *to,
                                                 ptrdiff_t to_stride) {
#define FROM(row) (*(const NAME(unaligned_block) *)(from + (row) * from_stride))
#define TO(row) (*(NAME(unaligned_block) *)(to + (row) * to_stride))
#if ELEMENT_IS_FLOAT
  const NAME(block) a = FROM(0), b = FROM(1), c = FROM(2), d = FROM(3);
  const NAME(block) ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const NAME(block) ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const NAME(block) cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const NAME(block) cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  TO(0) = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  TO(1) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  TO(2) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  TO(3) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
#else
  const NAME(block) a = FROM(0), b = FROM(1);
  TO(0) = __builtin_shufflevector(a, b, 0, 2);
  TO(1) = __builtin_shufflevector(a, b, 1, 3);
#endif
#undef FROM
#undef TO
}

/// Stores the columns of `rows` rows of SQUARE elements, each followed by SQUARE - rows elements that are of no use.
static inline INLINED void NAME(transpose_square)(const int rows, const ELEMENT *from, ptrdiff_t from_stride,
                                                  ELEMENT *to, ptrdiff_t to_stride) {
#if SQUARE == BLOCK
  (void)rows;
  NAME(transpose_block)(from, from_stride, to, to_stride);
#else
  NAME(square) a[SQUARE], b[SQUARE];
#if ELEMENT_IS_FLOAT
  // Rows i and i + 4 share a vector from the load on: so no shuffle crosses the halves of a register.
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; ++i) {
    const ELEMENT *low = from + (i % 4) * from_stride + i / 4 * BLOCK;
    const ELEMENT *high = i % 4 + BLOCK < rows ? low + BLOCK * from_stride : low;
    const NAME(block) a_low = *(const NAME(unaligned_block) *)low, a_high = *(const NAME(unaligned_block) *)high;
    a[i] = __builtin_shufflevector(a_low, a_high, 0, 1, 2, 3, 4, 5, 6, 7);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i += 4) {
    const NAME(square) low = __builtin_shufflevector(a[i], a[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    const NAME(square) high = __builtin_shufflevector(a[i], a[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    const NAME(square) next_low = __builtin_shufflevector(a[i + 2], a[i + 3], 0, 8, 1, 9, 4, 12, 5, 13);
    const NAME(square) next_high = __builtin_shufflevector(a[i + 2], a[i + 3], 2, 10, 3, 11, 6, 14, 7, 15);
    b[i] = __builtin_shufflevector(low, next_low, 0, 1, 8, 9, 4, 5, 12, 13);
    b[i + 1] = __builtin_shufflevector(low, next_low, 2, 3, 10, 11, 6, 7, 14, 15);
    b[i + 2] = __builtin_shufflevector(high, next_high, 0, 1, 8, 9, 4, 5, 12, 13);
    b[i + 3] = __builtin_shufflevector(high, next_high, 2, 3, 10, 11, 6, 7, 14, 15);
  }
#else
#pragma clang loop unroll(full)
  for (int i = 0; i < SQUARE; ++i) a[i] = *(const NAME(unaligned_square) *)(from + (i < rows ? i : 0) * from_stride);
  NAME(square) c[SQUARE];
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i += 2) {
    c[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 4, 2, 6);
    c[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 1, 5, 3, 7);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 2; ++i) {
    b[i] = __builtin_shufflevector(c[i], c[i + 2], 0, 1, 4, 5);
    b[i + 2] = __builtin_shufflevector(c[i], c[i + 2], 2, 3, 6, 7);
  }
#endif
#pragma clang loop unroll(full)
  for (int i = 0; i < SQUARE; ++i) *(NAME(unaligned_square) *)(to + i * to_stride) = b[i];
#endif
}

/// `to[c * to_stride + r] = from[r * from_stride + c]`, in squares of `side`, for no fewer rows and columns. The last squares
/// overlap their neighbours: they write the same elements twice.
static inline INLINED void NAME(transpose_squares)(const int side, ptrdiff_t rows, ptrdiff_t columns,
                                                   const ELEMENT *from, ptrdiff_t from_stride, ELEMENT *to,
                                                   ptrdiff_t to_stride) {
  for (ptrdiff_t column = 0; column < columns; column += side) {
    const ptrdiff_t c = column <= columns - side ? column : columns - side;
    for (ptrdiff_t row = 0; row < rows; row += side) {
      const ptrdiff_t r = row <= rows - side ? row : rows - side;
      const ELEMENT *source = from + r * from_stride + c;
      if (side == SQUARE) {
        NAME(transpose_square)(SQUARE, source, from_stride, to + c * to_stride + r, to_stride);
      } else {
        NAME(transpose_block)(source, from_stride, to + c * to_stride + r, to_stride);
      }
    }
  }
}

/// The transpose of a matrix: `to[c * to_stride + r] = from[r * from_stride + c]`. Writes nothing else.
static void NAME(transpose)(ptrdiff_t rows, ptrdiff_t columns, const ELEMENT *from, ptrdiff_t from_stride, ELEMENT *to,
                            ptrdiff_t to_stride) {
  if (columns == 1 && from_stride == 1) return NAME(copy)(to, from, rows);
  if (rows == 1 && to_stride == 1) return NAME(copy)(to, from, columns);
#if ELEMENT_IS_FLOAT
  // Pairs, which squares of four would not fit. What is left of them goes the way of all others.
  if (columns == 2 && from_stride == 2) {
    for (; rows >= BLOCK; rows -= BLOCK, from += 2 * BLOCK, to += BLOCK) {
      const NAME(block) a = *(const NAME(unaligned_block) *)from, b = *(const NAME(unaligned_block) *)(from + BLOCK);
      *(NAME(unaligned_block) *)to = __builtin_shufflevector(a, b, 0, 2, 4, 6);
      *(NAME(unaligned_block) *)(to + to_stride) = __builtin_shufflevector(a, b, 1, 3, 5, 7);
    }
  } else if (rows == 2 && to_stride == 2) {
    for (; columns >= BLOCK; columns -= BLOCK, from += BLOCK, to += 2 * BLOCK) {
      const NAME(block) a = *(const NAME(unaligned_block) *)from;
      const NAME(block) b = *(const NAME(unaligned_block) *)(from + from_stride);
      *(NAME(unaligned_block) *)to = __builtin_shufflevector(a, b, 0, 4, 1, 5);
      *(NAME(unaligned_block) *)(to + BLOCK) = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    }
  }
#endif
  if (rows >= SQUARE && columns >= SQUARE) {
    NAME(transpose_squares)(SQUARE, rows, columns, from, from_stride, to, to_stride);
  } else if (rows >= BLOCK && columns >= BLOCK) {
    NAME(transpose_squares)(BLOCK, rows, columns, from, from_stride, to, to_stride);
  } else {
    for (ptrdiff_t c = 0; c < columns; ++c) {
      for (ptrdiff_t r = 0; r < rows; ++r) to[c * to_stride + r] = from[r * from_stride + c];
    }
  }
}

/// The columns of a matrix, each contiguous, `apart` from the next and filled up with `padding` to a multiple of `unit`
/// rows: in place where the matrix is that already, else in `columns`.
static inline INLINED const ELEMENT *NAME(split_columns)(lockstep_matrix matrix, ptrdiff_t unit, ELEMENT padding,
                                                         ELEMENT *columns, ptrdiff_t apart) {
  if (matrix.columns == 1 && matrix.stride == 1 && matrix.rows % unit == 0) return matrix.base;
  NAME(transpose)(matrix.rows, matrix.columns, matrix.base, matrix.stride, columns, apart);
  for (ptrdiff_t column = 0; column < matrix.columns; ++column) {
    for (ptrdiff_t row = matrix.rows; row % unit != 0; ++row) columns[column * apart + row] = padding;
  }
  return columns;
}

// MARK: - Panels

/// The lanes of a panel.
#define PANEL_LANES (TILE_VECTORS * LANES)

/// `steps` steps of a whole panel of lanes; where they are squares, each step is written once.
static inline INLINED void NAME(pack_lanes)(const ELEMENT *from, ptrdiff_t line_stride, ptrdiff_t depth_stride,
                                            ptrdiff_t steps, ELEMENT *panel) {
  if (line_stride == 1) {
    for (ptrdiff_t k = 0; k < steps; ++k) {
#pragma clang loop unroll(full)
      for (ptrdiff_t i = 0; i < PANEL_LANES; i += LANES) {
        NAME(store)(panel + k * PANEL_LANES + i, NAME(load)(from + k * depth_stride + i));
      }
    }
  } else {
    NAME(transpose)(PANEL_LANES, steps, from, line_stride, panel, PANEL_LANES);
  }
}

/// All of a tile of TILE_ROWS lines whose elements lie side by side along the depth. May write up to SQUARE elements
/// beyond the tile.
static void NAME(pack_deep_rows)(const ELEMENT *from, ptrdiff_t line_stride, ptrdiff_t depth, ELEMENT *packed) {
  ptrdiff_t k = 0;
  for (; k + SQUARE <= depth; k += SQUARE) {
    ELEMENT *to = packed + k * TILE_ROWS;
#if TILE_ROWS < SQUARE
    NAME(transpose_square)(TILE_ROWS, from + k, line_stride, to, TILE_ROWS);
#else
#pragma clang loop unroll(full)
    for (int i = 0; i < TILE_ROWS; i += SQUARE) {
      const int at = i <= TILE_ROWS - SQUARE ? i : TILE_ROWS - SQUARE;
      NAME(transpose_square)(SQUARE, from + at * line_stride + k, line_stride, to + at, TILE_ROWS);
    }
#endif
  }
  for (; k < depth; ++k) {
    for (int i = 0; i < TILE_ROWS; ++i) packed[k * TILE_ROWS + i] = from[i * line_stride + k];
  }
}

/// Packs `lines` lines from `line` on, over `depth` steps from `first` on, into a panel: `width` elements for each
/// step. Lines that the operand does not store are ones, and what fills the width up is zero.
static void NAME(pack)(const lockstep_operand *operand, ptrdiff_t line, ptrdiff_t lines, ptrdiff_t width,
                       ptrdiff_t first, ptrdiff_t depth, ELEMENT *panel) {
  ptrdiff_t stored = operand->lines - line < lines ? operand->lines - line : lines;
  if (stored < 0) stored = 0;
  const ELEMENT *from =
      (const ELEMENT *)operand->base + line * operand->line_stride + first * operand->depth_stride;
  if (stored == PANEL_LANES && width == PANEL_LANES) {
    NAME(pack_lanes)(from, operand->line_stride, operand->depth_stride, depth, panel);
  } else if (operand->line_stride == 1) {
    const ptrdiff_t stride = operand->depth_stride;
    if (stored == TILE_ROWS && width == TILE_ROWS) {
      for (ptrdiff_t k = 0; k < depth; ++k) {
#pragma clang loop unroll(full)
        for (ptrdiff_t i = 0; i < TILE_ROWS; i += BLOCK) {
          const ptrdiff_t at = i <= TILE_ROWS - BLOCK ? i : TILE_ROWS - BLOCK;
          const ELEMENT *source = from + k * stride + at;
          *(NAME(unaligned_block) *)(panel + k * TILE_ROWS + at) = *(const NAME(unaligned_block) *)source;
        }
      }
    } else {
      for (ptrdiff_t k = 0; k < depth; ++k) NAME(copy)(panel + k * width, from + k * stride, stored);
    }
  } else {
    NAME(transpose)(stored, depth, from, operand->line_stride, panel, width);
  }
  for (ptrdiff_t i = stored; i < width; ++i) {
    const ELEMENT value = i < lines ? 1 : 0;
    for (ptrdiff_t k = 0; k < depth; ++k) panel[k * width + i] = value;
  }
}
