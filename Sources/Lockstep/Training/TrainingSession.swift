// The loop over epochs and batches, which can be stopped after any step and gone on with, and what it does when numbers stop
// being finite. A single step lies in Trainer.swift.

import ComputeBackend

/// Training over epochs and batches that can be stopped after any step and gone on with, in this process or another.
///
/// The result depends on the trainer's first parameters and method, the data, the schedule and the number of steps: not on
/// the backend, its threads, or on where and how often training was interrupted.
///
/// ```swift
/// let session = try TrainingSession(trainer, data: data, validation: held, schedule: schedule)
/// try session.run(shouldStop: { isAskedToStop() }, onEpoch: { print($0.epoch, $0.loss) })
/// let kept = session.state
/// ```
public final class TrainingSession<Element: KernelElement> {
  /// Who takes the steps. After the last one it holds the parameters that training ended with: where the schedule has
  /// patience, the best ones.
  public let trainer: Trainer<Element>
  /// How long and in which portions it trains.
  public let schedule: TrainingSchedule
  /// How many steps an epoch takes.
  public let stepsPerEpoch: Int
  private let data: TrainingData<Element>
  private let batches: Batches<Element>
  private let validation: Validation<Element>?
  /// What all rows of an epoch count: more than 0.
  private let weight: Double
  private let recordsDigests: Bool

  private var progress: Progress<Element>
  /// What the progress said of the epochs before the latest snapshot.
  private var log = EpochLog()
  private let snapshot: Snapshot<Element>
  /// The parameters of the last step, once those of the best epoch have taken their place.
  private var last: Network<Element>?

  /// Steps between two snapshots, which are kept so that a failure can be traced back.
  private static var stepsBetweenSnapshots: Int { 256 }

  /// A session from a trainer's first step, or from a state that was kept.
  ///
  /// A ``Recipe`` tells all about its training: it counts from the first step, and it has one seed.
  ///
  /// - Parameters:
  ///   - trainer: who takes the steps; no one else uses it while the session runs. Without a state, it has taken none.
  ///   - data: the rows to learn from: one or more.
  ///   - validation: rows that the network is measured on after each epoch. Their weights do not count.
  ///   - schedule: how long and in which portions. Where the trainer drops outputs, both have the same seed.
  ///   - targetEncodings: how the targets were made of columns, where they are not those columns: the measures of validation
  ///     are in the columns' own units, losses are not. One for each output, none of categories.
  ///   - state: the state to go on from, of a session with the same data, schedule and method.
  ///   - recordsDigests: whether fingerprints of the parameters are taken after epochs, for a ``Recipe``.
  /// - Throws: ``TrainingError`` where shapes do not fit, all weights are 0 or their sum, also in a batch, is too large or too
  ///   small, a number of method or schedule has no meaning in this precision, the schedule has patience and there is nothing
  ///   to validate with, the trainer has taken steps already or draws from another seed, or the state is none of this training.
  public convenience init(
    _ trainer: Trainer<Element>, data: TrainingData<Element>, validation: TrainingData<Element>? = nil,
    targetEncodings: [ColumnEncoding]? = nil, schedule: TrainingSchedule,
    continuing state: TrainingState<Element>? = nil, recordsDigests: Bool = false
  ) throws(TrainingError) {
    guard state != nil || trainer.optimizer.steps == 0 else {
      throw .state(
        "the trainer has taken \(trainer.optimizer.steps) steps already, but a session counts from the first; continue a "
          + "session's state, or take a new trainer for the network, whose optimiser starts anew")
    }
    guard trainer.method.dropout == 0 || trainer.method.seed == schedule.seed else {
      throw .schedule(
        "the schedule's seed is \(schedule.seed), but dropout draws from \(trainer.method.seed); give both the same seed"
      )
    }
    try self.init(
      goingOnWith: trainer, data: data, validation: validation, targetEncodings: targetEncodings, schedule: schedule,
      continuing: state, recordsDigests: recordsDigests)
  }

