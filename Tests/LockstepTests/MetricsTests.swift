// Measures of predictions, against numbers from scikit-learn.

import ComputeBackend
import Testing

@testable import Lockstep

@Suite struct MetricsTests {
  /// Rows of three classes as logits and one-hot targets.
  func classes(_ pairs: [(target: Int, prediction: Int)]) -> (output: Matrix<Float>, target: Matrix<Float>) {
    var output = Matrix<Float>(rows: pairs.count, columns: 3)
    var target = Matrix<Float>(rows: pairs.count, columns: 3)
    for (row, pair) in pairs.enumerated() {
      target[row, pair.target] = 1
      output[row, pair.prediction] = 2
    }
    return (output, target)
  }

  @Test func classesAreCounted() throws {
    let (output, target) = classes([(0, 0), (0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 2), (2, 0)])
    let confusion = try #require(ConfusionMatrix(loss: .softmaxCrossEntropy, output: output, target: target))
    #expect(confusion.counts == [[2, 1, 0], [0, 1, 1], [1, 0, 2]])
    // sklearn.metrics.accuracy_score and f1_score(average="macro").
    #expect(confusion.accuracy == 0.625)
    #expect(abs(confusion.macroF1 - 0.6111111111111112) < 1e-15)
    let metrics = Metrics(loss: .softmaxCrossEntropy, output: output, target: target)
    #expect(metrics == .classification(accuracy: confusion.accuracy, macroF1: confusion.macroF1))
    #expect(metrics.values.map(\.key) == Metrics.names(for: .softmaxCrossEntropy))
  }

  @Test func classesThatDoNotOccurDoNotCount() throws {
    let (output, target) = classes([(0, 0), (1, 1), (1, 1)])
    let confusion = try #require(ConfusionMatrix(loss: .softmaxCrossEntropy, output: output, target: target))
    #expect(confusion.macroF1 == 1)
    #expect(confusion.f1(ofClass: 2) == 0)
  }

  @Test func aYesOrNoAnswerHasTwoClasses() throws {
    let output = Matrix<Double>(rows: 5, columns: 1, elements: [1, -1, 2, 0, -3])
    let target = Matrix<Double>(rows: 5, columns: 1, elements: [1, 1, 0, 0, 0.5])
    let confusion = try #require(ConfusionMatrix(loss: .binaryCrossEntropy, output: output, target: target))
    #expect(confusion.counts == [[2, 1], [1, 1]])
    // f1_score([1, 1, 0, 0, 0], [1, 0, 1, 0, 0], average="macro")
    #expect(abs(confusion.macroF1 - 0.5833333333333333) < 1e-15)
  }

  @Test func severalAnswersAreQuestionsOfTheirOwn() {
    let output = Matrix<Float>(rows: 3, columns: 2, elements: [1, -1, 1, 1, -1, 1])
    let target = Matrix<Float>(rows: 3, columns: 2, elements: [1, 1, 0, 1, 0, 0])
    #expect(ConfusionMatrix(loss: .binaryCrossEntropy, output: output, target: target) == nil)
    // f1_score([[1, 1], [0, 1], [0, 0]], [[1, 0], [1, 1], [0, 1]], average="macro"): 2/3 and 1/2
    let macroF1 = (2.0 / 3 + 0.5) / 2
    #expect(
      Metrics(loss: .binaryCrossEntropy, output: output, target: target)
        == .classification(accuracy: 0.5, macroF1: macroF1))
  }

  @Test func numbersAreMeasuredByTheirDistance() {
    let output = Matrix<Double>(rows: 4, columns: 1, elements: [2.5, 0, 2, 8])
    let target = Matrix<Double>(rows: 4, columns: 1, elements: [3, -0.5, 2, 7])
    guard
      case .regression(let r2, let absolute, let root) = Metrics(
        loss: .meanSquaredError, output: output, target: target)
    else {
      Issue.record("mse is a loss of numbers")
      return
    }
    // r2_score, mean_absolute_error and root_mean_squared_error of scikit-learn's own example.
    #expect(abs(r2! - 0.9486081370449679) < 1e-15)
    #expect(absolute == 0.5)
    #expect(abs(root - 0.6123724356957945) < 1e-15)
    // 0.1 thrice has another mean.
    for constant in [0, 0.1] {
      let three = Matrix(rows: 3, columns: 1, elements: [constant, constant, constant])
      let output = Matrix<Double>(rows: 3, columns: 1, elements: [0, 1, 2])
      #expect(Metrics(loss: .meanSquaredError, output: output, target: three).values[0].value == nil)
    }
  }

  @Test(arguments: Loss.allCases) func valuesComeBackByTheirOrder(loss: Loss) {
    let names = Metrics.names(for: loss)
    let metrics = Metrics(values: [.nan, 0.25, 0.5][0..<names.count], of: loss)
    #expect(metrics.values.map(\.key) == names)
    #expect(metrics.values[1].value == 0.25)
  }
}
