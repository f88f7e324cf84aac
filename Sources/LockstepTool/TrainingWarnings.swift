// What `train` warns of on standard error: data that are probably meant otherwise, and training that has taught nothing. What keeps
// it from training is an error and lies elsewhere.

import ComputeBackend
import Foundation
import Lockstep

extension TrainingRun {
  /// Warns of data that are probably meant otherwise.
  func warnOfData() {
    for sentence in plan.warnings + [classesWithoutRows, possibleClasses].compactMap(\.self) {
      plan.invocation.warn(sentence)
    }
  }

  /// Classes that the network is measured on, but cannot learn.
  private var classesWithoutRows: String? {
    guard plan.split != nil, let validation, let learned = countsOfClasses(training.target),
      let measured = countsOfClasses(validation.target)
    else { return nil }
    let names = plan.columns.target.outputNames
    let labels = names.count == learned.count ? names : ["0", "1"]
    let missing = labels.indices.filter { learned[$0] == 0 && measured[$0] > 0 }.map { labels[$0] }
    guard !missing.isEmpty else { return nil }
    return "no row of the class\(missing.count == 1 ? "" : "es") \(quotedList(missing)) is learned from, since "
      + "--validation holds all of them back; another --seed or a smaller share may leave some"
  }

  /// How many rows each class has; `nil` where targets are numbers.
  private func countsOfClasses(_ target: Matrix<Element>) -> [Int]? {
    ConfusionMatrix(loss: plan.loss, output: target, target: target)?.counts.map { $0.reduce(0, +) }
  }

  /// A column of few whole numbers, each in several rows, where nobody said that they are numbers.
  private var possibleClasses: String? {
    guard plan.initialModel == nil, !plan.invocation.isGiven(TrainOptions.loss), training.target.columns == 1 else {
      return nil
    }
    var values: Set<Double> = []
    for value in training.target.elements.lazy.map({ Double($0) }) {
      guard value.rounded() == value else { return nil }
      values.insert(value)
      if values.count > TrainingPlan.fewValues { return nil }
    }
    let (least, most) = (values.min() ?? 0, values.max() ?? 0)
    guard values.count >= 2, 3 * values.count <= training.target.rows, max(-least, most) < 1e15 else { return nil }
    return "the target \(quotedList(plan.columns.target.columns)) has \(values.count) values, whole numbers from "
      + "\(fixed(least, digits: 0)) to \(fixed(most, digits: 0)), and is learned as a number; where they tell "
      + "classes apart, add --loss cross-entropy"
  }

  /// Warns of parameters that are no better than the first ones, or than none.
  func warn(of results: Results) throws {
    guard results.newSteps > 0, training.weights == nil, Interruption.received == nil else { return }
    let (before, after) = (results.lossBefore, results.lossAfter)
    let finding: String
    if after >= before {
      finding = "the loss after training, \(after), is not below that before, \(before)"
    } else if let constant = try lossWithoutInputs(), after >= constant {
      finding =
        "the loss after training, \(after), is not below \(constant), which a network has that ignores its inputs"
    } else {
      return
    }
    // On a terminal both streams meet.
    try plan.invocation.output.flush()
    plan.invocation.warn(finding + remedy)
  }

  /// The loss of one prediction for all rows, over those that are learned from: the mean of the targets for losses of numbers, the
  /// shares of classes for cross-entropies. `nil` where all rows have the same targets.
  private func lossWithoutInputs() throws -> Element? {
    let target = training.target
    var sums = [Double](repeating: 0, count: target.columns)
    var varies = false
    for row in 0..<target.rows {
      for column in 0..<target.columns {
        sums[column] += Double(target[row, column])
        if target[row, column] != target[0, column] { varies = true }
      }
    }
    guard varies else { return nil }
    let prediction = sums.map { (sum) -> Double in
      let mean = sum / Double(target.rows)
      return switch plan.loss {
      case .softmaxCrossEntropy: max(log(mean), -50)
      case .binaryCrossEntropy: min(max(log(mean) - log(1 - mean), -50), 50)
      case .meanSquaredError, .meanAbsoluteError, .huber: mean
      }
    }
    var output = target
    for row in 0..<target.rows {
      for column in 0..<target.columns { output[row, column] = Element(prediction[column]) }
    }
    return try Network.meanLoss(plan.loss, output: output, target: target, on: backend)
  }

  /// What may help, as the end of a sentence.
  private var remedy: String {
    scalingHint.isEmpty ? "; try another --learning-rate, --optimizer adam, or more --epochs" : scalingHint
  }
}

extension TrainingPlan {
  /// Up to so many values, numbers may tell classes apart; above, texts may be no classes.
  fileprivate static let fewValues = 20

  /// What the options and the columns tell before numbers are looked at.
  fileprivate var warnings: [String] {
    (initialModel == nil ? [inputsThatDiffer, classesThatDiffer] : []).compactMap(\.self)
      + [warmUpWithoutEnd].compactMap(\.self)
  }

  /// Columns of text most of whose rows differ, such as names and dates.
  private var inputsThatDiffer: String? {
    let asked = invocation[EncodingOptions.categories] ?? []
    let columns = columns.inputs.filter { encoding in
      guard case .categories(let column, let values) = encoding, !asked.contains(column) else { return false }
      return hardlyRepeats(values)
    }
    guard !columns.isEmpty else { return nil }
    return
      "the text of the input\(columns.count == 1 ? "" : "s") \(shortList(columns.map(\.summary))) hardly repeats in "
      + "\(counted(table.rowCount, "row")); each value becomes an input, and predict refuses any other: name the inputs to take "
      + "with --features"
  }

  /// Classes of a row or two, such as names, and numbers that are not whole.
  private var classesThatDiffer: String? {
    guard case .classes(let names, let column) = columns.target else { return nil }
    let isFractional = names.allSatisfy { Double($0) != nil } && !names.allSatisfy { Int($0) != nil }
    guard hardlyRepeats(names) || isFractional && names.count > Self.fewValues else { return nil }
    let remedy =
      isFractional
      ? "for numbers, take --loss mse" : "a class is learned from many rows: name another column with --target"
    return
      "the target \(column.debugDescription) has \(names.count) classes in \(counted(table.rowCount, "row")); \(remedy)"
  }

  private func hardlyRepeats(_ values: [String]) -> Bool {
    values.count > Self.fewValues && 2 * values.count > table.rowCount
  }

  private var warmUpWithoutEnd: String? {
    guard case .cosine(let warmUp) = schedule.rates, warmUp > 0, schedule.epochs > 0, warmUp >= schedule.epochs else {
      return nil
    }
    return "--schedule \(schedule.rates) raises the learning rate for \(counted(warmUp, "epoch")), and training has "
      + "\(schedule.epochs)"
  }
}
