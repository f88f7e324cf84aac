// Products whose operands lie in the nearest caches: tiles read them where they lie, as packing would cost as much there
// as a good part of the product, and planning a share of it. Larger products are cut up in BlockedProduct.swift.

import ComputeBackend

extension MatrixProduct {
  /// What transposing an element costs, in multiply-adds of one lane.
  private static var transposeCost: Int { 4 }

  /// Computes the product if its operands are near, or its rows so few that each column is read no more than twice; with
  /// the result's rows along the vector where that costs less. False where it is none of these, with nothing computed.
  @inline(__always)
  func computeInPlace(in pool: ScratchPool) -> Bool {
    let lanes = Vector.laneCount
    guard sums == .chain || depth <= OrderOfArithmetic.leafRows else { return false }
    let streams =
      sums == .chain && rows <= 2 &* TileShape.mostRows && right.outer == 1
      && depth &* columns &* MemoryLayout<Element>.stride <= BlockPlan<Vector>.blockBytes
    let bytes = depth &* (rows &+ columns) &* MemoryLayout<Element>.stride
    guard streams || bytes <= BlockPlan<Vector>.nearBytes else { return false }
    let leftRows = lastRow == nil ? rows : rows &- 1
    let fits = columns >= lanes
    if leftRows >= lanes && isExchangeable {
      let cost = Self.cost(rows, by: columns, depth: depth, isAlong: right.outer == 1)
      let exchanged = Self.cost(columns, by: leftRows, depth: depth, isAlong: left.outer == 1)
      if !fits || exchanged &+ Self.transposeCost &* rows &* columns < cost {
        computeExchangedInPlace(leftRows, in: pool)
        return true
      }
    }
    guard fits else { return false }
    if right.outer == 1 {
      computeStrips(panel: nil)
    } else {
      pool.withMemory(of: Element.self, count: panelCount) { computeStrips(panel: $0) }
    }
    return true
  }

  /// True where the epilogue can be applied to sums that lie along the vector by rows.
  private var isExchangeable: Bool {
    if case .differentiate(let activation, _) = epilogue { return activation == .identity }
    return true
  }

  @inline(__always)
  private static func cost(_ rows: Int, by columns: Int, depth: Int, isAlong: Bool) -> Int {
    let lanes = Vector.laneCount
    let packing = isAlong ? 0 : transposeCost &* columns
    return depth &* (rows &* ((columns &+ lanes &- 1) / lanes &* lanes) &+ packing)
  }

  /// Elements of a strip that is packed.
  private var panelCount: Int { right.outer == 1 ? 0 : TileShape.mostVectors(rows: rows) &* Vector.laneCount &* depth }

  /// All tiles, strip by strip; `panel` is where strips are packed if their columns are no neighbours.
  private func computeStrips(panel: UnsafeMutablePointer<Element>?) {
    let lanes = Vector.laneCount
    let heights = EvenCut(rows, most: TileShape.mostRows)
    let mostVectors = TileShape.mostVectors(rows: rows)
    let higher = heights.endOfSize(at: 0) == heights.count ? 0 : heights.endOfSize(at: 0)
    var job = TileJob(left.base, right.base, end: result.base)
    (job.depth, job.leftRow, job.leftDepth) = (depth, left.outer, left.depth)
    (job.rightDepth, job.endRow, job.finish) = (right.depth, result.row, epilogue.inRegisters)
    job.prefetches = false
    var operand = UnsafePointer(result.base)
    switch epilogue {
    case .none: break
    case .activate(_, let bias): operand = bias.base
    case .differentiate(_, let value): (operand, job.operandRow) = (value.base, value.row)
    case .descend(let rate): (job.operandRow, job.rate) = (result.row, rate)
    }

    var column = 0
    while column < columns {
      // The narrower strips come first, so that the last vector, where it overlaps another, has that in its own strip.
      let odd = ((columns &- column &+ lanes &- 1) / lanes) % mostVectors
      let vectors = odd == 0 ? mostVectors : odd & -odd
      let width = vectors &* lanes
      job.endLast = min(width, columns &- column) &- lanes
      if right.outer == 1 {
        (job.right, job.rightLast) = (right.base + column, job.endLast)
      } else if let panel {
        packRight(
          right.base + column &* right.outer, right, columns: job.endLast &+ lanes, last: job.endLast, width: width,
          depth: depth, to: panel)
        (job.right, job.rightDepth, job.rightLast) = (UnsafePointer(panel), width, width &- lanes)
      }
      (job.hasOnes, job.lastRow) = (false, nil)
      let height = heights.size(heights.count &- 1)
      if higher > 0 { runTiles(higher, height: height &+ 1, row: 0, column: column, vectors: vectors, operand, &job) }
      let rest = heights.count &- higher &- (lastRow == nil ? 0 : 1)
      if rest > 0 {
        runTiles(rest, height: height, row: higher &* (height &+ 1), column: column, vectors: vectors, operand, &job)
      }
      if let lastRow {
        (job.hasOnes, job.lastRow) = (true, lastRow + column)
        runTiles(1, height: height, row: rows &- height, column: column, vectors: vectors, operand, &job)
      }
      column += width
    }
    if let activation = epilogue.afterStoring {
      activateRows(Vector.self, activation, result.base, rows: rows, stride: result.row, columns: columns)
    }
  }

