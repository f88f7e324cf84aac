// Matrix products: operands of any strides, cut into blocks for the caches and into register tiles. The tile itself lies in
// RegisterTile.swift, packing in Panels.swift, what is done to finished sums in Epilogue.swift.

import ComputeBackend

/// An operand of a product: where the element of a row (of the left operand) or column (of the right one), the outer
/// index, and a depth lies.
struct Operand<Element> {
  var base: UnsafePointer<Element>
  var outer: Int
  var depth: Int

  init(_ base: UnsafePointer<Element>, outer: Int, depth: Int) {
    (self.base, self.outer, self.depth) = (base, outer, depth)
  }
}

/// Elements to read by row and column of the result; a stride of 0 repeats them.
struct Grid<Element> {
  var base: UnsafePointer<Element>
  var row: Int
  var column: Int

  init(_ base: UnsafePointer<Element>, row: Int, column: Int) {
    (self.base, self.row, self.column) = (base, row, column)
  }

  var transposed: Self { Self(base, row: column, column: row) }
}

/// Where the elements of a product are written.
struct Destination<Element> {
  var base: UnsafeMutablePointer<Element>
  var row: Int
  var column: Int

  init(_ base: UnsafeMutablePointer<Element>, row: Int, column: Int) {
    (self.base, self.row, self.column) = (base, row, column)
  }

  var transposed: Self { Self(base, row: column, column: row) }
}

/// How the sum over depth runs.
enum DepthSum {
  /// One chain.
  case chain
  /// One chain in each leaf of rows, and the pairwise tree over leaves.
  case leaves
}

/// `result[i, j] = epilogue(Σ_d fma(left[i, d], right[j, d]))`.
struct MatrixProduct<Vector: LaneVector> where Vector.Element: SIMDElement {
  typealias Element = Vector.Element

  var rows: Int
  var columns: Int
  var depth: Int
  var sums: DepthSum
  var left: Operand<Element>
  var right: Operand<Element>
  var result: Destination<Element>
  var epilogue: Epilogue<Element>

  /// The same product with rows and columns exchanged: the result's rows lie along the vector.
  private var transposed: Self {
    Self(
      rows: columns, columns: rows, depth: depth, sums: sums, left: right, right: left,
      result: result.transposed, epilogue: epilogue.transposed)
  }

  func compute() {
    guard rows > 0, columns > 0 else { return }
    let lanes = Vector.laneCount
    if columns < lanes && rows > columns {
      transposed.computeBlocks()
    } else {
      computeBlocks()
    }
  }

  /// Cuts the result into blocks whose pending sums fit the caches.
  private func computeBlocks() {
    let plan = BlockPlan<Vector>(self)
    withScratch(of: Element.self, count: plan.scratchCount) { scratch in
      var column = 0
      while column < columns {
        let columnCount = min(plan.blockColumns, columns &- column)
        var row = 0
        while row < rows {
          let rowCount = min(plan.blockRows, rows &- row)
          computeBlock(
            rows: row..<row &+ rowCount, columns: column..<column &+ columnCount, plan: plan, scratch: scratch)
          row += rowCount
        }
        column += columnCount
      }
    }
  }

