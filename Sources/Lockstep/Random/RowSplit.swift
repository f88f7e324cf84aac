// Which rows of a table train and which validate.

import ComputeBackend

/// Rows parted at random into those that train a network and those that it is validated on.
///
/// The parts depend on the number of rows, the fraction and the seed, and on nothing else. The rows that validate are the first of
/// a random order of all, which the stream ``RandomStream/Purpose/split`` of the seed gives
/// (``RandomStream/permutation(_:)``); there are `fraction × rows` of them, rounded to the nearest whole number (ties away
/// from 0).
public struct RowSplit: Sendable, Equatable {
  /// The rows that train, from 0, ascending.
  public let training: [Int]
  /// The rows that validate, from 0, ascending.
  public let validation: [Int]

  /// Parts `rows` rows.
  ///
  /// - Parameters:
  ///   - rows: how many there are.
  ///   - fraction: the part that validates, between 0 and 1.
  ///   - seed: what the rows are drawn from.
  /// - Throws: ``TrainingError/schedule(_:)`` where the fraction is not between 0 and 1, or one of the parts is empty.
  public init(rows: Int, validation fraction: Double, seed: UInt64) throws(TrainingError) {
    guard fraction > 0, fraction < 1 else {
      throw .schedule("the fraction of rows for validation is \(fraction); it must lie between 0 and 1")
    }
    let count = Int((fraction * Double(rows)).rounded())
    guard count >= 1, count < rows else {
      throw .schedule(
        "a fraction of \(fraction) of \(rows) row\(rows == 1 ? "" : "s") leaves none "
          + "\(count < 1 ? "for validation" : "to train on"); take another fraction or more rows")
    }
    var stream = RandomStream(seed: seed, purpose: .split)
    var validates = [Bool](repeating: false, count: rows)
    for row in stream.permutation(rows).prefix(count) { validates[row] = true }
    training = (0..<rows).filter { !validates[$0] }
    validation = (0..<rows).filter { validates[$0] }
  }
}

extension Matrix {
  /// A copy of some rows, in the order given.
  ///
  /// - Precondition: each of them is a row of the matrix.
  public func rows(_ indices: [Int]) -> Matrix {
    var result: [Element] = []
    result.reserveCapacity(indices.count * columns)
    for row in indices {
      precondition(row >= 0 && row < rows, "Row index out of range")
      result += elements[row * columns..<(row + 1) * columns]
    }
    return Matrix(rows: indices.count, columns: columns, elements: result)
  }
}
