// From the tables of a training plan to the rows that a session learns from and is measured on.

import ComputeBackend
import Lockstep
import LockstepData

/// Rows of a table as numbers.
struct TrainingRows<Element: NetworkElement> {
  let input: Matrix<Element>
  let target: Matrix<Element>
  /// What each row counts; `nil` where all count the same.
  var weights: Matrix<Element>?

  var data: TrainingData<Element> { TrainingData(input: input, target: target, weights: weights) }

  /// Some of the rows.
  func rows(_ indices: [Int]) -> TrainingRows {
    TrainingRows(input: input.rows(indices), target: target.rows(indices), weights: weights?.rows(indices))
  }
}

extension TrainingPlan {
  /// The rows to learn from with their weights, and those to measure the network on without.
  ///
  /// - Throws: what the data make necessary.
  func rows<Element: NetworkElement>(
    as _: Element.Type = Element.self
  ) throws -> (training: TrainingRows<Element>, validation: TrainingRows<Element>?) {
    let table = table.holding(validationTable)
    let input = try columns.input(of: table, as: Element.self)
    var all = TrainingRows<Element>(
      input: input, target: try columns.target(of: table.holding(input), for: loss), weights: try sampleWeights())
    var validation: TrainingRows<Element>?
    if let split {
      validation = all.rows(split.validation)
      all = all.rows(split.training)
    } else if let table = validationTable?.holding(all.input, all.target) {
      let input = try columns.input(of: table, as: Element.self)
      validation = TrainingRows(input: input, target: try columns.target(of: table.holding(input), for: loss))
    }
    validation?.weights = nil
    all.weights = try rowWeights(
      target: all.target, classWeights: invocation[ValidationOptions.classWeights], labels: columns.target.outputNames,
      sampleWeights: all.weights)
    return (all, validation)
  }

  /// The column that `--sample-weights` names.
  private func sampleWeights<Element: NetworkElement>() throws -> Matrix<Element>? {
    guard let column = invocation[ValidationOptions.sampleWeights] else { return nil }
    let weights: Matrix<Element> = try table.matrix(columns: [column])
    if let row = weights.elements.firstIndex(where: { $0 < 0 }) {
      throw ToolError(
        description: "\(try table.place(ofRow: row, column: column)), column \(column.debugDescription): the weight is "
          + "\(weights.elements[row]); it must be at least 0")
    }
    return weights
  }
}
