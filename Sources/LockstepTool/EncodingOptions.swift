// The options of `train` that say which columns a network takes and how they are encoded.

import Lockstep
import LockstepData

/// How columns become inputs of a new network.
enum EncodingOptions {
  /// Columns of categories.
  static let categories = CommandOption<[String]?>.list(
    "categories", summary: "inputs whose numbers only tell categories apart; columns of text are such anyway",
    defaultText: "none")

  /// Means and deviations.
  static let standardize = CommandOption.flag(
    "standardize", summary: "bring each numeric input to mean 0 and deviation 1; the model keeps how")

  /// Means and deviations of targets.
  static let standardizeTargets = CommandOption.flag(
    "standardize-targets",
    summary: "bring each target of numbers to mean 0 and deviation 1 for training; predictions come in its own units")

  /// A divisor.
  static let scale = CommandOption<Double?>(
    "scale", valueName: "X", summary: "divide each numeric input by X, such as 255 for pixels; the model keeps it",
    default: nil, defaultText: "1", allowed: "a finite number above 0",
    parse: { text in Double(text).flatMap { $0.isFinite && $0 > 0 ? .some($0) : nil } })

  /// All of them.
  static let all: [any OptionDeclaration] = [
    ModelOptions.features, categories, standardize, standardizeTargets, scale,
  ]
}

extension Invocation {
  /// What `--standardize` and `--scale` ask for.
  ///
  /// - Throws: ``UsageError`` where both are given.
  func scaling() throws -> ColumnScaling {
    switch (self[EncodingOptions.standardize], self[EncodingOptions.scale]) {
    case (false, nil): return .none
    case (true, nil): return .standardized
    case (false, let divisor?): return .divided(by: divisor)
    case (true, .some):
      throw UsageError(description: "--standardize and --scale are both given; a standardized input has no other scale")
    }
  }
}
