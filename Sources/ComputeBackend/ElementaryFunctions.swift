// The elementary functions: what they promise and their entry points. The sequences of operations are in
// ElementaryExponential.swift, ElementaryLogarithm.swift and ElementaryNormal.swift.

/// The project's own elementary functions: the same bits on every system, backend and vector width.
///
/// Each is computed in `Double`, in one sequence of operations without a branch or a table: the argument is reduced, and
/// a polynomial evaluated by fused multiply-add.
///
/// - For `Float` the result is rounded correctly: it is the `Float` nearest to the exact value, for every one of the
///   2³² arguments. Mathematics alone defines its bits. A result in `Double` rounds to that `Float` unless the exact
///   value lies within the result's error of the middle of two `Float`s. The sequences are only as exact as it takes
///   for this to come out right every time, which the tests show by trying every argument: where they change, or a
///   coefficient does, run those tests with `LOCKSTEP_EXHAUSTIVE=1`.
/// - For `Double` the result is within one unit in the last place of the exact value.
///
/// The polynomials are minimax approximations, found by Sollya's `fpminimax`. Invalid arguments give NaN, and NaN gives
/// NaN. The C kernels hold the same sequences in `elementary.inc.h`, exported C files those of `CSourceElementary.swift`:
/// whoever changes one changes the others.
public enum Elementary {
  /// The exponential of each lane.
  @inlinable @inline(__always)
  public static func exp<Vector: KernelVector>(_ x: Vector) -> Vector {
    switch Vector.Element.precision {
    case .f32: expForFloat(x)
    case .f64: Vector(rounding: expForDouble(x.wide))
    }
  }

  /// exp(x) - 1 for each lane x, exact near zero as well.
  @inlinable @inline(__always)
  public static func expm1<Vector: KernelVector>(_ x: Vector) -> Vector {
    switch Vector.Element.precision {
    case .f32: expm1ForFloat(x)
    case .f64: Vector(rounding: expm1ForDouble(x.wide))
    }
  }

  /// The natural logarithm of each lane: -infinity for either zero, NaN below.
  @inlinable @inline(__always)
  public static func log<Vector: KernelVector>(_ x: Vector) -> Vector {
    let value =
      switch Vector.Element.precision {
      case .f32: Vector(rounding: logForFloat(x.wide))
      case .f64: Vector(rounding: logForDouble(x.wide))
      }
    return logarithm(value, of: x, pole: Vector(repeating: 0))
  }

  /// The natural logarithm of 1 + x for each lane x: -infinity for -1, NaN below.
  @inlinable @inline(__always)
  public static func log1p<Vector: KernelVector>(_ x: Vector) -> Vector {
    let value =
      switch Vector.Element.precision {
      case .f32: Vector(rounding: log1pForFloat(x.wide))
      case .f64: Vector(rounding: log1pForDouble(x.wide))
      }
    return logarithm(value, of: x, pole: Vector(repeating: -1))
  }

  /// The hyperbolic tangent of each lane.
  @inlinable @inline(__always)
  public static func tanh<Vector: KernelVector>(_ x: Vector) -> Vector {
    switch Vector.Element.precision {
    case .f32: Vector(rounding: tanhForFloat(x.wide))
    case .f64: Vector(rounding: tanhForDouble(x.wide))
    }
  }

  /// The logistic function 1 / (1 + exp(-x)) of each lane x.
  @inlinable @inline(__always)
  public static func sigmoid<Vector: KernelVector>(_ x: Vector) -> Vector {
    switch Vector.Element.precision {
    case .f32: sigmoidForFloat(x)
    case .f64: Vector(rounding: sigmoidForDouble(x.wide))
    }
  }

  /// The standard normal distribution function Φ(x) = erfc(-x / √2) / 2 of each lane x: the probability that a normal
  /// variable of mean 0 and variance 1 is at most x.
  ///
  /// The tail keeps its relative accuracy until it is less than the smallest subnormal number: beyond -14.2 for `Float`,
  /// -38.5 for `Double`.
  @inlinable @inline(__always)
  public static func normalCDF<Vector: KernelVector>(_ x: Vector) -> Vector {
    switch Vector.Element.precision {
    case .f32: Vector(rounding: normalCDFForFloat(x.wide))
    case .f64: Vector(rounding: normalCDFForDouble(x.wide))
    }
  }
}
