// A training run from first parameters to the printed summary. What it is asked to do lies in CommandTrain.swift.

import ComputeBackend
import Lockstep

/// Training in one precision.
struct TrainingRun<Element: NetworkElement> {
  private let plan: TrainingPlan
  private let backend: any ComputeBackend<Element>
  private let input: Matrix<Element>
  private let target: Matrix<Element>
  private let trainer: Trainer<Element>

  /// - Throws: what backend, data or initial model make necessary.
  init(_ plan: TrainingPlan) throws {
    self.plan = plan
    backend = try plan.invocation.makeBackend()
    input = try plan.columns.input(of: plan.table)
    target = try plan.columns.target(of: plan.table, for: plan.loss)
    let network: Network<Element>
    if let model = plan.initialModel {
      network = try model.network()
      guard network.isFinite else {
        throw ToolError(description: "\(model.path): a parameter is NaN or infinite, so training cannot start there")
      }
    } else {
      network = try Network(sizes: plan.sizes, hidden: plan.activation, seed: plan.schedule.seed)
    }
    trainer = Trainer(network, loss: plan.loss, backend: backend)
  }

  /// Trains, writes the model and prints the results.
  ///
  /// - Throws: `TrainingError` where numbers stop being finite, with the last finite model written; `Interruption` where
  ///   a signal ended the run, with everything else done.
  func run() throws {
    let lossBefore = try loss()
    let progress = Progress()
    Interruption.watch()
    let clock = ContinuousClock()
    let start = clock.now
    let steps: Int
    do {
      steps = try trainer.train(
        input: input, target: target, schedule: plan.schedule,
        shouldStop: { Interruption.received != nil },
        onEpoch: { progress.show("epoch \($0.epoch) of \(plan.schedule.epochs), loss \(Element($0.loss))") })
    } catch {
      progress.clear()
      throw ToolError(description: "\(error)" + (try writeModel().map { "; the last finite model is in \($0)" } ?? ""))
    }
    let seconds = (clock.now - start) / .seconds(1)
    progress.clear()

    let written = try writeModel()
    let results = Results(
      lossBefore: lossBefore, lossAfter: try loss(), steps: steps, seconds: seconds, modelPath: written)
    guard results.lossAfter.isFinite else {
      throw ToolError(
        description: "training ended after step \(steps) with a loss of \(results.lossAfter) over the whole file; "
          + "try a smaller learning rate or scale the data" + (written.map { "; the model is in \($0)" } ?? ""))
    }
    try show(results)
    if let signal = Interruption.received {
      throw Interruption(
        signal: signal,
        description: "interrupted after step \(steps)"
          + (written.map { "; the model as it stands is in \($0)" } ?? ""))
    }
  }

  /// The mean loss over the whole file as one batch.
  private func loss() throws -> Element {
    try Network.meanLoss(
      plan.loss, output: trainer.network.predict(input, on: backend), target: target, on: backend)
  }

  /// Writes the model where it is wanted; returns the file.
  private func writeModel() throws -> String? {
    guard let path = plan.modelPath else { return nil }
    try trainer.network.write(to: path, description: plan.description)
    return path
  }
}

// MARK: - Results

extension TrainingRun {
  private struct Results {
    let lossBefore: Element
    let lossAfter: Element
    let steps: Int
    let seconds: Double
    let modelPath: String?
  }

  /// What computes full batches.
  private var choice: BackendChoice { trainer.backendChoice(rows: min(plan.schedule.batchSize, input.rows)) }

  private func show(_ results: Results) throws {
    let output = plan.invocation.output
    if plan.invocation.isJSON {
      try output.json(choice.jsonMembers, jsonMembers(results))
    } else {
      for line in aligned(lines(results)) { try output.line(line) }
    }
  }

  private func jsonMembers(_ results: Results) -> KeyValuePairs<String, JSONValue> {
    let schedule = plan.schedule
    return [
      "seed": .integer(schedule.seed), "rows": .integer(input.rows),
      "sizes": .array(plan.sizes.map { .integer($0) }),
      "activations": .array(trainer.network.layers.map { .string($0.activation.rawValue) }),
      "loss_function": .string(plan.loss.rawValue), "epochs": .integer(schedule.epochs),
      "batch_size": .integer(schedule.batchSize), "learning_rate": .number(schedule.learningRate),
      "shuffle": .bool(schedule.shuffles), "loss_before": .number(results.lossBefore),
      "loss_after": .number(results.lossAfter), "steps": .integer(results.steps),
      "seconds": .number(results.seconds), "parameters_digest": .string(trainer.network.parametersDigest),
      "interrupted": .bool(Interruption.received != nil), "model": .string(results.modelPath),
    ]
  }

  private func lines(_ results: Results) -> [(name: String, text: String)] {
    let schedule = plan.schedule
    let network = trainer.network
    let order = schedule.shuffles ? "shuffled each epoch" : "in the order of the file"
    let steps = "\(counted(results.steps, "step")) in \(fixed(results.seconds, digits: 3)) s"
    var lines = [
      (name: "data", text: "\(plan.table.file), \(counted(input.rows, "row"))"),
      (name: "inputs", text: quotedList(plan.columns.inputs.map(\.column))),
      (name: "targets", text: plan.columns.target.summary),
      (name: "network", text: networkSummary(network)),
      (
        name: "training",
        text: "\(plan.loss.rawValue), \(counted(schedule.epochs, "epoch")) "
          + "in batches of \(min(schedule.batchSize, input.rows)), "
          + "learning rate \(schedule.learningRate), seed \(schedule.seed), \(order)"
      ),
      (name: "computed by", text: choice.summary),
      (name: "loss before", text: "\(results.lossBefore)"),
      (name: "loss after", text: "\(results.lossAfter)"),
      (name: "time", text: steps),
      (name: "digest", text: network.parametersDigest),
    ]
    if let path = results.modelPath { lines.append((name: "model", text: path)) }
    return lines
  }
}
