// What `train` shows while it trains: a line of progress on a terminal's standard error, which ProgressLine.swift words, and lines
// about some epochs, or all as JSON, on standard output.

import ComputeBackend
import Lockstep

/// Tells of the steps and epochs of a training run.
final class TrainingDisplay {
  private let epochs: Int
  private let stepsPerEpoch: Int
  private let rows: Int
  private let firstStep: Int
  private let output: Output
  private let isJSON: Bool
  private let showsEpochs: Bool
  private let precision: Precision
  private let progress = Progress()
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var latest: TrainingProgress?
  private var lastFlush: ContinuousClock.Instant?
  /// Whether nobody reads standard output any more.
  private var isClosed = false
  /// Why standard output could not be written.
  private(set) var failure: (any Error)?

  /// Up to so many epochs have a line of text each; of more, about ten have, evenly spread.
  private static let epochsWithLines = 100

  /// How long a line of JSON may wait for others: where an epoch takes microseconds, each on its own would take longer.
  private static let flushInterval = Duration.milliseconds(100)

  /// - Parameters:
  ///   - session: before it runs.
  ///   - rows: how many rows an epoch has.
  ///   - invocation: where lines go, and whether they are JSON.
  ///   - showsEpochs: whether there are lines of epochs at all, beside the line of progress.
  init<Element>(
    _ session: TrainingSession<Element>, rows: Int, for invocation: Invocation, showsEpochs: Bool = true
  ) {
    epochs = session.schedule.epochs
    stepsPerEpoch = session.stepsPerEpoch
    firstStep = session.steps
    self.rows = rows
    output = invocation.output
    isJSON = invocation.isJSON
    self.showsEpochs = showsEpochs
    precision = Element.precision
    start = clock.now
  }

  /// Seconds since the start.
  var seconds: Double { (clock.now - start) / .seconds(1) }

  /// Tells that so many steps have been taken.
  func show(steps: Int) {
    progress.show { line(steps: steps, seconds: seconds).text(room: $0) }
  }

  /// Tells of an epoch.
  func show(_ epoch: TrainingProgress) {
    latest = epoch
    let stride = epochs > Self.epochsWithLines ? (epochs - 1) / 10 + 1 : 1
    guard showsEpochs, !isClosed, isJSON || epoch.epoch % stride == 0 || epoch.epoch == epochs else { return }
    do {
      if isJSON {
        try output.json(["kind": .string("epoch")], epoch.jsonMembers)
        let now = clock.now
        if lastFlush.map({ now - $0 > Self.flushInterval }) ?? true {
          try output.flush()
          lastFlush = now
        }
      } else {
        progress.clear()
        try output.line("epoch \(epoch.epoch) of \(epochs): \(measures(epoch).joined(separator: ", "))")
        try output.flush()
      }
    } catch OutputError.closed {
      // Who reads no further, as `head` does, may still want the model.
      isClosed = true
    } catch {
      failure = failure ?? error
    }
  }

  /// Takes the line of progress away.
  func clear() { progress.clear() }

  // MARK: Text

  /// `loss 0.25`, `validation loss 0.5`, `validation accuracy 0.7500`.
  private func measures(_ epoch: TrainingProgress) -> [String] {
    var parts = ["loss \(digits(epoch.loss, in: precision))"]
    if let loss = epoch.validationLoss { parts.append("validation loss \(digits(loss, in: precision))") }
    if case .classification(let accuracy, _) = epoch.metrics { parts.append("validation accuracy \(share(accuracy))") }
    return parts
  }

  private func line(steps: Int, seconds: Double) -> ProgressLine {
    let allSteps = epochs * stepsPerEpoch
    let rate = Double(steps - firstStep) / max(seconds, 1e-9)
    let (epoch, step) = max(steps - 1, 0).quotientAndRemainder(dividingBy: stepsPerEpoch)
    // A bar of epochs that are shorter than a second would only flicker.
    let (done, all) = Double(stepsPerEpoch) < rate ? (steps, allSteps) : (step + 1, stepsPerEpoch)
    return ProgressLine(
      epoch: epoch + 1, epochs: epochs, share: Double(done) / Double(max(all, 1)),
      secondsLeft: Double(allSteps - steps) / max(rate, 1e-9), measures: latest.map(measures) ?? [],
      rowsPerSecond: rate * Double(rows) / Double(stepsPerEpoch))
  }
}

extension TrainingProgress {
  /// What there is to tell of the epoch.
  var jsonMembers: KeyValuePairs<String, JSONValue> {
    [
      "epoch": .integer(epoch), "steps": .integer(steps), "learning_rate": .number(learningRate),
      "loss": .number(loss), "validation_loss": validationLoss.map { .number($0) } ?? .null,
      "validation_metrics": metrics.map(\.json) ?? .null,
    ]
  }

  /// What there is to tell of the epoch, as an object.
  var json: JSONValue { .object(Array(jsonMembers)) }
}
