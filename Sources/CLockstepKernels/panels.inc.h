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

/// `to[c * to_stride + r] = from[r * from_stride + c]`. The last squares overlap their neighbours: they write the same
/// elements twice. Inlined where `rows` is a constant.
static inline INLINED void NAME(transpose_inlined)(ptrdiff_t rows, ptrdiff_t columns, const ELEMENT *from,
                                                   ptrdiff_t from_stride, ELEMENT *to, ptrdiff_t to_stride) {
  if (rows < BLOCK || columns < BLOCK) {
    for (ptrdiff_t c = 0; c < columns; ++c) {
      for (ptrdiff_t r = 0; r < rows; ++r) to[c * to_stride + r] = from[r * from_stride + c];
    }
    return;
  }
  for (ptrdiff_t column = 0; column < columns; column += BLOCK) {
    const ptrdiff_t c = column <= columns - BLOCK ? column : columns - BLOCK;
    for (ptrdiff_t row = 0; row < rows; row += BLOCK) {
      const ptrdiff_t r = row <= rows - BLOCK ? row : rows - BLOCK;
      NAME(transpose_block)(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
    }
  }
}

static void NAME(transpose)(ptrdiff_t rows, ptrdiff_t columns, const ELEMENT *from, ptrdiff_t from_stride, ELEMENT *to,
                            ptrdiff_t to_stride) {
  if (columns == 1 && from_stride == 1) return NAME(copy)(to, from, rows);
  if (rows == 1 && to_stride == 1) return NAME(copy)(to, from, columns);
#if ELEMENT_IS_FLOAT
  // Pairs, which squares of four would not fit.
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
  NAME(transpose_inlined)(rows, columns, from, from_stride, to, to_stride);
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

// Rows of the operand lie far apart, where no hardware looks ahead.
#define STEPS_AHEAD 16

/// Packs `lines` lines from `line` on, over `depth` steps from `first` on, into a panel: `width` elements for each
/// step, zero where there is no line.
static void NAME(pack)(const lockstep_operand *operand, ptrdiff_t line, ptrdiff_t lines, ptrdiff_t width,
                       ptrdiff_t first, ptrdiff_t depth, ELEMENT *panel) {
  ptrdiff_t stored = operand->lines - line < lines ? operand->lines - line : lines;
  if (stored < 0) stored = 0;
  const ELEMENT *from =
      (const ELEMENT *)operand->base + line * operand->line_stride + first * operand->depth_stride;
  if (operand->line_stride == 1) {
    const ptrdiff_t stride = operand->depth_stride;
    if (stored == TILE_VECTORS * LANES && width == TILE_VECTORS * LANES) {
      for (ptrdiff_t k = 0; k < depth; ++k) {
        __builtin_prefetch(from + (k + STEPS_AHEAD) * stride);
#pragma clang loop unroll(full)
        for (ptrdiff_t i = 0; i < TILE_VECTORS * LANES; i += LANES) {
          NAME(store)(panel + k * (TILE_VECTORS * LANES) + i, NAME(load)(from + k * stride + i));
        }
      }
    } else if (stored == TILE_ROWS && width == TILE_ROWS) {
      for (ptrdiff_t k = 0; k < depth; ++k) {
        __builtin_prefetch(from + (k + STEPS_AHEAD) * stride);
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
  } else if (stored == TILE_VECTORS * LANES && width == TILE_VECTORS * LANES) {
    NAME(transpose_inlined)(TILE_VECTORS * LANES, depth, from, operand->line_stride, panel, TILE_VECTORS * LANES);
  } else if (stored == TILE_ROWS && width == TILE_ROWS) {
    NAME(transpose_inlined)(TILE_ROWS, depth, from, operand->line_stride, panel, TILE_ROWS);
  } else {
    NAME(transpose)(stored, depth, from, operand->line_stride, panel, width);
  }
  for (ptrdiff_t i = stored; i < width; ++i) {
    const ELEMENT value = i < lines ? 1 : 0;
    for (ptrdiff_t k = 0; k < depth; ++k) panel[k * width + i] = value;
  }
}

#undef STEPS_AHEAD
