// The loops of a matrix product: blocks for the caches, strips of columns, segments of depth, tiles. What is done to
// finished sums outside of registers lies in Epilogue.swift.

import CLockstepCPU
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

  /// Lines of the right operand that the next packing tile will read, to be asked for in parts.
  private struct Ahead {
    private var address: UnsafePointer<Element>
    private let stride: Int
    private var left: Int
    var part: Int

    /// - Parameters:
    ///   - strip: the strip that is being computed.
    ///   - first: where its next segment begins in the chunk; `nil` for the next strip.
    @inline(__always)
    init(
      after strip: Strip, _ first: Int?, columns: Int, right: Operand<Element>, chunkFirst: Int, depth: Int, tiles: Int
    ) {
      let column = first == nil ? strip.column &+ strip.columns : strip.column
      stride = right.depth
      address = right.base + column &* right.outer + (chunkFirst &+ (first ?? 0)) &* right.depth
      // Lines a power of two apart share few sets of the second-level cache: no more than half of those are asked for.
      let bytes = stride &* MemoryLayout<Element>.stride
      left = column < columns ? min(depth, 4 &* (65536 / min(max(bytes & -bytes, 64), 65536))) : 0
      part = (left &+ tiles &- 1) / max(tiles, 1)
    }

    @inline(__always)
    mutating func prefetch() {
      var count = min(part, left)
      left &-= count
      while count > 0 {
        lockstep_prefetch_far(address)
        address += stride
        count &-= 1
      }
    }
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
    let slotStride = TileShape.mostSums &* lanes
    let (result, left) = (product.result, product.left)
    let isWhole = strip.columns == width && result.column == 1 && product.epilogue.isAlongVector
    let onesTile = product.lastRow == nil ? -1 : heights.count &- 1
    let firstRow = heights.start(block.tiles.lowerBound)
    let segments = segmentCount(chunk)
    var first = 0
    for segment in 0..<segments {
      let depth = segmentDepth(at: first, chunk)
      let isLast = segment &+ 1 == segments
      let finishes = isLast && chunk.isLast
      let stack = product.sums == .leaves ? NodeStack(leaf: segment, of: segments) : NodeStack(leaf: 0, of: 1)
      let continues = product.sums == .chain && (segment > 0 || !chunk.isFirst)
      let startsFromResult = continues && segment == 0

      // Where the first tile finds and leaves everything, and how far that is from one row or tile to the next.
      let isLeftPacked = !plan.leftInPlace
      var leftBase =
        isLeftPacked
        ? UnsafePointer(scratch + plan.leftOffset + first &* block.rows)
        : left.base + firstRow &* left.outer + (chunk.first &+ first) &* left.depth
      let leftAdvance = isLeftPacked ? depth : left.outer
      var sums = scratch + plan.sumsOffset
      var row = firstRow
      job.depth = depth
      job.joins = stack.joins
      job.finish = .none
      (job.right, job.rightDepth) = (strip.right + first &* strip.rightDepth, strip.rightDepth)
      job.packed = strip.packed.map { $0 + first &* width }

      // What the first tile packs next is asked for in equal parts by the tiles before it.
      var ahead = Ahead(
        after: strip, first &+ depth < chunk.depth ? first &+ depth : nil, columns: product.columns, right: product.right,
        chunkFirst: chunk.first, depth: depth, tiles: block.tiles.count)
      if block.tiles.lowerBound > 0 || strip.packed == nil { ahead.part = 0 }

      for tile in block.tiles {
        let height = heights.size(tile)
        ahead.prefetch()
        let isDirect = isWhole && tile != onesTile
        if isLeftPacked {
          (job.left, job.leftRow, job.leftDepth) = (leftBase, 1, height)
        } else if tile != onesTile {
          (job.left, job.leftRow, job.leftDepth) = (leftBase, left.outer, left.depth)
        } else {
          job.left = UnsafePointer(scratch + plan.leftOffset + first &* height)
          (job.leftRow, job.leftDepth) = (1, height)
        }
        leftBase += height &* leftAdvance

        (job.end, job.endRow) = (sums + (stack.slot &- stack.joins) &* slotStride, width)
        job.nodes = UnsafePointer(sums) + (stack.slot &- 1) &* slotStride
        (job.start, job.startRow) = (continues ? UnsafePointer(sums) : nil, width)
        let target = result.base + row &* result.row + strip.column &* result.column
        if startsFromResult {
          if isDirect {
            (job.start, job.startRow) = (UnsafePointer(target), result.row)
          } else {
            readTile(target, height, strip.columns, to: sums, width)
          }
        }
        if isLast {
          if isDirect {
            (job.end, job.endRow) = (target, result.row)
            if finishes { finishInRegisters(&job, row: row, column: strip.column) }
          } else {
            (job.end, job.finish) = (scratch, .none)
          }
        }
        TileShape.run(Vector.self, rows: height, vectors: strip.vectors, &job)
        if isLast && !isDirect {
          store(scratch, width, row..<row &+ height, strip, finishes: finishes)
        } else if finishes, let activation = product.epilogue.afterStoring {
          activateRows(Vector.self, activation, target, rows: height, stride: result.row, vectors: strip.vectors)
        }
        if let packed = job.packed {
          (job.right, job.rightDepth, job.packed) = (UnsafePointer(packed), width, nil)
        }
        row += height
        sums += plan.sumsStride
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
}
