// Training from start to end in one call, and what a session asks of its trainer.

import ComputeBackend

extension Trainer {
  /// Trains over epochs and batches, from where the trainer stands, which may have taken steps before. What is to be stopped
  /// and gone on with later, to be validated, or to have a ``Recipe``, is a ``TrainingSession``.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`, a row or more.
  ///   - target: `[rows × outputs]`.
  ///   - schedule: how long and in which portions, without patience.
  ///   - shouldStop: asked after each step; training ends early where it says so.
  ///   - onEpoch: told after each epoch.
  /// - Returns: the number of steps taken.
  /// - Throws: ``TrainingError``.
  @discardableResult
  public func train(
    input: Matrix<Element>, target: Matrix<Element>, schedule: TrainingSchedule,
    shouldStop: () -> Bool = { false }, onEpoch: (TrainingProgress) -> Void = { _ in }
  ) throws(TrainingError) -> Int {
    try train(
      on: TrainingData(input: input, target: target), schedule: schedule, shouldStop: shouldStop, onEpoch: onEpoch)
  }

  /// Trains as on matrices, on borrowed memory. Where the schedule shuffles, each batch is copied.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`, a row or more.
  ///   - target: `[rows × outputs]`.
  ///   - schedule: how long and in which portions, without patience.
  ///   - shouldStop: asked after each step; training ends early where it says so.
  ///   - onEpoch: told after each epoch.
  /// - Returns: the number of steps taken.
  /// - Throws: ``TrainingError``.
  @discardableResult
  public func train(
    input: MatrixView<Element>, target: MatrixView<Element>, schedule: TrainingSchedule,
    shouldStop: () -> Bool = { false }, onEpoch: (TrainingProgress) -> Void = { _ in }
  ) throws(TrainingError) -> Int {
    try train(
      on: TrainingData(borrowing: input, target: target), schedule: schedule, shouldStop: shouldStop,
      onEpoch: onEpoch)
  }

  private func train(
    on data: TrainingData<Element>, schedule: TrainingSchedule, shouldStop: () -> Bool,
    onEpoch: (TrainingProgress) -> Void
  ) throws(TrainingError) -> Int {
    let session = try TrainingSession(goingOnWith: self, data: data, schedule: schedule)
    try session.run(shouldStop: shouldStop, onEpoch: onEpoch)
    return session.steps
  }
}

extension Trainer {
  func check(_ data: TrainingViews<Element>) throws(TrainingError) {
    do {
      try check(input: data.input, target: data.target, weights: data.weights)
    } catch {
      throw .network(error)
    }
  }

  /// Checks what a session is to learn from, and by which numbers.
  func check(_ data: TrainingViews<Element>, schedule: TrainingSchedule) throws(TrainingError) {
    try check(data)
    guard data.weight > 0 else { throw .network(.noWeight) }
    if let weights = data.weights, schedule.batchSize < weights.rows {
      // A batch may have one row alone that counts.
      for row in 0..<weights.rows where weights[row, 0] > 0 {
        guard (2 / weights[row, 0]).isFinite else { throw .network(.weightSumTooSmall) }
      }
    }
    do {
      try method.check(in: Element.precision)
      try schedule.check(in: Element.precision)
    } catch {
      throw .hyperparameter(error)
    }
  }

  /// A step on a batch whose shapes are known to fit.
  func checkedStep(_ batch: TrainingViews<Element>, learningRate: Double) -> Element {
    checkedStep(input: batch.input, target: batch.target, weights: batch.weights, learningRate: learningRate)
  }

  /// True where every parameter and every moment of the optimiser is a finite number.
  var isFinite: Bool { parameters.isFinite && optimizer.isFinite }

  /// Goes on from the parameters and moments of a state.
  ///
  /// - Throws: ``TrainingError/state(_:)`` where they are not of this trainer's shapes and optimiser; nothing has changed
  ///   then.
  func take(_ state: TrainingState<Element>) throws(TrainingError) {
    let shapes = parameters.layers.map { [$0.weights.rows, $0.weights.columns] }
    for (network, name) in [(state.network, "parameters"), (state.best?.network ?? state.network, "best parameters")] {
      guard network.layers.map({ [$0.inputs, $0.outputs] }) == shapes,
        zip(network.layers, parameters.layers).allSatisfy({ $0.activation == $1.activation })
      else { throw .state("the state cannot be continued: its \(name) are those of another network") }
    }
    do { try restore(state.optimizer) } catch { throw .state("the state cannot be continued: \(error)") }
    replaceParameters(by: state.network)
  }

  /// Writes parameters of the same shape over its own.
  func replaceParameters(by network: Network<Element>) { parameters.copy(from: network.layers) }
}
