// `lockstep inspect`: what a model file or a checkpoint tells, without computing anything.

import ComputeBackend
import Lockstep

/// The command `inspect`.
let inspectCommand = Command(
  name: "inspect",
  summary: "show what a model file or a checkpoint holds: network, recipe, digests",
  details: """
    The recipe says how the network was trained: which files (by their SHA-256), which options, how many steps, and \
    fingerprints of the parameters on the way. `lockstep reproduce` trains by it again.
    """,
  operands: ["MODEL"],
  options: [ModelOptions.activation, CommonOptions.json],
  examples: [("lockstep inspect housing.safetensors", "what the network is and where it came from")],
  run: { invocation in
    let file = try InspectedFile(contentsOf: invocation.operands[0], activation: invocation[ModelOptions.activation])
    if invocation.isJSON {
      try invocation.output.json(file.jsonMembers)
    } else {
      for line in aligned(file.lines) { try invocation.output.line(line) }
    }
  })

/// A model file, or a checkpoint with the run that it belongs to.
struct InspectedFile {
  let network: NetworkFile
  let checkpoint: CheckpointFile?
  let recipe: Recipe?
  let digest: String

  init(contentsOf path: String, activation: Activation?) throws {
    let file = try SafetensorsFile(contentsOf: path)
    if CheckpointFile.isCheckpoint(file) {
      let checkpoint = try CheckpointFile(file, path: path)
      (network, recipe) = (checkpoint.network, checkpoint.recipe)
      self.checkpoint = checkpoint
    } else {
      network = try NetworkFile(file, path: path, activation: activation)
      recipe = try network.recipe()
      checkpoint = nil
    }
    digest = try network.parametersDigest()
  }

  private var parameterCount: Int {
    zip(network.sizes, network.sizes.dropFirst()).reduce(0) { $0 + ($1.0 + 1) * $1.1 }
  }

  /// Whether early stopping has taken other parameters than the last, whose fingerprint ends the recipe.
  private var holdsBestEpoch: Bool {
    guard checkpoint == nil, let recipe, recipe.schedule.patience != nil, let last = recipe.digests.last else {
      return false
    }
    return last.parameters != digest
  }

  // MARK: Text

  var lines: [(name: String, text: String)] {
    let sizes = network.sizes.map(String.init).joined(separator: "-")
    let activations = network.activations.map(\.rawValue).joined(separator: ", ")
    var lines = [
      (name: checkpoint == nil ? "model" : "checkpoint", text: network.path),
      (name: "network", text: "\(sizes), \(counted(parameterCount, "parameter")), \(network.precision.rawValue)"),
      (name: "activations", text: activations),
      (name: "digest", text: digest + (holdsBestEpoch ? ", the best epoch's" : "")),
    ]
    let description = network.description
    if let loss = description.loss { lines.append((name: "loss", text: loss.rawValue)) }
    if let inputs = description.inputColumns { lines.append((name: "inputs", text: quotedList(inputs))) }
    if let targets = description.targetColumns { lines.append((name: "targets", text: quotedList(targets))) }
    lines += scaleLines(description.inputEncodings ?? []) { "(\($0) - \($1)) / \($2)" }
    lines += scaleLines(description.targetEncodings ?? []) { "\($0) = \($1) + \($2) × output" }
    if let recipe { lines += recipeLines(recipe) } else { lines.append((name: "recipe", text: "none in the file")) }
    if let progress = checkpoint?.history.last {
      lines.append(
        (
          name: "latest epoch",
          text: "\(progress.epoch), loss \(digits(progress.loss, in: network.precision))"
            + (progress.validationLoss.map { ", validation loss \(digits($0, in: network.precision))" } ?? "")
        ))
    }
    if let best = checkpoint?.bestEpoch {
      let loss = digits(best.validationLoss, in: network.precision)
      lines.append((name: "best epoch", text: "\(best.epoch), validation loss \(loss)"))
    }
    return lines
  }

  /// What is done with the first few scaled columns, as `formula` tells it of name, mean and deviation.
  private func scaleLines(
    _ encodings: [ColumnEncoding], formula: (String, Double, Double) -> String
  ) -> [(name: String, text: String)] {
    let limit = 5
    let formulas = encodings.compactMap { encoding -> String? in
      guard case .scaled(let column, let mean, let deviation) = encoding else { return nil }
      return formula(column.debugDescription, mean, deviation)
    }
    let rest = formulas.count > limit ? [(name: "", text: "and \(formulas.count - limit) more, which --json has")] : []
    return formulas.prefix(limit).map { (name: "scale", text: $0) } + rest
  }

  private func recipeLines(_ recipe: Recipe) -> [(name: String, text: String)] {
    let start = recipe.initializer.map { "drawn \($0.rawValue)" } ?? "from the initial model"
    var lines = [
      (
        name: "training",
        text: summary(of: recipe.schedule, recipe.method, rows: recipe.rows).joined(separator: ", ")
      ),
      (name: "first parameters", text: start), (name: "rows", text: "\(recipe.rows)"),
      (name: "steps taken", text: "\(recipe.steps)"),
      (name: "order of arithmetic", text: "version \(recipe.orderOfArithmetic)"),
    ]
    lines += recipe.preparation.sorted { $0.key < $1.key }.map { (name: "--\($0.key)", text: $0.value) }
    lines += recipe.files.sorted { $0.key < $1.key }.map { (name: "SHA-256 of \($0.key)", text: $0.value) }
    // A few, evenly spread; --json has all.
    let stride = max(1, (recipe.digests.count - 1) / 4)
    for (index, digest) in recipe.digests.enumerated()
    where index % stride == 0 || index == recipe.digests.count - 1 {
      lines.append((name: "after step \(digest.step)", text: digest.parameters))
    }
    return lines
  }

  // MARK: JSON

  var jsonMembers: KeyValuePairs<String, JSONValue> {
    func list(_ names: [String]?) -> JSONValue { names.map { .array($0.map { .string($0) }) } ?? .null }
    let description = network.description
    // Their text is JSON, and so is that of recipes.
    let encodings = [\ModelDescription.inputEncodings, \.targetEncodings].map {
      description[keyPath: $0].map { JSONValue.numberText($0.json) } ?? .null
    }
    return [
      "content": checkpoint == nil ? "model" : "checkpoint", "sizes": .array(network.sizes.map { .integer($0) }),
      "activations": list(network.activations.map(\.rawValue)), "parameters": .integer(parameterCount),
      "precision": .string(network.precision.rawValue), "parameters_digest": .string(digest),
      "loss_function": .string(description.loss?.rawValue), "inputs": list(description.inputColumns),
      "targets": list(description.targetColumns), "class": .string(description.classColumn),
      "encodings": encodings[0], "target_encodings": encodings[1],
      "recipe": recipe.map { .numberText($0.text) } ?? .null,
      "history": checkpoint.map { .array($0.history.map(\.json)) } ?? .null,
      "best_epoch": checkpoint?.bestEpoch.map { .integer($0.epoch) } ?? .null,
    ]
  }
}
