// The loops of a matrix product: blocks for the caches, strips of columns, segments of depth, tiles. What is done to
// finished sums outside of registers lies in Epilogue.swift.

import ComputeBackend

/// A product with its plan and its scratch memory.
struct BlockedProduct<Vector: LaneVector> where Vector.Element: SIMDElement {
  typealias Element = Vector.Element

  let product: MatrixProduct<Vector>
  let plan: BlockPlan<Vector>
  let scratch: UnsafeMutablePointer<Element>

  /// Columns of the result that tiles share, no wider than the widest tile.
  private struct Strip {
    var column: Int
    /// Columns that are in the result.
    var columns: Int
    var vectors: Int
    /// Where the right operand lies, or is packed.
    var right: UnsafePointer<Element>
    var rightDepth: Int
    /// Where the last vector lies in it, and in the result.
    var rightLast: Int
    var resultLast: Int
    /// Where the first tile packs it while it is read in place.
    var packed: UnsafeMutablePointer<Element>?
  }

  /// A block of rows: its tiles, and how many rows they have.
  private struct RowBlock {
    var tiles: Range<Int>
    var rows: Int
  }

  /// A part of the depth.
  private struct Chunk {
    var first: Int
    var depth: Int
    var isFirst: Bool
    var isLast: Bool
  }

  func compute() {
    var job = TileJob(product.left.base, product.right.base, end: scratch)
    if case .descend(let rate) = product.epilogue { job.rate = rate }
    var column = 0
    while column < product.columns {
      let columnEnd = blockEnd(from: column)
      for index in 0..<plan.chunks {
        let first = index &* plan.chunkDepth
        let chunk = Chunk(
          first: first, depth: min(plan.chunkDepth, product.depth &- first), isFirst: index == 0,
          isLast: index &+ 1 == plan.chunks)
        var tile = 0
        while tile < plan.heights.count {
          let tileEnd = min(tile &+ plan.blockTiles, plan.heights.count)
          let block = RowBlock(
            tiles: tile..<tileEnd, rows: plan.heights.start(tileEnd) &- plan.heights.start(tile))
          packLeftPanels(block, chunk)
          var c = column
          while c < columnEnd {
            let strip = strip(at: c, block: block, chunk: chunk, firstColumn: column)
            compute(strip, block, chunk, &job)
            c += strip.vectors &* Vector.laneCount
          }
          tile = tileEnd
        }
      }
      column = columnEnd
    }
  }

  /// The end of the block of columns that begins at `column`. What is left after it is whole strips of the widest, as
  /// the narrower ones come first of all: none lies in two blocks. That makes the first block shorter, but never empty.
  private func blockEnd(from column: Int) -> Int {
    let end = column &+ plan.blockColumns
    guard end < product.columns else { return product.columns }
    let (lanes, width) = (Vector.laneCount, plan.mostVectors &* Vector.laneCount)
    let vectorsEnd = (product.columns &+ lanes &- 1) / lanes &* lanes
    return vectorsEnd &- (vectorsEnd &- end &+ width &- 1) / width &* width
  }

  // MARK: - Operands

  /// Copies the panels of a block of rows, segment by segment. Those that are read in place are not copied, but for the
  /// last one where its last row is nowhere in memory.
  private func packLeftPanels(_ block: RowBlock, _ chunk: Chunk) {
    let (left, heights) = (product.left, plan.heights)
    let onesTile = product.lastRow != nil && block.tiles.upperBound == heights.count ? heights.count &- 1 : -1
    guard !plan.leftInPlace || onesTile >= 0 else { return }
    let tiles = plan.leftInPlace ? onesTile..<heights.count : block.tiles
    let rows = plan.leftInPlace ? heights.size(onesTile) : block.rows
    let most = left.depth == 1 ? Int.max : 8
    var first = 0
    while first < chunk.depth {
      let depth = segmentDepth(at: first, chunk)
      // Where neighbouring rows are neighbours in memory, a few depths of all tiles at a time: tiles share cache lines.
      var skipped = 0
      while skipped < depth {
        let few = min(most, depth &- skipped)
        var source =
          left.base + heights.start(tiles.lowerBound) &* left.outer + (chunk.first &+ first &+ skipped) &* left.depth
        var target = scratch + plan.leftOffset + first &* rows
        for tile in tiles {
          let height = heights.size(tile)
          let to = target + skipped &* height
          if tile == onesTile {
            for d in 0..<few {
              for i in 0..<(height &- 1) { to[d &* height &+ i] = source[d &* left.depth &+ i &* left.outer] }
              to[d &* height &+ height &- 1] = 1
            }
          } else {
            packLeft(source, left, rows: height, depth: few, to: to)
          }
          source += height &* left.outer
          target += height &* depth
        }
        skipped += few
      }
      first += depth
    }
  }

