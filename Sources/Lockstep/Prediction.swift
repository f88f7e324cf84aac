// Outputs and losses of a network that stays as it is.

import ComputeBackend

extension Network {
  /// The outputs for rows of input: each row's depend on that row alone.
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
    guard input.columns == inputs else { throw .inputColumns(expected: inputs, found: input.columns) }
    let storage = NetworkStorage(self)
    // As many rows at a time as keep activations near a core's cache, yet enough for every thread.
    let blockRows = min(max(input.rows, 1), max(256, (1 << 20) / (sizes.max() ?? 1)))
    let hidden = storage.layers.dropLast().map {
      MatrixStorage<Element>(rows: blockRows, columns: $0.weights.columns)
    }
    var result = Matrix<Element>(rows: input.rows, columns: outputs)
    withExtendedLifetime((storage, hidden)) {
      input.withView { input in
        result.withMutableView { result in
          for start in stride(from: 0, to: input.rows, by: blockRows) {
            let rows = start..<min(start + blockRows, input.rows)
            let outputs = hidden.map { $0.mutableView.rows(0..<rows.count) } + [result.rows(rows)]
            forward(storage, input: input.rows(rows), outputs: outputs, on: backend)
          }
        }
      }
    }
    return result
  }

  /// The mean loss over rows.
  ///
  /// - Parameters:
  ///   - loss: which loss.
  ///   - output: `[rows × outputs]`, as ``predict(_:on:)`` gives it; a row or more.
  ///   - target: `[rows × outputs]`.
  ///   - backend: what computes; no result depends on it.
  /// - Throws: ``NetworkError`` where the shapes do not fit.
  public static func meanLoss(
    _ loss: Loss, output: Matrix<Element>, target: Matrix<Element>, on backend: any ComputeBackend<Element>
  ) throws(NetworkError) -> Element {
    guard output.rows > 0 else { throw .noRows }
    guard target.rows == output.rows, target.columns == output.columns else {
      throw .targetShape(
        expectedRows: output.rows, expectedColumns: output.columns, rows: target.rows, columns: target.columns)
    }
    var gradient = Matrix<Element>(rows: output.rows, columns: output.columns)
    let sum = output.withView { output in
      target.withView { target in
        gradient.withMutableView { backend.loss(loss, output: output, target: target, scale: 1, gradient: $0) }
      }
    }
    return sum / Element(loss.termCount(rows: output.rows, outputs: output.columns))
  }
}
