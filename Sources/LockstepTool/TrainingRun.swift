// A training run from first parameters to the written model. What it is asked to do lies in CommandTrain.swift, what it prints
// in the end in TrainingSummary.swift.

import ComputeBackend
import Lockstep

/// Training in one precision.
struct TrainingRun<Element: NetworkElement> {
  let plan: TrainingPlan
  let backend: any ComputeBackend<Element>
  let training: TrainingRows<Element>
  let validation: TrainingRows<Element>?
  /// What is trained and how.
  let recipe: Recipe
  let session: TrainingSession<Element>

  var trainer: Trainer<Element> { session.trainer }

  /// - Parameters:
  ///   - plan: what is asked for.
  ///   - recordsDigests: whether fingerprints are taken on the way; `nil` where a file is to hold them.
  /// - Throws: what backend, data, initial model or checkpoint make necessary.
  init(_ plan: TrainingPlan, recordsDigests: Bool? = nil) throws {
    self.plan = plan
    backend = try plan.invocation.makeBackend()
    (training, validation) = try plan.rows()
    recipe = plan.recipe
    let network: Network<Element>
    if let model = plan.initialModel {
      network = try model.network()
      guard network.isFinite else {
        throw ToolError(description: "\(model.path): a parameter is NaN or infinite, so training cannot start there")
      }
    } else {
      network = try Network(
        sizes: plan.sizes, hidden: plan.activation, initializer: plan.initializer, seed: plan.schedule.seed)
    }
    var state: TrainingState<Element>?
    if let checkpoints = plan.checkpoints, checkpoints.isResuming {
      state = try checkpoints.file(continuing: recipe).state()
    }
    session = try TrainingSession(
      Trainer(network, loss: plan.loss, backend: backend, blocks: plan.blocks, method: plan.method),
      data: training.data, validation: validation?.data,
      targetEncodings: plan.columns.target.scales, schedule: plan.schedule, continuing: state,
      recordsDigests: recordsDigests
        ?? (plan.modelPath != nil || plan.checkpoints != nil || plan.reportPath != nil))
  }

  /// Trains, writes checkpoint and model and prints the results.
  ///
  /// - Throws: `TrainingError` where numbers stop being finite, with the last finite model written; `Interruption` where
  ///   a signal ended the run, with everything else done.
  func run() throws {
    warnOfData()
    Interruption.watch()
    let lossBefore = try meanLoss(over: training).loss
    if plan.checkpoints?.isResuming == false { try writeCheckpoint() }
    let firstStep = session.steps
    let display = TrainingDisplay(session, rows: training.input.rows, for: plan.invocation)
    try train(display)
    let seconds = display.seconds
    // Where the model cannot be written, the results are shown all the same.
    let model = Result { try writeModel() }
    let written = try? model.get()

    let (lossAfter, metrics) = try meanLoss(over: training)
    var results = Results(
      lossBefore: lossBefore, lossAfter: lossAfter, metrics: metrics, steps: session.steps,
      newSteps: session.steps - firstStep, seconds: seconds, modelPath: written)
    guard results.lossAfter.isFinite else {
      throw ToolError(
        description:
          "training ended after step \(session.steps) with a loss of \(number(results.lossAfter)) over the whole file; "
          + "try a smaller learning rate or scale the data\(scalingHint)"
          + (written.map { "; the model is in \($0)" } ?? ""))
    }
    let validated = try validation.map { try meanLoss(over: $0) }
    let report = Result { try writeReport(results, validated: validated) }
    results.reportPath = try? report.get()
    try show(results, validated: validated)
    try warn(of: results)
    if case .failure(let error) = model { throw ToolError(description: clause(error) + lossOfModel) }
    _ = try report.get()
    if let signal = Interruption.received, !session.isFinished {
      throw Interruption(
        signal: signal, description: "interrupted after step \(session.steps)" + keptFiles(model: written))
    }
  }

