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

  /// The slope of ``leakyReLU`` below zero, as PyTorch's `LeakyReLU` has it.
  @inlinable public static var leakySlope: Double { 0.01 }

  /// The activation of each lane of `z`.
  @inlinable @inline(__always)
  public func value<Vector: KernelVector>(_ z: Vector) -> Vector {
    switch self {
    case .identity: z
    case .relu: Vector.select(Vector.less(z, .zero), .zero, z)
    case .leakyReLU: Vector.select(Vector.less(z, .zero), z * Vector(repeating: Vector.Element(Self.leakySlope)), z)
    case .tanh: Elementary.tanh(z)
    case .sigmoid: Elementary.sigmoid(z)
    }
  }

  /// The gradient of the loss with respect to `z`, from the `gradient` with respect to `y = value(z)`. Each product is
  /// rounded on its own.
  @inlinable @inline(__always)
  public func backward<Vector: KernelVector>(_ gradient: Vector, value y: Vector) -> Vector {
    switch self {
    case .identity: gradient
    case .relu: Vector.select(Vector.lessOrEqual(y, .zero), .zero, gradient)
    case .leakyReLU:
      Vector.select(
        Vector.lessOrEqual(y, .zero), gradient * Vector(repeating: Vector.Element(Self.leakySlope)), gradient)
    case .tanh: gradient * (Vector(repeating: 1) - y * y)
    case .sigmoid: gradient * (y * (Vector(repeating: 1) - y))
    }
  }
}
