// The options of `train` that say which rows are learned from and what each counts: rows held back, weights.

import ComputeBackend
import Lockstep
import LockstepData

/// Which rows `train` learns from.
enum ValidationOptions {
  static let share = CommandOption<Double?>.number(
    "validation", summary: "the share of rows that is held back, drawn by the seed, to measure the network on",
    above: 0,
    below: 1, defaultText: "0")
  static let file = CommandOption<String?>.fileName(
    "validation-data", valueName: "FILE", summary: "a table of its own to measure the network on", defaultText: "none")
  static let classWeights = CommandOption<ClassWeights?>(
    "class-weights", valueName: "balanced|LABEL=W,...",
    summary: "what rows of each class count; balanced: each class the same in all", default: nil, defaultText: "1 each",
    allowed: "balanced, or labels with finite numbers of at least 0, as in yes=2,no=0.5",
    parse: { text in ClassWeights(text: text).map { .some($0) } })
  static let sampleWeights = CommandOption<String?>(
    "sample-weights", valueName: "COLUMN", summary: "the column that tells what each row counts", default: nil,
    defaultText: "1 each", allowed: "the name of a column", parse: { text in text.isEmpty ? nil : .some(text) })

  static let labels = CommandOption<String?>.fileName(
    "validation-labels", valueName: "FILE", summary: "what --labels is, for the validation data",
    defaultText: "for images-idx3-ubyte the file labels-idx1-ubyte beside it")

  /// All of them, in the order in which the help lists them.
  static let all: [any OptionDeclaration] = [share, file, labels, classWeights, sampleWeights]

  /// Refuses options that contradict or need one another.
  ///
  /// - Throws: ``UsageError``.
  static func check(_ invocation: Invocation) throws {
    let (hasShare, hasFile) = (invocation.isGiven(share), invocation.isGiven(file))
    if hasShare, hasFile {
      throw UsageError(
        description: "--validation and --validation-data both say what the network is measured on; give one of them")
    }
    if invocation.isGiven(labels), !hasFile {
      throw UsageError(description: "--validation-labels needs --validation-data FILE, whose labels they are")
    }
    if invocation.isGiven(TrainingOptions.patience), !hasShare, !hasFile {
      throw UsageError(
        description: "--patience needs --validation SHARE or --validation-data FILE, whose loss tells when to stop")
    }
  }
}

/// What rows of each class count in the loss that is made small.
struct ClassWeights: Sendable {
  /// As it was asked for.
  let text: String
  /// The weight of each label that is named; `nil` where each class is to count the same in all.
  private let named: [String: Double]?

  /// - Returns: `nil` for a text that cannot be understood.
  init?(text: String) {
    self.text = text
    if text == "balanced" {
      named = nil
      return
    }
    var named: [String: Double] = [:]
    for field in csvFields(in: text) ?? [""] {
      guard let separator = field.lastIndex(of: "="), let weight = Double(field[field.index(after: separator)...]),
        weight >= 0, weight.isFinite, named.updateValue(weight, forKey: String(field[..<separator])) == nil
      else { return nil }
    }
    self.named = named
  }

  /// The weight of each class.
  ///
  /// - Parameters:
  ///   - labels: the classes' names.
  ///   - counts: how many rows each has. `balanced` gives each row of a class `rows / (classes × rows of the class)`, as
  ///     scikit-learn does, classes without rows not counted.
  /// - Throws: ``UsageError`` for a label that is none of the classes.
  func weights(labels: [String], counts: [Int]) throws -> [Double] {
    guard let named else {
      let rows = Double(counts.reduce(0, +))
      let classes = Double(counts.count { $0 > 0 })
      return counts.map { $0 == 0 ? 1 : rows / (classes * Double($0)) }
    }
    if let unknown = named.keys.filter({ !labels.contains($0) }).sorted().first {
      throw UsageError(
        description:
          "--class-weights names the class \(unknown.debugDescription); the classes are \(quotedList(labels))")
    }
    return labels.map { named[$0] ?? 1 }
  }
}

/// What each row counts: the weight of its class times its own.
///
/// - Parameters:
///   - target: `[rows × outputs]`: one column a class, or a single column of zeros and ones.
///   - classWeights: the weights of classes; `nil` where all are 1.
///   - labels: the names of the columns of `target`; a single column has the classes 0 and 1 where they are not two.
///   - sampleWeights: `[rows × 1]`; `nil` where all are 1.
/// - Returns: `[rows × 1]`, or `nil` where all rows count the same.
/// - Throws: ``UsageError`` for labels that are none of the classes, ``ToolError`` where no row counts.
func rowWeights<Element: KernelElement>(
  target: Matrix<Element>, classWeights: ClassWeights?, labels: [String], sampleWeights: Matrix<Element>?
) throws -> Matrix<Element>? {
  let ofClasses = try classWeights.map { try $0.weights(ofRows: target, labels: labels) }
  guard ofClasses != nil || sampleWeights != nil else { return nil }
  var result = Matrix<Element>(rows: target.rows, columns: 1)
  for row in 0..<target.rows {
    // The product in Double, rounded once.
    result[row, 0] = Element((ofClasses?[row] ?? 1) * (sampleWeights.map { Double($0[row, 0]) } ?? 1))
  }
  if result.elements.allSatisfy({ $0 == 0 }) {
    let options = [
      ofClasses.map { _ in "--\(ValidationOptions.classWeights.name)" },
      sampleWeights.map { _ in "--\(ValidationOptions.sampleWeights.name)" },
    ].compactMap(\.self)
    throw ToolError(
      description: options.joined(separator: " and ") + (options.count == 1 ? " gives" : " give")
        + " each row that is learned from the weight 0 in \(Element.precision.rawValue); at least one must count")
  }
  return result
}

extension ClassWeights {
  /// What each row's class counts.
  fileprivate func weights<Element: KernelElement>(ofRows target: Matrix<Element>, labels: [String]) throws -> [Double]
  {
    let isSingle = target.columns == 1
    let classes = (0..<target.rows).map { row in
      if isSingle { return target[row, 0] > 0.5 ? 1 : 0 }
      return (1..<target.columns).reduce(0) { target[row, $1] > target[row, $0] ? $1 : $0 }
    }
    var counts = [Int](repeating: 0, count: isSingle ? 2 : target.columns)
    for index in classes { counts[index] += 1 }
    let weights = try weights(labels: isSingle ? (labels.count == 2 ? labels : ["0", "1"]) : labels, counts: counts)
    return classes.map { weights[$0] }
  }
}
