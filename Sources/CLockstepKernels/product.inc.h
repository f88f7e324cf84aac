// Matrix products over packed panels: blocks that fit the caches, and the epilogue on each finished tile. Cutting the
// depth into blocks keeps each chain whole: its sum is stored and loaded again, exactly.

// What the caches hold, whatever the vectors. A panel of lanes and the one that grows beside it share half of a second
// level of 512 KB: each tile reads its panel in order, with two multiply-add units of AVX2 or AVX-512 at 11 bytes a
// cycle, which the second level gives without being asked twice; and the deeper the panel, the fewer sums are stored
// and loaded again. Packed rows are read in order, too, there at 4 bytes a cycle (8 of Double), so that the third level
// may hold them: the more rows there are, the fewer times a panel is packed.
#define PANEL_BYTES (128 << 10)
#define CHAIN_DEPTH (PANEL_BYTES / (PANEL_LANES * (ptrdiff_t)sizeof(ELEMENT)))
#define ROW_BLOCK_BYTES (4 << 20)
/// Leaves of a tree in a panel: their sums wait for each other in the first-level cache.
#define PANEL_LEAVES 2
_Static_assert(PANEL_LEAVES <= 2, "of the leaves of a panel, only the first has a place to wait for the next one");
/// The memory of a pending node of a tree of more panels.
#define NODE_BYTES (512 << 10)
#define PACKED_STEPS 64
/// Rows so few that their tiles read a panel of lanes no more often than packing would.
#define TILES_IN_PLACE 2

/// The memory and the place of a pass over a part of a product.
typedef struct {
  const lockstep_product *product;
  /// Packed rows, and two panels of lanes: one in use, the next one growing beside it.
  ELEMENT *rows, *panels[2];
  /// The first leaf of each tile of a panel; null where no panel is deeper than a leaf of a tree.
  ELEMENT *leaves;
  /// Pending nodes of a tree of several panels, each of `node_size` elements in rows of `node_stride`.
  ELEMENT *nodes;
  ptrdiff_t node_stride, node_size;
  /// What the finish of whole tiles is, where they have one.
  bool finishes;
  lockstep_finish finish;
} NAME(pass);

/// Lines of rows and lanes, and the depth that is packed at the moment.
typedef struct {
  ptrdiff_t row, rows, lane, lanes, first, depth;
  /// Where in the pending nodes the lanes lie.
  ptrdiff_t node_lane;
} NAME(extent);

/// The finish of tiles that lie whole in the result; false where it takes a function of its own.
static bool NAME(tile_finish)(const lockstep_product *product, lockstep_finish *finish) {
  const bool relu = product->activation == LOCKSTEP_RELU, identity = product->activation == LOCKSTEP_IDENTITY;
  switch (product->epilogue) {
  case LOCKSTEP_STORE:
    *finish = LOCKSTEP_FINISH_STORE;
    return true;
  case LOCKSTEP_ADD_BIAS_AND_ACTIVATE:
    *finish = relu ? LOCKSTEP_FINISH_BIAS_RELU : LOCKSTEP_FINISH_BIAS;
    return relu || identity;
  case LOCKSTEP_BACKWARD_ACTIVATION:
    *finish = relu ? LOCKSTEP_FINISH_BACKWARD_RELU : LOCKSTEP_FINISH_STORE;
    return relu || identity;
  case LOCKSTEP_DESCEND:
    *finish = LOCKSTEP_FINISH_DESCEND;
    return true;
  }
}

/// The height of the tile after `done` of `lines` lines: all are of full height, but the last two share what is left
/// evenly, as a tile of one or two rows would leave the arithmetic units waiting.
static inline INLINED ptrdiff_t NAME(tile_height)(ptrdiff_t lines, ptrdiff_t done) {
  const ptrdiff_t left = lines - done;
  if (left >= 2 * TILE_ROWS || left == TILE_ROWS) return TILE_ROWS;
  return left > TILE_ROWS ? (left + 1) / 2 : left;
}

/// How many tiles of full height `lines` lines begin with, no fewer than `TILE_ROWS`.
static inline INLINED ptrdiff_t NAME(full_tiles)(ptrdiff_t lines) {
  return lines < 2 * TILE_ROWS || lines % TILE_ROWS == 0 ? lines / TILE_ROWS : lines / TILE_ROWS - 1;
}

/// Packs what the tiles left of a growing panel of `depth` steps.
static void NAME(complete_panel)(const NAME(growing_panel) * growing, ptrdiff_t depth, ELEMENT *panel) {
  ptrdiff_t done = (growing->to - panel) / PANEL_LANES;
  // Pieces across the lines: the last few lines, for as many steps as a piece has.
  const ELEMENT *from = growing->from;
  if (growing->line > 0) {
    for (ptrdiff_t line = growing->line; line < PANEL_LANES; ++line, from += growing->line_stride) {
      for (ptrdiff_t k = 0; k < LINE_ELEMENTS; ++k) panel[(done + k) * PANEL_LANES + line] = from[k];
    }
    done += LINE_ELEMENTS;
    from += LINE_ELEMENTS - PANEL_LANES * growing->line_stride;
  }
  NAME(pack_lanes)(from, growing->line_stride, growing->depth_stride, depth - done, panel + done * PANEL_LANES);
}

