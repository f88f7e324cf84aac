// Operands: seeded random matrices in several profiles, and the guarded, strided memory that they are handed over in.

import ComputeBackend

/// The SplitMix64 generator of Steele, Lea and Flood (2014): a failing case can be run again.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// What kind of numbers a test's operands are.
enum Profile: String, CaseIterable, Sendable {
  /// Between -2 and 2, some ±0.
  case ordinary
  /// Mostly ordinary, with ±0, subnormal, tiny and huge numbers, and few enough infinities and NaNs that most sums stay
  /// finite.
  case extreme
  /// So small that products are subnormal or vanish, leaving a zero with a sign.
  case vanishing
}

/// A random matrix. Specialised, as all that touches each element is: the tests are quick without whole-module
/// optimisation, too.
@specialized(where Element == Float)
@specialized(where Element == Double)
func randomMatrix<Element: KernelElement>(
  _: Element.Type = Element.self, rows: Int, columns: Int, profile: Profile, using generator: inout SeededGenerator
) -> Matrix<Element> {
  // Few enough special numbers for every row and column to be free of them more often than not.
  let special = 1 / Double(4 * max(rows, columns, 1))
  func element() -> Element {
    let ordinary = Element(Double.random(in: -2..<2, using: &generator))
    let kind = Double.random(in: 0..<1, using: &generator)
    let sign: Element = ordinary < 0 ? -1 : 1
    switch profile {
    case .ordinary:
      return kind < 0.06 ? sign * 0 : ordinary
    case .vanishing:
      // The exponents of two such factors add up to between a little above the least normal and nothing at all.
      let exponent = Int.random(in: -Element.significandBitCount..<4, using: &generator)
      return Element(
        sign: .plus, exponent: (Element.leastNormalMagnitude.exponent + Element.Exponent(exponent)) / 2,
        significand: ordinary)
    case .extreme:
      if kind < special {
        let specials: [Element] = [.infinity, .greatestFiniteMagnitude, .nan, 0x1p120]
        return sign * specials[Int.random(in: 0..<4, using: &generator)]
      }
      switch kind {
      case 0.70..<0.80: return sign * 0
      case 0.80..<0.85: return ordinary * Element.leastNormalMagnitude / 2
      case 0.85..<0.90: return sign * Element.leastNonzeroMagnitude
      case 0.90..<0.95: return ordinary * 0x1p-80
      case 0.95..<1.00: return ordinary * 0x1p20
      default: return ordinary
      }
    }
  }
  var elements: [Element] = []
  elements.reserveCapacity(rows * columns)
  for _ in 0..<rows * columns { elements.append(element()) }
  return Matrix(rows: rows, columns: columns, elements: elements)
}

/// A matrix in memory with room around it: before the first element, between rows and after the last, filled with one
/// NaN. Read, that NaN spoils a sum; written over, it is missed.
final class GuardedMatrix<Element: KernelElement> {
  /// A quiet NaN whose payload no arithmetic gives by accident.
  private static var guardValue: Element { Element(bitPattern: Element.nan.bitPattern | 0x5a5a5) }

  let rows: Int
  let columns: Int
  private let offset: Int
  private let stride: Int
  private let buffer: UnsafeMutableBufferPointer<Element>

  /// Memory for a matrix whose elements are guard values, too, until they are written.
  ///
  /// - Parameters:
  ///   - gap: how many elements lie between two rows.
  ///   - offset: how many elements lie before the first: it decides the alignment.
  init(rows: Int, columns: Int, gap: Int, offset: Int) {
    self.rows = rows
    self.columns = columns
    self.offset = offset
    stride = columns + gap
    buffer = .allocate(capacity: offset + rows * stride + 64)
    buffer.initialize(repeating: Self.guardValue)
  }

  deinit { buffer.deallocate() }

  var mutableView: MutableMatrixView<Element> {
    MutableMatrixView(
      UnsafeMutableBufferPointer(rebasing: buffer.dropFirst(offset)), rows: rows, columns: columns, stride: stride)
  }

  var view: MatrixView<Element> { mutableView.readOnly }

  /// What the matrix holds.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func contents() -> Matrix<Element> {
    var elements: [Element] = []
    elements.reserveCapacity(rows * columns)
    for row in 0..<rows {
      for column in 0..<columns { elements.append(buffer[offset + row * stride + column]) }
    }
    return Matrix(rows: rows, columns: columns, elements: elements)
  }

  /// True where no element is as it was before anything was written.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func isWritten() -> Bool {
    for row in 0..<rows {
      for index in offset + row * stride..<offset + row * stride + columns
      where buffer[index].bitPattern == Self.guardValue.bitPattern { return false }
    }
    return true
  }

  /// True where nothing outside of the matrix was written.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func guardsAreIntact() -> Bool {
    func areIntact(_ range: Range<Int>) -> Bool {
      for index in range where buffer[index].bitPattern != Self.guardValue.bitPattern { return false }
      return true
    }
    for row in 0..<rows {
      let first = offset + row * stride
      if !areIntact(first + columns..<first + stride) { return false }
    }
    return areIntact(0..<offset) && areIntact(offset + rows * stride..<buffer.count)
  }
}
