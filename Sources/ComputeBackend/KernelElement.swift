// The element types that kernels compute in: Float and Double, nothing else.

/// An element type of matrices and kernels: `Float` or `Double`.
///
/// Do not conform other types: a backend has kernels for these two.
public protocol KernelElement: BinaryFloatingPoint, BitwiseCopyable, Sendable
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

/// The precision that a computation runs in.
public enum Precision: String, Sendable, CaseIterable {
  /// `Float`, IEEE 754 binary32.
  case f32
  /// `Double`, IEEE 754 binary64.
  case f64
}

extension Float: KernelElement {
  public typealias BitPattern = UInt32

  @inlinable public static var precision: Precision { .f32 }
}

extension Double: KernelElement {
  public typealias BitPattern = UInt64

  @inlinable public static var precision: Precision { .f64 }
}

extension KernelElement {
  /// The bits as results are compared and digested: those of the value, but one and the same for every NaN, whose sign
  /// and payload the order of arithmetic leaves open.
  @inlinable
  public var canonicalBitPattern: BitPattern {
    isNaN ? Self.nan.bitPattern : bitPattern
  }
}
