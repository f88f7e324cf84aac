// How runs of `train` and `evaluate` become reports. What a report is lies in Report.swift.

import ComputeBackend
import Foundation
import Lockstep
import LockstepData

extension TrainingRun {
  /// Writes the report where it is wanted; returns the file.
  ///
  /// - Throws: ``ToolError`` where gnuplot fails, `FileError`.
  func writeReport(_ results: Results, validated: (loss: Element, metrics: Metrics)?) throws -> String? {
    guard let path = plan.reportPath else { return nil }
    let measured = validation ?? training
    let scale = plan.columns.target
    let output = scale.decoded(try trainer.network.predict(measured.input, on: backend))
    let target = scale.decoded(measured.target)
    let metrics = validated?.metrics ?? Metrics(loss: plan.loss, output: output, target: target)
    let taken = recipe.taken(by: session)
    try Report(
      title: fileName(plan.table.file),
      subtitle: "A network that learned \(plan.columns.target.summary) from \(counted(plan.sizes[0], "input")): "
        + "\(networkSummary(trainer.network)).",
      warning: session.isFinished
        ? nil : "Training was interrupted after step \(grouped(session.steps)) of \(grouped(session.allSteps)).",
      summary: summary(results, validated: validated, metrics: metrics),
      history: session.history, bestEpoch: session.isFinished ? session.bestEpoch : nil, loss: plan.loss,
      predictions: ReportPredictions(
        loss: plan.loss, output: output, target: target, names: scale.outputNames),
      predictedRows: rowsSummary, recipe: taken.facts, commands: commands(model: results.modelPath),
      digests: session.digests,
      machine: machineFacts(choice)
        + [
          .init(
            name: "time",
            text: "\(counted(results.newSteps, "step")) in \(fixed(results.seconds, digits: 3)) s"
              + (results.newSteps < results.steps ? ", the others before it was resumed" : ""))
        ]
    ).write(to: path)
    return path
  }

  /// What predictions are shown of.
  private var rowsSummary: String {
    let count = (validation ?? training).input.rows
    let rows = "the \(groupedRows(count))"
    let verb = count == 1 ? "was" : "were"
    if validation == nil { return "\(rows) that \(verb) learned from" }
    return plan.validationTable.map { "\(rows) of \($0.file)" } ?? "\(rows) that \(verb) held back"
  }

  private func summary(
    _ results: Results, validated: (loss: Element, metrics: Metrics)?, metrics: Metrics
  ) -> [Report.Fact] {
    var facts = [
      Report.Fact(name: "training loss (\(plan.loss.rawValue))", text: sixDigits(Double(results.lossAfter))),
      Report.Fact(name: "training loss before", text: sixDigits(Double(results.lossBefore))),
    ]
    if let validated { facts.append(.init(name: "validation loss", text: sixDigits(Double(validated.loss)))) }
    facts += metrics.facts(of: validated == nil ? "training" : "validation")
    facts += [
      .init(name: "rows learned from", text: grouped(training.input.rows)),
      .init(name: "epochs", text: grouped(session.steps / max(session.stepsPerEpoch, 1))),
    ]
    if let best = session.bestEpoch { facts.append(.init(name: "best epoch", text: grouped(best))) }
    return facts
      + [
        .init(name: "parameters", text: grouped(trainer.network.parameterCount)),
        .init(name: "digest", text: trainer.network.parametersDigest),
      ]
  }

  /// The commands that train again: with the model file the one that compares, too.
  private func commands(model: String?) -> [Report.Command] {
    let invocation = plan.invocation
    let data = invocation.operands[0]
    let files: [(role: String, path: String?)] = [
      ("initial-model", invocation[TrainOptions.initialModel]), ("labels", plan.table.labelsFile),
      ("validation-data", invocation[ValidationOptions.file]), ("validation-labels", plan.validationTable?.labelsFile),
    ]
    let given = files.compactMap { file in file.path.map { (file.role, $0) } }
    let options = RecipeWords.options(recipe, files: Dictionary(given) { first, _ in first })
    var commands = [
      Report.Command(
        name: "Train it again", words: (["lockstep", "train"] + RecipeWords.command([data], options)).map(shellWord))
    ]
    if let model {
      let files = ["--data=\(data)"] + given.map { "--\($0.0)=\($0.1)" }
      let words = ["lockstep", "reproduce"] + RecipeWords.command([model], files)
      commands.insert(.init(name: "Train it again and compare, bit for bit", words: words.map(shellWord)), at: 0)
    }
    return commands
  }
}

