// Matrix products over packed panels: blocks that fit the caches, sums kept in scratch between them, the epilogue on
// each finished tile. Cutting the depth into blocks keeps each chain whole: its sum is stored and loaded again,
// exactly.

// What the caches hold: a block of packed rows half of a small second-level cache, a block of packed lanes a core's
// share of the third.
#define DEPTH_BLOCK LEAF_ROWS
#define DEPTH_PANEL (2 * LEAF_ROWS)
#define ROW_BLOCK_BYTES (240 << 10)
#define LANE_BLOCK_BYTES (2 << 20)
#define MOST_TILES 40
#define PACKED_STEPS 64

/// Nodes of a tree that may be pending inside a panel.
#define TILE_NODES 2

/// A panel's lines cut into tiles: all of full height, but the last two share what is left evenly, as a tile of one
/// or two rows would leave the arithmetic units waiting.
static inline ptrdiff_t NAME(tile_start)(ptrdiff_t lines, ptrdiff_t tile) {
  const ptrdiff_t tiles = (lines + TILE_ROWS - 1) / TILE_ROWS;
  if (tile == tiles) return lines;
  if (tile < tiles - 1 || tiles < 2) return tile * TILE_ROWS;
  const ptrdiff_t before = (tiles - 2) * TILE_ROWS;
  return before + (lines - before + 1) / 2;
}

/// Folds the sums of leaf number `leaf` of a panel, just computed, into the nodes that are complete with it.
static inline void NAME(merge_tile)(VECTOR *nodes, ptrdiff_t leaf, ptrdiff_t leaves, ptrdiff_t count) {
  ptrdiff_t slot = lockstep_leaf_slot(leaf);
  for (ptrdiff_t merges = lockstep_merges_after(leaf, leaves); merges > 0; --merges, --slot) {
    VECTOR *earlier = nodes + (slot - 1) * TILE_SUMS;
    const VECTOR *later = earlier + TILE_SUMS;
    for (ptrdiff_t i = 0; i < count; ++i) earlier[i] = earlier[i] + later[i];
  }
}

/// What is packed at the moment.
typedef struct {
  ELEMENT *rows, *lanes;
  VECTOR *sums;
} NAME(scratch);

/// One panel of lanes times a block of packed rows, over the packed depth.
static void NAME(multiply_panel)(const lockstep_product *product, const NAME(scratch) * scratch, ptrdiff_t row,
                                 ptrdiff_t rows, ptrdiff_t lane, ptrdiff_t lanes, const ELEMENT *panel,
                                 ptrdiff_t first, ptrdiff_t depth) {
  const ptrdiff_t vectors = (lanes + LANES - 1) / LANES;
  const ptrdiff_t width = vectors * LANES;
  const ptrdiff_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  const ptrdiff_t blocks = depth == 0 ? 1 : (depth + DEPTH_BLOCK - 1) / DEPTH_BLOCK;
  const bool last = first + depth == product->depth;
  for (ptrdiff_t block = 0; block < blocks; ++block) {
    const ptrdiff_t skipped = block * DEPTH_BLOCK;
    const ptrdiff_t steps = depth - skipped < DEPTH_BLOCK ? depth - skipped : DEPTH_BLOCK;
    for (ptrdiff_t tile = 0; tile < tiles; ++tile) {
      const ptrdiff_t start = NAME(tile_start)(rows, tile);
      const ptrdiff_t height = NAME(tile_start)(rows, tile + 1) - start;
      const NAME(place) at = {row + start, height, lane, lanes, width};
      VECTOR *nodes = scratch->sums + tile * (TILE_NODES * TILE_SUMS);
      const ptrdiff_t slot = product->tree ? lockstep_leaf_slot(block) : 0;
      const bool fresh = product->tree || (block == 0 && first == 0);
      if (block + 1 == blocks) NAME(prefetch_tile)(product, at);
      if (!fresh && block == 0) {
        NAME(load_tile)(product, at, product->result, product->stride, (ELEMENT *)nodes);
      }
      NAME(tiles)[vectors - 1][height - 1](steps, scratch->rows + skipped * rows + start * steps,
                                           panel + skipped * width, nodes + slot * TILE_SUMS, fresh);
      if (product->tree) NAME(merge_tile)(nodes, block, blocks, height * vectors);
      if (block + 1 < blocks) continue;
      if (last) {
        NAME(finish_tile)(product, at, nodes);
      } else {
        NAME(store_tile)(product, at, (const ELEMENT *)nodes);
      }
    }
  }
}

