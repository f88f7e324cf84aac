// Weights of rows, as training and mean losses take them: what they must be. How they count lies in ComputeBackend, in Loss.

import ComputeBackend

extension MatrixView where Element: KernelElement {
  /// Checks that these are weights for the rows of a batch: a column of finite numbers of at least 0.
  ///
  /// - Parameters:
  ///   - rows: rows of the batch.
  ///   - outputs: outputs of a row.
  func checkWeights(rows: Int, outputs: Int) throws(NetworkError) {
    guard self.rows == rows, columns == 1 else {
      throw .weightShape(expectedRows: rows, rows: self.rows, columns: columns)
    }
    for row in 0..<rows {
      let weight = self[row, 0]
      guard weight >= 0, weight.isFinite else { throw .weight(row: row, value: "\(weight)") }
    }
    let divisor: Element = Loss.meanSquaredError.divisor(rows: rows, outputs: outputs, weights: self)
    guard divisor.isFinite else { throw .weightSum }
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
