// What a kernel asks of a vector of elements, and its one-lane form: Float and Double themselves. Wider vectors belong to
// the backends that use them.

/// A vector of elements in registers: one lane in the scalar backend, a SIMD type elsewhere.
///
/// Elementwise definitions and elementary functions are written once over this protocol. Each operation is the IEEE
/// operation on each lane, rounded once.
public protocol KernelVector {
  /// The type of a lane.
  associatedtype Element: MatrixElement
  /// One truth value a lane.
  associatedtype Mask
  /// As many lanes of `Double`: where functions of `Float` are computed.
  associatedtype Wide: DoubleVector

  /// The number of lanes.
  static var laneCount: Int { get }

  /// The same value in every lane.
  init(repeating value: Element)

  /// The `laneCount` elements from `address` on, with no alignment asked for.
  static func load(_ address: UnsafePointer<Element>) -> Self
  /// Writes the lanes to the `laneCount` elements from `address` on, with no alignment asked for.
  func store(_ address: UnsafeMutablePointer<Element>)

  /// The sum of each lane.
  static func + (a: Self, b: Self) -> Self
  /// The difference of each lane.
  static func - (a: Self, b: Self) -> Self
  /// The product of each lane.
  static func * (a: Self, b: Self) -> Self
  /// The quotient of each lane.
  static func / (a: Self, b: Self) -> Self
  /// Each lane with the other sign: -0 for +0, too.
  static prefix func - (a: Self) -> Self
  /// `a * b + c`, rounded once.
  static func fma(_ a: Self, _ b: Self, _ c: Self) -> Self
  /// The square root of each lane, rounded once: NaN below -0.
  static func squareRoot(_ a: Self) -> Self

  /// `a < b` in each lane: false where either is NaN.
  static func less(_ a: Self, _ b: Self) -> Mask
  /// `a <= b` in each lane: false where either is NaN.
  static func lessOrEqual(_ a: Self, _ b: Self) -> Mask
  /// `a` where the mask is true, `b` elsewhere.
  static func select(_ mask: Mask, _ a: Self, _ b: Self) -> Self

  /// The lanes as `Double`, exactly.
  var wide: Wide { get }
  /// The lanes of `wide`, each rounded to nearest even.
  init(rounding wide: Wide)
}

/// A vector of `Double` whose bits can be worked on: what elementary functions are computed in.
public protocol DoubleVector: KernelVector where Element == Double {
  /// One 64-bit integer a lane.
  associatedtype Bits

  /// The bits of each lane.
  var bits: Bits { get }
  /// The lanes that have these bits.
  init(bits: Bits)
  /// The same integer in every lane.
  static func bits(repeating value: UInt64) -> Bits
  /// The sum of each lane, modulo 2^64.
  static func add(_ a: Bits, _ b: Bits) -> Bits
  /// The difference of each lane, modulo 2^64.
  static func subtract(_ a: Bits, _ b: Bits) -> Bits
  /// The bits that are set in both.
  static func and(_ a: Bits, _ b: Bits) -> Bits
  /// The bits that are set in either.
  static func or(_ a: Bits, _ b: Bits) -> Bits
  /// The bits that are set in just one.
  static func xor(_ a: Bits, _ b: Bits) -> Bits
  /// Each lane shifted to the left, zeros coming in.
  static func shiftLeft(_ a: Bits, by count: UInt64) -> Bits
  /// Each lane shifted to the right, zeros coming in.
  static func shiftRight(_ a: Bits, by count: UInt64) -> Bits
}

extension KernelVector {
  /// Zero in every lane.
  @inlinable @inline(__always)
  public static var zero: Self { Self(repeating: 0) }
}

extension Float: KernelVector {
  public typealias Element = Float
  public typealias Mask = Bool
  public typealias Wide = Double

  @inlinable @inline(__always) public static var laneCount: Int { 1 }
  @inlinable @inline(__always) public init(repeating value: Float) { self = value }
  @inlinable @inline(__always)
  public static func load(_ address: UnsafePointer<Float>) -> Float { address.pointee }
  @inlinable @inline(__always)
  public func store(_ address: UnsafeMutablePointer<Float>) { address.pointee = self }
  @inlinable @inline(__always)
  public static func fma(_ a: Float, _ b: Float, _ c: Float) -> Float { c.addingProduct(a, b) }
  @inlinable @inline(__always) public static func squareRoot(_ a: Float) -> Float { a.squareRoot() }
  @inlinable @inline(__always) public static func less(_ a: Float, _ b: Float) -> Bool { a < b }
  @inlinable @inline(__always) public static func lessOrEqual(_ a: Float, _ b: Float) -> Bool { a <= b }
  @inlinable @inline(__always)
  public static func select(_ mask: Bool, _ a: Float, _ b: Float) -> Float { mask ? a : b }
  @inlinable @inline(__always) public var wide: Double { Double(self) }
  @inlinable @inline(__always) public init(rounding wide: Double) { self = Float(wide) }
}

extension Double: KernelVector, DoubleVector {
  public typealias Element = Double
  public typealias Mask = Bool
  public typealias Wide = Double
  public typealias Bits = UInt64

  @inlinable @inline(__always) public static var laneCount: Int { 1 }
  @inlinable @inline(__always) public init(repeating value: Double) { self = value }
  @inlinable @inline(__always)
  public static func load(_ address: UnsafePointer<Double>) -> Double { address.pointee }
  @inlinable @inline(__always)
  public func store(_ address: UnsafeMutablePointer<Double>) { address.pointee = self }
  @inlinable @inline(__always)
  public static func fma(_ a: Double, _ b: Double, _ c: Double) -> Double { c.addingProduct(a, b) }
  @inlinable @inline(__always) public static func squareRoot(_ a: Double) -> Double { a.squareRoot() }
  @inlinable @inline(__always) public static func less(_ a: Double, _ b: Double) -> Bool { a < b }
  @inlinable @inline(__always) public static func lessOrEqual(_ a: Double, _ b: Double) -> Bool { a <= b }
  @inlinable @inline(__always)
  public static func select(_ mask: Bool, _ a: Double, _ b: Double) -> Double { mask ? a : b }
  @inlinable @inline(__always) public var wide: Double { self }
  @inlinable @inline(__always) public init(rounding wide: Double) { self = wide }

  @inlinable @inline(__always) public var bits: UInt64 { bitPattern }
  @inlinable @inline(__always) public init(bits: UInt64) { self.init(bitPattern: bits) }
  @inlinable @inline(__always) public static func bits(repeating value: UInt64) -> UInt64 { value }
  @inlinable @inline(__always) public static func add(_ a: UInt64, _ b: UInt64) -> UInt64 { a &+ b }
  @inlinable @inline(__always) public static func subtract(_ a: UInt64, _ b: UInt64) -> UInt64 { a &- b }
  @inlinable @inline(__always) public static func and(_ a: UInt64, _ b: UInt64) -> UInt64 { a & b }
  @inlinable @inline(__always) public static func or(_ a: UInt64, _ b: UInt64) -> UInt64 { a | b }
  @inlinable @inline(__always) public static func xor(_ a: UInt64, _ b: UInt64) -> UInt64 { a ^ b }
  @inlinable @inline(__always)
  public static func shiftLeft(_ a: UInt64, by count: UInt64) -> UInt64 { a &<< count }
  @inlinable @inline(__always)
  public static func shiftRight(_ a: UInt64, by count: UInt64) -> UInt64 { a &>> count }
}
