// Vectors of several lanes: Swift's SIMD types as kernels see them. What kernels ask of a vector lies in ComputeBackend.

import ComputeBackend

// MARK: - Storage

/// A SIMD type of `Float`, with its operations as requirements.
///
/// Through the standard library's `SIMD` protocol, generic code would reach loops over the lanes; through these
/// requirements it reaches the operations of the concrete type, one instruction each.
public protocol FloatLaneStorage: SIMD, BitwiseCopyable, Sendable where Scalar == Float {
  /// As many lanes of `Double`.
  associatedtype Wide: DoubleLaneStorage
  /// The lanes as `Double`.
  var wide: Wide { get }
  /// The lanes of `wide`, rounded.
  init(rounding wide: Wide)
  /// The sum of all lanes: the halves are added until one lane is left.
  var folded: Float { get }

  /// The sum of each lane.
  static func + (a: Self, b: Self) -> Self
  /// The difference of each lane.
  static func - (a: Self, b: Self) -> Self
  /// The product of each lane.
  static func * (a: Self, b: Self) -> Self
  /// The quotient of each lane.
  static func / (a: Self, b: Self) -> Self
  /// `self + a * b` in each lane, rounded once.
  func addingProduct(_ a: Self, _ b: Self) -> Self
  /// The square root of each lane, rounded once.
  func squareRoot() -> Self
  static func .< (a: Self, b: Self) -> SIMDMask<MaskStorage>
  static func .<= (a: Self, b: Self) -> SIMDMask<MaskStorage>
  func replacing(with other: Self, where mask: SIMDMask<MaskStorage>) -> Self
}

/// A SIMD type of `Double`, with its operations as requirements, as ``FloatLaneStorage``.
public protocol DoubleLaneStorage: SIMD, BitwiseCopyable, Sendable where Scalar == Double {
  /// As many 64-bit integers.
  associatedtype Bits: SIMD, BitwiseCopyable where Bits.Scalar == UInt64
  /// The sum of all lanes: the halves are added until one lane is left.
  var folded: Double { get }

  /// The sum of each lane.
  static func + (a: Self, b: Self) -> Self
  /// The difference of each lane.
  static func - (a: Self, b: Self) -> Self
  /// The product of each lane.
  static func * (a: Self, b: Self) -> Self
  /// The quotient of each lane.
  static func / (a: Self, b: Self) -> Self
  /// `self + a * b` in each lane, rounded once.
  func addingProduct(_ a: Self, _ b: Self) -> Self
  /// The square root of each lane, rounded once.
  func squareRoot() -> Self
  static func .< (a: Self, b: Self) -> SIMDMask<MaskStorage>
  static func .<= (a: Self, b: Self) -> SIMDMask<MaskStorage>
  func replacing(with other: Self, where mask: SIMDMask<MaskStorage>) -> Self
}

extension SIMD4: DoubleLaneStorage where Scalar == Double {
  public typealias Bits = SIMD4<UInt64>
  @inlinable @inline(__always) public var folded: Double {
    let pair = lowHalf + highHalf
    return pair.x + pair.y
  }
}

extension SIMD8: DoubleLaneStorage where Scalar == Double {
  public typealias Bits = SIMD8<UInt64>
  @inlinable @inline(__always) public var folded: Double { (lowHalf + highHalf).folded }
}

extension SIMD8: FloatLaneStorage where Scalar == Float {
  @inlinable @inline(__always) public var wide: SIMD8<Double> { SIMD8<Double>(self) }
  @inlinable @inline(__always) public init(rounding wide: SIMD8<Double>) { self.init(wide) }
  @inlinable @inline(__always) public var folded: Float {
    let four = lowHalf + highHalf
    let pair = four.lowHalf + four.highHalf
    return pair.x + pair.y
  }
}

// MARK: - Lanes

/// A vector that kernels can hand about: plain bits.
public protocol LaneVector: KernelVector, BitwiseCopyable, Sendable {
  /// The sum of all lanes: each with the one half a vector further, and so on until one is left.
  var folded: Element { get }
  /// 0, 1, 2 and so on, lane by lane.
  static var indices: Self { get }
}

