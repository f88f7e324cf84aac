// Matrix products: what a product is, and which kernel computes it. Loops over blocks lie in BlockedProduct.swift, the tile
// in RegisterTile.swift.

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
  /// Where the last row of the result is written, if it lies apart: that row's left operand is 1 at every depth, and is
  /// nowhere in memory. `fma(1, b, sum)` is `sum + b`: the gradient of a bias is that of a weight whose input is always
  /// 1.
  var lastRow: UnsafeMutablePointer<Element>?

  /// The same product with rows and columns exchanged: the result's rows lie along the vector.
  var transposed: Self {
    Self(
      rows: columns, columns: rows, depth: depth, sums: sums, left: right, right: left,
      result: result.transposed, epilogue: epilogue.transposed)
  }

  /// True where the result's rows are to lie along the vector, as there are fewer columns than a vector has lanes.
  private var isTransposed: Bool { lastRow == nil && rows > columns && columns < Vector.laneCount }

  func compute(in pool: ScratchPool) {
    guard rows > 0, columns > 0 else { return }
    if isStreamed { return computeStreamed() }
    if computeInPlace(in: pool) { return }
    if isTransposed {
      transposed.computeParts(in: pool)
    } else {
      computeParts(in: pool)
    }
  }

  private func computeParts(in pool: ScratchPool) {
    if sums == .leaves && depth > BlockPlan<Vector>.mostDepth {
      computeTree(in: pool)
    } else {
      let plan = BlockPlan<Vector>(self)
      pool.withMemory(of: Element.self, count: plan.scratchCount) { scratch in
        BlockedProduct(product: self, plan: plan, scratch: scratch).compute()
      }
    }
  }

  /// A tree too deep to lie beside a tile: nodes as large as the result, each over as much depth as one plan takes.
  private func computeTree(in pool: ScratchPool) {
    let nodeDepth = BlockPlan<Vector>.mostDepth
    let parts = (depth &+ nodeDepth &- 1) / nodeDepth
    let count = rows &* columns
    // Those that wait, as many as the number of a part has ones, and the one that is computed.
    let nodes = Int.bitWidth &- parts.leadingZeroBitCount
    var part = self
    part.epilogue = .none
    part.lastRow = nil
    part.depth = nodeDepth
    let plan = BlockPlan<Vector>(part)
    pool.withMemory(of: Element.self, count: plan.scratchCount &+ nodes &* count) { scratch in
      let memory = scratch + plan.scratchCount
      for index in 0..<parts {
        let stack = NodeStack(leaf: index, of: parts)
        part.depth = min(nodeDepth, depth &- index &* nodeDepth)
        part.left.base = left.base + index &* nodeDepth &* left.depth
        part.right.base = right.base + index &* nodeDepth &* right.depth
        var node = memory + stack.slot &* count
        part.result = Destination(node, row: columns, column: 1)
        if lastRow != nil { part.lastRow = node + (rows &- 1) &* columns }
        let partPlan = part.depth == nodeDepth ? plan : BlockPlan<Vector>(part)
        BlockedProduct(product: part, plan: partPlan, scratch: scratch).compute()
        for _ in 0..<stack.joins {
          Kernels<Vector>.add(node, to: node - count, count: count)
          node -= count
        }
      }
      BlockedProduct(product: self, plan: plan, scratch: scratch).finish(
        memory, width: columns, rows: 0..<rows, columns: 0..<columns)
    }
  }
}
