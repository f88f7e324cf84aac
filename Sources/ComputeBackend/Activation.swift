// Activations: value and derivative of each, side by side, spelled once for every Swift backend.

/// The function that a dense layer applies to each of its outputs.
public enum Activation: String, Sendable, CaseIterable {
  /// `y = z`.
  case identity
  /// `y = z < 0 ? 0 : z`, so that NaN and -0 pass.
  case relu
  /// `y = z < 0 ? 0.01 z : z`.
  case leakyReLU = "leaky-relu"
  /// The hyperbolic tangent.
  case tanh
  /// `y = 1 / (1 + exp(-z))`.
  case sigmoid
  /// `y = z <= 0 ? exp(z) - 1 : z` (Clevert, Unterthiner and Hochreiter 2016, with α = 1).
  case elu
  /// `y = log(1 + exp(z))`, a smooth ReLU.
  case softplus
  /// `y = z / (1 + exp(-z))`, also called swish (Elfwing, Uchibe and Doya 2018).
  case silu
  /// `y = z Φ(z)`, where Φ is the standard normal distribution function (Hendrycks and Gimpel 2016), not an approximation of
  /// it by tanh.
  case gelu

  /// The slope of ``leakyReLU`` below zero, as PyTorch's `LeakyReLU` has it.
  @inlinable public static var leakySlope: Double { 0.01 }

  /// True where the derivative is taken from the sum z, and therefore sums are what a layer keeps from the way forward for
  /// the way back; else it is taken from the output y, which the next layer keeps anyway.
  @inlinable
  public var keepsSums: Bool {
    switch self {
    case .identity, .relu, .leakyReLU, .tanh, .sigmoid, .elu: false
    case .softplus, .silu, .gelu: true
    }
  }

  /// The activation of each lane of `z`.
  @inlinable @inline(__always)
  public func value<Vector: KernelVector>(_ z: Vector) -> Vector {
    switch self {
    case .identity: return z
    case .relu: return Vector.select(Vector.less(z, .zero), .zero, z)
    case .leakyReLU:
      return Vector.select(Vector.less(z, .zero), z * Vector(repeating: Vector.Element(Self.leakySlope)), z)
    case .tanh: return Elementary.tanh(z)
    case .sigmoid: return Elementary.sigmoid(z)
    case .elu: return Vector.select(Vector.lessOrEqual(z, .zero), Elementary.expm1(z), z)
    case .softplus:
      let isNegative = Vector.less(z, .zero)
      let positivePart = Vector.select(isNegative, .zero, z)
      return positivePart + Elementary.log1p(Elementary.exp(Vector.select(isNegative, z, -z)))
    case .silu: return z * Elementary.sigmoid(z)
    case .gelu: return z * Elementary.normalCDF(z)
    }
  }

  /// The gradient of the loss with respect to `z`, from the `gradient` with respect to `y = value(z)`. Each operation is
  /// rounded on its own.
  ///
  /// - Parameters:
  ///   - gradient: with respect to y.
  ///   - value: y; or z where the activation ``keepsSums``.
  @inlinable @inline(__always)
  public func backward<Vector: KernelVector>(_ gradient: Vector, value: Vector) -> Vector {
    let one = Vector(repeating: 1)
    switch self {
    case .identity: return gradient
    case .relu: return Vector.select(Vector.lessOrEqual(value, .zero), .zero, gradient)
    case .leakyReLU:
      return Vector.select(
        Vector.lessOrEqual(value, .zero), gradient * Vector(repeating: Vector.Element(Self.leakySlope)), gradient)
    case .tanh: return gradient * (one - value * value)
    case .sigmoid: return gradient * (value * (one - value))
    case .elu: return Vector.select(Vector.lessOrEqual(value, .zero), gradient * (value + one), gradient)
    case .softplus: return gradient * Elementary.sigmoid(value)
    case .silu:
      let sigmoid: Vector = Elementary.sigmoid(value)
      return gradient * (sigmoid * (one + value * (one - sigmoid)))
    case .gelu:
      // Φ' is the density exp(-z²/2) / √(2π).
      let exponential: Vector = Elementary.exp((value * value) * Vector(repeating: -0.5))
      let density = exponential * Vector(repeating: Vector.Element(0.3989422804014327))
      return gradient * (Elementary.normalCDF(value) + value * density)
    }
  }
}
