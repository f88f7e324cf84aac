// Which classes a network takes for which. The measures beside it lie in Metrics.swift.

import ComputeBackend

/// How often rows of each class were taken for each class.
public struct ConfusionMatrix: Sendable, Equatable {
  /// `counts[t][p]`: rows of class `t` that were taken for class `p`.
  public let counts: [[Int]]

  /// How many classes there are.
  public var classes: Int { counts.count }

  /// The matrix of a softmax over classes, or of a single yes-or-no answer, which has the classes 0 (no) and 1 (yes).
  ///
  /// - Parameters:
  ///   - loss: what the network was trained for.
  ///   - output: `[rows × outputs]`: logits.
  ///   - target: of the same shape.
  /// - Returns: `nil` for losses of numbers, and for several yes-or-no answers at once.
  /// - Precondition: the shapes agree.
  public init?<Element: KernelElement>(loss: Loss, output: MatrixView<Element>, target: MatrixView<Element>) {
    precondition(output.rows == target.rows && output.columns == target.columns, "Outputs and targets differ in shape")
    guard Self.isFor(loss, outputs: output.columns) else { return nil }
    if loss == .softmaxCrossEntropy {
      self.init(classes: output.columns, rows: output.rows) { row in
        (firstLargest(target, row), firstLargest(output, row))
      }
    } else {
      self.init(binaryColumn: 0, output: output, target: target)
    }
  }

  /// Whether a network with so many outputs and this loss tells classes apart, each row being of one.
  public static func isFor(_ loss: Loss, outputs: Int) -> Bool {
    loss == .softmaxCrossEntropy || loss == .binaryCrossEntropy && outputs == 1
  }

  /// As on borrowed memory.
  public init?<Element: KernelElement>(loss: Loss, output: Matrix<Element>, target: Matrix<Element>) {
    let matrix = output.withView { output in
      target.withView { ConfusionMatrix(loss: loss, output: output, target: $0) }
    }
    guard let matrix else { return nil }
    self = matrix
  }

  /// The answers of one output of a binary cross-entropy.
  init<Element: KernelElement>(binaryColumn column: Int, output: MatrixView<Element>, target: MatrixView<Element>) {
    self.init(classes: 2, rows: output.rows) { row in
      (target[row, column] > 0.5 ? 1 : 0, output[row, column] > 0 ? 1 : 0)
    }
  }

  private init(classes: Int, rows: Int, answer: (Int) -> (target: Int, prediction: Int)) {
    var counts = [[Int]](repeating: [Int](repeating: 0, count: classes), count: classes)
    for row in 0..<rows {
      let (target, prediction) = answer(row)
      counts[target][prediction] += 1
    }
    self.counts = counts
  }

  /// The share of rows whose class was found; 0 where there are no rows.
  public var accuracy: Double {
    let rows = counts.reduce(0) { $0 + $1.reduce(0, +) }
    return rows == 0 ? 0 : Double(rightAnswers) / Double(rows)
  }

  /// How many rows' class was found.
  var rightAnswers: Int { counts.indices.reduce(0) { $0 + counts[$1][$1] } }

  /// The F1 score of a class: the harmonic mean of its precision and recall, `2 TP / (2 TP + FP + FN)`; 0 where the class
  /// occurs neither among targets nor predictions.
  public func f1(ofClass index: Int) -> Double {
    let (rows, predictions) = occurrences(of: index)
    return rows + predictions == 0 ? 0 : 2 * Double(counts[index][index]) / Double(rows + predictions)
  }

  /// The mean of the F1 scores of the classes that occur among targets or predictions, in the order of classes.
  public var macroF1: Double {
    let occurring = counts.indices.filter(occurs)
    return occurring.isEmpty ? 0 : occurring.reduce(0) { $0 + f1(ofClass: $1) } / Double(occurring.count)
  }

  /// Whether a class occurs among targets or predictions.
  package func occurs(class index: Int) -> Bool { occurrences(of: index) != (0, 0) }

  /// The share of the rows of a class that were found; `nil` where it has none.
  package func recall(ofClass index: Int) -> Double? {
    let rows = occurrences(of: index).rows
    return rows == 0 ? nil : Double(counts[index][index]) / Double(rows)
  }

  /// The share of the rows taken for a class that are of it; `nil` where none was.
  package func precision(ofClass index: Int) -> Double? {
    let predictions = occurrences(of: index).predictions
    return predictions == 0 ? nil : Double(counts[index][index]) / Double(predictions)
  }

  private func occurrences(of index: Int) -> (rows: Int, predictions: Int) {
    (counts[index].reduce(0, +), counts.reduce(0) { $0 + $1[index] })
  }
}

private func firstLargest<Element: KernelElement>(_ matrix: MatrixView<Element>, _ row: Int) -> Int {
  (1..<max(matrix.columns, 1)).reduce(0) { matrix[row, $1] > matrix[row, $0] ? $1 : $0 }
}
