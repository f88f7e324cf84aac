// From logits to probabilities, as the cross-entropies take outputs. The losses themselves lie in ComputeBackend.

import ComputeBackend

extension Loss {
  /// The probabilities that the outputs of a network trained with this loss stand for: for cross-entropy the softmax of each row,
  /// for binary cross-entropy the logistic function of each output.
  ///
  /// They are computed as the loss computes them, operation by operation, so they have the same bits everywhere: softmax is
  /// exp(z - max z) over the sum of those, in ascending order from +0.
  ///
  /// - Parameter output: `[rows × outputs]`: logits.
  /// - Returns: `[rows × outputs]`; `nil` for losses whose outputs are no logits.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func probabilities<Element: KernelElement>(of output: Matrix<Element>) -> Matrix<Element>? {
    switch self {
    case .meanSquaredError, .meanAbsoluteError, .huber: return nil
    case .binaryCrossEntropy:
      return Matrix(
        rows: output.rows, columns: output.columns, elements: output.elements.map { Elementary.sigmoid($0) })
    case .softmaxCrossEntropy:
      var result = Matrix<Element>(rows: output.rows, columns: output.columns)
      for row in 0..<(output.columns > 0 ? output.rows : 0) {
        var largest = output[row, 0]
        for column in 1..<output.columns where largest < output[row, column] { largest = output[row, column] }
        var sum = Element.zero
        for column in 0..<output.columns {
          result[row, column] = Elementary.exp(output[row, column] - largest)
          sum = sum + result[row, column]
        }
        for column in 0..<output.columns { result[row, column] = result[row, column] / sum }
      }
      return result
    }
  }
}