  /// Computes tiles of one height, from `row` on.
  @inline(__always)
  private func runTiles(
    _ tiles: Int, height: Int, row: Int, column: Int, vectors: Int, _ operand: UnsafePointer<Element>,
    _ job: inout TileJob<Element>
  ) {
    job.tiles = tiles
    (job.left, job.leftTile) = (left.base + row &* left.outer, height &* left.outer)
    (job.end, job.endTile) = (result.base + (row &* result.row &+ column), height &* result.row)
    (job.operand, job.operandTile) = (operand + (row &* job.operandRow &+ column), height &* job.operandRow)
    TileShape.run(Vector.self, rows: height, vectors: vectors, &job)
  }

  // MARK: - Rows along the vector

  /// Computes the columns of the result as rows, and copies them from there; the last row, by itself.
  @inline(never)
  private func computeExchangedInPlace(_ leftRows: Int, in pool: ScratchPool) {
    let lanes = Vector.laneCount
    let stride = (leftRows &+ lanes &- 1) / lanes &* lanes
    var exchanged = transposed
    (exchanged.rows, exchanged.columns, exchanged.epilogue) = (columns, leftRows, .none)
    let count = columns &* stride
    pool.withMemory(of: Element.self, count: 2 &* count &+ columns &+ exchanged.panelCount) { sums in
      exchanged.result = Destination(sums, row: stride, column: 1)
      exchanged.computeStrips(panel: sums + (2 &* count &+ columns))
      let gradient = sums + count
      switch epilogue {
      case .none, .differentiate:
        copyTransposed(sums, stride, rows: columns, columns: leftRows, to: result.base, result.row)
        if let lastRow { sumColumns(to: lastRow) }
      case .activate(let activation, let bias):
        for j in 0..<columns {
          let term = Vector(repeating: bias.base[j &* bias.column])
          var i = 0
          while i < stride {
            let address = sums + (j &* stride &+ i)
            activation.fusedValue(.load(address) + term).store(address)
            i += lanes
          }
        }
        copyTransposed(sums, stride, rows: columns, columns: leftRows, to: result.base, result.row)
      case .descend(let rate):
        copyTransposed(sums, stride, rows: columns, columns: leftRows, to: gradient, columns)
        descend(result.base, result.row, gradient, rows: leftRows, rate)
        if let lastRow {
          sumColumns(to: gradient)
          descend(lastRow, columns, gradient, rows: 1, rate)
        }
      }
    }
  }

  private func descend(
    _ parameters: UnsafeMutablePointer<Element>, _ stride: Int, _ gradient: UnsafeMutablePointer<Element>, rows: Int,
    _ rate: Element
  ) {
    let room = (rows &- 1) &* stride &+ columns
    Kernels<Vector>.descend(
      MutableMatrixView(
        UnsafeMutableBufferPointer(start: parameters, count: room), rows: rows, columns: columns, stride: stride),
      gradient: MatrixView(
        UnsafeBufferPointer(start: gradient, count: rows &* columns), rows: rows, columns: columns),
      learningRate: rate)
  }

  /// The sums over depth of the right operand's columns, which are neighbours: those of a left operand of all ones.
  private func sumColumns(to sums: UnsafeMutablePointer<Element>) {
    let lanes = Vector.laneCount
    var j = 0
    while j < columns && columns >= lanes {
      j = min(j, columns &- lanes)
      var sum = Vector.zero
      for d in 0..<depth { sum = sum + .load(right.base + (d &* right.depth &+ j)) }
      sum.store(sums + j)
      j += lanes
    }
    while j < columns {
      var sum: Element = 0
      for d in 0..<depth { sum = sum + right.base[d &* right.depth &+ j] }
      sums[j] = sum
      j += 1
    }
  }
}
