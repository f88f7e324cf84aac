// Where a session stands, and a copy of it to come back to. What it has told of its epochs lies in EpochLog.swift.

import ComputeBackend

/// Where a session stands, beside its parameters and moments.
struct Progress<Element: KernelElement> {
  /// How many steps have been taken.
  var steps = 0
  /// The sum of the losses of the present epoch's steps, each times its rows.
  var epochLoss = 0.0
  /// What there was to tell after the epochs that no ``EpochLog`` has yet.
  var recent: [TrainingProgress] = []
  /// The fingerprints that no ``EpochLog`` has yet.
  var recentDigests: [RunningDigest] = []
  /// The parameters with the smallest validation loss.
  var best: BestNetwork<Element>?

  init() {}

  /// Where `state` stands.
  init(of state: TrainingState<Element>) {
    steps = state.steps
    epochLoss = state.epochLoss
    best = state.best
  }
}

/// A copy of where a session stands, to come back to.
final class Snapshot<Element: KernelElement> {
  private(set) var progress = Progress<Element>()
  private let parameters: NetworkStorage<Element>
  private let moments: OptimizerMemory<Element>

  /// Room for what `trainer` has.
  init(of trainer: Trainer<Element>) {
    parameters = NetworkStorage(shapedAs: trainer.parameters)
    moments = OptimizerMemory(trainer.method.optimizer.kind.formula, for: trainer.parameters)
  }

  func copy(_ trainer: Trainer<Element>, _ progress: Progress<Element>) {
    parameters.copy(from: trainer.parameters)
    moments.copy(from: trainer.optimizer)
    self.progress = progress
  }

  /// Brings the trainer back; returns where the session stood.
  func restore(_ trainer: Trainer<Element>) -> Progress<Element> {
    trainer.parameters.copy(from: parameters)
    trainer.optimizer.copy(from: moments)
    return progress
  }
}