/// Packs a block of rows: depth block after depth block, in each tile after tile, as the tiles are computed. A few
/// steps of all tiles at a time, as tiles share cache lines where the lines of the operand lie side by side.
static void NAME(pack_rows)(const lockstep_operand *operand, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t first,
                            ptrdiff_t depth, ELEMENT *packed) {
  const ptrdiff_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  for (ptrdiff_t skipped = 0; skipped < depth; skipped += DEPTH_BLOCK) {
    const ptrdiff_t steps = depth - skipped < DEPTH_BLOCK ? depth - skipped : DEPTH_BLOCK;
    for (ptrdiff_t step = 0; step < steps; step += PACKED_STEPS) {
      const ptrdiff_t few = steps - step < PACKED_STEPS ? steps - step : PACKED_STEPS;
      for (ptrdiff_t tile = 0; tile < tiles; ++tile) {
        const ptrdiff_t start = NAME(tile_start)(rows, tile);
        const ptrdiff_t height = NAME(tile_start)(rows, tile + 1) - start;
        NAME(pack)(operand, row + start, height, height, first + skipped + step, few,
                   packed + skipped * rows + start * steps + step * height);
      }
    }
  }
}

/// The largest of equal blocks that `total` lines are cut into, none longer than `most`, in multiples of `unit`.
static inline ptrdiff_t NAME(block_lines)(ptrdiff_t total, ptrdiff_t most, ptrdiff_t unit) {
  most = most < unit ? unit : most / unit * unit;
  const ptrdiff_t blocks = (total + most - 1) / most;
  return ((total + blocks - 1) / blocks + unit - 1) / unit * unit;
}

/// A part of the result; a tree no deeper than one panel.
static void NAME(multiply)(const lockstep_product *product, ptrdiff_t row_begin, ptrdiff_t row_end,
                           ptrdiff_t lane_begin, ptrdiff_t lane_end) {
  if (row_begin >= row_end || lane_begin >= lane_end) return;
  const ptrdiff_t panel_lanes = TILE_VECTORS * LANES;
  const ptrdiff_t deepest = product->depth < DEPTH_PANEL ? product->depth : DEPTH_PANEL;
  const ptrdiff_t step_bytes = (deepest > 0 ? deepest : 1) * (ptrdiff_t)sizeof(ELEMENT);
  const ptrdiff_t most_rows = ROW_BLOCK_BYTES / step_bytes;
  const ptrdiff_t row_block = NAME(block_lines)(
      row_end - row_begin, most_rows < MOST_TILES * TILE_ROWS ? most_rows : MOST_TILES * TILE_ROWS, TILE_ROWS);
  const ptrdiff_t lane_block = NAME(block_lines)(lane_end - lane_begin, LANE_BLOCK_BYTES / step_bytes, panel_lanes);

  const size_t sums_bytes = (size_t)(row_block / TILE_ROWS) * TILE_NODES * TILE_SUMS * sizeof(VECTOR);
  const size_t lanes_bytes = (size_t)(lane_block * step_bytes);
  char *memory =
      lockstep_workspace(LOCKSTEP_PANELS, sums_bytes + lanes_bytes + (size_t)(row_block * step_bytes));
  const NAME(scratch) scratch = {(ELEMENT *)(memory + sums_bytes + lanes_bytes), (ELEMENT *)(memory + sums_bytes),
                                 (VECTOR *)memory};

  for (ptrdiff_t lane = lane_begin; lane < lane_end; lane += lane_block) {
    const ptrdiff_t lanes = lane_end - lane < lane_block ? lane_end - lane : lane_block;
    ptrdiff_t first = 0;
    do {
      const ptrdiff_t depth = product->depth - first < DEPTH_PANEL ? product->depth - first : DEPTH_PANEL;
      for (ptrdiff_t j = 0; j < lanes; j += panel_lanes) {
        const ptrdiff_t lines = lanes - j < panel_lanes ? lanes - j : panel_lanes;
        const ptrdiff_t width = (lines + LANES - 1) / LANES * LANES;
        NAME(pack)(&product->lanes, lane + j, lines, width, first, depth, scratch.lanes + j * depth);
      }
      for (ptrdiff_t row = row_begin; row < row_end; row += row_block) {
        const ptrdiff_t rows = row_end - row < row_block ? row_end - row : row_block;
        NAME(pack_rows)(&product->rows, row, rows, first, depth, scratch.rows);
        for (ptrdiff_t j = 0; j < lanes; j += panel_lanes) {
          const ptrdiff_t lines = lanes - j < panel_lanes ? lanes - j : panel_lanes;
          NAME(multiply_panel)(product, &scratch, row, rows, lane + j, lines, scratch.lanes + j * depth, first, depth);
        }
      }
      first += depth;
    } while (first < product->depth);
  }
}

