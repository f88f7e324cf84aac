// The sum of squares that clipping takes the norm of gradients from: its order, as plain loops.

/// A sum of squares in `Double`, over elements of either type.
public enum SumOfSquares {
  /// The sum of the squares of a matrix, as ``ComputeBackend/sumOfSquares(_:)`` says: what a backend without a kernel of its own
  /// does.
  @inlinable @inline(__always)
  public static func of<Element: KernelElement>(_ matrix: MatrixView<Element>) -> Double {
    let count = matrix.rows * matrix.columns
    let (leafCount, stripes) = (OrderOfArithmetic.leafRows, OrderOfArithmetic.stripes)
    let leaves = OrderOfArithmetic.leafCount(rows: count)
    // The pairwise tree as a binary counter: the ones of a leaf's number are the nodes that wait.
    var nodes = InlineArray<64, Double>(repeating: 0)
    for leaf in 0..<leaves {
      var chains = InlineArray<16, Double>(repeating: 0)
      for place in 0..<min(leafCount, count - leaf * leafCount) {
        let (row, column) = (leaf * leafCount + place).quotientAndRemainder(dividingBy: matrix.columns)
        let x = Double(matrix.base[row * matrix.stride + column])
        chains[place % stripes] = .fma(x, x, chains[place % stripes])
      }
      var half = stripes / 2
      while half > 0 {
        for stripe in 0..<half { chains[stripe] = chains[stripe] + chains[stripe + half] }
        half /= 2
      }
      var slot = leaf.nonzeroBitCount
      nodes[slot] = chains[0]
      for _ in 0..<(leaf + 1 == leaves ? slot : (~leaf).trailingZeroBitCount) {
        nodes[slot - 1] = nodes[slot - 1] + nodes[slot]
        slot -= 1
      }
    }
    return nodes[0]
  }
}
