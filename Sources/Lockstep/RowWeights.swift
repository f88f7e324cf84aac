// Weights of rows, as training and mean losses take them: what they must be. How they count lies in ComputeBackend, in Loss.

import ComputeBackend

extension MatrixView where Element: KernelElement {
  /// Checks that these are weights for the rows of a batch: a column of finite numbers of at least 0, whose sum neither
  /// overflows nor is too small to be divided by. In a batch all of them may be 0: nothing is learned from it.
  ///
  /// - Parameters:
  ///   - rows: rows of the batch.
  ///   - outputs: outputs of a row.
  func checkWeights(rows: Int, outputs: Int) throws(NetworkError) {
    guard self.rows == rows, columns == 1 else {
      throw .weightShape(expectedRows: rows, rows: self.rows, columns: columns)
    }
    var sum = 0.0
    for row in 0..<rows {
      let weight = self[row, 0]
      guard weight >= 0, weight.isFinite else { throw .weight(row: row, value: "\(weight)") }
      sum += Double(weight)
    }
    // The largest divisor of any loss, and the largest factor of its gradients.
    guard Element(sum * Double(outputs)).isFinite else { throw .weightSum }
    guard sum == 0 || (2 / Element(sum)).isFinite else { throw .weightSumTooSmall }
  }
}

/// Calls `body` with a view of a matrix that need not be there, valid during the call.
@inline(__always)
func withOptionalView<Element: KernelElement, Result>(
  of matrix: Matrix<Element>?, _ body: (MatrixView<Element>?) throws(NetworkError) -> Result
) throws(NetworkError) -> Result {
  guard let matrix else { return try body(nil) }
  return try matrix.withView { (view) throws(NetworkError) in try body(view) }
}
