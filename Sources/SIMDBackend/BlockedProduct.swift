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
      let columnEnd = min(column &+ plan.blockColumns, product.columns)
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

  // MARK: - Operands

  /// Copies the panels of a block of rows, segment by segment and tile by tile. Those that are read in place are not
  /// copied, but for the last one where its last row is nowhere in memory.
  private func packLeftPanels(_ block: RowBlock, _ chunk: Chunk) {
    let (left, heights) = (product.left, plan.heights)
    let hasOnes = product.lastRow != nil && block.tiles.upperBound == heights.count
    guard !plan.leftInPlace || hasOnes else { return }
    var first = 0
    while first < chunk.depth || first == 0 {
      let depth = segmentDepth(at: first, chunk)
      for tile in block.tiles {
        if plan.leftInPlace && tile &+ 1 < heights.count { continue }
        let height = heights.size(tile)
        let isOnes = hasOnes && tile &+ 1 == heights.count
        let source = left.base + heights.start(tile) &* left.outer + (chunk.first &+ first) &* left.depth
        let target = packedLeft(tile, block, first: first, depth: depth)
        if isOnes {
          for d in 0..<depth {
            for i in 0..<(height &- 1) { target[d &* height &+ i] = source[d &* left.depth &+ i &* left.outer] }
            target[d &* height &+ height &- 1] = 1
          }
        } else {
          packLeft(source, left, rows: height, depth: depth, to: target)
        }
      }
      first += max(depth, 1)
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

  /// Where a tile's panel of a segment is packed.
  @inline(__always)
  private func packedLeft(_ tile: Int, _ block: RowBlock, first: Int, depth: Int) -> UnsafeMutablePointer<Element> {
    let base = scratch + plan.leftOffset
    if plan.leftInPlace { return base + first &* plan.heights.size(tile) }
    let rowsBefore = plan.heights.start(tile) &- plan.heights.start(block.tiles.lowerBound)
    return base + first &* block.rows + rowsBefore &* depth
  }

  /// The strip from `column` on, its right operand packed unless the first tile does that or it is read in place.
  private func strip(at column: Int, block: RowBlock, chunk: Chunk, firstColumn: Int) -> Strip {
    let lanes = Vector.laneCount
    let right = product.right
    let left = product.columns &- column
    var vectors = plan.mostVectors
    while vectors > 1 && vectors / 2 &* lanes >= left { vectors /= 2 }
    let width = vectors &* lanes
    let source = right.base + column &* right.outer + chunk.first &* right.depth
    if plan.rightInPlace && left >= width {
      return Strip(column: column, columns: width, vectors: vectors, right: source, rightDepth: right.depth)
    }
    let packed =
      scratch + plan.rightOffset + (plan.keepsStrips ? (column &- firstColumn) &* chunk.depth : 0)
    var strip = Strip(
      column: column, columns: min(width, left), vectors: vectors, right: packed, rightDepth: width)
    if block.tiles.lowerBound == 0 {
      if right.outer == 1 && left >= width {
        (strip.right, strip.rightDepth, strip.packed) = (source, right.depth, packed)
      } else {
        packRight(source, right, columns: strip.columns, width: width, depth: chunk.depth, to: packed)
      }
    }
    return strip
  }

  // MARK: - Tiles

  /// The tiles of a strip and a block of rows, segment by segment: the right operand stays in the nearest cache, sums and
  /// pending nodes lie beside each other for the next segment.
  private func compute(_ strip: Strip, _ block: RowBlock, _ chunk: Chunk, _ job: inout TileJob<Element>) {
    let lanes = Vector.laneCount
    let width = strip.vectors &* lanes
    let heights = plan.heights
    let isWhole = strip.columns == width && product.result.column == 1 && product.epilogue.isAlongVector
    let segments = segmentCount(chunk)
    var first = 0
    for segment in 0..<segments {
      let depth = segmentDepth(at: first, chunk)
      let isLast = segment &+ 1 == segments
      let stack = product.sums == .leaves ? NodeStack(leaf: segment, of: segments) : NodeStack(leaf: 0, of: 1)
      job.depth = depth
      for tile in block.tiles {
        let height = heights.size(tile)
        let row = heights.start(tile)
        let isOnes = product.lastRow != nil && tile &+ 1 == heights.count
        if plan.leftInPlace && !isOnes {
          job.left = product.left.base + row &* product.left.outer + (chunk.first &+ first) &* product.left.depth
          (job.leftRow, job.leftDepth) = (product.left.outer, product.left.depth)
        } else {
          job.left = UnsafePointer(packedLeft(tile, block, first: first, depth: depth))
          (job.leftRow, job.leftDepth) = (1, height)
        }
        job.right = strip.right + first &* strip.rightDepth
        job.rightDepth = strip.rightDepth
        job.packed = nil
        if let packed = strip.packed {
          if tile == block.tiles.lowerBound {
            job.packed = packed + first &* width
          } else {
            (job.right, job.rightDepth) = (UnsafePointer(packed + first &* width), width)
          }
        }
        let sums = scratch + plan.sumsOffset + (tile &- block.tiles.lowerBound) &* plan.sumsStride
        let isDirect = isWhole && !isOnes
        let target = product.result.base + row &* product.result.row + strip.column &* product.result.column

        job.start = nil
        if product.sums == .chain {
          if segment > 0 {
            (job.start, job.startRow) = (UnsafePointer(sums), width)
          } else if !chunk.isFirst {
            if isDirect {
              (job.start, job.startRow) = (UnsafePointer(target), product.result.row)
            } else {
              readTile(target, height, strip.columns, to: sums, width)
              (job.start, job.startRow) = (UnsafePointer(sums), width)
            }
          }
        }
        job.joins = stack.joins
        job.nodes = UnsafePointer(sums) + (stack.slot &- 1) &* (TileShape.mostSums &* lanes)
        (job.end, job.endRow) = (sums + (stack.slot &- stack.joins) &* (TileShape.mostSums &* lanes), width)
        job.finish = .none
        if isLast && isDirect {
          (job.end, job.endRow) = (target, product.result.row)
          if chunk.isLast { finishInRegisters(&job, row: row, column: strip.column) }
        } else if isLast {
          (job.end, job.endRow) = (scratch, width)
        }
        TileShape.run(Vector.self, rows: height, vectors: strip.vectors, &job)
        if isLast {
          if !isDirect {
            if chunk.isLast {
              finish(
                scratch, width: width, rows: row..<row &+ height, columns: strip.column..<strip.column &+ strip.columns)
            } else {
              writeTile(scratch, width, height, strip.columns, to: target)
            }
          } else if chunk.isLast, let activation = product.epilogue.afterStoring {
            activateRows(
              Vector.self, activation, target, rows: height, stride: product.result.row, vectors: strip.vectors)
          }
        }
      }
      first += depth
    }
  }

  @inline(__always)
  private func segmentCount(_ chunk: Chunk) -> Int {
    let most = product.sums == .chain ? plan.segmentDepth : OrderOfArithmetic.leafRows
    return max((chunk.depth &+ most &- 1) / max(most, 1), 1)
  }

  /// Says what a tile at `row`, `column` that lies whole in the result does to its finished sums.
  @inline(__always)
  private func finishInRegisters(_ job: inout TileJob<Element>, row: Int, column: Int) {
    job.finish = product.epilogue.inRegisters
    switch product.epilogue {
    case .none: break
    case .activate(_, let bias): job.operand = bias.base + column
    case .differentiate(_, let value):
      (job.operand, job.operandRow) = (value.base + row &* value.row + column, value.row)
    case .descend:
      (job.operand, job.operandRow) = (UnsafePointer(job.end), job.endRow)
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

  /// Leaves sums in the result for the next block of depth.
  private func writeTile(
    _ sums: UnsafeMutablePointer<Element>, _ width: Int, _ rows: Int, _ columns: Int,
    to target: UnsafeMutablePointer<Element>
  ) {
    for i in 0..<rows {
      for j in 0..<columns { target[i &* product.result.row &+ j &* product.result.column] = sums[i &* width &+ j] }
    }
  }
}
