// Where a training run stands: what it tells after each epoch, and all that it needs to go on. Who keeps it lies in
// TrainingSession.swift, how it is stored in CheckpointFile.swift.

import ComputeBackend

/// Where a training run stands after an epoch.
public struct TrainingProgress: Sendable, Equatable {
  /// Epochs done.
  public let epoch: Int
  /// Steps done.
  public let steps: Int
  /// The learning rate of the epoch's last step.
  public let learningRate: Double
  /// The mean of the epoch's losses over its rows, each taken before its step, and weighted as the rows are.
  public let loss: Double
  /// The mean loss over the validation data after the epoch; `nil` where there are none.
  public let validationLoss: Double?
  /// The measures of the validation data after the epoch; `nil` where there are none.
  public let metrics: Metrics?
}

/// The fingerprint of the parameters after a step.
public struct RunningDigest: Sendable, Equatable {
  /// How many steps had been taken.
  public let step: Int
  /// ``Network/parametersDigest`` of the parameters.
  public let parameters: String

  /// The fingerprint of the parameters after `step` steps.
  public init(step: Int, parameters: String) {
    self.step = step
    self.parameters = parameters
  }
}

/// The parameters that had the smallest validation loss.
public struct BestNetwork<Element: KernelElement>: Sendable, Equatable {
  /// After which epoch, from 1.
  public let epoch: Int
  /// The validation loss.
  public let validationLoss: Double
  /// The parameters.
  public let network: Network<Element>
}

/// All that a training run needs to go on with the same bits. Random numbers are drawn by counters, so that the schedule's
/// seed and the number of steps tell all about them.
public struct TrainingState<Element: KernelElement>: Sendable, Equatable {
  /// The parameters.
  public let network: Network<Element>
  /// What the optimiser keeps.
  public let optimizer: OptimizerState<Element>
  /// How many steps have been taken.
  public let steps: Int
  /// The sum of the losses of the present epoch's steps, each times its rows, or what they count.
  public let epochLoss: Double
  /// What there was to tell after each epoch: at most 2^14 of them, evenly spread, always the last.
  public let history: [TrainingProgress]
  /// The fingerprints after some epochs, evenly spread: fewer than 128.
  public let digests: [RunningDigest]
  /// The best parameters, where the schedule has patience and an epoch is done.
  public let best: BestNetwork<Element>?
}

extension TrainingState {
  /// Checks that the state can be one of a training by `schedule`; shapes are checked where a trainer takes it.
  ///
  /// - Throws: ``TrainingError/state(_:)``.
  func check(stepsPerEpoch: Int, schedule: TrainingSchedule, hasValidation: Bool) throws(TrainingError) {
    func require(_ condition: Bool, _ problem: @autoclosure () -> String) throws(TrainingError) {
      guard condition else { throw .state("the state cannot be continued: \(problem())") }
    }
    let (epochs, stepsInEpoch) = steps.quotientAndRemainder(dividingBy: stepsPerEpoch)
    try require(
      steps >= 0 && epochs <= schedule.epochs && steps <= schedule.epochs * stepsPerEpoch,
      "it has taken \(steps) steps, but \(schedule.epochs) epochs of \(stepsPerEpoch) steps are all there are")
    try require(
      epochLoss.isFinite && (stepsInEpoch > 0 || epochLoss == 0),
      "the sum of its losses is \(epochLoss) after \(stepsInEpoch) steps of an epoch")
    try require(network.isFinite, "a parameter is NaN or infinite")
    try require(
      [optimizer.first, optimizer.second].allSatisfy { Network(checked: $0).isFinite },
      "a moment of the optimiser is NaN or infinite")
    try require(
      optimizer.steps == steps, "it has taken \(steps) steps, but its optimiser counts \(optimizer.steps)")

    let spread = EpochLog.historySpread
    let stride = spread.stride(after: epochs)
    var expected = Array(Swift.stride(from: stride, through: epochs, by: stride))
    if !spread.keeps(epochs, after: epochs) { expected.append(epochs) }
    try require(
      history.map(\.epoch) == expected && history.allSatisfy { $0.steps == $0.epoch * stepsPerEpoch },
      "its history is not that of \(epochs) epochs of \(stepsPerEpoch) steps")
    try require(
      history.allSatisfy { ($0.validationLoss != nil) == hasValidation && ($0.metrics != nil) == hasValidation },
      hasValidation ? "its history lacks validation losses" : "its history has validation losses, but no data for them")

    let digestSteps = digests.map(\.step)
    try require(
      zip(digestSteps, digestSteps.dropFirst()).allSatisfy(<)
        && digestSteps.allSatisfy {
          $0 > 0 && $0 <= steps && $0 % stepsPerEpoch == 0
            && EpochLog.digestSpread.keeps($0 / stepsPerEpoch, after: epochs)
        }, "its digests are not those of \(epochs) epochs of \(stepsPerEpoch) steps")
    if let best {
      try require(schedule.patience != nil, "it has best parameters, but the schedule has no patience")
      try require(
        best.epoch >= 1 && best.epoch <= epochs && best.validationLoss.isFinite && best.network.isFinite,
        "its best parameters are those of epoch \(best.epoch) of \(epochs), with a validation loss of "
          + "\(best.validationLoss)")
    }
  }
}
