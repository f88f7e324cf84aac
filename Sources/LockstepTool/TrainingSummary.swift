// What `train` prints in the end.

import ComputeBackend
import Lockstep

extension TrainingRun {
  /// What computes full batches.
  var choice: BackendChoice { trainer.backendChoice(rows: min(plan.schedule.batchSize, training.input.rows)) }

  /// Prints the results.
  func show(_ results: Results, validated: (loss: Element, metrics: Metrics)?) throws {
    let output = plan.invocation.output
    if plan.invocation.isJSON {
      try output.json(
        ["kind": .string("result")], choice.jsonMembers, jsonMembers(results),
        [
          "training_metrics": results.metrics.json,
          "validation_rows": validation.map { .integer($0.input.rows) } ?? .null,
          "validation_loss": validated.map { .number($0.loss) } ?? .null,
          "validation_metrics": validated.map(\.metrics.json) ?? .null,
          "best_epoch": session.bestEpoch.map { .integer($0) } ?? .null,
        ])
    } else {
      for line in aligned(lines(results, validated: validated)) { try output.line(line) }
    }
  }

  private func jsonMembers(_ results: Results) -> KeyValuePairs<String, JSONValue> {
    let schedule = plan.schedule
    return [
      "seed": .integer(schedule.seed), "rows": .integer(training.input.rows),
      "sizes": .array(plan.sizes.map { .integer($0) }),
      "activations": .array(trainer.network.layers.map { .string($0.activation.rawValue) }),
      "loss_function": .string(plan.loss.rawValue), "optimizer": .string(plan.method.optimizer.kind.rawValue),
      "epochs": .integer(schedule.epochs), "batch_size": .integer(schedule.batchSize),
      "learning_rate": .number(schedule.learningRate), "schedule": .string(schedule.rates.description),
      "shuffle": .bool(schedule.shuffles), "loss_before": .number(results.lossBefore),
      "loss_after": .number(results.lossAfter), "steps": .integer(results.steps),
      "seconds": .number(results.seconds), "parameters_digest": .string(trainer.network.parametersDigest),
      "interrupted": .bool(!session.isFinished), "model": .string(results.modelPath),
      "checkpoint": .string(plan.checkpoints?.path), "report": .string(results.reportPath),
    ]
  }

  private func lines(
    _ results: Results, validated: (loss: Element, metrics: Metrics)?
  ) -> [(name: String, text: String)] {
    let network = trainer.network
    let resumed = results.newSteps < results.steps ? ", resumed after step \(results.steps - results.newSteps)" : ""
    let steps = "\(counted(results.newSteps, "step")) in \(fixed(results.seconds, digits: 3)) s\(resumed)"
    var lines = [
      (name: "data", text: "\(plan.table.file), \(counted(training.input.rows, "row"))"),
      (name: "inputs", text: shortList(plan.columns.inputs.lazy.map(\.summary))),
      (name: "targets", text: plan.columns.target.summary),
      (name: "network", text: networkSummary(network)),
      (name: "training", text: ([plan.loss.rawValue] + trainingSummary).joined(separator: ", ")),
      (name: "computed by", text: choice.summary),
      (name: "loss before", text: number(results.lossBefore)),
      (name: "loss after", text: number(results.lossAfter)),
    ]
    if let validation, let validated {
      let rows = counted(validation.input.rows, "row")
      let file = plan.validationTable?.file
      lines += [
        (name: "validation", text: file.map { "\($0), \(rows)" } ?? "\(rows) held back"),
        (name: "validation loss", text: number(validated.loss)),
      ]
      lines += validated.metrics.lines(of: "validation")
    } else {
      // The first is what people ask for; the report has the others.
      lines += results.metrics.lines(of: "training").prefix(1)
    }
    if let epoch = session.bestEpoch {
      // An epoch that was interrupted counts, too.
      let epochs = (session.steps + session.stepsPerEpoch - 1) / session.stepsPerEpoch
      let taken = session.isFinished ? ", whose parameters were taken" : ""
      lines.append((name: "best epoch", text: "\(epoch) of \(epochs)\(taken)"))
    }
    lines.append((name: "time", text: steps))
    lines.append((name: "digest", text: network.parametersDigest))
    if let path = plan.checkpoints?.path { lines.append((name: "checkpoint", text: path)) }
    if let path = results.modelPath { lines.append((name: "model", text: path)) }
    if let path = results.reportPath { lines.append((name: "report", text: path)) }
    return lines
  }

  /// `100 epochs in batches of 32, learning rate 0.01, seed 1, shuffled each epoch`, with what else was asked for.
  private var trainingSummary: [String] {
    summary(of: plan.schedule, plan.method, rows: training.input.rows)
  }
}

/// How long, in which portions and how steps are taken, as phrases.
func summary(of schedule: TrainingSchedule, _ method: TrainingMethod, rows: Int) -> [String] {
  var parts = ["\(counted(schedule.epochs, "epoch")) in batches of \(min(schedule.batchSize, rows))"]
  if method.optimizer.kind != .sgd { parts.append(method.optimizer.kind.rawValue) }
  parts.append("learning rate \(schedule.learningRate)")
  if schedule.rates != .constant { parts.append(schedule.rates.description) }
  if method.optimizer.weightDecay != 0 { parts.append("weight decay \(method.optimizer.weightDecay)") }
  if let norm = method.clipNorm { parts.append("clip norm \(norm)") }
  if method.dropout != 0 { parts.append("dropout \(method.dropout)") }
  if let patience = schedule.patience { parts.append("patience \(patience)") }
  return parts + ["seed \(schedule.seed)", schedule.shuffles ? "shuffled each epoch" : "in the order of the file"]
}
