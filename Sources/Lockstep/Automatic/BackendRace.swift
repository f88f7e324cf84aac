// The rule by which candidates race: whose call is next, who leaves, who wins. It reads no clock and takes no lock; races
// in progress lie in NetworkRaces.swift.

/// A race between candidates for calls of one kind on about as many rows.
///
/// Candidates take turns of a few calls, in rounds, as other work on a machine comes in bursts. The first call of a turn
/// warms caches and rooms and does not count; of the others, a candidate's best time per row does.
struct BackendRace: Sendable {
  /// Rounds until the decision.
  static let rounds = 3
  /// The calls of a turn that count, at least: one alone may have been disturbed.
  static let countedCalls = 2
  /// A turn of short calls goes on for this long, or for as many calls.
  static let turn = (seconds: 50e-6, calls: 16)
  /// A candidate whose best time is more than this many times the best one leaves the race.
  static let losingRatio = 1.5
  /// A first call that takes this many times the best one, and this long, is the candidate's last: no cold cache makes
  /// that difference, and racing on large networks must cost little.
  static let hopeless = (ratio: 3.0, seconds: 10e-3)
  /// Times within this ratio are a tie, which goes to fewer threads.
  static let tieRatio = 1.03
  /// Multiply-adds that each thread must have for a candidate to enter: about a microsecond, less than a fork and join.
  static let leastWorkPerThread = 1 << 14
  /// Multiply-adds from which the candidates of many threads go first: some hundred microseconds of one thread. Below, a
  /// call on more threads than a busy machine has cores for may take a thousand times as long.
  static let largeWork = 1 << 22

  /// How a candidate stands.
  enum Standing: Sendable, Equatable {
    /// It has not run, and will not: there is too little work for its threads.
    case tooLittleWork
    /// It has not run yet.
    case waiting
    /// It has not run, and will not: a number of threads between its own and the best one's has lost.
    case leftOut
    case racing
    case lost
  }

  /// A candidate, and what is known of it.
  struct Runner: Sendable {
    let threads: Int
    var standing = Standing.waiting
    /// Calls that it was given and that have returned.
    var calls = 0
    /// The best time per row of a call that counts, in seconds.
    var best = Double.infinity
  }

  /// A call that has begun.
  struct Call: Sendable {
    /// Who has it, as an index into the runners.
    let candidate: Int
    fileprivate let turn: Int
  }

  private(set) var runners: [Runner]
  /// Who has won.
  private(set) var winner: Int?
  /// The runners that enter, in the order of their turns.
  private let order: [Int]
  private var place = 0
  private var round = 0
  private var turn = 0
  private var turnCalls = 0
  private var turnSeconds = 0.0

  /// A race about to begin.
  ///
  /// - Parameters:
  ///   - threads: those of each candidate, the preferred of as many threads first; one or more.
  ///   - work: about how many multiply-adds a call has.
  init(threads: [Int], work: Double) {
    let fewest = threads.min() ?? 1
    let enters = threads.map { $0 == fewest || work >= Double($0) * Double(Self.leastWorkPerThread) }
    runners = zip(threads, enters).map { Runner(threads: $0, standing: $1 ? .waiting : .tooLittleWork) }
    let descends = work >= Double(Self.largeWork)
    order = threads.indices.filter { enters[$0] }.sorted { first, second in
      if threads[first] != threads[second] { return (threads[first] > threads[second]) == descends }
      return first < second
    }
    if order.count == 1 { decide() }
  }

  /// The one to take if the race ended now: the winner, else the best so far, else the one that runs first.
  var leader: Int {
    if let winner { return winner }
    var leader = order[0]
    for index in order where runners[index].best < runners[leader].best { leader = index }
    return leader
  }

  /// The call that is next. Several may be in progress at once.
  var next: Call { Call(candidate: winner ?? order[place], turn: turn) }

  /// Takes note of a call that has returned.
  ///
  /// - Parameters:
  ///   - call: what ``next`` gave.
  ///   - seconds: how long it took.
  ///   - rows: how many rows it had.
  mutating func record(_ call: Call, seconds: Double, rows: Int) {
    runners[call.candidate].calls += 1
    // A call beside others may return when the turn is over: it says nothing of a warm cache.
    guard winner == nil, call.turn == turn else { return }
    let candidate = call.candidate
    if runners[candidate].standing == .waiting { runners[candidate].standing = .racing }
    let time = seconds / Double(max(rows, 1))
    turnCalls += 1
    turnSeconds += seconds
    if turnCalls == 1 {
      let best = bestTime
      guard seconds >= Self.hopeless.seconds, time > Self.hopeless.ratio * best else { return }
      // What is reported of it is the one time that there is.
      runners[candidate].best = min(runners[candidate].best, time)
    } else {
      runners[candidate].best = min(runners[candidate].best, time)
      guard turnCalls > Self.countedCalls,
        turnSeconds >= Self.turn.seconds || turnCalls >= Self.turn.calls
      else { return }
    }
    endTurn()
  }

  private var bestTime: Double { runners.reduce(.infinity) { min($0, $1.best) } }

  // These run within calls, so none makes an array.

  private mutating func endTurn() {
    let leader = leader
    let limit = runners[leader].best * Self.losingRatio
    for index in order where runners[index].standing == .racing && runners[index].best > limit {
      runners[index].standing = .lost
    }
    for index in order where runners[index].standing == .waiting {
      if hasLoser(between: runners[leader].threads, and: runners[index].threads) {
        runners[index].standing = .leftOut
      }
    }

    turn += 1
    (turnCalls, turnSeconds) = (0, 0)
    repeat {
      place += 1
      if place == order.count { (place, round) = (0, round + 1) }
    } while !remains(order[place])
    if order.count(where: remains) == 1 || round == Self.rounds { decide() }
  }

  /// Whether a runner has turns to come; the leader always has.
  private func remains(_ index: Int) -> Bool {
    runners[index].standing == .waiting || runners[index].standing == .racing
  }

  /// Whether a number of threads between two others has lost.
  private func hasLoser(between first: Int, and second: Int) -> Bool {
    runners.contains { $0.standing == .lost && min(first, second) < $0.threads && $0.threads < max(first, second) }
  }

  private mutating func decide() {
    let limit = bestTime * Self.tieRatio
    var best: Int?
    for index in order where runners[index].best <= limit {
      let (runner, other) = (runners[index], best.map { runners[$0] })
      if let other, (other.threads, other.best) <= (runner.threads, runner.best) { continue }
      best = index
    }
    winner = best
  }

  /// Ends the race as another copy of it has ended.
  mutating func decide(for index: Int) { winner = index }
}
