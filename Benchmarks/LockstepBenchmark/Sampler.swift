// Repeated timing of a step, and what the times say together.

import CMachineLimits

/// Seconds of a step, from repeated timed batches of steps.
public struct SampledTime: Sendable, Equatable {
  /// The median: half of the batches took less.
  public let median: Double
  /// The interquartile range over the median: the width of the middle half.
  public let spread: Double
  /// The fastest batch.
  public let fastest: Double
  /// How many batches were timed.
  public let samples: Int
  /// Steps in each batch.
  public let stepsPerSample: Int
  /// How often the system took a processor away meanwhile.
  public let preemptions: Int

  /// - Parameters:
  ///   - seconds: of a step, one for each batch: one or more.
  ///   - stepsPerSample: steps in each batch.
  ///   - preemptions: how often the system took a processor away meanwhile.
  init(seconds: [Double], stepsPerSample: Int, preemptions: Int) {
    let sorted = seconds.sorted()
    median = Self.quantile(0.5, of: sorted)
    spread = (Self.quantile(0.75, of: sorted) - Self.quantile(0.25, of: sorted)) / median
    fastest = sorted[0]
    samples = sorted.count
    self.stepsPerSample = stepsPerSample
    self.preemptions = preemptions
  }

  /// The quantile of sorted values, linear between neighbours.
  static func quantile(_ part: Double, of sorted: [Double]) -> Double {
    let position = part * Double(sorted.count - 1)
    let below = Int(position)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (position - Double(below)) * (sorted[above] - sorted[below])
  }
}

/// How long is measured.
struct Sampler {
  /// What measures.
  let clock: BenchmarkClock
  /// Seconds that a batch of steps takes or more: far more than the clock's resolution and the cost of reading it.
  let sampleSeconds: Double
  /// Seconds after which no further batch begins, once there are ``fewestSamples``.
  let budgetSeconds: Double
  /// Seconds of warm-up.
  let warmUpSeconds: Double
  /// Batches for a median, unless a single one takes longer than the budget.
  let fewestSamples: Int

  /// A measurement of a second, or of a twentieth of one; more where the fewest samples take longer.
  init(clock: BenchmarkClock, isQuick: Bool) {
    self.clock = clock
    sampleSeconds = isQuick ? 0.000_5 : 0.002
    budgetSeconds = isQuick ? 0.05 : 1
    warmUpSeconds = isQuick ? 0.01 : 0.1
    fewestSamples = isQuick ? 3 : 5
  }

  /// Batches after which the time may be called stable.
  private static let samplesToBeStable = 50
  /// The spread below which it is.
  private static let stableSpread = 0.01

  /// Warms up, then times batches of steps until the time is stable or the budget is spent.
  func time(_ work: any Work) throws -> SampledTime {
    let steps = try stepsInSample(work.run)
    var seconds: [Double] = []
    let preemptions = lockstep_limit_preemptions()
    let begin = clock.seconds
    repeat { seconds.append(try sample(steps, work.run)) } while !isEnough(seconds, since: begin)
    return SampledTime(
      seconds: seconds, stepsPerSample: steps, preemptions: lockstep_limit_preemptions() - preemptions)
  }

  /// The same for two works, a batch of the one after a batch of the other, so that what disturbs one disturbs both.
  func time(_ first: (Int) -> Void, _ second: (Int) -> Void) -> (SampledTime, SampledTime) {
    let steps = (stepsInSample(first), stepsInSample(second))
    var seconds: ([Double], [Double]) = ([], [])
    let preemptions = lockstep_limit_preemptions()
    let begin = clock.seconds
    repeat {
      seconds.0.append(sample(steps.0, first))
      seconds.1.append(sample(steps.1, second))
    } while !(isEnough(seconds.0, since: begin) && isEnough(seconds.1, since: begin))
    let disturbed = lockstep_limit_preemptions() - preemptions
    return (
      SampledTime(seconds: seconds.0, stepsPerSample: steps.0, preemptions: disturbed),
      SampledTime(seconds: seconds.1, stepsPerSample: steps.1, preemptions: disturbed)
    )
  }

  /// Runs batches of more and more steps, until one is long enough and the warm-up is over; returns how many steps that
  /// is.
  private func stepsInSample<Failure: Error>(_ run: (Int) throws(Failure) -> Void) throws(Failure) -> Int {
    var steps = 1
    let start = clock.seconds
    while true {
      let before = clock.seconds
      try run(steps)
      let now = clock.seconds
      let elapsed = now - before
      if elapsed >= sampleSeconds, now - start >= warmUpSeconds { return steps }
      if elapsed < sampleSeconds { steps *= elapsed < sampleSeconds / 16 ? 8 : 2 }
    }
  }

  /// Seconds of a step in a batch of them.
  private func sample<Failure: Error>(
    _ steps: Int, _ run: (Int) throws(Failure) -> Void
  ) throws(Failure) -> Double {
    let before = clock.seconds
    try run(steps)
    return (clock.seconds - before) / Double(steps)
  }

  /// Whether the samples are stable or the budget is spent. Where a step takes longer than the whole budget, the fewest
  /// samples are not waited for.
  private func isEnough(_ seconds: [Double], since begin: Double) -> Bool {
    let used = clock.seconds - begin
    if used > 4 * budgetSeconds || used > budgetSeconds && seconds.count >= fewestSamples { return true }
    guard seconds.count % Self.samplesToBeStable == 0, used > budgetSeconds / 4 else { return false }
    return SampledTime(seconds: seconds, stepsPerSample: 1, preemptions: 0).spread < Self.stableSpread
  }
}
