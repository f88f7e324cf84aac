// What has been chosen and why, for whoever asks. The rule lies in BackendRace.swift.

import ComputeBackend

/// The kinds of work that are raced each for itself.
public enum BackendWork: String, Sendable, CaseIterable {
  /// The outputs of a network: ``Predictor``.
  case predict
  /// The gradients of a batch: ``Trainer/gradients(input:target:weights:)``.
  case gradients
  /// A step of training: ``Trainer/step(input:target:weights:learningRate:)-(Matrix<Element>,_,_,_)``.
  case step

  /// How many kinds there are.
  static var count: Int { 3 }

  /// Its place among all, without a search.
  @inline(__always)
  var index: Int {
    switch self {
    case .predict: 0
    case .gradients: 1
    case .step: 2
    }
  }

  /// How often it goes through the parameters for each row.
  var passes: Double { self == .predict ? 1 : 3 }
}

/// A variant of a backend on a number of threads.
public struct BackendCandidate: Sendable, Hashable, CustomStringConvertible {
  /// The backend and the instruction set of its kernels.
  public let variant: BackendVariant
  /// How many threads it uses at most.
  public let threads: Int

  /// A candidate, which need not be one that can run here.
  public init(variant: BackendVariant, threads: Int) {
    self.variant = variant
    self.threads = threads
  }

  /// The variant and threads of a backend.
  init<Element>(_ backend: some ComputeBackend<Element>) {
    self.init(
      variant: BackendVariant(kind: backend.kind, instructionSet: backend.instructionSet), threads: backend.threads)
  }

  /// As in `openmp/avx2 on 2 threads`.
  public var description: String { "\(variant) on \(threads) thread\(threads == 1 ? "" : "s")" }
}

/// Which backend computes a kind of work on a network and a number of rows, and why. No result depends on it.
public struct BackendChoice: Sendable, Equatable {
  /// A candidate, and how it stands.
  public struct Entry: Sendable, Equatable {
    /// How a candidate stands in the race.
    public enum Standing: String, Sendable, CaseIterable {
      /// It computes: by its times, or because it was given.
      case chosen
      /// It took part to the end.
      case slower
      /// It was much slower than another, and left the race early.
      case lost
      /// It did not run, as a number of threads between its own and the best one's was much slower than that.
      case leftOut = "left out"
      /// It did not run, as there is too little work for so many threads.
      case tooLittleWork = "too little work"
      /// The race goes on, or has not begun.
      case racing
    }

    /// Who.
    public let candidate: BackendCandidate
    /// How it stands.
    public let standing: Standing
    /// The best time of a row, in seconds: that of a call by its rows. `nil` where no call was timed.
    public let secondsPerRow: Double?
    /// How many calls it had in the race. They are the callers' own, with the results that any other gives.
    public let calls: Int
  }

  /// The widths of the network, from input to output.
  public let sizes: [Int]
  /// The activation of each layer.
  public let activations: [Activation]
  /// What is computed in.
  public let precision: Precision
  /// The kind of work.
  public let work: BackendWork
  /// The numbers of rows that the choice is for.
  public let rows: ClosedRange<Int>
  /// Every candidate, in the order of preference; the given backend alone where one was given.
  public let entries: [Entry]
  /// The candidate that computes; before the decision, the best so far, or the one that runs first.
  public let candidate: BackendCandidate
  /// Whether it stays so for as long as the process lives.
  public let isDecided: Bool
  /// Why, as a phrase.
  public let reason: String

  /// How many calls were raced.
  public var calls: Int { entries.reduce(0) { $0 + $1.calls } }

  /// ``reason``, and below it every candidate on a line of its own: how it stands, its best time of a row and its calls,
  /// as in `simd/avx2 on 1 thread: slower, 131.25 ns a row, 9 calls`.
  public var explanation: String { ([reason] + entries.map(Self.line)).joined(separator: "\n") }

  /// How a race stands.
  init(of network: RacedNetwork, work: BackendWork, rows: ClosedRange<Int>, race: BackendRace) {
    (sizes, activations, precision) = (network.sizes, network.activations, network.precision)
    (self.work, self.rows) = (work, rows)
    isDecided = race.winner != nil
    candidate = network.candidates[race.leader]
    entries = race.runners.indices.map { index in
      let runner = race.runners[index]
      let standing: Entry.Standing =
        switch runner.standing {
        case _ where index == race.winner: .chosen
        case .tooLittleWork: .tooLittleWork
        case .leftOut: .leftOut
        case .lost: .lost
        case .waiting, .racing: race.winner == nil ? .racing : .slower
        }
      return Entry(
        candidate: network.candidates[index], standing: standing,
        secondsPerRow: runner.best < .infinity ? runner.best : nil, calls: runner.calls)
    }
    reason = Self.reason(entries, isDecided: isDecided)
  }

  /// The choice of who gave a backend.
  init(of network: RacedNetwork, work: BackendWork, rows: Int, given candidate: BackendCandidate) {
    (sizes, activations, precision) = (network.sizes, network.activations, network.precision)
    (self.work, self.rows, self.candidate) = (work, rows...rows, candidate)
    isDecided = true
    entries = [Entry(candidate: candidate, standing: .chosen, secondsPerRow: nil, calls: 0)]
    reason = "it was given"
  }

  private static func reason(_ entries: [Entry], isDecided: Bool) -> String {
    guard isDecided, let chosen = entries.first(where: { $0.standing == .chosen }) else {
      return entries.contains { $0.calls > 0 } ? "the race is not decided" : "the race has not begun"
    }
    let others = entries.filter { $0.standing != .chosen && $0.secondsPerRow != nil }
    guard let time = chosen.secondsPerRow, let second = others.min(by: { $0.secondsPerRow! < $1.secondsPerRow! }) else {
      if entries.count == 1 { return "nothing else can run" }
      // Where the races cannot be read, only the decision is known.
      let raced = entries.contains { $0.standing == .slower }
      return raced ? "it won a race, whose times are in use" : "nothing else has enough work for its threads"
    }
    // A clock may be too coarse for the shortest calls.
    let ratio = time > 0 ? second.secondsPerRow! / time : 1
    guard ratio < 1 else { return "the fastest; \(second.candidate) takes \(hundredths(ratio)) times as long" }
    return "as fast within 3 % as \(second.candidate), on fewer threads"
  }

  private static func line(_ entry: Entry) -> String {
    var line = "\(entry.candidate): \(entry.standing.rawValue)"
    if let time = entry.secondsPerRow { line += ", \(hundredths(time * 1e9)) ns a row" }
    if entry.calls > 0 { line += ", \(entry.calls) call\(entry.calls == 1 ? "" : "s")" }
    return line
  }

  /// As in `1.07`.
  private static func hundredths(_ value: Double) -> String {
    let hundredths = Int((min(value, 1e15) * 100).rounded())
    let digits = "\(hundredths % 100)"
    return "\(hundredths / 100).\(digits.count == 1 ? "0" : "")\(digits)"
  }
}
