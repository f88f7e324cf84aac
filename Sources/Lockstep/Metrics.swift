// How well predictions fit their targets, beside the loss. Which classes are taken for which lies in ConfusionMatrix.swift.

import ComputeBackend

/// Measures of predictions against targets, computed in `Double` in the order of rows.
public enum Metrics: Sendable, Equatable {
  /// For the losses of regression: `1 - Σ(y - t)² / Σ(t - mean t)²` over all outputs, each with its own mean (`nil` where
  /// no target varies), the mean of `|y - t|`, and the root of the mean of `(y - t)²`.
  case regression(coefficientOfDetermination: Double?, meanAbsoluteError: Double, rootMeanSquaredError: Double)
  /// For cross-entropies: the share of right answers, and the mean of the classes' F1 scores.
  ///
  /// Softmax: the first largest logit of a row against its first largest target; the classes are those of
  /// ``ConfusionMatrix``. Binary: a logit above 0 against a target above one half, over all elements. A single output has
  /// two classes; several outputs are questions of their own, whose F1 scores for "yes" are averaged.
  case classification(accuracy: Double, macroF1: Double)

  /// - Parameters:
  ///   - loss: what the network was trained for.
  ///   - output: `[rows × outputs]`, a row or more.
  ///   - target: of the same shape.
  /// - Precondition: the shapes agree and are not empty.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public init<Element: KernelElement>(loss: Loss, output: Matrix<Element>, target: Matrix<Element>) {
    self = output.withView { output in target.withView { Metrics(loss: loss, output: output, target: $0) } }
  }

  /// As for matrices, on borrowed memory.
  ///
  /// - Precondition: the shapes agree and are not empty.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public init<Element: KernelElement>(loss: Loss, output: MatrixView<Element>, target: MatrixView<Element>) {
    precondition(
      output.rows == target.rows && output.columns == target.columns && output.rows > 0 && output.columns > 0,
      "Outputs and targets differ in shape, or are empty")
    if let confusion = ConfusionMatrix(loss: loss, output: output, target: target) {
      self = .classification(accuracy: confusion.accuracy, macroF1: confusion.macroF1)
    } else if loss == .binaryCrossEntropy {
      let questions = (0..<output.columns).map {
        ConfusionMatrix(binaryColumn: $0, output: output, target: target)
      }
      self = .classification(
        accuracy: Double(questions.reduce(0) { $0 + $1.rightAnswers }) / Double(output.rows * output.columns),
        macroF1: questions.reduce(0) { $0 + $1.f1(ofClass: 1) } / Double(questions.count))
    } else {
      self = Self.regression(output: output, target: target)
    }
  }

  private static func regression<Element: KernelElement>(
    output: MatrixView<Element>, target: MatrixView<Element>
  ) -> Metrics {
    var absolute = 0.0
    var squared = 0.0
    for row in 0..<output.rows {
      for column in 0..<output.columns {
        let difference = Double(output[row, column]) - Double(target[row, column])
        absolute += abs(difference)
        squared += difference * difference
      }
    }
    var variation = 0.0
    for column in 0..<target.columns {
      var mean = 0.0
      for row in 0..<target.rows { mean += Double(target[row, column]) }
      mean /= Double(target.rows)
      // Of equal numbers the rounded mean may be another one.
      let varies = (1..<target.rows).contains { target[$0, column] != target[0, column] }
      var columnVariation = 0.0
      for row in 0..<(varies ? target.rows : 0) {
        let difference = Double(target[row, column]) - mean
        columnVariation += difference * difference
      }
      variation += columnVariation
    }
    let count = Double(output.rows * output.columns)
    return .regression(
      coefficientOfDetermination: variation > 0 ? 1 - squared / variation : nil,
      meanAbsoluteError: absolute / count, rootMeanSquaredError: (squared / count).squareRoot())
  }

  /// The names of the measures that a loss has, in the order of ``values``.
  static func names(for loss: Loss) -> [String] {
    Metrics(values: [0, 0, 0], of: loss).values.map(\.key)
  }

  /// The measures with these values, in the order of ``values``; NaN for the one that may have none.
  ///
  /// - Precondition: there are as many as the loss has, or more, which are ignored.
  init(values: ArraySlice<Double>, of loss: Loss) {
    let values = Array(values)
    switch loss {
    case .binaryCrossEntropy, .softmaxCrossEntropy: self = .classification(accuracy: values[0], macroF1: values[1])
    default:
      self = .regression(
        coefficientOfDetermination: values[0].isNaN ? nil : values[0], meanAbsoluteError: values[1],
        rootMeanSquaredError: values[2])
    }
  }

  /// The name of each measure with its value, `nil` where it has none.
  public var values: KeyValuePairs<String, Double?> {
    switch self {
    case .regression(let coefficientOfDetermination, let meanAbsoluteError, let rootMeanSquaredError):
      [
        "r2": coefficientOfDetermination, "mean_absolute_error": meanAbsoluteError,
        "root_mean_squared_error": rootMeanSquaredError,
      ]
    case .classification(let accuracy, let macroF1): ["accuracy": accuracy, "macro_f1": macroF1]
    }
  }
}
