// Loops that compare elementary functions with exact values: a target of its own, so that it is optimised in debug builds
// too. What must hold is asserted in ElementaryFunctionsTests.

import CExactFunctions
import ComputeBackend

/// One of the elementary functions.
public enum ElementaryFunction: String, CaseIterable, Sendable {
  case exp, expm1, log, log1p, tanh, sigmoid, normalCDF

  @inline(__always)
  func callAsFunction<Vector: KernelVector>(_ x: Vector) -> Vector {
    switch self {
    case .exp: Elementary.exp(x)
    case .expm1: Elementary.expm1(x)
    case .log: Elementary.log(x)
    case .log1p: Elementary.log1p(x)
    case .tanh: Elementary.tanh(x)
    case .sigmoid: Elementary.sigmoid(x)
    case .normalCDF: Elementary.normalCDF(x)
    }
  }

  /// The function's value in `Float`.
  public func float(_ x: Float) -> Float { self(x) }

  /// The function's value in `Double`.
  public func double(_ x: Double) -> Double { self(x) }

  var exact: lockstep_exact_function {
    switch self {
    case .exp: LOCKSTEP_EXACT_EXP
    case .expm1: LOCKSTEP_EXACT_EXPM1
    case .log: LOCKSTEP_EXACT_LOG
    case .log1p: LOCKSTEP_EXACT_LOG1P
    case .tanh: LOCKSTEP_EXACT_TANH
    case .sigmoid: LOCKSTEP_EXACT_SIGMOID
    case .normalCDF: LOCKSTEP_EXACT_NORMAL_CDF
    }
  }

  /// Whether exact values can be had on this machine.
  public static var canBeChecked: Bool { lockstep_exact_is_available() }
}

/// What comparing a `Float` function with exact values found.
public struct FloatComparison: Sendable {
  /// How many arguments were compared.
  public var count = 0
  /// The bits of arguments whose result is not the nearest `Float`: the first few of each part.
  public var wrong: [UInt32] = []
  /// The bits of arguments at which the witness cannot tell which `Float` is nearest.
  public var undecided: [UInt32] = []

  public init() {}

  /// Compares at every `step`-th bit pattern of `patterns`, beginning with the first.
  public init(_ function: ElementaryFunction, patterns: Range<UInt64>, step: UInt64) {
    for pattern in stride(from: patterns.lowerBound, to: patterns.upperBound, by: Int(step)) {
      let x = Float(bitPattern: UInt32(truncatingIfNeeded: pattern))
      var nearest: Float = 0
      count += 1
      if !lockstep_exact_nearest(function.exact, x, &nearest) {
        undecided.append(x.bitPattern)
      } else if function.float(x).canonicalBitPattern != nearest.canonicalBitPattern, wrong.count < 10 {
        wrong.append(x.bitPattern)
      }
    }
  }

  /// Adds what another comparison found.
  public mutating func merge(_ other: FloatComparison) {
    count += other.count
    wrong += other.wrong
    undecided += other.undecided
  }
}

/// The greatest error of a `Double` function, in units in the last place, and where it is.
public struct DoubleError: Sendable {
  public var count = 0
  public var greatest = 0.0
  public var argument = 0.0

  public init() {}

  /// Looks at `perExponent` pseudo-random significands for every exponent and both signs, and at a hundred times as many
  /// for the exponents about 1, where the functions bend.
  public init(_ function: ElementaryFunction, perExponent: Int) {
    // A 64-bit linear congruential generator, Knuth's constants: upper bits serve as a sample of significands.
    var state: UInt64 = 1
    for exponent in UInt64(0)..<2047 {
      let isNearOne = exponent > 1023 - 8 && exponent < 1023 + 11
      for _ in 0..<(isNearOne ? 100 * perExponent : perExponent) {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let magnitude = Double(bitPattern: exponent << 52 | state >> 12)
        for x in [magnitude, -magnitude] {
          let error = lockstep_exact_error(function.exact, x, function.double(x))
          count += 1
          if !(error <= greatest) {
            greatest = error
            argument = x
          }
        }
      }
    }
  }
}
