// The races of a network in progress and decided, and the table of all of them, which lasts as long as the process. The
// rule of a race lies in BackendRace.swift.

import ComputeBackend
import Synchronization

/// What decides how fast a backend is, but for the rows and the kind of work.
struct RacedNetwork: Hashable, Sendable {
  let sizes: [Int]
  let activations: [Activation]
  let precision: Precision
  /// How a trainer cuts its batches.
  let blocks: RowBlocks
  /// What a trainer's steps do beside their gradients.
  let updates: RacedUpdates
  /// Who races: another list of candidates is another race.
  let candidates: [BackendCandidate]

  var parameterCount: Int { zip(sizes, sizes.dropFirst()).reduce(0) { $0 + ($1.0 + 1) * $1.1 } }
}

/// What of a training method decides how long a step takes: all that decides which primitives run, and on which matrices.
/// With weight decay, weights and biases are updated apart, and gradient descent stores its gradients first. Numbers decide
/// nothing, so that Adam and AdamW share their races.
///
/// Weights of rows and the loss belong to a call, not to a trainer. They are left out, since they change a small part of the
/// work; but for the smallest networks, where a weighted step is not one call of `narrowGradients`. Who trains such a network
/// in both ways in one process has one decision for both.
struct RacedUpdates: Hashable, Sendable {
  let formula: UpdateFormula
  let decays: Bool
  let clips: Bool
  let drops: Bool

  init(_ method: TrainingMethod) {
    formula = method.optimizer.kind.formula
    decays = method.optimizer.weightDecay != 0
    clips = method.clipNorm != nil
    drops = method.dropout > 0
  }
}

/// The races of one network, for each kind of work and class of rows. Any number of threads may use it at once, and none
/// waits: a call that finds the races in use takes no part, and what is decided is read without a lock.
final class NetworkRaces: Sendable {
  private struct Key: Hashable {
    let work: BackendWork
    let rowClass: RowClass
  }

  let network: RacedNetwork
  private let races = TryLock<[Key: BackendRace]>([:])
  /// For each kind of work and class of rows, the winner's index and 1, or 0 where there is none yet.
  private nonisolated(unsafe) let winners: UnsafeMutablePointer<Atomic<UInt16>>

  init(_ network: RacedNetwork) {
    self.network = network
    winners = .allocate(capacity: Self.winnerCount)
    for index in 0..<Self.winnerCount { (winners + index).initialize(to: Atomic(0)) }
  }

  deinit {
    winners.deinitialize(count: Self.winnerCount)
    winners.deallocate()
  }

  private static let winnerCount = BackendWork.count * RowClass.count

  /// Where a decision is written.
  @inline(__always)
  private func winner(_ work: BackendWork, _ rowClass: RowClass) -> UnsafeMutablePointer<Atomic<UInt16>> {
    winners + (BackendWork.count * rowClass.index + work.index)
  }

  /// The index of the candidate that has won, or -1.
  @inline(__always)
  func winner(_ work: BackendWork, rows: Int) -> Int {
    Int(winner(work, RowClass(rows: rows)).pointee.load(ordering: .relaxed)) - 1
  }

  /// The next call, where there is no winner yet or was none a moment ago; `nil` where another thread uses the races, and
  /// the call is nobody's.
  func begin(_ work: BackendWork, rows: Int) -> BackendRace.Call? {
    withRace(work, RowClass(rows: rows)) { $0.next }
  }

  /// Takes note of a call that has returned, unless another thread uses the races.
  func end(_ call: BackendRace.Call, _ work: BackendWork, rows: Int, seconds: Double) {
    _ = withRace(work, RowClass(rows: rows)) { $0.record(call, seconds: seconds, rows: rows) }
  }

  /// How things stand for calls on `rows` rows.
  func choice(_ work: BackendWork, rows: Int) -> BackendChoice {
    let rowClass = RowClass(rows: rows)
    let known = races.withValueIfFree(attempts: Self.attempts) { $0[Key(work: work, rowClass: rowClass)] } ?? nil
    var race = known ?? newRace(work, rowClass)
    // What is decided holds also where the races cannot be read.
    let winner = winner(work, rows: rows)
    if race.winner == nil, winner >= 0 { race.decide(for: winner) }
    return BackendChoice(of: network, work: work, rows: rowClass.rows, race: race)
  }

  /// How things stand for everything that has been asked for.
  var choices: [BackendChoice] {
    (races.withValueIfFree(attempts: Self.attempts) { $0 } ?? [:])
      .sorted { ($0.key.work.index, $0.key.rowClass.index) < ($1.key.work.index, $1.key.rowClass.index) }
      .map { BackendChoice(of: network, work: $0.key.work, rows: $0.key.rowClass.rows, race: $0.value) }
  }

  /// How often who asks, which is rare, looks for races that calls use for a moment.
  private static let attempts = 10_000

  /// Calls `body` with a race where it lies: a copy would be an allocation in each call.
  private func withRace<Value>(
    _ work: BackendWork, _ rowClass: RowClass, _ body: (inout BackendRace) -> Value
  ) -> Value? {
    races.withValueIfFree { races in
      let key = Key(work: work, rowClass: rowClass)
      let value = body(&races[key, default: newRace(work, rowClass)])
      if let index = races[key]?.winner {
        winner(work, rowClass).pointee.store(UInt16(index + 1), ordering: .relaxed)
      }
      return value
    }
  }

  /// Calls `body` while the races are in use, for tests.
  func withUse(_ body: () throws -> Void) throws { try races.withValueIfFree { _ in Result(catching: body) }?.get() }

  private func newRace(_ work: BackendWork, _ rowClass: RowClass) -> BackendRace {
    BackendRace(
      threads: network.candidates.map(\.threads),
      work: work.passes * Double(rowClass.rows.lowerBound) * Double(network.parameterCount))
  }
}

/// The races of the networks that were used lately.
final class RaceTable: Sendable {
  /// The table of the process.
  static let shared = RaceTable(capacity: 256)

  private struct Entries {
    var races: [RacedNetwork: (races: NetworkRaces, use: Int)] = [:]
    var uses = 0
  }

  private let entries = TryLock(Entries())
  private let capacity: Int

  /// A table that forgets the network that was asked for longest ago where it would hold more than `capacity`.
  init(capacity: Int) { self.capacity = capacity }

  /// The races of a network: always the same ones, while the table remembers them, but new ones where another thread uses
  /// the table all the time, as in a process that was forked at that moment.
  func races(of network: RacedNetwork) -> NetworkRaces {
    let known = entries.withValueIfFree(attempts: Self.attempts) { entries in
      entries.uses += 1
      let races = entries.races[network]?.races ?? NetworkRaces(network)
      entries.races[network] = (races, entries.uses)
      if entries.races.count > capacity, let oldest = entries.races.min(by: { $0.value.use < $1.value.use }) {
        entries.races[oldest.key] = nil
      }
      return races
    }
    return known ?? NetworkRaces(network)
  }

  /// The races of every network, the one that was asked for longest ago first.
  var all: [NetworkRaces] {
    entries.withValueIfFree(attempts: Self.attempts) { entries in
      entries.races.values.sorted { $0.use < $1.use }.map(\.races)
    } ?? []
  }

  /// Calls `body` while the table is in use, for tests.
  func withUse(_ body: () throws -> Void) throws { try entries.withValueIfFree { _ in Result(catching: body) }?.get() }

  /// How often to look for a table that others use for a moment.
  private static let attempts = 100_000
}