/// Lanes of `Float`, as many as `Storage` has.
@frozen
public struct FloatLanes<Storage: FloatLaneStorage>: LaneVector {
  public typealias Element = Float
  public typealias Mask = SIMDMask<Storage.MaskStorage>
  public typealias Wide = DoubleLanes<Storage.Wide>

  /// The lanes.
  public var lanes: Storage

  /// A vector of these lanes.
  @inlinable @inline(__always) public init(_ lanes: Storage) { self.lanes = lanes }

  @inlinable @inline(__always) public var wide: Wide { Wide(lanes.wide) }
  @inlinable @inline(__always) public init(rounding wide: Wide) { lanes = Storage(rounding: wide.lanes) }
  @inlinable @inline(__always) public var folded: Float { lanes.folded }
}

/// Lanes of `Double`, as many as `Storage` has.
@frozen
public struct DoubleLanes<Storage: DoubleLaneStorage>: LaneVector, DoubleVector {
  public typealias Element = Double
  public typealias Mask = SIMDMask<Storage.MaskStorage>
  public typealias Wide = Self
  public typealias Bits = Storage.Bits

  /// The lanes.
  public var lanes: Storage

  /// A vector of these lanes.
  @inlinable @inline(__always) public init(_ lanes: Storage) { self.lanes = lanes }

  @inlinable @inline(__always) public var wide: Self { self }
  @inlinable @inline(__always) public init(rounding wide: Self) { self = wide }
  @inlinable @inline(__always) public var folded: Double { lanes.folded }

  @inlinable @inline(__always) public var bits: Bits { unsafeBitCast(lanes, to: Bits.self) }
  @inlinable @inline(__always) public init(bits: Bits) { lanes = unsafeBitCast(bits, to: Storage.self) }
  @inlinable @inline(__always) public static func bits(repeating value: UInt64) -> Bits { Bits(repeating: value) }
  @inlinable @inline(__always) public static func add(_ a: Bits, _ b: Bits) -> Bits { a &+ b }
  @inlinable @inline(__always) public static func subtract(_ a: Bits, _ b: Bits) -> Bits { a &- b }
  @inlinable @inline(__always) public static func and(_ a: Bits, _ b: Bits) -> Bits { a & b }
  @inlinable @inline(__always) public static func or(_ a: Bits, _ b: Bits) -> Bits { a | b }
  @inlinable @inline(__always) public static func xor(_ a: Bits, _ b: Bits) -> Bits { a ^ b }
  @inlinable @inline(__always)
  public static func shiftLeft(_ a: Bits, by count: UInt64) -> Bits { a &<< Bits(repeating: count) }
  @inlinable @inline(__always)
  public static func shiftRight(_ a: Bits, by count: UInt64) -> Bits { a &>> Bits(repeating: count) }
}

extension LaneVector {
  /// Replaces the first lanes by the elements from `address` on.
  @inline(__always)
  mutating func replaceFirst(_ count: Int, from address: UnsafePointer<Element>) {
    withUnsafeMutableBytes(of: &self) { bytes in
      let lanes = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Element.self)
      for l in 0..<count { lanes[l] = address[l] }
    }
  }

  /// Writes the first lanes to the elements from `address` on.
  @inline(__always)
  func storeFirst(_ count: Int, to address: UnsafeMutablePointer<Element>) {
    withUnsafeBytes(of: self) { bytes in
      let lanes = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Element.self)
      for l in 0..<count { address[l] = lanes[l] }
    }
  }
}

// MARK: - Operations, the same on both

// Written out for both: a SIMD type conforms to a protocol once, for every scalar, so one storage protocol for Float and
// Double could be given the standard library's generic operations alone, the loops over the lanes.

