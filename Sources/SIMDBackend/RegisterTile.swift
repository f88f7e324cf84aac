// The register tile: the innermost loop of every matrix product, a block of sums kept in registers. Which tile runs
// where, and on what memory, is decided in MatrixProduct.swift.

import ComputeBackend

/// Sums of `rows` rows and `columns` vectors of columns, in registers while depth runs by.
enum RegisterTile<Vector: LaneVector, let rows: Int, let columns: Int> {
  /// Continues the chain of each sum: `sum[i, j] = fma(a[i, d], b[d, j], sum[i, j])` for `d` in `0..<depth`.
  ///
  /// - Parameters:
  ///   - depth: how many products each chain takes.
  ///   - a: the left operand, `rows` elements at each depth.
  ///   - aRow: from one row of `a` to the next.
  ///   - aDepth: from one depth of `a` to the next.
  ///   - b: the right operand, `columns` vectors side by side at each depth.
  ///   - bDepth: from one depth of `b` to the next.
  ///   - start: the sums so far, row by row and vector by vector; `nil` for +0.
  ///   - end: receives the sums, in the same order.
  @inline(never)
  static func accumulate(
    depth: Int,
    a: UnsafePointer<Vector.Element>, aRow: Int, aDepth: Int,
    b: UnsafePointer<Vector.Element>, bDepth: Int,
    start: UnsafePointer<Vector.Element>?, end: UnsafeMutablePointer<Vector.Element>
  ) {
    let lanes = Vector.laneCount
    var sums = InlineArray<rows, InlineArray<columns, Vector>>(repeating: .init(repeating: .zero))
    if let start {
      for i in 0..<rows {
        for j in 0..<columns { sums[i][j] = .load(start + (i &* columns &+ j) &* lanes) }
      }
    }
    var (a, b) = (a, b)
    var left = depth
    while left > 0 {
      var right = InlineArray<columns, Vector>(repeating: .zero)
      for j in 0..<columns { right[j] = .load(b + j &* lanes) }
      for i in 0..<rows {
        let factor = Vector(repeating: a[i &* aRow])
        for j in 0..<columns { sums[i][j] = .fma(factor, right[j], sums[i][j]) }
      }
      a += aDepth
      b += bDepth
      left &-= 1
    }
    for i in 0..<rows {
      for j in 0..<columns { sums[i][j].store(end + (i &* columns &+ j) &* lanes) }
    }
  }
}

/// The register tiles that there are.
enum TileShape {
  /// The most rows of a tile: with two vectors of columns, 12 sums, 2 vectors and a broadcast fill 16 registers.
  static let mostRows = 6

  /// The most vectors of columns in a tile of `rows` rows: enough sums to hide the latency of the multiply-add.
  static func mostVectors(rows: Int) -> Int {
    switch rows {
    case 1: 8
    case 2: 4
    default: 2
    }
  }

  /// A tile's loop: depth, left operand with its row and depth strides, right operand with its depth stride, start and
  /// end of the sums.
  typealias Kernel<Element> = (
    Int, UnsafePointer<Element>, Int, Int, UnsafePointer<Element>, Int, UnsafePointer<Element>?,
    UnsafeMutablePointer<Element>
  ) -> Void

  /// The loop of the tile of `rows` rows and `vectors` vectors of columns.
  @inline(__always)
  static func kernel<Vector: LaneVector>(_: Vector.Type, rows: Int, vectors: Int) -> Kernel<Vector.Element> {
    switch (vectors, rows) {
    case (1, 1): RegisterTile<Vector, 1, 1>.accumulate
    case (1, 2): RegisterTile<Vector, 2, 1>.accumulate
    case (1, 3): RegisterTile<Vector, 3, 1>.accumulate
    case (1, 4): RegisterTile<Vector, 4, 1>.accumulate
    case (1, 5): RegisterTile<Vector, 5, 1>.accumulate
    case (1, 6): RegisterTile<Vector, 6, 1>.accumulate
    case (2, 1): RegisterTile<Vector, 1, 2>.accumulate
    case (2, 2): RegisterTile<Vector, 2, 2>.accumulate
    case (2, 3): RegisterTile<Vector, 3, 2>.accumulate
    case (2, 4): RegisterTile<Vector, 4, 2>.accumulate
    case (2, 5): RegisterTile<Vector, 5, 2>.accumulate
    case (2, 6): RegisterTile<Vector, 6, 2>.accumulate
    case (4, 1): RegisterTile<Vector, 1, 4>.accumulate
    case (4, 2): RegisterTile<Vector, 2, 4>.accumulate
    case (8, 1): RegisterTile<Vector, 1, 8>.accumulate
    default: preconditionFailure("No tile of this shape")
    }
  }
}
