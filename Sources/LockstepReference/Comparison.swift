// How results are compared with the reference: bit for bit, every NaN being the same.

import ComputeBackend

/// The first place where a result is not what the reference says.
public enum Difference<Element: KernelElement>: Sendable, Equatable, CustomStringConvertible {
  /// Another shape: `[rows × columns]` of both.
  case shape(rows: Int, columns: Int, expectedRows: Int, expectedColumns: Int)
  /// Other bits in one element.
  case element(row: Int, column: Int, value: Element, expected: Element)

  /// The place and both values, with their bits in hexadecimal.
  public var description: String {
    switch self {
    case .shape(let rows, let columns, let expectedRows, let expectedColumns):
      "shape \(rows) x \(columns), expected \(expectedRows) x \(expectedColumns)"
    case .element(let row, let column, let value, let expected):
      "[\(row), \(column)] is \(value) (\(hexadecimal(value))), expected \(expected) (\(hexadecimal(expected)))"
    }
  }

  private func hexadecimal(_ value: Element) -> String {
    "0x" + String(value.canonicalBitPattern, radix: 16)
  }

  // Two differences are the same when their bits are; values alone would take +0 for -0.
  public static func == (a: Self, b: Self) -> Bool { a.description == b.description }
}

extension Reference {
  /// Compares a result with what the reference gives, on the `canonicalBitPattern` of each element.
  ///
  /// - Returns: the first difference in row-major order, or `nil` where there is none.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public static func difference<Element: KernelElement>(
    of result: Matrix<Element>, from expected: Matrix<Element>
  ) -> Difference<Element>? {
    guard result.rows == expected.rows, result.columns == expected.columns else {
      return .shape(
        rows: result.rows, columns: result.columns, expectedRows: expected.rows, expectedColumns: expected.columns)
    }
    for r in 0..<result.rows {
      for c in 0..<result.columns {
        let (value, reference) = (at(result, r, c), at(expected, r, c))
        if value.canonicalBitPattern != reference.canonicalBitPattern {
          return .element(row: r, column: c, value: value, expected: reference)
        }
      }
    }
    return nil
  }

  /// True where every element is +0, as in memory where nothing was computed: agreeing with such a reference says
  /// little. An element of -0 has been computed.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public static func isAllZero<Element: KernelElement>(_ matrix: Matrix<Element>) -> Bool {
    matrix.elements.allSatisfy { $0.bitPattern == 0 }
  }
}