  /// As the public one, from wherever the trainer stands, for trainings that no recipe tells of.
  init(
    goingOnWith trainer: Trainer<Element>, data: TrainingData<Element>, validation: TrainingData<Element>? = nil,
    targetEncodings: [ColumnEncoding]? = nil, schedule: TrainingSchedule,
    continuing state: TrainingState<Element>? = nil, recordsDigests: Bool = false
  ) throws(TrainingError) {
    if schedule.patience != nil, validation == nil {
      throw .schedule("a patience needs validation data, whose loss tells when to stop")
    }
    self.trainer = trainer
    self.schedule = schedule
    self.data = data
    self.recordsDigests = recordsDigests
    (batches, weight) = try data.withViews { (views) throws(TrainingError) in
      try trainer.check(views, schedule: schedule)
      return (Batches(of: views, schedule: schedule), views.weight)
    }
    stepsPerEpoch = batches.perEpoch
    self.validation = try validation.map { (validation) throws(TrainingError) in
      try Validation(validation, of: trainer, targetEncodings: targetEncodings)
    }
    progress = Progress()
    if let state {
      try state.check(stepsPerEpoch: stepsPerEpoch, schedule: schedule, hasValidation: validation != nil)
      try trainer.take(state)
      progress = Progress(of: state)
      log = EpochLog(of: state, keepsDigests: recordsDigests)
    }
    snapshot = Snapshot(of: trainer)
    keepSnapshot()
  }

  // MARK: - State

  /// Whether there are rows to validate with.
  var isValidated: Bool { validation != nil }

  /// How many steps have been taken.
  public var steps: Int { progress.steps }

  /// How many steps all epochs take.
  public var allSteps: Int { schedule.epochs * stepsPerEpoch }

  /// Whether nothing is left to do: all epochs are done, or patience has run out.
  public var isFinished: Bool { progress.steps == allSteps || hasLostPatience }

  /// Whether the validation loss has not improved for as long as the schedule's patience lasts.
  public var hasLostPatience: Bool {
    guard let patience = schedule.patience, let best = progress.best else { return false }
    return progress.steps / stepsPerEpoch - best.epoch >= patience
  }

  /// After which epoch the validation loss was smallest; `nil` where the schedule has no patience.
  public var bestEpoch: Int? { progress.best?.epoch }

  /// What there was to tell after each epoch: at most 2^14 of them, evenly spread, always the last.
  public var history: [TrainingProgress] { log.adding(progress).history }

  /// Fingerprints of the parameters after some epochs, evenly spread, and after the last step that was taken: at most 128;
  /// only the last where none are recorded.
  public var digests: [RunningDigest] {
    let digests = log.adding(progress).digests
    if digests.last?.step == progress.steps { return digests }
    return digests + [RunningDigest(step: progress.steps, parameters: (last ?? trainer.network).parametersDigest)]
  }

  /// The latest fingerprint that was taken after an epoch.
  public var latestDigest: RunningDigest? { progress.recentDigests.last ?? log.digests.last }

  /// All that is needed to go on from here.
  public var state: TrainingState<Element> {
    let log = log.adding(progress)
    return TrainingState(
      network: last ?? trainer.network, optimizer: trainer.optimizerState,
      steps: progress.steps, epochLoss: progress.epochLoss, history: log.history, digests: log.digests,
      best: progress.best)
  }

  // MARK: - Running

