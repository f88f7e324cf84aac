// Optimisers as values: which formula, which hyperparameters, and the coefficients that they make of a step. The formulas
// lie in ComputeBackend, what is kept from step to step in OptimizerState.swift.

import ComputeBackend

/// A number that training cannot work with.
public struct HyperparameterError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Which number, as in `momentum`.
  public let name: String
  /// What it was.
  public let value: Double
  /// What it must be, as a clause that begins with "must".
  public let requirement: String

  public var description: String { "the \(name) is \(value); it \(requirement)" }

  /// Throws where `value` is not in `range`, below `bound` and finite.
  static func check(
    _ name: String, _ value: Double, atLeast least: Double = 0, below bound: Double = .infinity
  ) throws(HyperparameterError) {
    guard value >= least, value < bound else {
      let limit = bound < .infinity ? "below \(bound)" : "finite"
      throw HyperparameterError(name: name, value: value, requirement: "must be at least \(least) and \(limit)")
    }
  }

  /// Throws where `value` is not above 0 and finite.
  static func check(_ name: String, isPositive value: Double) throws(HyperparameterError) {
    guard value > 0, value < .infinity else {
      throw HyperparameterError(name: name, value: value, requirement: "must be above 0 and finite")
    }
  }

  /// Throws where a number that was in its range loses its meaning when it is rounded to `precision`: where it becomes 0 or
  /// infinite, or reaches `bound`.
  static func check(
    _ name: String, _ value: Double, below bound: Double = .infinity, in precision: Precision
  ) throws(HyperparameterError) {
    let rounded = precision == .f32 ? Double(Float(value)) : value
    guard rounded.isFinite, rounded < bound, (rounded == 0) == (value == 0) else {
      throw HyperparameterError(
        name: name, value: value,
        requirement: "must not become \(rounded) when it is rounded to \(precision.rawValue)")
    }
  }
}

/// How gradients become steps: a formula with its hyperparameters, all as PyTorch's optimisers define them.
///
/// Every formula stands in <doc:TheOrderOfArithmetic>. The learning rate is no part of it: it may change from step to step.
public struct Optimizer: Sendable, Equatable {
  /// The optimisers.
  public enum Kind: String, Sendable, CaseIterable {
    /// Stochastic gradient descent: `parameter - rate gradient`.
    case sgd
    /// Gradient descent with momentum.
    case momentum
    /// Gradient descent with Nesterov's momentum.
    case nesterov
    /// RMSprop (Tieleman and Hinton 2012): gradients over the root of their running mean square.
    case rmsProp = "rmsprop"
    /// Adam (Kingma and Ba 2015).
    case adam
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    case adamW = "adamw"

    /// What a step computes.
    public var formula: UpdateFormula {
      switch self {
      case .sgd: .descent
      case .momentum: .momentum
      case .nesterov: .nesterov
      case .rmsProp: .rmsProp
      case .adam, .adamW: .adam
      }
    }
  }

  /// Which optimiser.
  public let kind: Kind
  /// How much of earlier steps goes on, μ: of `momentum` and `nesterov`.
  public let momentum: Double
  /// How much of the mean square stays, α: of `rmsprop`.
  public let smoothing: Double
  /// How much of the mean gradient stays, β₁: of `adam` and `adamw`.
  public let beta1: Double
  /// How much of the mean square stays, β₂: of `adam` and `adamw`.
  public let beta2: Double
  /// What keeps divisors away from 0, ε: of `rmsprop`, `adam` and `adamw`.
  public let epsilon: Double
  /// The weight decay λ, of weights alone, never of biases: λ times the weight is added to its gradient; with `adamw` the
  /// weight is multiplied by 1 - rate λ instead.
  public let weightDecay: Double

