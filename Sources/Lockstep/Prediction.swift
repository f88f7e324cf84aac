// Outputs and losses of a network, as values. What serves many calls lies in Predictor.swift.

import ComputeBackend

extension Network {
  /// The outputs for rows of input: each row's depend on that row alone. Who asks more than once makes a ``Predictor``,
  /// which does not copy the parameters for every call.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`.
  ///   - backend: what computes; no result depends on it.
  /// - Returns: `[rows × outputs]`.
  /// - Throws: ``NetworkError/inputColumns(expected:found:)``.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func predict(
    _ input: Matrix<Element>, on backend: any ComputeBackend<Element>
  ) throws(NetworkError) -> Matrix<Element> {
    try Predictor(self, backend: backend).predict(input)
  }

  /// The mean loss over rows.
  ///
  /// - Parameters:
  ///   - loss: which loss.
  ///   - output: `[rows × outputs]`, as ``predict(_:on:)`` gives it; a row or more.
  ///   - target: `[rows × outputs]`.
  ///   - weights: `[rows × 1]`, how much each row counts, or `nil` where all count alike.
  ///   - backend: what computes; no result depends on it.
  /// - Throws: ``NetworkError`` where the shapes do not fit, or a weight is negative or no finite number.
  public static func meanLoss(
    _ loss: Loss, output: Matrix<Element>, target: Matrix<Element>, weights: Matrix<Element>? = nil,
    on backend: any ComputeBackend<Element>
  ) throws(NetworkError) -> Element {
    guard output.rows > 0 else { throw .noRows }
    guard target.rows == output.rows, target.columns == output.columns else {
      throw .targetShape(
        expectedRows: output.rows, expectedColumns: output.columns, rows: target.rows, columns: target.columns)
    }
    var gradient = Matrix<Element>(rows: output.rows, columns: output.columns)
    return try withOptionalView(of: weights) { (weights) throws(NetworkError) in
      try weights?.checkWeights(rows: output.rows, outputs: output.columns)
      return output.withView { output in
        target.withView { target in
          gradient.withMutableView {
            meanLoss(loss, output: output, target: target, weights: weights, gradient: $0, on: backend)
          }
        }
      }
    }
  }

  /// The mean loss over rows of shapes and weights that are known to fit.
  ///
  /// - Parameter gradient: of the outputs' shape, overwritten.
  static func meanLoss(
    _ loss: Loss, output: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>? = nil,
    gradient: MutableMatrixView<Element>, on backend: any ComputeBackend<Element>
  ) -> Element {
    let sum = backend.loss(
      loss, output: output, target: target, weights: weights, scale: 1, gradient: gradient)
    return loss.mean(ofSum: sum, divisor: loss.divisor(rows: output.rows, outputs: output.columns, weights: weights))
  }
}
