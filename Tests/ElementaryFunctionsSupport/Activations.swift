// Activations of single values, optimised in debug builds too.

import ComputeBackend

extension Activation {
  /// The activation in `Float`.
  public func float(_ z: Float) -> Float { value(z) }

  /// The activation in `Double`.
  public func double(_ z: Double) -> Double { value(z) }
}
