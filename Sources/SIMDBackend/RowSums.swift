// Sums over rows in stripes: gradients of narrow layers and the loss. Rows lie along the vector.

import ComputeBackend

extension Kernels {
  /// The gradients of a narrow layer's parameters.
  static func stripedGradients(
    input: MatrixView<Element>, outputGradient: MatrixView<Element>,
    weightGradient: MutableMatrixView<Element>, biasGradient: MutableMatrixView<Element>, in pool: ScratchPool
  ) {
    let leafRows = OrderOfArithmetic.leafRows
    let (rows, inputs, outputs) = (input.rows, input.columns, outputGradient.columns)
    let sums = (inputs &+ 1) &* outputs
    var tree = PendingNodes(leaves: OrderOfArithmetic.leafCount(rows: rows))
    // Columns of a leaf, those of the inputs, one of ones (whose weight is the bias), those of the gradients; then the
    // leaf's sums and the pending nodes.
    let columns = (inputs &+ 1 &+ outputs) &* leafRows
    pool.withMemory(of: Element.self, count: columns &+ tree.most &* sums) { scratch in
      let gradients = scratch + (inputs &+ 1) &* leafRows
      let nodes = scratch + columns
      (scratch + inputs &* leafRows).update(repeating: 1, count: leafRows)
      nodes.update(repeating: 0, count: sums)
      var first = 0
      while first < rows {
        let count = min(leafRows, rows &- first)
        // A padding row adds 0 times -0, the one product that leaves every sum as it is, -0 too.
        splitColumns(input, first: first, count: count, padding: 0, to: scratch)
        splitColumns(outputGradient, first: first, count: count, padding: -0.0, to: gradients)
        let leaf = tree.next(nodes, count: sums)
        for j in 0..<outputs {
          stripedProducts(
            scratch, count: inputs &+ 1, gradients + j &* leafRows, rows: count, to: leaf + j &* (inputs &+ 1))
        }
        tree.join(Vector.self, nodes, count: sums)
        first += count
      }
      for j in 0..<outputs {
        for k in 0..<inputs { weightGradient.base[k &* weightGradient.stride &+ j] = nodes[j &* (inputs &+ 1) &+ k] }
        biasGradient.base[j] = nodes[j &* (inputs &+ 1) &+ inputs]
      }
    }
  }

  /// The sums in stripes of the products of each of `count` columns with one other column.
  @inline(__always)
  private static func stripedProducts(
    _ columns: UnsafePointer<Element>, count: Int, _ other: UnsafePointer<Element>, rows: Int,
    to sums: UnsafeMutablePointer<Element>
  ) {
    let leafRows = OrderOfArithmetic.leafRows
    var k = 0
    while k &+ 4 <= count {
      StripedSums<Vector, 4>.products(columns + k &* leafRows, other, rows: rows, to: sums + k)
      k += 4
    }
    if k &+ 2 <= count {
      StripedSums<Vector, 2>.products(columns + k &* leafRows, other, rows: rows, to: sums + k)
      k += 2
    }
    if k < count {
      StripedSums<Vector, 1>.products(columns + k &* leafRows, other, rows: rows, to: sums + k)
    }
  }

  /// Copies the columns of a leaf apart, each `leafRows` from the next and padded to a multiple of the stripes.
  @inline(__always)
  private static func splitColumns(
    _ matrix: MatrixView<Element>, first: Int, count: Int, padding: Element, to columns: UnsafeMutablePointer<Element>
  ) {
    let stripes = OrderOfArithmetic.stripes
    let padded = (count &+ stripes &- 1) / stripes &* stripes
    let source = matrix.base + first &* matrix.stride
    for k in 0..<matrix.columns {
      let column = columns + k &* OrderOfArithmetic.leafRows
      if matrix.stride == 1 {
        column.update(from: source, count: count)
      } else {
        for r in 0..<count { column[r] = source[r &* matrix.stride &+ k] }
      }
      for r in count..<padded { column[r] = padding }
    }
  }
}

/// The sums over a leaf's rows in stripes, for `count` columns at a time.
enum StripedSums<Vector: LaneVector, let count: Int> where Vector.Element: SIMDElement {
  typealias Element = Vector.Element

  @inline(never)
  static func products(
    _ columns: UnsafePointer<Element>, _ other: UnsafePointer<Element>, rows: Int,
    to sums: UnsafeMutablePointer<Element>
  ) {
    let stripes = OrderOfArithmetic.stripes
    var chains = InlineArray<count, InlineArray<16, Element>>(repeating: .init(repeating: 0))
    withUnsafeMutableBytes(of: &chains) { bytes in
      let chains = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Element.self)
      var stripe = 0
      while stripe < stripes {
        var chain = InlineArray<count, Vector>(repeating: .zero)
        var r = stripe
        while r < (rows &+ stripes &- 1) / stripes &* stripes {
          let right = Vector.load(other + r)
          for k in 0..<count {
            chain[k] = .fma(.load(columns + k &* OrderOfArithmetic.leafRows + r), right, chain[k])
          }
          r += stripes
        }
        for k in 0..<count { chain[k].store(chains + k &* stripes + stripe) }
        stripe += Vector.laneCount
      }
      for k in 0..<count { sums[k] = foldStripes(Vector.self, chains + k &* stripes) }
    }
  }
}

/// The 16 stripes of `OrderOfArithmetic.stripes`, halved until one is left: stripe s with s + 8, then with s + 4, s + 2
/// and s + 1.
@inline(__always)
func foldStripes<Vector: LaneVector>(_: Vector.Type, _ stripes: UnsafePointer<Vector.Element>) -> Vector.Element {
  let lanes = Vector.laneCount
  if lanes == 8 { return (Vector.load(stripes) + Vector.load(stripes + lanes)).folded }
  let low = Vector.load(stripes) + Vector.load(stripes + 2 &* lanes)
  let high = Vector.load(stripes + lanes) + Vector.load(stripes + 3 &* lanes)
  return (low + high).folded
}
