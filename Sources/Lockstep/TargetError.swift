// Whether targets suit a loss: cross-entropies take probabilities. The losses themselves lie in ComputeBackend.

import ComputeBackend

/// A target that a cross-entropy has no meaning for.
public struct TargetError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The row, counted from 0.
  public let row: Int
  /// The column, counted from 0; `nil` where the row as a whole is at fault.
  public let column: Int?
  /// What is wrong, as a clause.
  public let problem: String

  public var description: String {
    "target row \(row)\(column.map { ", column \($0)" } ?? ""): \(problem)"
  }
}

extension Loss {
  private var isCrossEntropy: Bool {
    switch self {
    case .binaryCrossEntropy, .softmaxCrossEntropy: true
    case .meanSquaredError, .meanAbsoluteError, .huber: false
    }
  }

  /// Checks that targets are what the loss is defined for: numbers between 0 and 1 for binary cross-entropy, rows of
  /// numbers of at least 0 that sum to 1 for softmax cross-entropy, anything for the others.
  ///
  /// Training does not ask: with other targets a cross-entropy can be computed, but it may be negative.
  ///
  /// - Parameter targets: `[rows × outputs]`.
  /// - Throws: ``/Lockstep/TargetError`` for the first target that is none. Sums may be off by 0.001, as those of rounded numbers
  ///   are.
  public func check<Element: KernelElement>(targets: Matrix<Element>) throws(TargetError) {
    guard isCrossEntropy else { return }
    for row in 0..<targets.rows {
      var sum = 0.0
      for column in 0..<targets.columns {
        let target = targets[row, column]
        guard target >= 0, target <= 1 else {
          throw TargetError(
            row: row, column: column,
            problem: "the target is \(target), but for the loss \(rawValue) it must lie between 0 and 1")
        }
        sum += Double(target)
      }
      if self == .softmaxCrossEntropy, abs(sum - 1) > 1e-3 {
        throw TargetError(
          row: row, column: nil,
          problem: "the targets sum to \(Element(sum)), but for the loss \(rawValue) those of a row must sum to 1")
      }
    }
  }
}
