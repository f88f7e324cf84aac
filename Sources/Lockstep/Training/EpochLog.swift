// What a session remembers: where it stands, what it has told of its epochs, and where it stood last when all was well.

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

/// What there was to tell after the epochs of a run, in bounded room.
struct EpochLog {
  static let historySpread = EvenSpread(bits: 14)
  static let digestSpread = EvenSpread(bits: 7)

  /// Those that are kept, and the last.
  private(set) var history: [TrainingProgress] = []
  private(set) var digests: [RunningDigest] = []

  init() {}

  /// What `state` tells.
  init<Element>(of state: TrainingState<Element>) {
    history = state.history
    digests = state.digests
  }

  /// Takes over what is recent.
  mutating func add<Element>(_ progress: inout Progress<Element>) {
    guard let last = progress.recent.last else { return }
    let before = history.last?.epoch ?? 0
    if !Self.historySpread.keeps(before, after: last.epoch) { history.removeLast() }
    if Self.historySpread.stride(after: before) != Self.historySpread.stride(after: last.epoch) {
      history.removeAll { !Self.historySpread.keeps($0.epoch, after: last.epoch) }
    }
    history += progress.recent.filter {
      Self.historySpread.keeps($0.epoch, after: last.epoch) || $0.epoch == last.epoch
    }
    progress.recent.removeAll(keepingCapacity: true)

    let stepsPerEpoch = last.steps / last.epoch
    if Self.digestSpread.stride(after: before) != Self.digestSpread.stride(after: last.epoch) {
      digests.removeAll { !Self.digestSpread.keeps($0.step / stepsPerEpoch, after: last.epoch) }
    }
    digests += progress.recentDigests.filter {
      Self.digestSpread.keeps($0.step / stepsPerEpoch, after: last.epoch)
    }
    progress.recentDigests.removeAll(keepingCapacity: true)
  }

  /// The log with what is recent.
  func adding<Element>(_ progress: Progress<Element>) -> EpochLog {
    var (log, progress) = (self, progress)
    log.add(&progress)
    return log
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

  func copy(from other: Snapshot) {
    parameters.copy(from: other.parameters)
    moments.copy(from: other.moments)
    progress = other.progress
  }

  /// Brings the trainer back; returns where the session stood.
  func restore(_ trainer: Trainer<Element>) -> Progress<Element> {
    trainer.parameters.copy(from: parameters)
    trainer.optimizer.copy(from: moments)
    return progress
  }
}
