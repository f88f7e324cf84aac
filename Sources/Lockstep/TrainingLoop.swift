// The loop over epochs and batches, and what it does when numbers stop being finite. A single step lies in Trainer.swift.

import ComputeBackend

/// How long and in which portions to train.
public struct TrainingSchedule: Sendable, Equatable {
  /// How often every row is seen.
  public let epochs: Int
  /// Rows in a batch; the last of an epoch takes what is left.
  public let batchSize: Int
  /// The learning rate, before ``rates`` changes it.
  public let learningRate: Double
  /// How the learning rate changes from step to step.
  public let rates: LearningRateSchedule
  /// Whether each epoch takes the rows in a new random order.
  public let shuffles: Bool
  /// What the orders are drawn from: the stream ``RandomStream/Purpose/shuffle`` with the epoch (from 0) as its index.
  public let seed: UInt64

  /// - Throws: ``TrainingError/schedule(_:)`` where epochs are below 0, the batch size is below 1, the learning rate
  ///   is not a finite number, or ``LearningRateSchedule/check()`` throws.
  public init(
    epochs: Int, batchSize: Int, learningRate: Double, rates: LearningRateSchedule = .constant, shuffles: Bool = true,
    seed: UInt64 = 0
  ) throws(TrainingError) {
    guard epochs >= 0, epochs <= Int(UInt32.max) else {
      throw .schedule("the number of epochs is \(epochs); it must lie between 0 and \(UInt32.max)")
    }
    guard batchSize >= 1 else { throw .schedule("the batch size is \(batchSize); it must be at least 1") }
    guard learningRate.isFinite else {
      throw .schedule("the learning rate is \(learningRate); it must be a finite number")
    }
    do { try rates.check() } catch { throw .schedule(error.description) }
    self.epochs = epochs
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.rates = rates
    self.shuffles = shuffles
    self.seed = seed
  }

  /// The learning rate of step `step` (from 0), where an epoch has `stepsPerEpoch`: the product with the factor of ``rates``,
  /// rounded.
  public func learningRate(step: Int, stepsPerEpoch: Int) -> Double {
    learningRate * rates.factor(step: step, stepsPerEpoch: stepsPerEpoch, epochs: epochs)
  }
}

/// Why training could not start or go on.
public enum TrainingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Shapes that do not fit.
  case network(NetworkError)
  /// A schedule that cannot be followed; the text says which number must change.
  case schedule(String)
  /// In step `step` (from 1) the loss, an updated parameter or a moment of the optimiser became NaN or infinite. The trainer
  /// holds the last finite parameters and the optimiser's state that belongs to them: those that the step before started
  /// from, or the first ones.
  case notFinite(step: Int, quantity: String)
  /// In step `step` (from 1) a number of the data is NaN or infinite; the text says which, with the row and column of the
  /// data counted from 0. The trainer holds the last finite parameters.
  case notFiniteData(step: Int, quantity: String)

  public var description: String {
    switch self {
    case .network(let error): error.description
    case .schedule(let text): text
    case .notFinite(let step, let quantity):
      "training failed at step \(step): \(quantity); try a smaller learning rate or scale the data"
    case .notFiniteData(let step, let quantity):
      "training failed at step \(step): \(quantity); put a finite number there or leave the row out"
    }
  }
}

/// Where a training run stands after an epoch.
public struct TrainingProgress: Sendable, Equatable {
  /// Epochs done.
  public let epoch: Int
  /// Steps done.
  public let steps: Int
  /// The mean of the epoch's losses over its rows, each taken before its step.
  public let loss: Double
}

extension Trainer {
  /// Trains over epochs and batches.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`, a row or more.
  ///   - target: `[rows × outputs]`.
  ///   - schedule: how long and in which portions.
  ///   - shouldStop: asked after each step; training ends early where it says so.
  ///   - onEpoch: told after each epoch.
  /// - Returns: the number of steps taken.
  /// - Throws: ``TrainingError``.
  @discardableResult
  public func train(
    input: Matrix<Element>, target: Matrix<Element>, schedule: TrainingSchedule,
    shouldStop: () -> Bool = { false }, onEpoch: (TrainingProgress) -> Void = { _ in }
  ) throws(TrainingError) -> Int {
    try input.withView { (input) throws(TrainingError) in
      try target.withView { (target) throws(TrainingError) in
        try train(input: input, target: target, schedule: schedule, shouldStop: shouldStop, onEpoch: onEpoch)
      }
    }
  }

