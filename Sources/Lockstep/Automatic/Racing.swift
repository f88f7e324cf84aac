// How a trainer or predictor takes part in races: it finds out once whether its backend leaves open what computes, asks
// before each call who has it, and tells how long it took.

import ComputeBackend

/// A clock that stands still while the machine sleeps, in seconds. Only a race reads it.
let secondsPassed: @Sendable () -> Double = {
  let origin = SuspendingClock.now
  return { (SuspendingClock.now - origin) / .seconds(1) }
}()

/// A call in a race, from its begin to its end.
struct RacedCall {
  fileprivate let call: BackendRace.Call
  fileprivate let work: BackendWork
  fileprivate let rows: Int
  fileprivate let start: Double

  /// Who has it, as an index into the candidates.
  var candidate: Int { call.candidate }
}

/// The candidates for one network, and its races. A class, so that a call on a decided backend counts no references.
final class Racing<Element: KernelElement>: Sendable {
  let candidates: [any ComputeBackend<Element>]
  let races: NetworkRaces
  let clock: @Sendable () -> Double

  /// Nothing where `backend` leaves nothing open.
  init?(
    _ backend: any ComputeBackend<Element>, on network: NetworkStorage<Element>, blocks: RowBlocks,
    method: TrainingMethod = .gradientDescent
  ) {
    guard let backend = backend as? AutomaticBackend<Element> else { return nil }
    candidates = backend.candidates
    races = backend.table.races(of: network.raced(by: backend.raced, blocks: blocks, method: method))
    clock = backend.clock
  }

  /// The index of the candidate that has won, or -1.
  @inline(__always)
  func winner(_ work: BackendWork, rows: Int) -> Int { races.winner(work, rows: rows) }

  /// The next call of a race; `nil` where others race at this moment, and the first candidate may have the call.
  func begin(_ work: BackendWork, rows: Int) -> RacedCall? {
    races.begin(work, rows: rows).map { RacedCall(call: $0, work: work, rows: rows, start: clock()) }
  }

  /// Tells that a call has returned.
  func end(_ call: RacedCall) {
    races.end(call.call, call.work, rows: call.rows, seconds: clock() - call.start)
  }
}

extension NetworkStorage {
  /// The network as a race knows it.
  fileprivate func raced(
    by candidates: [BackendCandidate], blocks: RowBlocks, method: TrainingMethod = .gradientDescent
  ) -> RacedNetwork {
    RacedNetwork(
      sizes: [layers[0].weights.rows] + layers.map(\.weights.columns), activations: layers.map(\.activation),
      precision: Element.precision, blocks: blocks, updates: RacedUpdates(method), candidates: candidates)
  }

  /// Which of what a backend leaves open computes, or that it was given.
  func backendChoice(
    for work: BackendWork, rows: Int, blocks: RowBlocks, on backend: any ComputeBackend<Element>,
    racing: Racing<Element>?
  ) -> BackendChoice {
    if let racing { return racing.races.choice(work, rows: rows) }
    let candidate = BackendCandidate(backend)
    return BackendChoice(of: raced(by: [candidate], blocks: blocks), work: work, rows: rows, given: candidate)
  }
}
