// What a session has told of its epochs, in bounded room. Where it stands lies in Snapshot.swift.

/// What there was to tell after the epochs of a run, in bounded room.
struct EpochLog {
  static let historySpread = EvenSpread(bits: 14)
  static let digestSpread = EvenSpread(bits: 7)

  /// Those that are kept, and the last.
  private(set) var history: [TrainingProgress] = []
  private(set) var digests: [RunningDigest] = []

  init() {}

  /// What `state` tells.
  ///
  /// - Parameter keepsDigests: whether fingerprints are recorded. Where none are, a checkpoint has that of its last step all the
  ///   same, which the training would not have had it not been interrupted.
  init<Element>(of state: TrainingState<Element>, keepsDigests: Bool) {
    history = state.history
    digests = keepsDigests ? state.digests : []
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