  /// The depth of the segment that begins at `first` in a chunk.
  @inline(__always)
  private func segmentDepth(at first: Int, _ chunk: Chunk) -> Int {
    switch product.sums {
    case .chain: min(plan.segmentDepth, chunk.depth &- first)
    case .leaves: min(OrderOfArithmetic.leafRows, chunk.depth &- first)
    }
  }

  /// The strip from `column` on, its right operand packed unless the first tile does that or it is read in place.
  private func strip(at column: Int, block: RowBlock, chunk: Chunk, firstColumn: Int) -> Strip {
    let lanes = Vector.laneCount
    let right = product.right
    // The narrower strips come first, so that the last vector, where it overlaps another, has that in its own strip.
    let left = product.columns &- column
    let odd = ((left &+ lanes &- 1) / lanes) % plan.mostVectors
    let vectors = odd == 0 ? plan.mostVectors : odd & -odd
    let width = vectors &* lanes
    let count = min(width, left)
    let last = product.columns < lanes ? 0 : count &- lanes
    let source = right.base + column &* right.outer + chunk.first &* right.depth
    let isReadable = right.outer == 1 && product.columns >= lanes
    let packed =
      scratch + plan.rightOffset + (plan.keepsStrips ? (column &- firstColumn) &* chunk.depth : 0)
    var strip = Strip(
      column: column, columns: count, vectors: vectors, right: source, rightDepth: right.depth, rightLast: last,
      resultLast: last)
    if plan.rightInPlace && isReadable { return strip }
    if block.tiles.lowerBound == 0 && isReadable {
      strip.packed = packed
      return strip
    }
    if block.tiles.lowerBound == 0 {
      packRight(source, right, columns: count, last: last, width: width, depth: chunk.depth, to: packed)
    }
    (strip.right, strip.rightDepth, strip.rightLast) = (UnsafePointer(packed), width, width &- lanes)
    return strip
  }

  // MARK: - Tiles

  /// The tiles of a strip and a block of rows, segment by segment: the right operand stays in the nearest cache, sums and
  /// pending nodes lie beside each other for the next segment.
  private func compute(_ strip: Strip, _ block: RowBlock, _ chunk: Chunk, _ job: inout TileJob<Element>) {
    let lanes = Vector.laneCount
    let width = strip.vectors &* lanes
    let heights = plan.heights
    let slotStride = TileShape.mostSums &* lanes
    let (result, left) = (product.result, product.left)
    let isWhole = product.columns >= lanes && result.column == 1 && product.epilogue.isAlongVector
    let onesTile = product.lastRow == nil ? -1 : heights.count &- 1
    let segments = segmentCount(chunk)
    var first = 0
    for segment in 0..<segments {
      let depth = segmentDepth(at: first, chunk)
      let isLast = segment &+ 1 == segments
      let finishes = isLast && chunk.isLast
      let stack = product.sums == .leaves ? NodeStack(leaf: segment, of: segments) : NodeStack(leaf: 0, of: 1)
      let continues = product.sums == .chain && (segment > 0 || !chunk.isFirst)
      let startsFromResult = continues && segment == 0
      job.depth = depth
      job.joins = stack.joins
      (job.right, job.rightDepth) = (strip.right + first &* strip.rightDepth, strip.rightDepth)
      job.rightLast = strip.rightLast
      job.packed = strip.packed.map { $0 + first &* width }

      var tile = block.tiles.lowerBound
      while tile < block.tiles.upperBound {
        let height = heights.size(tile)
        let row = heights.start(tile)
        // Tiles of one height run together, but the one that packs and the one of the last row.
        var tiles = 1
        if isWhole && job.packed == nil && tile != onesTile {
          tiles = min(heights.endOfSize(at: tile), block.tiles.upperBound) &- tile
          if tile &+ tiles == onesTile &+ 1 { tiles &-= 1 }
        }
        job.tiles = tiles

        if !plan.leftInPlace {
          let rowsBefore = row &- heights.start(block.tiles.lowerBound)
          job.left = UnsafePointer(scratch + plan.leftOffset + (first &* block.rows &+ rowsBefore &* depth))
          (job.leftRow, job.leftDepth, job.leftTile) = (1, height, height &* depth)
        } else if tile == onesTile {
          job.left = UnsafePointer(scratch + plan.leftOffset + first &* height)
          (job.leftRow, job.leftDepth, job.leftTile) = (1, height, 0)
        } else {
          job.left = left.base + row &* left.outer + (chunk.first &+ first) &* left.depth
          (job.leftRow, job.leftDepth, job.leftTile) = (left.outer, left.depth, height &* left.outer)
        }

        let sums = scratch + plan.sumsOffset + (tile &- block.tiles.lowerBound) &* plan.sumsStride
        (job.end, job.endRow) = (sums + (stack.slot &- stack.joins) &* slotStride, width)
        (job.endTile, job.endLast) = (plan.sumsStride, width &- lanes)
        job.nodes = UnsafePointer(sums) + (stack.slot &- 1) &* slotStride
        job.nodesTile = plan.sumsStride
        (job.start, job.startRow) = (continues ? UnsafePointer(sums) : nil, width)
        (job.startTile, job.startLast) = (plan.sumsStride, width &- lanes)
        let target = result.base + row &* result.row + strip.column &* result.column
        if startsFromResult {
          if isWhole {
            (job.start, job.startRow) = (UnsafePointer(target), result.row)
            (job.startTile, job.startLast) = (height &* result.row, strip.resultLast)
          } else {
            readTile(target, height, strip.columns, to: sums, width)
            job.startLast = strip.resultLast
          }
        }
        job.finish = .none
        job.lastRow = nil
        if isLast {
          if isWhole {
            if tile == onesTile { job.lastRow = product.lastRow.map { $0 + strip.column } }
            (job.end, job.endRow) = (target, result.row)
            (job.endTile, job.endLast) = (height &* result.row, strip.resultLast)
            if finishes { finishInRegisters(&job, row: row, column: strip.column, height: height) }
          } else {
            (job.end, job.endLast) = (scratch, strip.resultLast)
          }
        }
        TileShape.run(Vector.self, rows: height, vectors: strip.vectors, &job)
        if isLast && !isWhole {
          store(scratch, width, row..<row &+ height, strip, finishes: finishes)
        } else if finishes, let activation = product.epilogue.afterStoring {
          activateRows(
            Vector.self, activation, target, rows: height &* tiles, stride: result.row, columns: strip.columns)
        }
        if let packed = job.packed {
          (job.right, job.rightDepth, job.rightLast) = (UnsafePointer(packed), width, width &- lanes)
          job.packed = nil
        }
        tile += tiles
      }
      first += depth
    }
  }