/// One panel of lanes times a block of packed rows, over the packed depth.
static void NAME(multiply_panel)(const NAME(pass) * pass, NAME(extent) extent, const ELEMENT *panel,
                                 ptrdiff_t lane_step, NAME(growing_panel) * growing) {
  const lockstep_product *product = pass->product;
  const ptrdiff_t vectors = (extent.lanes + LANES - 1) / LANES, width = vectors * LANES;
  const bool last = extent.first + extent.depth == product->depth;
  const bool whole = extent.lanes == width && !product->transposed;
  const bool tree = product->tree;
  const ptrdiff_t leaves = !tree || extent.depth <= LEAF_ROWS ? 1 : (extent.depth + LEAF_ROWS - 1) / LEAF_ROWS;

  // Nodes of earlier panels that this one completes, from the last on, and the slot of their sum.
  NAME(node) earlier[66];
  ptrdiff_t panel_merges = 0, slot = 0;
  if (tree && pass->nodes != NULL) {
    const ptrdiff_t number = extent.first / (PANEL_LEAVES * LEAF_ROWS);
    const ptrdiff_t panels = (product->depth + PANEL_LEAVES * LEAF_ROWS - 1) / (PANEL_LEAVES * LEAF_ROWS);
    panel_merges = lockstep_merges_after(number, panels);
    slot = lockstep_leaf_slot(number) - panel_merges;
  }

  VECTOR spill[TILE_SUMS];
  NAME(tile_work) work = {.lane_step = lane_step, .rate = (ELEMENT)product->learning_rate, .earlier = earlier,
                          .growing = growing};
  for (ptrdiff_t leaf = 0; leaf < leaves; ++leaf) {
    const ptrdiff_t skipped = leaf * LEAF_ROWS;
    const bool complete = leaf + 1 == leaves;
    work.depth = tree && extent.depth - skipped > LEAF_ROWS ? LEAF_ROWS : extent.depth - skipped;
    work.lanes = panel + skipped * lane_step;
    work.merges = complete ? panel_merges + leaf : 0;
    for (ptrdiff_t done = 0, height; done < extent.rows; done += height * work.tiles) {
      height = NAME(tile_height)(extent.rows, done);
      const NAME(place) at = {extent.row + done, height, extent.lane, extent.lanes, width};
      work.rows = pass->rows + skipped * extent.rows + done * work.depth;
      const bool direct = whole && at.row + height <= product->result_rows;
      // Tiles that find their way to memory themselves come in runs.
      work.tiles = 1;
      if (height == TILE_ROWS && (!complete || (tree && !last) || (direct && (pass->finishes || !last)))) {
        work.tiles = NAME(full_tiles)(extent.rows - done);
        const ptrdiff_t inside = (product->result_rows - at.row) / TILE_ROWS;
        if (complete && direct && inside < work.tiles) work.tiles = inside;
      }
      work.start = NULL;
      work.operand = NULL;
      work.operand_stride = 0;
      bool finished = true;
      if (!complete) {
        work.finish = LOCKSTEP_FINISH_STORE;
        work.result = pass->leaves + done * width;
        work.stride = width;
      } else {
        if (leaf > 0) earlier[0] = (NAME(node)){pass->leaves + done * width, width};
        ELEMENT *node = pass->nodes == NULL ? NULL : pass->nodes + done * pass->node_stride + extent.node_lane;
        for (ptrdiff_t merge = 0; merge < panel_merges; ++merge) {
          earlier[leaf + merge] =
              (NAME(node)){node + (slot + panel_merges - 1 - merge) * pass->node_size, pass->node_stride};
        }
        if (tree && !last) {
          work.finish = LOCKSTEP_FINISH_STORE;
          work.result = node + slot * pass->node_size;
          work.stride = pass->node_stride;
        } else if (direct && (pass->finishes || !last)) {
          work.finish = last ? pass->finish : LOCKSTEP_FINISH_STORE;
          work.result = (ELEMENT *)product->result + at.row * product->stride + at.lane;
          work.stride = product->stride;
          if (work.finish == LOCKSTEP_FINISH_BACKWARD_RELU) {
            work.operand = (const ELEMENT *)product->values + at.row * product->value_stride + at.lane;
            work.operand_stride = product->value_stride;
          } else if (work.finish == LOCKSTEP_FINISH_BIAS || work.finish == LOCKSTEP_FINISH_BIAS_RELU) {
            work.operand = (const ELEMENT *)product->bias + at.lane;
          }
        } else {
          finished = false;
          work.finish = LOCKSTEP_FINISH_STORE;
          work.result = (ELEMENT *)spill;
          work.stride = width;
        }
        if (!tree && extent.first > 0) {
          if (direct) {
            work.start = (const ELEMENT *)product->result + at.row * product->stride + at.lane;
            work.start_stride = product->stride;
          } else {
            NAME(clear_beyond)(at, spill);
            NAME(load_tile)(product, at, product->result, product->stride, (ELEMENT *)spill);
            work.start = (const ELEMENT *)spill;
            work.start_stride = width;
          }
        }
      }
      if (work.growing == NULL || vectors < TILE_VECTORS || height < TILE_ROWS) {
        NAME(tiles)[vectors - 1][height - 1](&work);
      } else if (work.growing->line_stride == 1) {
        NAME(tile_and_copy)(&work);
      } else {
        NAME(tile_and_transpose)(&work);
      }
      if (finished) continue;
      if (last) {
        NAME(finish_tile)(product, at, spill);
      } else {
        NAME(store_tile)(product, at, (const ELEMENT *)spill);
      }
    }
  }
}