  /// Trains as on matrices, on borrowed memory. Where the schedule shuffles, each batch is copied.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`, a row or more.
  ///   - target: `[rows × outputs]`.
  ///   - schedule: how long and in which portions.
  ///   - shouldStop: asked after each step; training ends early where it says so.
  ///   - onEpoch: told after each epoch.
  /// - Returns: the number of steps taken.
  /// - Throws: ``TrainingError``.
  @discardableResult
  public func train(
    input: MatrixView<Element>, target: MatrixView<Element>, schedule: TrainingSchedule,
    shouldStop: () -> Bool = { false }, onEpoch: (TrainingProgress) -> Void = { _ in }
  ) throws(TrainingError) -> Int {
    do { try check(input: input, target: target) } catch { throw .network(error) }
    let batches = Batches(input: input, target: target, schedule: schedule)
    return try run(batches, schedule: schedule, shouldStop: shouldStop, onEpoch: onEpoch)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  private func run(
    _ batches: Batches<Element>, schedule: TrainingSchedule, shouldStop: () -> Bool,
    onEpoch: (TrainingProgress) -> Void
  ) throws(TrainingError) -> Int {
    /// Steps between two looks at the parameters, which are kept so that a failure can be traced back.
    let stepsBetweenSnapshots = 256
    let snapshot = TrainerSnapshot(self)
    var snapshotStep = 0
    var epochLoss = 0.0

    for step in 0..<schedule.epochs * batches.perEpoch {
      let batch = batches[step]
      let loss = checkedStep(
        input: batch.input, target: batch.target,
        learningRate: schedule.learningRate(step: step, stepsPerEpoch: batches.perEpoch))
      let isSnapshotDue = step + 1 - snapshotStep == stepsBetweenSnapshots
      let isLast = step + 1 == schedule.epochs * batches.perEpoch
      if !loss.isFinite || (isSnapshotDue || isLast) && !isFinite {
        try replay(batches, from: snapshot, steps: snapshotStep..<step + 1, schedule: schedule)
      }
      if isSnapshotDue {
        snapshot.take(from: self)
        snapshotStep = step + 1
      }

      epochLoss += Double(loss) * Double(batch.input.rows)
      if (step + 1) % batches.perEpoch == 0 {
        onEpoch(
          TrainingProgress(
            epoch: (step + 1) / batches.perEpoch, steps: step + 1, loss: epochLoss / Double(batches.rows)))
        epochLoss = 0
      }
      if shouldStop() {
        if !isFinite {
          try replay(batches, from: snapshot, steps: snapshotStep..<step + 1, schedule: schedule)
        }
        return step + 1
      }
    }
    return schedule.epochs * batches.perEpoch
  }

  /// Repeats steps that are known to have led to a number that is not finite, up to the last finite parameters, and says
  /// at which step it happened. Repeating is exact: every step gives the same bits again.
  private func replay(
    _ batches: Batches<Element>, from snapshot: TrainerSnapshot<Element>, steps: Range<Int>,
    schedule: TrainingSchedule
  ) throws(TrainingError) {
    snapshot.restore(to: self)
    let lastFinite = TrainerSnapshot(self)
    let before = TrainerSnapshot(self)
    for step in steps {
      before.take(from: self)
      let batch = batches[step]
      let loss = checkedStep(
        input: batch.input, target: batch.target,
        learningRate: schedule.learningRate(step: step, stepsPerEpoch: batches.perEpoch))
      if loss.isFinite { lastFinite.take(from: before) }
      guard loss.isFinite, isFinite else {
        let quantity =
          !loss.isFinite
          ? "the loss is \(loss)"
          : "a \(parameters.isFinite ? "moment of the optimiser" : "parameter") became NaN or infinite"
        lastFinite.restore(to: self)
        if let quantity = batches.firstNotFinite(step: step) {
          throw .notFiniteData(step: step + 1, quantity: quantity)
        }
        throw .notFinite(step: step + 1, quantity: quantity)
      }
    }
  }

  /// True where parameters and the optimiser's state are finite.
  private var isFinite: Bool { parameters.isFinite && optimizer.isFinite }
}

/// What a trainer's next step starts from, at one moment.
private final class TrainerSnapshot<Element: KernelElement> {
  private let parameters: NetworkStorage<Element>
  private let optimizer: OptimizerMemory<Element>