  /// Steps until the session is over or a signal comes, with checkpoints on the way and in the end. Where it throws, the model is
  /// written as it stands.
  private func train(_ display: TrainingDisplay) throws {
    var failure: (any Error)?
    do throws(TrainingError) {
      try session.run(
        shouldStop: { failure != nil || display.failure != nil || Interruption.received != nil },
        onStep: { display.show(steps: $0) },
        onEpoch: { epoch in
          display.show(epoch)
          guard let checkpoints = plan.checkpoints, checkpoints.isDue(afterEpoch: epoch.epoch) else { return }
          do { try writeCheckpoint() } catch { failure = error }
        })
      display.clear()
    } catch {
      display.clear()
      throw ToolError(description: "\(error)\(scalingHint)" + keptModel("the last finite model"))
    }
    // Whatever ended it, what has been learned is worth having, as far as it can be written.
    if failure == nil {
      do { try writeCheckpoint() } catch { failure = error }
    }
    guard let cause = display.failure ?? failure else { return }
    throw ToolError(description: clause(cause) + keptModel("the model as it stands"))
  }

  /// Writes the model where it is wanted, and says so as the end of a sentence about what ended the training.
  private func keptModel(_ name: String) -> String {
    do { return try writeModel().map { "; \(name) is in \($0)" } ?? "" } catch { return "; \(error)" }
  }

  /// What would bring numbers far from 1 nearer to it, as the end of a sentence; empty where there are none.
  var scalingHint: String {
    guard plan.initialModel == nil else { return "" }
    var (found, options): ([String], [String]) = ([], [])
    func look(at numbers: Matrix<Element>, _ name: String, isScaled: Bool, _ option: any OptionDeclaration) {
      let largest = numbers.elements.reduce(0) { max($0, $1.magnitude) }
      guard largest > 10, !isScaled else { return }
      found.append("\(name) reach \(largest)")
      options.append("--\(option.name)")
    }
    look(
      at: training.input, "inputs", isScaled: !plan.columns.inputs.allSatisfy { $0.isPlain || $0.isCategorical },
      EncodingOptions.standardize)
    look(
      at: training.target, "targets", isScaled: plan.columns.target.scales != nil, EncodingOptions.standardizeTargets)
    guard !found.isEmpty else { return "" }
    let verb = options.count == 1 ? "brings" : "bring"
    return "; \(found.joined(separator: " and ")), which \(options.joined(separator: " and ")) \(verb) to deviation 1"
  }

  /// The mean loss over rows as one batch, all counting the same, and the measures in the targets' own units.
  func meanLoss(over rows: TrainingRows<Element>) throws -> (loss: Element, metrics: Metrics) {
    let output = try trainer.network.predict(rows.input, on: backend)
    let loss = try Network.meanLoss(plan.loss, output: output, target: rows.target, on: backend)
    let scale = plan.columns.target
    return (loss, Metrics(loss: plan.loss, output: scale.decoded(output), target: scale.decoded(rows.target)))
  }

  private func writeCheckpoint() throws {
    guard let checkpoints = plan.checkpoints else { return }
    try checkpoints.write(session.checkpoint(recipe: recipe, description: plan.description))
  }

  /// Writes the model where it is wanted; returns the file.
  private func writeModel() throws -> String? {
    guard let path = plan.modelPath else { return nil }
    var description = plan.description
    description.recipe = recipe.taken(by: session).text
    try trainer.network.write(to: path, description: description)
    return path
  }

  /// What becomes of parameters that could not be written, as the end of a sentence.
  private var lossOfModel: String {
    guard let path = plan.checkpoints?.path else {
      return "; the parameters are lost, which --checkpoint FILE would keep"
    }
    return "; --resume takes the parameters from \(path) and writes them without training again"
  }

  /// Where things stand as files, as the end of a sentence.
  private func keptFiles(model: String?) -> String {
    let model = model.map { "; the model as it stands is in \($0)" } ?? ""
    return model + (plan.checkpoints.map { "; --resume goes on from \($0.path)" } ?? "")
  }

  /// What a run found out.
  struct Results {
    let lossBefore: Element
    let lossAfter: Element
    /// Over the rows that were learned from.
    let metrics: Metrics
    /// Steps since the first parameters.
    let steps: Int
    /// Steps of this process.
    let newSteps: Int
    let seconds: Double
    let modelPath: String?
    /// The report, once it is written.
    var reportPath: String?
  }
}
