// How columns of a table become inputs of a network, as values that model files keep. What makes and applies them lies in the
// module LockstepData.

/// How one column of a table becomes inputs of a network.
public enum ColumnEncoding: Sendable, Equatable {
  /// One input: the number as it is.
  case number(column: String)
  /// One input: `(number - mean) / deviation`.
  case scaled(column: String, mean: Double, deviation: Double)
  /// An input for each of `values`: 1 where the column has that value, else 0.
  case categories(column: String, values: [String])

  /// The name of the column.
  public var column: String {
    switch self {
    case .number(let column), .scaled(let column, _, _), .categories(let column, _): column
    }
  }

  /// How many inputs the column becomes.
  public var inputCount: Int {
    if case .categories(_, let values) = self { values.count } else { 1 }
  }

  /// The names of the inputs: that of the column, or for categories `column=value` each.
  public var inputNames: [String] {
    if case .categories(let column, let values) = self { values.map { "\(column)=\($0)" } } else { [column] }
  }
}
