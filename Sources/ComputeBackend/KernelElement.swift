// The element types that kernels compute in: Float and Double, nothing else.

/// An element type of matrices: `Float` or `Double`.
///
/// Do not conform other types: a backend has kernels for these two.
public protocol MatrixElement: BinaryFloatingPoint, BitwiseCopyable, Sendable
where RawSignificand: FixedWidthInteger, RawExponent: FixedWidthInteger {
  /// The unsigned integer with as many bits as the element.
  associatedtype BitPattern: FixedWidthInteger & UnsignedInteger & Sendable

  /// The bits of the IEEE 754 encoding.
  var bitPattern: BitPattern { get }

  /// The value that has these bits.
  init(bitPattern: BitPattern)

  /// Which of the two it is.
  static var precision: Precision { get }
}

/// An element type of kernels: `Float` or `Double`, each its own vector of one lane.
///
/// It is a protocol apart from ``MatrixElement`` because a vector's lanes are of the latter, and a protocol cannot ask
/// that of itself.
public protocol KernelElement: MatrixElement, KernelVector where Element == Self {
  // Both inherited protocols have these; said once more, they are not ambiguous in generic code.

  /// +0.
  static var zero: Self { get }
  /// The sum.
  static func + (a: Self, b: Self) -> Self
  /// The difference.
  static func - (a: Self, b: Self) -> Self
  /// The product.
  static func * (a: Self, b: Self) -> Self
  /// The quotient.
  static func / (a: Self, b: Self) -> Self
  /// The same number with the other sign.
  static prefix func - (a: Self) -> Self
}

/// The precision that a computation runs in.
public enum Precision: String, Sendable, CaseIterable {
  /// `Float`, IEEE 754 binary32.
  case f32
  /// `Double`, IEEE 754 binary64.
  case f64
}

extension Float: KernelElement, MatrixElement {
  public typealias BitPattern = UInt32

  @inlinable @inline(__always) public static var zero: Self { 0 }
  @inlinable public static var precision: Precision { .f32 }
}

extension Double: KernelElement, MatrixElement {
  public typealias BitPattern = UInt64

  @inlinable @inline(__always) public static var zero: Self { 0 }
  @inlinable public static var precision: Precision { .f64 }
}

extension MatrixElement {
  /// The bits as results are compared and digested: those of the value, but one and the same for every NaN, whose sign
  /// and payload the order of arithmetic leaves open.
  @inlinable
  public var canonicalBitPattern: BitPattern {
    isNaN ? Self.nan.bitPattern : bitPattern
  }
}