extension FloatLanes {
  @inlinable @inline(__always) public static var laneCount: Int { Storage.scalarCount }
  @inlinable @inline(__always) public static var indices: Self {
    var lanes = Storage()
    for l in 0..<Storage.scalarCount { lanes[l] = Float(l) }
    return Self(lanes)
  }
  @inlinable @inline(__always) public init(repeating value: Float) { lanes = Storage(repeating: value) }
  @inlinable @inline(__always)
  public static func load(_ address: UnsafePointer<Float>) -> Self {
    Self(UnsafeRawPointer(address).loadUnaligned(as: Storage.self))
  }
  @inlinable @inline(__always)
  public func store(_ address: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(address).storeBytes(of: lanes, as: Storage.self)
  }
  @inlinable @inline(__always) public static func + (a: Self, b: Self) -> Self { Self(a.lanes + b.lanes) }
  @inlinable @inline(__always) public static func - (a: Self, b: Self) -> Self { Self(a.lanes - b.lanes) }
  @inlinable @inline(__always) public static func * (a: Self, b: Self) -> Self { Self(a.lanes * b.lanes) }
  @inlinable @inline(__always) public static func / (a: Self, b: Self) -> Self { Self(a.lanes / b.lanes) }
  // A SIMD type's own prefix minus is 0 - a, which takes +0 to +0.
  @inlinable @inline(__always) public static prefix func - (a: Self) -> Self {
    Self(Storage(repeating: -0.0) - a.lanes)
  }
  @inlinable @inline(__always)
  public static func fma(_ a: Self, _ b: Self, _ c: Self) -> Self { Self(c.lanes.addingProduct(a.lanes, b.lanes)) }
  @inlinable @inline(__always)
  public static func squareRoot(_ a: Self) -> Self { Self(a.lanes.squareRoot()) }
  @inlinable @inline(__always) public static func less(_ a: Self, _ b: Self) -> Mask { a.lanes .< b.lanes }
  @inlinable @inline(__always) public static func lessOrEqual(_ a: Self, _ b: Self) -> Mask { a.lanes .<= b.lanes }
  @inlinable @inline(__always)
  public static func select(_ mask: Mask, _ a: Self, _ b: Self) -> Self {
    Self(b.lanes.replacing(with: a.lanes, where: mask))
  }
}

extension DoubleLanes {
  @inlinable @inline(__always) public static var laneCount: Int { Storage.scalarCount }
  @inlinable @inline(__always) public static var indices: Self {
    var lanes = Storage()
    for l in 0..<Storage.scalarCount { lanes[l] = Double(l) }
    return Self(lanes)
  }
  @inlinable @inline(__always) public init(repeating value: Double) { lanes = Storage(repeating: value) }
  @inlinable @inline(__always)
  public static func load(_ address: UnsafePointer<Double>) -> Self {
    Self(UnsafeRawPointer(address).loadUnaligned(as: Storage.self))
  }
  @inlinable @inline(__always)
  public func store(_ address: UnsafeMutablePointer<Double>) {
    UnsafeMutableRawPointer(address).storeBytes(of: lanes, as: Storage.self)
  }
  @inlinable @inline(__always) public static func + (a: Self, b: Self) -> Self { Self(a.lanes + b.lanes) }
  @inlinable @inline(__always) public static func - (a: Self, b: Self) -> Self { Self(a.lanes - b.lanes) }
  @inlinable @inline(__always) public static func * (a: Self, b: Self) -> Self { Self(a.lanes * b.lanes) }
  @inlinable @inline(__always) public static func / (a: Self, b: Self) -> Self { Self(a.lanes / b.lanes) }
  // A SIMD type's own prefix minus is 0 - a, which takes +0 to +0.
  @inlinable @inline(__always) public static prefix func - (a: Self) -> Self {
    Self(Storage(repeating: -0.0) - a.lanes)
  }
  @inlinable @inline(__always)
  public static func fma(_ a: Self, _ b: Self, _ c: Self) -> Self { Self(c.lanes.addingProduct(a.lanes, b.lanes)) }
  @inlinable @inline(__always)
  public static func squareRoot(_ a: Self) -> Self { Self(a.lanes.squareRoot()) }
  @inlinable @inline(__always) public static func less(_ a: Self, _ b: Self) -> Mask { a.lanes .< b.lanes }
  @inlinable @inline(__always) public static func lessOrEqual(_ a: Self, _ b: Self) -> Mask { a.lanes .<= b.lanes }
  @inlinable @inline(__always)
  public static func select(_ mask: Mask, _ a: Self, _ b: Self) -> Self {
    Self(b.lanes.replacing(with: a.lanes, where: mask))
  }
}
