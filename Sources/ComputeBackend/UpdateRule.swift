// The steps of optimisers, spelled once for every Swift backend. The hyperparameters that users set, and what they make of the
// coefficients from step to step, lie in the module Lockstep.

/// The formula by which a step takes gradients to new parameters, and what it keeps for the next step.
///
/// In the formulas p is a parameter, g its gradient, b and m first and v second moments; the other names are coefficients of
/// ``UpdateRule``. Every operation is rounded on its own.
public enum UpdateFormula: String, Sendable, CaseIterable {
  /// Gradient descent: `p = p - rate g`.
  case descent
  /// Descent with momentum: `b = firstDecay b + g`, `p = p - rate b`.
  case momentum
  /// Nesterov's momentum, as PyTorch's `SGD` has it: `b = firstDecay b + g`, `p = p - rate (g + firstDecay b)`.
  case nesterov
  /// Gradients over the root of their running mean square, as PyTorch's `RMSprop` has it:
  /// `v = secondDecay v + secondShare (g g)`, `p = p - rate (g / (√v + epsilon))`.
  case rmsProp = "rmsprop"
  /// Adam (Kingma and Ba 2015), as PyTorch has it: `m = firstDecay m + firstShare g`, `v = secondDecay v + secondShare (g g)`,
  /// `p = p - rate (m / (√v rootFactor + epsilon))`.
  case adam

  /// True where something that is linear in the gradients is kept from step to step.
  @inlinable public var keepsFirstMoment: Bool { self == .momentum || self == .nesterov || self == .adam }
  /// True where a mean of squared gradients is kept from step to step.
  @inlinable public var keepsSecondMoment: Bool { self == .rmsProp || self == .adam }

  /// Ends the program where moments that the formula keeps are not given: what each backend asks before it takes a step.
  @usableFromInline
  package func checkMoments(first isFirstGiven: Bool, second isSecondGiven: Bool) {
    guard isFirstGiven || !keepsFirstMoment, isSecondGiven || !keepsSecondMoment else {
      fatalError("A step by the formula \(rawValue) takes moments that are not given")
    }
  }
}

/// One step of an optimiser: a formula, and its coefficients in this step, each rounded to the element.
///
/// Before the formula, `g = g gradientFactor`; then, where the weight decay is not 0, `g = g + weightDecay p`; then
/// `p = p parameterFactor`.
@frozen
public struct UpdateRule<Element: KernelElement>: Sendable, Equatable {
  /// What is computed.
  public var formula: UpdateFormula
  /// What stands before the step's direction.
  public var rate: Element
  /// What every gradient is multiplied with: the factor of clipping, 1 where nothing is clipped.
  public var gradientFactor: Element
  /// How much of a parameter its gradient gains: L2 regularisation.
  public var weightDecay: Element
  /// What a parameter is multiplied with before its step: AdamW's `1 - rate decay`, else 1.
  public var parameterFactor: Element
  /// How much of the first moment stays.
  public var firstDecay: Element
  /// How much of the gradient joins the first moment of Adam.
  public var firstShare: Element
  /// How much of the second moment stays.
  public var secondDecay: Element
  /// How much of the squared gradient joins the second moment.
  public var secondShare: Element
  /// What Adam multiplies the root of the second moment with: 1 / √(1 - β₂ᵗ).
  public var rootFactor: Element
  /// What keeps the divisor away from 0.
  public var epsilon: Element

  /// A rule; a coefficient that is not given is one that changes nothing, or that the formula does not use.
  @inlinable
  public init(
    _ formula: UpdateFormula, rate: Element, gradientFactor: Element = 1, weightDecay: Element = 0,
    parameterFactor: Element = 1, firstDecay: Element = 0, firstShare: Element = 1, secondDecay: Element = 0,
    secondShare: Element = 1, rootFactor: Element = 1, epsilon: Element = 0
  ) {
    self.formula = formula
    self.rate = rate
    self.gradientFactor = gradientFactor
    self.weightDecay = weightDecay
    self.parameterFactor = parameterFactor
    self.firstDecay = firstDecay
    self.firstShare = firstShare
    self.secondDecay = secondDecay
    self.secondShare = secondShare
    self.rootFactor = rootFactor
    self.epsilon = epsilon
  }

  /// Takes the step on each lane of `p`.
  ///
  /// - Parameters:
  ///   - p: the parameters.
  ///   - gradient: their gradients.
  ///   - first: the first moments, where the formula keeps them.
  ///   - second: the second moments, where the formula keeps them.
  @inlinable @inline(__always)
  public func step<Vector: KernelVector>(
    _ p: inout Vector, gradient: Vector, first: inout Vector, second: inout Vector
  ) where Vector.Element == Element {
    func all(_ coefficient: Element) -> Vector { Vector(repeating: coefficient) }
    var g = gradient * all(gradientFactor)
    if weightDecay != 0 { g = g + all(weightDecay) * p }
    p = p * all(parameterFactor)
    switch formula {
    case .descent:
      p = p - all(rate) * g
    case .momentum:
      first = all(firstDecay) * first + g
      p = p - all(rate) * first
    case .nesterov:
      first = all(firstDecay) * first + g
      p = p - all(rate) * (g + all(firstDecay) * first)
    case .rmsProp:
      second = all(secondDecay) * second + all(secondShare) * (g * g)
      p = p - all(rate) * (g / (Vector.squareRoot(second) + all(epsilon)))
    case .adam:
      first = all(firstDecay) * first + all(firstShare) * g
      second = all(secondDecay) * second + all(secondShare) * (g * g)
      p = p - all(rate) * (first / (Vector.squareRoot(second) * all(rootFactor) + all(epsilon)))
    }
  }

  /// Takes the step on matrices of one shape, element by element, as ``ComputeBackend/update(_:by:gradient:first:second:)``
  /// says: what a backend without a kernel of its own does.
  @inlinable @inline(__always)
  public func apply(
    to parameters: MutableMatrixView<Element>, gradient: MatrixView<Element>, first: MutableMatrixView<Element>?,
    second: MutableMatrixView<Element>?
  ) {
    formula.checkMoments(first: first != nil, second: second != nil)
    for row in 0..<parameters.rows {
      let p = parameters.base + row * parameters.stride
      let g = gradient.base + row * gradient.stride
      let m = first.map { $0.base + row * $0.stride }
      let v = second.map { $0.base + row * $0.stride }
      for column in 0..<parameters.columns {
        var moments: (Element, Element) = (m?[column] ?? 0, v?[column] ?? 0)
        step(&p[column], gradient: g[column], first: &moments.0, second: &moments.1)
        m?[column] = moments.0
        v?[column] = moments.1
      }
    }
  }
}
