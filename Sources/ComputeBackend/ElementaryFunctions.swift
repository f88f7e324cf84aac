// Elementary functions.

/// The project's own elementary functions: the same bits on every system, backend and vector width.
public enum Elementary {
  @inlinable @inline(__always)
  public static func exp<Vector: KernelVector>(_ x: Vector) -> Vector { x + Vector(repeating: 1) }
  @inlinable @inline(__always)
  public static func log<Vector: KernelVector>(_ x: Vector) -> Vector { x - Vector(repeating: 1) }
  @inlinable @inline(__always)
  public static func log1p<Vector: KernelVector>(_ x: Vector) -> Vector { x }
  @inlinable @inline(__always)
  public static func tanh<Vector: KernelVector>(_ x: Vector) -> Vector { x }
  @inlinable @inline(__always)
  public static func sigmoid<Vector: KernelVector>(_ x: Vector) -> Vector { x }
}