  /// An optimiser; numbers that its kind does not use have no effect.
  ///
  /// - Parameters:
  ///   - kind: which.
  ///   - momentum: μ, at least 0 and below 1.
  ///   - smoothing: α, at least 0 and below 1.
  ///   - beta1: β₁, at least 0 and below 1.
  ///   - beta2: β₂, at least 0 and below 1.
  ///   - epsilon: ε, above 0.
  ///   - weightDecay: λ, at least 0.
  /// - Throws: ``HyperparameterError`` for the first number that is out of its range.
  public init(
    _ kind: Kind, momentum: Double = 0.9, smoothing: Double = 0.99, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 0
  ) throws(HyperparameterError) {
    try HyperparameterError.check("momentum", momentum, below: 1)
    try HyperparameterError.check("smoothing", smoothing, below: 1)
    try HyperparameterError.check("beta 1", beta1, below: 1)
    try HyperparameterError.check("beta 2", beta2, below: 1)
    try HyperparameterError.check("epsilon", isPositive: epsilon)
    try HyperparameterError.check("weight decay", weightDecay)
    self.kind = kind
    self.momentum = momentum
    self.smoothing = smoothing
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  private init() {
    (kind, momentum, smoothing, beta1, beta2, epsilon, weightDecay) = (.sgd, 0.9, 0.99, 0.9, 0.999, 1e-8, 0)
  }

  /// Gradient descent without weight decay.
  public static let sgd = Optimizer()

  /// Checks that the numbers of its kind keep their meaning in a precision, as ``TrainingMethod/check(in:)`` says.
  func check(in precision: Precision) throws(HyperparameterError) {
    switch kind {
    case .sgd: break
    case .momentum, .nesterov: try HyperparameterError.check("momentum", momentum, below: 1, in: precision)
    case .rmsProp: try HyperparameterError.check("smoothing", smoothing, below: 1, in: precision)
    case .adam, .adamW:
      try HyperparameterError.check("beta 1", beta1, below: 1, in: precision)
      try HyperparameterError.check("beta 2", beta2, below: 1, in: precision)
    }
    if kind.formula.keepsSecondMoment { try HyperparameterError.check("epsilon", epsilon, in: precision) }
    try HyperparameterError.check("weight decay", weightDecay, in: precision)
  }

  /// The rule of a step. Coefficients are computed in `Double` and rounded to the element once.
  ///
  /// - Parameters:
  ///   - number: the step's number, from 1.
  ///   - learningRate: the learning rate in this step.
  ///   - gradientFactor: the factor of clipping, 1 where nothing is clipped.
  ///   - decays: true for weights, false for biases.
  func rule<Element: KernelElement>(
    step number: Int, learningRate: Double, gradientFactor: Double, decays: Bool
  ) -> UpdateRule<Element> {
    var rule = UpdateRule<Element>(
      kind.formula, rate: Element(learningRate), gradientFactor: Element(gradientFactor), epsilon: Element(epsilon))
    switch kind {
    case .sgd: break
    case .momentum, .nesterov: rule.firstDecay = Element(momentum)
    case .rmsProp:
      rule.secondDecay = Element(smoothing)
      rule.secondShare = Element(1 - smoothing)
    case .adam, .adamW:
      rule.rate = Element(learningRate / oneMinusPower(beta1, number))
      rule.firstDecay = Element(beta1)
      rule.firstShare = Element(1 - beta1)
      rule.secondDecay = Element(beta2)
      rule.secondShare = Element(1 - beta2)
      rule.rootFactor = Element(1 / oneMinusPower(beta2, number).squareRoot())
    }
    if decays {
      if kind == .adamW {
        rule.parameterFactor = Element(1 - learningRate * weightDecay)
      } else {
        rule.weightDecay = Element(weightDecay)
      }
    }
    return rule
  }
}

/// `1 - power(base, exponent)` for a base from 0 to below 1. A power is at most exp(-exponent (1 - base)): where that is below
/// 2^-92, nothing is left of it in the difference, and it need not be known.
private func oneMinusPower(_ base: Double, _ exponent: Int) -> Double {
  Double(exponent) * (1 - base) > 64 ? 1 : 1 - power(base, exponent)
}

/// `base` to the power of `exponent`, 0 or more, by repeated squaring from the lowest bit up: the C library's `pow` may differ
/// between systems.
func power(_ base: Double, _ exponent: Int) -> Double {
  var (result, square, rest) = (1.0, base, exponent)
  while rest > 0 {
    if rest & 1 == 1 { result *= square }
    square *= square
    rest >>= 1
  }
  return result
}
