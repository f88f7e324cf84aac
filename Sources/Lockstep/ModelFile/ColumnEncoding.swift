// How columns of a table become inputs and targets of a network, as values that model files keep, and the way back from outputs
// to numbers of a table. What makes encodings and applies them to tables lies in the module LockstepData.

import ComputeBackend

/// How one column of a table becomes inputs of a network, or a target.
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

  /// Whether the column becomes an input for each of its values.
  package var isCategorical: Bool { if case .categories = self { true } else { false } }

  /// Whether the column's numbers are taken as they are.
  package var isPlain: Bool { if case .number = self { true } else { false } }

  /// The same for a column of another name.
  package func renamed(to column: String) -> ColumnEncoding {
    switch self {
    case .number: .number(column: column)
    case .scaled(_, let mean, let deviation): .scaled(column: column, mean: mean, deviation: deviation)
    case .categories(_, let values): .categories(column: column, values: values)
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

extension Matrix {
  /// Outputs of a network as numbers of the columns that its targets were made of: `mean + deviation × output` for a scaled one,
  /// each operation rounded to `Double`, the result to `Element`.
  ///
  /// - Parameter encodings: how each column was encoded, as ``/Lockstep/ModelDescription/targetEncodings`` tells.
  /// - Returns: `[rows × columns]`, as it came.
  /// - Precondition: there is an encoding for each column, and none is of categories.
  public func decoded(by encodings: [ColumnEncoding]) -> Matrix {
    precondition(encodings.count == columns, "There are more or fewer encodings than columns")
    var elements = elements
    for (column, encoding) in encodings.enumerated() {
      switch encoding {
      case .number: break
      case .scaled(_, let mean, let deviation):
        for row in 0..<rows {
          let place = row * columns + column
          elements[place] = Element(mean + deviation * Double(elements[place]))
        }
      case .categories: preconditionFailure("Categories have several columns, which are no number of a table")
      }
    }
    return Matrix(rows: rows, columns: columns, elements: elements)
  }
}