extension Report {
  /// The report of `evaluate`.
  init<Element: NetworkElement>(
    evaluating data: LabelledData, _ network: Network<Element>, loss: Element, metrics: Metrics,
    predictions: ReportPredictions, choice: BackendChoice, _ invocation: Invocation
  ) throws {
    let recipe = try data.model.recipe()
    self.init(
      title: "\(fileName(data.model.path)) on \(fileName(data.table.file))",
      subtitle: "How well a network predicts \(data.columns.target.summary): \(networkSummary(network)).",
      summary: [Fact(name: "loss (\(data.loss.rawValue))", text: sixDigits(Double(loss)))] + metrics.facts()
        + [
          Fact(name: "rows", text: grouped(data.table.rowCount)),
          Fact(name: "parameters", text: grouped(network.parameterCount)),
          Fact(name: "digest", text: network.parametersDigest),
        ],
      loss: data.loss, predictions: predictions,
      predictedRows: "the \(groupedRows(data.table.rowCount)) of \(data.table.file)",
      data: Self.facts(of: data.table, learned: recipe), recipe: recipe?.facts ?? [], digests: recipe?.digests ?? [],
      machine: machineFacts(choice))
  }
}

extension Report {
  /// Which data a network was evaluated on, and whether it has met them.
  private static func facts(of table: DataTable, learned recipe: Recipe?) -> [Fact] {
    let files = [("data", table.sha256), ("labels", table.labelsSHA256)]
    var facts = [Fact(name: "file", text: table.file)]
    facts += table.labelsFile.map { [Fact(name: "file of labels", text: $0)] } ?? []
    facts += files.compactMap { role, sum in sum.map { Fact(name: "SHA-256 of \(role)", text: $0) } }
    guard let recipe else { return facts }
    let isOfTraining = recipe.files["data"] == table.sha256
    let isOfValidation = recipe.files["validation-data"] == table.sha256
    let held = recipe.preparation[ValidationOptions.share.name] == nil ? "" : ", of which a share was held back"
    facts.append(
      Fact(
        name: "in training",
        text: isOfTraining
          ? "these are the data that the network learned from\(held): figures over them flatter it"
          : isOfValidation ? "these are the data that the network was measured on" : "these are other data"))
    return facts
  }
}

/// `1 row`, `60,000 rows`.
private func groupedRows(_ count: Int) -> String { "\(grouped(count)) row\(count == 1 ? "" : "s")" }

extension Metrics {
  /// A fact for each measure, as ``lines(of:)``.
  func facts(of rows: String = "") -> [Report.Fact] {
    zip(lines(of: rows), values).map { .init(name: $0.name, text: $1.value == nil ? "none" : $0.text) }
  }
}

extension Recipe {
  /// Every decision of the recipe, files and what came of it.
  fileprivate var facts: [Report.Fact] {
    let decisions = decisions
    // What the optimiser does not have says nothing.
    let unused = Self.hyperparameters.filter { !$0.kinds.contains(method.optimizer.kind) }.flatMap(\.names)
    let names = RecipeWords.sorted(decisions.keys).filter { !unused.contains($0) }
    return files.sorted { $0.key < $1.key }.map { .init(name: "SHA-256 of \($0.key)", text: $0.value) }
      + names.map { name in
        .init(
          name: name.replacing("-", with: " "),
          text: preparation[name].map { $0.isEmpty ? "yes" : $0 } ?? plain(decisions[name] ?? ""))
      }
      + [.init(name: "steps taken", text: grouped(steps))]
  }

  /// Decisions that only some optimisers have.
  private static let hyperparameters: [(names: [String], kinds: [Optimizer.Kind])] = [
    (["momentum"], [.momentum, .nesterov]), (["beta-1", "beta-2"], [.adam, .adamW]), (["smoothing"], [.rmsProp]),
    (["epsilon"], [.rmsProp, .adam, .adamW]),
  ]

  /// A value of JSON as people read it: lists without brackets, texts without quotes.
  private func plain(_ json: String) -> String {
    let text = json.filter { !"[]\"".contains($0) }.replacing(",", with: ", ")
    return text == "null" || text.isEmpty ? "none" : text
  }
}

/// What computed: the only facts that depend on the machine.
private func machineFacts(_ choice: BackendChoice) -> [Report.Fact] {
  let candidate = choice.candidate
  return [
    .init(name: "CPU", text: processorName() ?? "unknown"),
    .init(name: "cores", text: "\(ProcessInfo.processInfo.activeProcessorCount)"),
    .init(name: "backend", text: "\(candidate.variant), \(choice.precision.rawValue)"),
    .init(name: "threads", text: "\(candidate.threads)"),
    .init(name: "Lockstep", text: toolVersion),
    .init(name: "gnuplot", text: Gnuplot()?.version ?? "unknown"),
  ]
}

/// The last part of a path.
private func fileName(_ path: String) -> String {
  path.split(separator: "/").last.map(String.init) ?? path
}
