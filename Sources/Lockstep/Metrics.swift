// What `evaluate` tells beside the loss.

import ComputeBackend

/// Measures of predictions against targets, computed in `Double` in the order of rows.
public enum Metrics: Sendable, Equatable {
  /// For the losses of regression: `1 - Σ(y - t)² / Σ(t - mean t)²` over all outputs, each with its own mean (`nil` where
  /// no target varies), the mean of `|y - t|`, and the root of the mean of `(y - t)²`.
  case regression(coefficientOfDetermination: Double?, meanAbsoluteError: Double, rootMeanSquaredError: Double)
  /// For cross-entropies: the share of right answers. Binary: a logit above 0 against a target above one half, over all
  /// elements. Softmax: the first largest logit of a row against its first largest target.
  case classification(accuracy: Double)

  /// - Parameters:
  ///   - loss: what the network was trained for.
  ///   - output: `[rows × outputs]`, a row or more.
  ///   - target: of the same shape.
  /// - Precondition: the shapes agree and are not empty.
  public init<Element: KernelElement>(loss: Loss, output: Matrix<Element>, target: Matrix<Element>) {
    precondition(output.rows == target.rows && output.columns == target.columns && !output.elements.isEmpty)
    let pairs = zip(output.elements, target.elements)
    let count = Double(output.elements.count)
    switch loss {
    case .meanSquaredError, .meanAbsoluteError, .huber:
      var absolute = 0.0
      var squared = 0.0
      for (y, t) in pairs {
        let difference = Double(y) - Double(t)
        absolute += abs(difference)
        squared += difference * difference
      }
      var variation = 0.0
      for column in 0..<target.columns {
        let values = (0..<target.rows).map { Double(target[$0, column]) }
        let mean = values.reduce(0, +) / Double(values.count)
        variation += values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      }
      self = .regression(
        coefficientOfDetermination: variation > 0 ? 1 - squared / variation : nil,
        meanAbsoluteError: absolute / count, rootMeanSquaredError: (squared / count).squareRoot())
    case .binaryCrossEntropy:
      let right = pairs.reduce(0) { $0 + (($1.0 > 0) == ($1.1 > 0.5) ? 1 : 0) }
      self = .classification(accuracy: Double(right) / count)
    case .softmaxCrossEntropy:
      func firstLargest(_ matrix: Matrix<Element>, _ row: Int) -> Int {
        (1..<matrix.columns).reduce(0) { matrix[row, $1] > matrix[row, $0] ? $1 : $0 }
      }
      let right = (0..<output.rows).reduce(0) { $0 + (firstLargest(output, $1) == firstLargest(target, $1) ? 1 : 0) }
      self = .classification(accuracy: Double(right) / Double(output.rows))
    }
  }
}
