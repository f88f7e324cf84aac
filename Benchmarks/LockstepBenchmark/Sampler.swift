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
  /// Batches for a median, even where each takes long.
  let fewestSamples: Int

  /// A measurement of half a second or so, or of a twentieth of one.
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
  ///
  /// A step that takes longer than the whole budget is timed once, or as often as the budget allows.
  func time(_ work: any Work) throws -> SampledTime {
    var steps = 1
    let start = clock.seconds
    var elapsed = 0.0
    // Batches of twice as many steps each, until one is long enough; that warms up, too.
    while true {
      let before = clock.seconds
      try work.run(steps: steps)
      let now = clock.seconds
      elapsed = now - before
      if elapsed >= sampleSeconds, now - start >= warmUpSeconds { break }
      if elapsed < sampleSeconds { steps *= elapsed < sampleSeconds / 16 ? 8 : 2 }
    }

    var seconds: [Double] = []
    let preemptionsBefore = lockstep_limit_preemptions()
    let begin = clock.seconds
    while true {
      let before = clock.seconds
      try work.run(steps: steps)
      let now = clock.seconds
      seconds.append((now - before) / Double(steps))
      let used = now - begin
      if used > 4 * budgetSeconds || used > budgetSeconds && seconds.count >= fewestSamples { break }
      if seconds.count % Self.samplesToBeStable == 0, used > budgetSeconds / 4 {
        let sofar = SampledTime(seconds: seconds, stepsPerSample: steps, preemptions: 0)
        if sofar.spread < Self.stableSpread { break }
      }
    }
    return SampledTime(
      seconds: seconds, stepsPerSample: steps, preemptions: lockstep_limit_preemptions() - preemptionsBefore)
  }
}
