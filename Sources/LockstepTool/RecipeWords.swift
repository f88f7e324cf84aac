// Recipes as command lines: the options of `train` that give the same training again.

import ComputeBackend
import Lockstep

/// The words of a `train` command.
enum RecipeWords {
  /// Decisions that are no option of their own, each before those that follow from it.
  private static let derived: KeyValuePairs = [
    "sizes": "--hidden", "activations": "--activation", "beta-1": "--betas", "beta-2": "--betas",
    "rows": "the number of rows", "order-of-arithmetic": "the version of the order of arithmetic",
  ]

  /// Decisions, the ones that others follow from first.
  static func sorted(_ decisions: some Sequence<String>) -> [String] {
    let names = Set(decisions)
    let followers = derived.map(\.key).filter(names.contains)
    return names.subtracting(followers).sorted() + followers
  }

  /// What a decision of a recipe is called on the command line.
  static func option(for decision: String) -> String {
    derived.first { $0.key == decision }?.value ?? "--\(decision)"
  }

  /// Operands and options in the usual order, or, where an operand looks like an option, in one that keeps them apart.
  static func command(_ operands: [String], _ options: [String]) -> [String] {
    operands.contains { $0.hasPrefix("-") } ? options + ["--"] + operands : operands + options
  }

  /// The options that train by a recipe.
  ///
  /// - Parameters:
  ///   - recipe: of a file.
  ///   - files: the files that it reads beside the data, by the options that name them.
  static func options(_ recipe: Recipe, files: [String: String]) -> [String] {
    let (method, schedule) = (recipe.method, recipe.schedule)
    let optimizer = method.optimizer
    var options: [(name: String, value: String)] = [
      ("loss", recipe.loss.rawValue), ("precision", recipe.precision.rawValue), ("epochs", "\(schedule.epochs)"),
      ("batch-size", "\(schedule.batchSize)"), ("learning-rate", "\(schedule.learningRate)"),
      ("schedule", schedule.rates.description), ("shuffle", "\(schedule.shuffles)"),
      ("seed", "\(schedule.seed)"), ("optimizer", optimizer.kind.rawValue),
      ("weight-decay", "\(optimizer.weightDecay)"), ("dropout", "\(method.dropout)"),
    ]
    switch optimizer.kind {
    case .sgd: break
    case .momentum, .nesterov: options.append(("momentum", "\(optimizer.momentum)"))
    case .rmsProp: options += [("smoothing", "\(optimizer.smoothing)"), ("epsilon", "\(optimizer.epsilon)")]
    case .adam, .adamW:
      options += [("betas", "\(optimizer.beta1),\(optimizer.beta2)"), ("epsilon", "\(optimizer.epsilon)")]
    }
    if let norm = method.clipNorm { options.append(("clip-norm", "\(norm)")) }
    if let patience = schedule.patience { options.append(("patience", "\(patience)")) }
    if let initializer = recipe.initializer {
      let hidden = recipe.sizes.dropFirst().dropLast().map(String.init).joined(separator: ",")
      options += [("hidden", hidden.isEmpty ? "none" : hidden), ("initializer", initializer.rawValue)]
      if recipe.activations.count > 1 { options.append(("activation", recipe.activations[0].rawValue)) }
    } else {
      // For a model to start from that does not tell; one that tells says the same.
      let hidden = Set(recipe.activations.dropLast()).subtracting([.identity])
      if hidden.count == 1, let activation = hidden.first { options.append(("activation", activation.rawValue)) }
    }
    options += files.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    let flags = TrainingPlan.preparation.map(\.option).filter { $0.valueName == nil }.map(\.name)
    options += recipe.preparation.filter { !flags.contains($0.key) }.sorted { $0.key < $1.key }
      .map { ($0.key, $0.value) }
    return options.map { "--\($0.name)=\($0.value)" }
      + flags.filter { recipe.preparation[$0] != nil }.map { "--\($0)" }
  }
}
