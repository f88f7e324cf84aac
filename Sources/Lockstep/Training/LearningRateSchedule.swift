// How the learning rate changes over a training run.

/// How the learning rate changes over the steps of a training run: a factor for each step, in `Double`.
public enum LearningRateSchedule: Sendable, Equatable {
  /// The same in every step.
  case constant
  /// Times `factor` after every `epochs` epochs: `factor` to the power of the epoch (from 0) divided by `epochs`, rounded down.
  case step(epochs: Int, factor: Double)
  /// A rise over the first `warmUp` epochs, in equal steps up to 1, then half a cosine down to 0 at the end of the run
  /// (Loshchilov and Hutter 2017).
  case cosine(warmUp: Int = 0)

  /// Checks the numbers.
  ///
  /// - Throws: ``HyperparameterError`` where epochs of ``step(epochs:factor:)`` are below 1 or its factor is not above 0 and
  ///   finite, and where the warm-up is below 0.
  public func check() throws(HyperparameterError) {
    switch self {
    case .constant: break
    case .step(let epochs, let factor):
      try HyperparameterError.check(
        "number of epochs between two changes of the learning rate", Double(epochs), atLeast: 1)
      try HyperparameterError.check("factor of the learning rate", isPositive: factor)
    case .cosine(let warmUp):
      try HyperparameterError.check("number of epochs of the warm-up", Double(warmUp))
    }
  }

  /// The factor of the learning rate in a step.
  ///
  /// - Parameters:
  ///   - step: the step's number, from 0.
  ///   - stepsPerEpoch: steps in an epoch, 1 or more.
  ///   - epochs: epochs of the whole run.
  public func factor(step: Int, stepsPerEpoch: Int, epochs: Int) -> Double {
    switch self {
    case .constant:
      return 1
    case .step(let every, let factor):
      return power(factor, step / stepsPerEpoch / max(every, 1))
    case .cosine(let warmUp):
      let risingSteps = min(max(warmUp, 0), epochs) * stepsPerEpoch
      let fallingSteps = epochs * stepsPerEpoch - risingSteps
      if step < risingSteps { return Double(step + 1) / Double(risingSteps) }
      guard step - risingSteps < fallingSteps else { return 0 }
      return 0.5 * (1 + cosineOfHalfTurns(Double(step - risingSteps) / Double(fallingSteps)))
    }
  }
}

extension LearningRateSchedule: LosslessStringConvertible {
  /// `constant`, `step:EPOCHS:FACTOR`, `cosine`, or `cosine:EPOCHS` with a warm-up.
  public var description: String {
    switch self {
    case .constant: "constant"
    case .step(let epochs, let factor): "step:\(epochs):\(factor)"
    case .cosine(let warmUp): warmUp == 0 ? "cosine" : "cosine:\(warmUp)"
    }
  }

  /// The schedule of such a text; `nil` for any other, and where ``check()`` would throw.
  public init?(_ description: String) {
    let parts = description.split(separator: ":", omittingEmptySubsequences: false)
    switch (parts[0], parts.count) {
    case ("constant", 1): self = .constant
    case ("step", 3):
      guard let epochs = Int(parts[1]), let factor = Double(parts[2]) else { return nil }
      self = .step(epochs: epochs, factor: factor)
    case ("cosine", 1): self = .cosine()
    case ("cosine", 2):
      guard let warmUp = Int(parts[1]) else { return nil }
      self = .cosine(warmUp: warmUp)
    default: return nil
    }
    guard (try? check()) != nil else { return nil }
  }
}

/// cos(π x) for x from 0 to 1, in a fixed sequence of operations: the C library's may differ between systems.
///
/// Around 0, 1/2 and 1 the Taylor series of the cosine or sine in t = π times the distance, up to t¹⁷, by Horner's rule in t²,
/// each operation rounded. The distance is at most 1/4, so what is left out is below 2^-59.
func cosineOfHalfTurns(_ x: Double) -> Double {
  func series(_ square: Double, _ coefficients: InlineArray<9, Double>) -> Double {
    coefficients.indices.reversed().reduce(0) { coefficients[$1] - $0 * square }
  }
  func cosine(_ distance: Double) -> Double {
    let t = Double.pi * distance
    // 1 / 0!, 1 / 2!, 1 / 4!, ..., 1 / 16!
    return series(
      t * t,
      [
        1, 1 / 2, 1 / 24, 1 / 720, 1 / 40_320, 1 / 3_628_800, 1 / 479_001_600, 1 / 87_178_291_200,
        1 / 20_922_789_888_000,
      ])
  }
  func sine(_ distance: Double) -> Double {
    let t = Double.pi * distance
    // 1 / 1!, 1 / 3!, 1 / 5!, ..., 1 / 17!
    return t
      * series(
        t * t,
        [
          1, 1 / 6, 1 / 120, 1 / 5_040, 1 / 362_880, 1 / 39_916_800, 1 / 6_227_020_800, 1 / 1_307_674_368_000,
          1 / 355_687_428_096_000,
        ])
  }
  if x <= 0.25 { return cosine(x) }
  return x < 0.75 ? sine(0.5 - x) : -cosine(1 - x)
}