/// A product with a tree of many panels: pending nodes as large as the part, the earliest in the result itself.
static void NAME(multiply_tree)(const lockstep_product *product, ptrdiff_t row_begin, ptrdiff_t row_end,
                                ptrdiff_t lane_begin, ptrdiff_t lane_end) {
  const ptrdiff_t first_row = product->transposed ? lane_begin : row_begin;
  const ptrdiff_t first_column = product->transposed ? row_begin : lane_begin;
  const ptrdiff_t rows = (product->transposed ? lane_end : row_end) - first_row;
  const ptrdiff_t columns = (product->transposed ? row_end : lane_end) - first_column;
  if (rows <= 0 || columns <= 0) return;

  lockstep_product part = *product;
  part.rows.base = (const ELEMENT *)product->rows.base + row_begin * product->rows.line_stride;
  part.rows.lines -= row_begin;
  part.lanes.base = (const ELEMENT *)product->lanes.base + lane_begin * product->lanes.line_stride;
  part.lanes.lines -= lane_begin;
  part.result = (ELEMENT *)product->result + first_row * product->stride + first_column;
  part.result_rows -= first_row;
  part.extra_row = (ELEMENT *)product->extra_row + first_column;

  const ptrdiff_t panels = (product->depth + DEPTH_PANEL - 1) / DEPTH_PANEL;
  // The most ones that a number below `panels` has.
  const int slots = 63 - __builtin_clzll((unsigned long long)panels);
  ELEMENT *memory =
      lockstep_workspace(LOCKSTEP_PENDING_NODES, (size_t)(slots * rows * columns) * sizeof(ELEMENT));
  lockstep_product nodes[64];
  nodes[0] = part;
  for (int slot = 1; slot <= slots; ++slot) {
    nodes[slot] = part;
    nodes[slot].result = memory + (slot - 1) * rows * columns;
    nodes[slot].stride = columns;
    nodes[slot].extra_row = (ELEMENT *)nodes[slot].result + (rows - 1) * columns;
  }

  for (ptrdiff_t panel = 0; panel < panels; ++panel) {
    const ptrdiff_t first = panel * DEPTH_PANEL;
    ptrdiff_t slot = lockstep_leaf_slot(panel);
    lockstep_product *node = &nodes[slot];
    node->rows.base = (const ELEMENT *)part.rows.base + first * part.rows.depth_stride;
    node->lanes.base = (const ELEMENT *)part.lanes.base + first * part.lanes.depth_stride;
    node->depth = product->depth - first < DEPTH_PANEL ? product->depth - first : DEPTH_PANEL;
    NAME(multiply)(node, 0, row_end - row_begin, 0, lane_end - lane_begin);
    for (ptrdiff_t merges = lockstep_merges_after(panel, panels); merges > 0; --merges, --slot) {
      for (ptrdiff_t row = 0; row < rows; ++row) {
        NAME(add_array)(NAME(result_row)(&nodes[slot - 1], row), NAME(result_row)(&nodes[slot], row), columns);
      }
    }
  }
}

static void NAME(product)(const lockstep_product *product, ptrdiff_t row_begin, ptrdiff_t row_end,
                          ptrdiff_t lane_begin, ptrdiff_t lane_end) {
  if (NAME(suits_few_rows)(product, row_end - row_begin, lane_end - lane_begin)) {
    NAME(multiply_few_rows)(product, row_begin, row_end, lane_begin, lane_end);
  } else if (product->tree && product->depth > DEPTH_PANEL) {
    NAME(multiply_tree)(product, row_begin, row_end, lane_begin, lane_end);
  } else {
    NAME(multiply)(product, row_begin, row_end, lane_begin, lane_end);
  }
}

#undef DEPTH_BLOCK
#undef DEPTH_PANEL
#undef ROW_BLOCK_BYTES
#undef LANE_BLOCK_BYTES
#undef MOST_TILES
#undef PACKED_STEPS
#undef TILE_NODES