/// Packs a block of rows: leaf after leaf, in each tile after tile, as the tiles are computed.
static void NAME(pack_rows)(const lockstep_operand *operand, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t first,
                            ptrdiff_t depth, bool tree, ELEMENT *packed) {
  const ptrdiff_t block = tree ? LEAF_ROWS : depth;
  for (ptrdiff_t skipped = 0; skipped < depth; skipped += block) {
    const ptrdiff_t steps = depth - skipped < block ? depth - skipped : block;
    // A few steps of all tiles at a time, where tiles share cache lines because the lines of the operand lie side by
    // side.
    const ptrdiff_t most = operand->line_stride == 1 ? PACKED_STEPS : steps;
    for (ptrdiff_t step = 0; step < steps; step += most) {
      const ptrdiff_t few = steps - step < most ? steps - step : most;
      for (ptrdiff_t done = 0, height; done < rows; done += height) {
        height = NAME(tile_height)(rows, done);
        ELEMENT *to = packed + skipped * rows + done * steps + step * height;
        if (height == TILE_ROWS && operand->depth_stride == 1 && row + done + height <= operand->lines) {
          NAME(pack_deep_rows)((const ELEMENT *)operand->base + (row + done) * operand->line_stride + first + skipped,
                               operand->line_stride, steps, to);
        } else {
          NAME(pack)(operand, row + done, height, height, first + skipped + step, few, to);
        }
      }
    }
  }
}

/// The largest of equal blocks that `total` lines are cut into, none longer than `most`, in multiples of `unit`.
static inline ptrdiff_t NAME(block_lines)(ptrdiff_t total, ptrdiff_t most, ptrdiff_t unit) {
  if (total <= 0) return unit;
  most = most < unit ? unit : most / unit * unit;
  const ptrdiff_t blocks = (total + most - 1) / most;
  return ((total + blocks - 1) / blocks + unit - 1) / unit * unit;
}

/// All panels of lanes times a block of rows, over a piece of the depth.
static void NAME(multiply_block)(NAME(pass) * pass, NAME(extent) extent) {
  const lockstep_product *product = pass->product;
  const lockstep_operand *lanes = &product->lanes;
  NAME(pack_rows)(&product->rows, extent.row, extent.rows, extent.first, extent.depth, product->tree, pass->rows);
  const ptrdiff_t tiles = (extent.rows + TILE_ROWS - 1) / TILE_ROWS;
  const bool in_place = lanes->line_stride == 1 && tiles <= TILES_IN_PLACE;
  bool packed = false;
  const ptrdiff_t lane_end = extent.lane + extent.lanes;
  // Without the line of ones, which lies nowhere.
  const ptrdiff_t stored_end = lane_end < lanes->lines ? lane_end : lanes->lines;
  for (; extent.lane < lane_end; extent.lane += PANEL_LANES, extent.node_lane += PANEL_LANES) {
    extent.lanes = lane_end - extent.lane < PANEL_LANES ? lane_end - extent.lane : PANEL_LANES;
    const ELEMENT *from =
        (const ELEMENT *)lanes->base + extent.lane * lanes->line_stride + extent.first * lanes->depth_stride;
    const ptrdiff_t width = (extent.lanes + LANES - 1) / LANES * LANES;
    if (in_place && width == extent.lanes && extent.lane + width <= stored_end) {
      NAME(multiply_panel)(pass, extent, from, lanes->depth_stride, NULL);
      continue;
    }
    if (!packed) NAME(pack)(lanes, extent.lane, extent.lanes, width, extent.first, extent.depth, pass->panels[0]);
    packed = !in_place && stored_end - extent.lane >= 2 * PANEL_LANES;
    NAME(growing_panel) growing = {from + PANEL_LANES * lanes->line_stride, lanes->line_stride, lanes->depth_stride,
                                   pass->panels[1], 0, 0, false};
    growing.pieces = lanes->line_stride == 1 ? extent.depth : extent.depth / LINE_ELEMENTS * PANEL_LANES;
    NAME(multiply_panel)(pass, extent, pass->panels[0], width, packed ? &growing : NULL);
    if (packed) {
      ELEMENT *next = pass->panels[1];
      NAME(complete_panel)(&growing, extent.depth, next);
      pass->panels[1] = pass->panels[0];
      pass->panels[0] = next;
    }
  }
}