  /// Stores sums of a tile that does not lie whole in the result: finished, or for the next block of depth.
  @inline(never)
  private func store(
    _ sums: UnsafeMutablePointer<Element>, _ width: Int, _ rows: Range<Int>, _ strip: Strip, finishes: Bool
  ) {
    if finishes {
      finish(sums, width: width, rows: rows, columns: strip.column..<strip.column &+ strip.columns)
    } else {
      let result = product.result
      let target = result.base + rows.lowerBound &* result.row + strip.column &* result.column
      for i in 0..<rows.count {
        for j in 0..<strip.columns { target[i &* result.row &+ j &* result.column] = sums[i &* width &+ j] }
      }
    }
  }

  @inline(__always)
  private func segmentCount(_ chunk: Chunk) -> Int {
    let most = product.sums == .chain ? plan.segmentDepth : OrderOfArithmetic.leafRows
    return max((chunk.depth &+ most &- 1) / max(most, 1), 1)
  }

  /// Says what tiles from `row`, `column` on that lie whole in the result do to their finished sums.
  @inline(__always)
  private func finishInRegisters(_ job: inout TileJob<Element>, row: Int, column: Int, height: Int) {
    job.finish = product.epilogue.inRegisters
    (job.operandRow, job.operandTile) = (0, 0)
    switch product.epilogue {
    case .none: break
    case .activate(_, let bias): job.operand = bias.base + column
    case .differentiate(_, let value):
      job.operand = value.base + row &* value.row + column
      (job.operandRow, job.operandTile) = (value.row, height &* value.row)
    case .descend:
      (job.operand, job.operandRow, job.operandTile) = (UnsafePointer(job.end), job.endRow, job.endTile)
    }
  }

  /// Reads sums that a block of depth left in the result.
  private func readTile(
    _ source: UnsafeMutablePointer<Element>, _ rows: Int, _ columns: Int, to sums: UnsafeMutablePointer<Element>,
    _ width: Int
  ) {
    for i in 0..<rows {
      for j in 0..<columns { sums[i &* width &+ j] = source[i &* product.result.row &+ j &* product.result.column] }
      for j in columns..<width { sums[i &* width &+ j] = 0 }
    }
  }
}