  /// Trains until all epochs are done, patience runs out, or `shouldStop` says so; then it may be called again to go on.
  ///
  /// - Parameters:
  ///   - shouldStop: asked after each step.
  ///   - onStep: told after each step how many have been taken.
  ///   - onEpoch: told after each epoch, when ``state`` already says so, and all of it is finite.
  /// - Returns: ``isFinished``.
  /// - Throws: ``TrainingError/notFinite(step:quantity:)`` or ``TrainingError/notFiniteData(step:quantity:)``. The session
  ///   then stands where the failing step started from, as if it had been stopped there.
  @discardableResult
  public func run(
    shouldStop: () -> Bool = { false }, onStep: (Int) -> Void = { _ in },
    onEpoch: (TrainingProgress) -> Void = { _ in }
  ) throws(TrainingError) -> Bool {
    try data.withViews { (views) throws(TrainingError) in
      try run(on: views, shouldStop: shouldStop, onStep: onStep, onEpoch: onEpoch)
    }
    guard isFinished else { return false }
    if last == nil, let best = progress.best {
      last = trainer.network
      trainer.replaceParameters(by: best.network)
    }
    return true
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  private func run(
    on data: TrainingViews<Element>, shouldStop: () -> Bool, onStep: (Int) -> Void,
    onEpoch: (TrainingProgress) -> Void
  ) throws(TrainingError) {
    while !isFinished {
      let (loss, epoch) = step(on: data)
      let isSnapshotDue = progress.steps - snapshot.progress.steps == Self.stepsBetweenSnapshots
      // Whoever is told of an epoch may keep its state, and nobody wants to keep what training will turn out to have
      // failed with.
      if !loss.isFinite || (isSnapshotDue || epoch != nil) && !trainer.isFinite { try replay(data) }
      if isSnapshotDue { keepSnapshot() }
      onStep(progress.steps)
      if let epoch { onEpoch(epoch) }
      if shouldStop() {
        if !trainer.isFinite { try replay(data) }
        return
      }
    }
  }

  /// Takes a step, and at the end of an epoch what is to be known of it.
  ///
  /// - Returns: the mean loss before the step, and what is to be known of the epoch that it ends.
  private func step(on data: TrainingViews<Element>) -> (loss: Element, epoch: TrainingProgress?) {
    let (batch, endsEpoch) = batches.batch(progress.steps, of: data)
    let rate = schedule.learningRate(step: progress.steps, stepsPerEpoch: stepsPerEpoch)
    let loss = trainer.checkedStep(batch, learningRate: rate)
    progress.steps += 1
    progress.epochLoss += Double(loss) * batch.weight
    return (loss, endsEpoch ? endEpoch(learningRate: rate) : nil)
  }

  private func endEpoch(learningRate: Double) -> TrainingProgress {
    let epoch = progress.steps / stepsPerEpoch
    let measured = validation?.measure(loss: trainer.loss)
    let ended = TrainingProgress(
      epoch: epoch, steps: progress.steps, learningRate: learningRate,
      loss: progress.epochLoss / weight, validationLoss: measured?.loss, metrics: measured?.metrics)
    progress.recent.append(ended)
    progress.epochLoss = 0
    if recordsDigests, EpochLog.digestSpread.keeps(epoch, after: epoch) {
      progress.recentDigests.append(
        RunningDigest(step: progress.steps, parameters: trainer.network.parametersDigest))
    }
    if schedule.patience != nil, let loss = measured?.loss, !(progress.best.map { loss >= $0.validationLoss } ?? false),
      loss.isFinite
    {
      progress.best = BestNetwork(epoch: epoch, validationLoss: loss, network: trainer.network)
    }
    return ended
  }

  // MARK: - Failure

  private func keepSnapshot() {
    log.add(&progress)
    // Nothing is recent any more; but were its room shared, it would have to be made anew.
    var kept = progress
    (kept.recent, kept.recentDigests) = ([], [])
    snapshot.copy(trainer, kept)
  }

  /// Repeats the steps since the latest snapshot, which are known to have led to a number that is not finite, says at which
  /// of them it happened, and leaves everything as it was before that step, wherever the snapshot was taken. Repeating is
  /// exact: every step gives the same bits again.
  private func replay(_ data: TrainingViews<Element>) throws(TrainingError) {
    let failed = progress.steps
    let before = Snapshot(of: trainer)
    progress = snapshot.restore(trainer)
    while progress.steps < failed {
      before.copy(trainer, progress)
      let loss = step(on: data).loss
      guard loss.isFinite, trainer.isFinite else {
        // Backends may give NaNs of either sign, and the text is the same.
        let quantity =
          !loss.isFinite
          ? "the loss is \(loss.isNaN ? Element.nan : loss)"
          : "a \(trainer.parameters.isFinite ? "moment of the optimiser" : "parameter") became NaN or infinite"
        progress = before.restore(trainer)
        if let quantity = batches.firstNotFinite(progress.steps, of: data) {
          throw .notFiniteData(step: progress.steps + 1, quantity: quantity)
        }
        throw .notFinite(step: progress.steps + 1, quantity: quantity)
      }
    }
  }
}