/// The part of a product that belongs to some lines.
static void NAME(multiply)(const lockstep_product *product, ptrdiff_t row_begin, ptrdiff_t row_end,
                           ptrdiff_t lane_begin, ptrdiff_t lane_end) {
  if (row_begin >= row_end || lane_begin >= lane_end) return;
  const ptrdiff_t depth = product->depth;
  const ptrdiff_t piece =
      product->tree ? PANEL_LEAVES * LEAF_ROWS : NAME(block_lines)(depth, CHAIN_DEPTH, SQUARE);
  const ptrdiff_t deepest = depth < piece ? (depth > 0 ? depth : 1) : piece;
  const ptrdiff_t row_block = NAME(block_lines)(
      row_end - row_begin, ROW_BLOCK_BYTES / (deepest * (ptrdiff_t)sizeof(ELEMENT)), TILE_ROWS);
  const bool pending = product->tree && depth > piece;
  const ptrdiff_t lane_block =
      NAME(block_lines)(lane_end - lane_begin,
                        pending ? NODE_BYTES / (row_block * (ptrdiff_t)sizeof(ELEMENT)) : lane_end - lane_begin,
                        PANEL_LANES);

  // In whole cache lines; the last tile of rows may be written past its end.
  const ptrdiff_t row_elements = (row_block * deepest + 63) / 64 * 64 + 64;
  const ptrdiff_t panel_elements = PANEL_LANES * ((deepest + 15) / 16 * 16);
  const ptrdiff_t leaf_elements = product->tree && deepest > LEAF_ROWS ? row_block * PANEL_LANES : 0;
  ELEMENT *memory = lockstep_workspace(
      LOCKSTEP_PANELS, (size_t)(row_elements + 2 * panel_elements + leaf_elements) * sizeof(ELEMENT));
  NAME(pass) pass = {.product = product};
  pass.panels[0] = memory;
  pass.panels[1] = pass.panels[0] + panel_elements;
  pass.rows = pass.panels[1] + panel_elements;
  if (leaf_elements > 0) pass.leaves = pass.rows + row_elements;
  pass.finishes = NAME(tile_finish)(product, &pass.finish);
  if (pending) {
    pass.node_stride = lane_block;
    pass.node_size = lane_block * row_block;
    // Slots: the most ones that the number of a panel but the last has.
    const ptrdiff_t slots = 64 - __builtin_clzll((unsigned long long)((depth - 1) / piece));
    pass.nodes = lockstep_workspace(LOCKSTEP_PENDING_NODES, (size_t)(slots * pass.node_size) * sizeof(ELEMENT));
  }

  for (ptrdiff_t lane = lane_begin; lane < lane_end; lane += lane_block) {
    for (ptrdiff_t row = row_begin; row < row_end; row += row_block) {
      NAME(extent) extent = {.row = row, .lane = lane};
      extent.rows = row_end - row < row_block ? row_end - row : row_block;
      extent.lanes = lane_end - lane < lane_block ? lane_end - lane : lane_block;
      do {
        extent.depth = depth - extent.first < piece ? depth - extent.first : piece;
        NAME(multiply_block)(&pass, extent);
        extent.first += extent.depth;
      } while (extent.first < depth);
    }
  }
}

static void NAME(product)(const lockstep_product *product, ptrdiff_t row_begin, ptrdiff_t row_end,
                          ptrdiff_t lane_begin, ptrdiff_t lane_end) {
  if (NAME(suits_few_rows)(product, row_end - row_begin, lane_end - lane_begin)) {
    NAME(multiply_few_rows)(product, row_begin, row_end, lane_begin, lane_end);
  } else {
    NAME(multiply)(product, row_begin, row_end, lane_begin, lane_end);
  }
}

#undef PANEL_BYTES
#undef CHAIN_DEPTH
#undef ROW_BLOCK_BYTES
#undef NODE_BYTES
#undef PANEL_LEAVES
#undef PANEL_LANES
#undef PACKED_STEPS
#undef TILES_IN_PLACE
#undef PIECES_AHEAD
#undef LINE_ELEMENTS
#undef UNROLLED
