// What `train` shows while it trains: a bar on a terminal's standard error, and lines about some epochs, or all as JSON, on
// standard output.

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

  /// About how many lines of text there are, however many epochs.
  private static let lineCount = 10

  /// How long a line of JSON may wait for others: where an epoch takes microseconds, each on its own would take longer.
  private static let flushInterval = Duration.milliseconds(100)

  /// - Parameters:
  ///   - session: before it runs.
  ///   - rows: how many rows an epoch has.
  ///   - invocation: where lines go, and whether they are JSON.
  ///   - showsEpochs: whether there are lines of epochs at all, beside the bar.
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
    progress.show(bar(steps: steps, seconds: seconds))
  }

  /// Tells of an epoch.
  func show(_ epoch: TrainingProgress) {
    latest = epoch
    let stride = (epochs - 1) / Self.lineCount + 1
    guard showsEpochs, !isClosed, isJSON || epoch.epoch % stride == 0 || epoch.epoch == epochs else { return }
    do {
      if isJSON {
        try output.json(epoch.jsonMembers)
        let now = clock.now
        if lastFlush.map({ now - $0 > Self.flushInterval }) ?? true {
          try output.flush()
          lastFlush = now
        }
      } else {
        progress.clear()
        try output.line("epoch \(epoch.epoch) of \(epochs): \(sentence(epoch))")
        try output.flush()
      }
    } catch OutputError.closed {
      // Who reads no further, as `head` does, may still want the model.
      isClosed = true
    } catch {
      failure = failure ?? error
    }
  }

  /// Takes the bar away.
  func clear() { progress.clear() }

  // MARK: Text

  /// `loss 0.25, validation loss 0.5, validation accuracy 0.7500`.
  private func sentence(_ epoch: TrainingProgress) -> String {
    var parts = ["loss \(digits(epoch.loss, in: precision))"]
    if let loss = epoch.validationLoss { parts.append("validation loss \(digits(loss, in: precision))") }
    if case .classification(let accuracy, _) = epoch.metrics { parts.append("validation accuracy \(share(accuracy))") }
    return parts.joined(separator: ", ")
  }

  /// `epoch 3 of 10 [#####.....] 0:35 left, 12,000 rows/s, loss 0.25`.
  private func bar(steps: Int, seconds: Double) -> String {
    let width = 20
    let (epoch, step) = max(steps - 1, 0).quotientAndRemainder(dividingBy: stepsPerEpoch)
    let filled = (step + 1) * width / stepsPerEpoch
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
    let rate = Double(steps - firstStep) / max(seconds, 1e-9)
    let rowRate = rate * Double(rows) / Double(stepsPerEpoch)
    let left = Double(epochs * stepsPerEpoch - steps) / max(rate, 1e-9)
    // What does not fit on the line is cut off at the end.
    return "epoch \(epoch + 1) of \(epochs) [\(bar)] \(duration(left)) left, \(grouped(Int(min(rowRate, 1e18)))) rows/s"
      + (latest.map { ", \(sentence($0))" } ?? "")
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

/// `0:07`, `12:30` or `1:02:03`.
private func duration(_ seconds: Double) -> String {
  guard seconds < 1e9 else { return "ages" }
  let whole = Int(seconds.rounded())
  func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
  let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
  return hours > 0 ? "\(hours):\(two(minutes)):\(two(rest))" : "\(minutes):\(two(rest))"
}