  /// One block of the result: all of its depth, segment by segment.
  private func computeBlock(
    rows: Range<Int>, columns: Range<Int>, plan: BlockPlan<Vector>, scratch: UnsafeMutablePointer<Element>
  ) {
    var segment = 0
    repeat {
      let firstDepth = min(segment &* plan.segmentDepth, depth)
      let segmentDepth = min(plan.segmentDepth, depth &- firstDepth)
      let panels = RightPanels<Vector>(
        operand: right, columns: columns, firstDepth: firstDepth, depth: segmentDepth, inPlace: plan.rightInPlace,
        mostVectors: plan.mostVectors, memory: scratch + plan.rightOffset)
      panels.pack()
      var row = 0
      while row < rows.count {
        let rowCount = min(plan.packedRows, rows.count &- row)
        let heights = EvenCut(rowCount, most: TileShape.mostRows)
        let leftPanels = LeftPanels(
          operand: left, firstRow: rows.lowerBound &+ row, cut: heights, firstDepth: firstDepth, depth: segmentDepth,
          inPlace: plan.leftInPlace, memory: scratch + plan.leftOffset)
        leftPanels.pack()
        var strip = panels.first
        while let current = strip {
          for panel in 0..<heights.count {
            let tileRow = row &+ heights.start(panel)
            let tile = Tile(
              rows: heights.size(panel), vectors: current.vectors,
              columns: min(current.vectors &* Vector.laneCount, columns.upperBound &- current.column))
            let left = leftPanels.panel(panel)
            let pending =
              scratch + plan.pendingOffset
              + (current.column &- columns.lowerBound) &* plan.blockRows
              + tileRow &* current.vectors &* Vector.laneCount
            let finished = finishSegment(
              segment, plan: plan, depth: segmentDepth, tile: tile, left: left, right: current, pending: pending,
              buffer: scratch)
            if let finished {
              store(finished, tile: tile, row: rows.lowerBound &+ tileRow, column: current.column)
            }
          }
          strip = panels.after(current)
        }
        if segment &+ 1 >= plan.segments, case .differentiate(let activation, let value) = epilogue {
          let first = rows.lowerBound &+ row
          differentiateBlock(
            Vector.self, activation, value: value, rows: first..<first &+ rowCount, columns: columns, result: result)
        }
        row += rowCount
      }
      segment += 1
    } while segment < plan.segments
  }

  /// Runs a tile over a segment and joins the sums with those of the segments before.
  ///
  /// - Returns: the address of the finished sums, or `nil` when segments are left.
  @inline(__always)
  private func finishSegment(
    _ segment: Int, plan: BlockPlan<Vector>, depth: Int, tile: Tile, left: Operand<Element>,
    right: RightPanels<Vector>.Strip, pending: UnsafeMutablePointer<Element>, buffer: UnsafeMutablePointer<Element>
  ) -> UnsafeMutablePointer<Element>? {
    let isLast = segment &+ 1 >= plan.segments
    switch sums {
    case .chain:
      let end = plan.segments <= 1 ? buffer : pending
      accumulate(tile, depth: depth, left: left, right: right, start: segment == 0 ? nil : pending, end: end)
      return isLast ? end : nil

    case .leaves:
      let step = TreeStep(leaf: segment, of: plan.segments)
      let end = isLast ? buffer : pending + step.level &* plan.pendingCount
      accumulate(tile, depth: depth, left: left, right: right, start: nil, end: step.joined == 0 ? end : buffer)
      let count = tile.rows &* tile.vectors &* Vector.laneCount
      var levels = step.joined
      while levels != 0 {
        let node = pending + levels.trailingZeroBitCount &* plan.pendingCount
        levels &= levels &- 1
        let target = levels == 0 ? end : buffer
        var i = 0
        while i < count {
          (Vector.load(node + i) + Vector.load(buffer + i)).store(target + i)
          i += Vector.laneCount
        }
      }
      return isLast ? end : nil
    }
  }

  @inline(__always)
  private func accumulate(
    _ tile: Tile, depth: Int, left: Operand<Element>, right: RightPanels<Vector>.Strip,
    start: UnsafeMutablePointer<Element>?, end: UnsafeMutablePointer<Element>
  ) {
    TileShape.kernel(Vector.self, rows: tile.rows, vectors: tile.vectors)(
      depth, left.base, left.outer, left.depth, right.base, right.depthStride, start.map { UnsafePointer($0) }, end)
  }

  /// Writes the finished sums of a tile.
  @inline(__always)
  private func store(_ sums: UnsafeMutablePointer<Element>, tile: Tile, row: Int, column: Int) {
    let result = Destination(
      result.base + row &* result.row + column &* result.column, row: result.row, column: result.column)
    if case .activate(let activation, let bias) = epilogue {
      activateTile(Vector.self, activation, bias: bias, tile: tile, row: row, column: column, sums: sums)
    }
    storeTile(Vector.self, sums, tile: tile, result: result)
  }
}

/// The shape of a tile: its rows, its vectors of columns, and how many of the columns are in the result.
struct Tile {
  var rows: Int
  var vectors: Int
  var columns: Int
}
