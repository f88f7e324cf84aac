// The order in which sums are taken: constants and the pairwise tree. The article "The order of arithmetic" says why.

/// The shape rules of the order of arithmetic. None depends on backend, vector width, threads or schedule.
public enum OrderOfArithmetic {
  /// The version of the contract. It changes when any result bit of any shape does.
  public static let version = 1

  /// Rows in a leaf: sums over rows run inside leaves of this many consecutive rows, the last leaf may have fewer.
  @inlinable public static var leafRows: Int { 256 }

  /// Stripes in a leaf of a narrow sum: stripe `s` takes rows `s`, `s + 16`, `s + 32`, ...
  @inlinable public static var stripes: Int { 16 }

  /// True for a layer whose gradient sums run in stripes: fewer than 16 weights.
  @inlinable
  public static func isNarrow(inputs: Int, outputs: Int) -> Bool {
    inputs < 16 && outputs < 16 && inputs * outputs < 16
  }

  /// The number of leaves that `rows` rows make.
  @inlinable
  public static func leafCount(rows: Int) -> Int {
    (rows + leafRows - 1) / leafRows
  }

  /// The number of leaves under the left child of a node over `leaves` leaves: the largest power of two below `leaves`.
  ///
  /// - Precondition: `leaves` is 2 or more.
  @inlinable
  public static func leftLeaves(of leaves: Int) -> Int {
    1 << (Int.bitWidth - 1 - (leaves - 1).leadingZeroBitCount)
  }
}