  /// The moment of `trainer`.
  init(_ trainer: Trainer<Element>) {
    parameters = NetworkStorage(shapedAs: trainer.parameters)
    optimizer = OptimizerMemory(trainer.method.optimizer.kind.formula, for: trainer.parameters)
    take(from: trainer)
  }

  func take(from trainer: Trainer<Element>) {
    parameters.copy(from: trainer.parameters)
    optimizer.copy(from: trainer.optimizer)
  }

  func take(from other: TrainerSnapshot) {
    parameters.copy(from: other.parameters)
    optimizer.copy(from: other.optimizer)
  }

  func restore(to trainer: Trainer<Element>) {
    trainer.parameters.copy(from: parameters)
    trainer.optimizer.copy(from: optimizer)
  }
}

/// The batches of a training run, any of which can be had at any time.
private final class Batches<Element: KernelElement> {
  /// Batches in an epoch.
  let perEpoch: Int
  /// Rows of the data.
  let rows: Int
  private let input: MatrixView<Element>
  private let target: MatrixView<Element>
  private let schedule: TrainingSchedule
  private let shuffledInput: MatrixStorage<Element>
  private let shuffledTarget: MatrixStorage<Element>
  private var latestOrder: (epoch: Int, rows: [Int])?

  init(input: MatrixView<Element>, target: MatrixView<Element>, schedule: TrainingSchedule) {
    self.input = input
    self.target = target
    self.schedule = schedule
    rows = input.rows
    perEpoch = (rows - 1) / schedule.batchSize + 1
    let room = schedule.shuffles ? min(schedule.batchSize, rows) : 0
    shuffledInput = MatrixStorage(rows: room, columns: input.columns)
    shuffledTarget = MatrixStorage(rows: room, columns: target.columns)
  }

  /// The batch of step `step` (from 0); a shuffled one stays as it is until the next is asked for.
  subscript(step: Int) -> (input: MatrixView<Element>, target: MatrixView<Element>) {
    let range = places(of: step)
    guard schedule.shuffles else { return (input.rows(range), target.rows(range)) }
    let batchInput = shuffledInput.mutableView.rows(0..<range.count)
    let batchTarget = shuffledTarget.mutableView.rows(0..<range.count)
    for (place, row) in order(of: step)[range].enumerated() {
      batchInput.rows(place..<place + 1).copy(from: input.rows(row..<row + 1))
      batchTarget.rows(place..<place + 1).copy(from: target.rows(row..<row + 1))
    }
    return (batchInput.readOnly, batchTarget.readOnly)
  }

  /// The first number in the rows of step `step` that is NaN or infinite, as a clause; `nil` where all are finite.
  func firstNotFinite(step: Int) -> String? {
    for place in places(of: step) {
      let row = schedule.shuffles ? order(of: step)[place] : place
      for (name, data) in [("input", input), ("target", target)] {
        for column in 0..<data.columns where !data[row, column].isFinite {
          return "\(name) row \(row), column \(column) is \(data[row, column])"
        }
      }
    }
    return nil
  }

  /// The places of step `step` in the order of its epoch.
  private func places(of step: Int) -> Range<Int> {
    let start = step % perEpoch * schedule.batchSize
    return start..<start + min(schedule.batchSize, rows - start)
  }

  /// The random order of rows in the epoch of step `step`.
  private func order(of step: Int) -> [Int] {
    let epoch = step / perEpoch
    if let latestOrder, latestOrder.epoch == epoch { return latestOrder.rows }
    var stream = RandomStream(seed: schedule.seed, purpose: .shuffle, index: UInt32(epoch))
    let order = stream.permutation(rows)
    latestOrder = (epoch, order)
    return order
  }
}
