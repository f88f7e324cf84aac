// Numbers of rows that share a race.

/// Numbers of rows that share a race: each up to 16 alone, beyond by quarters of the way from one power of two to the
/// next, so that batches of ever changing sizes come to decisions, and none is more than a quarter larger than another
/// of its class.
struct RowClass: Hashable, Sendable {
  /// How many classes there are.
  static let count = RowClass(rows: .max).index + 1

  /// Its number, from 0.
  let index: Int

  /// The class of `rows`, 0 or more.
  @inline(__always)
  init(rows: Int) {
    guard rows > 16 else {
      index = max(rows, 0)
      return
    }
    let exponent = Int.bitWidth - 1 - rows.leadingZeroBitCount
    index = 17 + 4 * (exponent - 4) + (rows >> (exponent - 2)) & 3
  }

  /// The rows of the class.
  var rows: ClosedRange<Int> {
    guard index > 16 else { return index...index }
    let (octave, quarter) = (index - 17).quotientAndRemainder(dividingBy: 4)
    let unit = 1 << (octave + 2)
    let first = (4 + quarter) * unit
    // 16 has a class of its own.
    return max(first, 17)...first + (unit - 1)
  }
}
