// Products of so few rows that the right operand is what they wait for: it streams through once, row after row as it
// lies in memory, and the sums lie in the result meanwhile. Which products come here is decided in MatrixProduct.swift.

import CLockstepCPU
import ComputeBackend

extension MatrixProduct {
  /// The most rows of a product that streams its right operand.
  private static var mostStreamedRows: Int { 4 }

  /// True where a product is a dense layer on few rows, too wide for the sums of its rows to stay in registers.
  var isStreamed: Bool {
    guard rows <= Self.mostStreamedRows, sums == .chain, right.outer == 1, left.depth == 1, result.column == 1,
      columns >= 8 &* Vector.laneCount, case .activate(_, let bias) = epilogue
    else { return false }
    // One or two rows have too few chains for a tile; three or four have enough, where the right operand is near.
    let isNear = depth &* columns &* MemoryLayout<Element>.stride <= BlockPlan<Vector>.nearBytes
    return bias.column == 1 && (rows <= 2 || !isNear)
  }

  /// Computes a product that ``isStreamed``. What is left over whole vectors is a tile of its own, whose vector ends
  /// where the columns do: its first lanes are computed and written twice, with the same bits.
  func computeStreamed() {
    guard case .activate(let activation, let bias) = epilogue else { return }
    let lanes = Vector.laneCount
    let whole = columns / lanes &* lanes
    switch rows {
    case 1: StreamedRows<Vector, 1, 4>.run(self, columns: whole)
    case 2: StreamedRows<Vector, 2, 4>.run(self, columns: whole)
    case 3: StreamedRows<Vector, 3, 2>.run(self, columns: whole)
    default: StreamedRows<Vector, 4, 2>.run(self, columns: whole)
    }
    if whole < columns {
      let column = columns &- lanes
      var job = TileJob(left.base, right.base + column, end: result.base)
      (job.depth, job.leftRow, job.rightDepth) = (depth, left.outer, right.depth)
      // Only what is left is written here, as the rest of the vector is not finished yet.
      var last = InlineArray<4, Vector>(repeating: .zero)
      withUnsafeMutableBytes(of: &last) { bytes in
        let sums = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Element.self)
        (job.end, job.endRow) = (sums, lanes)
        TileShape.run(Vector.self, rows: rows, vectors: 1, &job)
        for i in 0..<rows {
          for j in whole..<columns { result.base[i &* result.row &+ j] = sums[i &* lanes &+ j &- column] }
        }
      }
    }
    addBias(bias.base, activation)
  }

  /// Adds the bias to the sums in the result and applies the activation.
  private func addBias(_ bias: UnsafePointer<Element>, _ activation: Activation) {
    let lanes = Vector.laneCount
    for i in 0..<rows {
      let row = result.base + i &* result.row
      // The last vector, which may overlap another, is read before that is written.
      let last = activation.fusedValue(Vector.load(row + (columns &- lanes)) + .load(bias + (columns &- lanes)))
      var j = 0
      while j &+ lanes < columns {
        activation.fusedValue(Vector.load(row + j) + .load(bias + j)).store(row + j)
        j += lanes
      }
      last.store(row + (columns &- lanes))
    }
  }
}

/// The sums of `rows` rows, `steps` depths at a time: a sum is loaded and stored once for all of them.
///
/// Bound: the bytes of the right operand, from the cache where it lies; elsewhere, two loads a cycle. Registers: a
/// factor for each row and step, no more than 8; the steps' vectors and a sum.
enum StreamedRows<Vector: LaneVector, let rows: Int, let steps: Int> where Vector.Element: SIMDElement {
  typealias Element = Vector.Element

  /// Computes the first `columns` columns of a product, a multiple of the lanes.
  @inline(never)
  static func run(_ product: MatrixProduct<Vector>, columns: Int) {
    let (result, left, right) = (product.result, product.left, product.right)
    for i in 0..<rows { (result.base + i &* result.row).update(repeating: 0, count: columns) }
    var d = 0
    while d &+ steps <= product.depth {
      let ahead = d &+ 2 &* steps <= product.depth ? steps &* right.depth : 0
      let factors = InlineArray<rows, InlineArray<steps, Vector>> { i in
        InlineArray<steps, Vector> { Vector(repeating: left.base[i &* left.outer &+ d &+ $0]) }
      }
      let from = right.base + d &* right.depth
      var j = 0
      while j < columns {
        var vectors = InlineArray<steps, Vector>(repeating: .zero)
        for s in 0..<steps {
          vectors[s] = .load(from + (s &* right.depth &+ j))
          lockstep_prefetch(from + (s &* right.depth &+ j &+ ahead))
        }
        for i in 0..<rows {
          let to = result.base + (i &* result.row &+ j)
          var sum = Vector.load(to)
          for s in 0..<steps { sum = .fma(factors[i][s], vectors[s], sum) }
          sum.store(to)
        }
        j += Vector.laneCount
      }
      d += steps
    }
    while d < product.depth {
      let from = right.base + d &* right.depth
      for i in 0..<rows {
        let factor = Vector(repeating: left.base[i &* left.outer &+ d])
        let to = result.base + i &* result.row
        var j = 0
        while j < columns {
          Vector.fma(factor, .load(from + j), .load(to + j)).store(to + j)
          j += Vector.laneCount
        }
      }
      d += 1
    }
  }
}
