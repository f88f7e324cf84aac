// The options of the commands that work with model files and tables. Those of every command lie in CommonOptions.swift.

import ComputeBackend
import Lockstep
import LockstepData

/// Options shared by the commands that work with model files and tables.
enum ModelOptions {
  /// The columns that the network's outputs are compared with.
  static let targets = targetOption(
    summary: "what the outputs are compared with; quote names that contain commas as in CSV",
    defaultText: "those that the model file names, or the labels")

  /// What is made small, or measured.
  static let loss = optionalChoice(
    "loss", of: Loss.self, summary: lossSummary,
    defaultText: "that of the model file")

  /// What the losses are.
  static let lossSummary =
    "the mean squared error, a cross-entropy of logits for yes or no or for classes, the mean absolute error, or Huber's loss"

  /// The activation of the hidden layers, for files that do not tell.
  static let activation = optionalChoice(
    "activation", of: Activation.self, summary: "the hidden layers' activation, for a model file that does not tell",
    defaultText: "that of the model file")

  /// What is computed in, by default what the model file holds.
  static let precision = optionalChoice(
    "precision", of: Precision.self, summary: "the arithmetic: 32-bit or 64-bit floating point; tensors are converted",
    defaultText: "that of the model file")

  /// The computing options of a command that is given a model.
  static let computing: [any OptionDeclaration] = [
    CommonOptions.backend, CommonOptions.threads, precision, CommonOptions.json,
  ]

  /// The columns that a network takes.
  static let features = CommandOption<[String]?>.list(
    "features", summary: "the inputs in order, where the model file does not name them, or names other columns",
    defaultText: "all columns that are no targets")

  /// `--target`, as a command explains it.
  static func targetOption(summary: String, defaultText: String) -> CommandOption<[String]?> {
    .list("target", summary: summary, defaultText: defaultText)
  }

  /// One of the names of the cases; nothing where it is not given.
  static func optionalChoice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, of _: Value.Type, summary: String, defaultText: String
  ) -> CommandOption<Value?> {
    let names = Value.allCases.map(\.rawValue)
    return CommandOption(
      name, valueName: names.joined(separator: "|"), summary: summary, default: nil, defaultText: defaultText,
      allowed: "one of " + names.joined(separator: ", "), parse: { Value(spelling: $0).map { .some($0) } })
  }
}

extension Invocation {
  /// The columns named by `--target`; `nil` where it is not given.
  ///
  /// - Throws: ``UsageError`` where a column is named twice.
  func targetOption() throws -> [String]? { try names(ModelOptions.targets) }

  /// The loss that `--loss` or else the model file names.
  ///
  /// - Throws: ``UsageError`` where neither does.
  func loss(of model: NetworkFile) throws -> Loss {
    if let loss = self[ModelOptions.loss] ?? model.description.loss { return loss }
    throw UsageError(description: "--loss is missing, and \(model.path) does not tell which loss the network is for")
  }
}

/// Refuses a softmax over a single output, which is 1 whatever the network computes.
///
/// - Throws: ``UsageError``.
func checkOutputs(_ outputs: Int, suit loss: Loss) throws {
  guard loss == .softmaxCrossEntropy, outputs < 2 else { return }
  throw UsageError(
    description: "--loss cross-entropy needs at least 2 targets, one for each class; for a single one take bce")
}
