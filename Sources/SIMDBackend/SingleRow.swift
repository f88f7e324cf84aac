// One row through a dense layer, whose sums stay in registers from the first step of the depth to the bias. Nothing is planned
// or packed, so a small network answers in little more than the chains take. Products of more rows lie in MatrixProduct.swift.

import ComputeBackend

/// A dense layer on one row, with weights in the nearest caches.
struct SingleRow<Vector: LaneVector> where Vector.Element: SIMDElement {
  typealias Element = Vector.Element

  let input: UnsafePointer<Element>
  let weights: MatrixView<Element>
  let bias: UnsafePointer<Element>
  let activation: Activation
  let output: UnsafeMutablePointer<Element>

  /// True where weights are so near that strips of them are read as fast as whole rows.
  @inline(__always)
  static func suits(_ weights: MatrixView<Element>) -> Bool {
    weights.rows &* weights.columns &* MemoryLayout<Element>.stride <= BlockPlan<Vector>.nearBytes
  }

  func compute() {
    let (columns, lanes) = (weights.columns, Vector.laneCount)
    if columns < lanes { return computeNarrow() }
    var vector = 0
    let vectors = (columns &+ lanes &- 1) / lanes
    while vector < vectors {
      // As many chains as two units with a latency of four cycles keep going.
      let count = min(8, vectors &- vector)
      let column = vector &* lanes
      let last = vector &+ count == vectors ? columns &- lanes &- column : (count &- 1) &* lanes
      switch count {
      case 1: strip(InlineArray<1, Vector>.self, column, last)
      case 2: strip(InlineArray<2, Vector>.self, column, last)
      case 3: strip(InlineArray<3, Vector>.self, column, last)
      case 4: strip(InlineArray<4, Vector>.self, column, last)
      case 5: strip(InlineArray<5, Vector>.self, column, last)
      case 6: strip(InlineArray<6, Vector>.self, column, last)
      case 7: strip(InlineArray<7, Vector>.self, column, last)
      default: strip(InlineArray<8, Vector>.self, column, last)
      }
      vector += count
    }
    if activation != .identity && activation != .relu {
      activateRows(Vector.self, activation, output, rows: 1, stride: columns, columns: columns)
    }
  }

  /// The columns of some vectors from `column` on. The last begins `last` after it: less than its place where it overlaps its
  /// neighbour, as it ends where the columns do. Activations that are more than a comparison follow.
  @inline(never)
  private func strip<let vectors: Int>(_: InlineArray<vectors, Vector>.Type, _ column: Int, _ last: Int) {
    let lanes = Vector.laneCount
    var sums = InlineArray<vectors, Vector>(repeating: .zero)
    var from = weights.base + column
    for k in 0..<weights.rows {
      let factor = Vector(repeating: input[k])
      for j in 0..<vectors {
        sums[j] = .fma(factor, .load(from + (j < vectors &- 1 ? j &* lanes : last)), sums[j])
      }
      from += weights.stride
    }
    for j in 0..<vectors {
      let place = column &+ (j < vectors &- 1 ? j &* lanes : last)
      let sum = sums[j] + .load(bias + place)
      (activation == .relu ? Activation.relu.value(sum) : sum).store(output + place)
    }
  }

  /// Fewer columns than a vector has lanes: one chain, or as many as there are columns side by side in one vector.
  @inline(never)
  private func computeNarrow() {
    let columns = weights.columns
    if columns == 1 {
      var sum = Element.zero
      for k in 0..<weights.rows { sum = .fma(input[k], weights.base[k &* weights.stride], sum) }
      output[0] = activation.fusedValue(sum + bias[0])
      return
    }
    var sum = Vector.zero
    var k = 0
    // A vector may reach into the next row of weights, whose sums are thrown away; but not over the last one's end.
    let readable = weights.stride == columns ? weights.rows &* columns &- Vector.laneCount : -1
    while k &* columns <= readable {
      sum = .fma(Vector(repeating: input[k]), .load(weights.base + k &* columns), sum)
      k += 1
    }
    while k < weights.rows {
      var row = Vector.zero
      row.replaceFirst(columns, from: weights.base + k &* weights.stride)
      sum = .fma(Vector(repeating: input[k]), row, sum)
      k += 1
    }
    var addend = Vector.zero
    addend.replaceFirst(columns, from: bias)
    activation.fusedValue(sum + addend).storeFirst(columns, to: output)
  }
}
