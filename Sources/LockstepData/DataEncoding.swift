// Columns as what a network takes and is compared with: numbers scaled, text as one number a category. The encodings themselves
// are values of the module Lockstep, which model files keep.

import ComputeBackend
import Lockstep

/// What is done with columns of numbers before a network takes them.
public enum ColumnScaling: Sendable, Equatable {
  /// Nothing.
  case none
  /// Each column gets the mean 0 and the deviation 1, over the rows that it is fitted to.
  case standardized
  /// Each number is divided by this one, such as 255 for pixels.
  case divided(by: Double)
}

extension DataTable {
  /// Those of `columns` that hold text: none of whose cells is a number.
  ///
  /// A column that holds both is one of numbers, with mistakes in it. So is one nine tenths of whose cells people take for
  /// numbers, and that are spelled in another way: with a decimal comma, marks between thousands, in single quotes, or with a
  /// currency or percent sign.
  ///
  /// - Throws: ``DataError`` for a column that is not there.
  public func textColumns(among columns: [String]) throws(DataError) -> [String] {
    let positions = try columns.map { (name) throws(DataError) in try position(ofColumn: name) }
    var isText: Set<String> = []
    for part in parts {
      guard case .csv(let table) = part.content else { continue }
      let here = positions.filter(part.columns.contains).map { $0 - part.columns.lowerBound }
      for column in table.textColumns(among: here) { isText.insert(table.columnNames[column]) }
    }
    return columns.filter(isText.contains)
  }

  /// Whether a column is plainly one of classes: text, or whole numbers of an array that is a file of labels.
  ///
  /// - Throws: ``DataError`` for a column that is not there.
  public func holdsClasses(inColumn name: String) throws(DataError) -> Bool {
    switch try part(ofColumn: name).part.content {
    case .csv: return try textColumns(among: [name]) == [name]
    case .array(let array): return labelColumns.contains(name) && array.isWhole
    }
  }

  /// The values of a column, each once: whole numbers from the smallest to the largest, anything else in the order of Unicode
  /// scalars. Texts that are canonically equivalent are one value, spelled as in the first row that has it.
  ///
  /// - Throws: ``DataError`` for a column that is not there and for an empty cell.
  public func categories(ofColumn name: String) throws(DataError) -> [String] {
    var memory = memory
    // Strings are equal where they are the same text to Unicode, however it is composed; the first spelling stands for it.
    var known: Set<String> = []
    try forEachText(ofColumn: name) { (_, text) throws(DataError) in
      guard known.insert(text).inserted else { return }
      try take(MemoryBudget.bytesPerCategory + MemoryBudget.bytes(besides: text), times: 1, from: &memory)
    }
    let values = Array(known)
    let numbers = values.compactMap { value in Int(value).flatMap { "\($0)" == value ? $0 : nil } }
    if numbers.count == values.count { return numbers.sorted().map(String.init) }
    return values.sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }
  }

  /// How columns become inputs of a network: text, and the columns that `categories` names, one input a category; numbers as
  /// they are, or scaled.
  ///
  /// - Parameters:
  ///   - columns: names of columns, none twice.
  ///   - categories: those of them whose numbers only tell categories apart.
  ///   - scaling: what is done with numbers.
  ///   - rows: the rows, from 0, that means and deviations are taken over, each in its order; `nil` for all. Categories are
  ///     always those of all rows.
  /// - Precondition: each of `rows` is a row of the table.
  /// - Throws: ``DataError`` for a column that is not there, for cells that are empty or no finite numbers, and for numbers too
  ///   large to have a deviation.
  public func encodings(
    of columns: [String], categories: [String] = [], scaling: ColumnScaling = .none, rows: [Int]? = nil
  ) throws(DataError) -> [ColumnEncoding] {
    let named = Set(categories)
    let categorical = named.union(try textColumns(among: columns.filter { !named.contains($0) }))
    let numeric = columns.filter { !categorical.contains($0) }
    var scaled: [String: ColumnEncoding] = [:]
    switch scaling {
    case .none: break
    case .divided(let divisor):
      for name in numeric { scaled[name] = .scaled(column: name, mean: 0, deviation: divisor) }
    case .standardized:
      let numbers = try matrix(columns: numeric, as: Double.self)
      let moments = rows.map { Moments(of: numbers, rows: $0) } ?? Moments(of: numbers, rows: 0..<rowCount)
      for (index, name) in numeric.enumerated() {
        let (mean, deviation) = (moments.means[index], moments.deviations[index])
        guard mean.isFinite, deviation.isFinite else {
          throw DataError(file: file, column: name, problem: .noDeviation)
        }
        scaled[name] = .scaled(column: name, mean: mean, deviation: deviation == 0 ? 1 : deviation)
      }
    }
    var encodings: [ColumnEncoding] = []
    for name in columns {
      encodings.append(
        categorical.contains(name)
          ? .categories(column: name, values: try self.categories(ofColumn: name))
          : scaled[name] ?? .number(column: name))
    }
    return encodings
  }

  /// Columns as inputs of a network.
  ///
  /// - Parameters:
  ///   - encodings: how; each column occurs once.
  ///   - type: the precision. A number as it is gets rounded to it once; a scaled one is computed in `Double`, each operation
  ///     rounded on its own, and rounded to it then.
  /// - Returns: `[rows × inputs]`, in the order of ``Lockstep/ColumnEncoding/inputNames``.
  /// - Throws: ``DataError``, also for a value that is none of a column's categories.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func matrix<Element: KernelElement>(
    encodedBy encodings: [ColumnEncoding], as type: Element.Type = Element.self
  ) throws(DataError) -> Matrix<Element> {
    let widths = encodings.map(\.inputCount)
    let width = widths.reduce(0, +)
    var memory = memory
    var elements = try zeros(columns: width, as: Element.self, memory: &memory)
    var plain: [(column: String, place: Int)] = []
    var scaled: [(column: String, place: Int, mean: Double, deviation: Double)] = []
    var place = 0
    for (encoding, columns) in zip(encodings, widths) {
      switch encoding {
      case .number(let column): plain.append((column, place))
      case .scaled(let column, let mean, let deviation): scaled.append((column, place, mean, deviation))
      case .categories(let column, let values):
        try setOnes(of: column, values: values, in: &elements, width: width, place: place, memory: memory)
      }
      place += columns
    }
    try read(columns: plain.map(\.column), into: &elements, width: width, places: plain.map(\.place))
    let numbers = try matrix(columns: scaled.map(\.column), as: Double.self, memory: &memory).elements
    let (places, means, deviations) = (scaled.map(\.place), scaled.map(\.mean), scaled.map(\.deviation))
    for row in 0..<(scaled.isEmpty ? 0 : rowCount) {
      for index in scaled.indices {
        let value = Element((numbers[row * scaled.count + index] - means[index]) / deviations[index])
        guard value.isFinite else {
          throw try error(
            .notFinite(text: "\(value)", precision: Element.precision), row: row, column: scaled[index].column)
        }
        elements[row * width + places[index]] = value
      }
    }
    return Matrix(rows: rowCount, columns: width, elements: elements)
  }

  /// A column of classes as targets of a network: 1 for the class of a row, 0 for the others.
  ///
  /// - Parameters:
  ///   - column: the name of the column.
  ///   - classes: the classes that there are, as from ``categories(ofColumn:)``.
  ///   - type: the precision.
  /// - Returns: `[rows × classes]`.
  /// - Throws: ``DataError`` for a column that is not there, an empty cell, and a value that is none of `classes`.
  public func matrix<Element: KernelElement>(
    ofColumn column: String, classes: [String], as type: Element.Type = Element.self
  ) throws(DataError) -> Matrix<Element> {
    try matrix(encodedBy: [.categories(column: column, values: classes)])
  }

  private func setOnes<Element: KernelElement>(
    of column: String, values: [String], in elements: inout [Element], width: Int, place: Int, memory: MemoryBudget
  ) throws(DataError) {
    var memory = memory
    try take(values.count, times: MemoryBudget.bytesPerCategory, from: &memory)
    let places = Dictionary(values.enumerated().map { ($1, place + $0) }, uniquingKeysWith: { first, _ in first })
    // Where all are whole numbers, others are told by what they are, not by how they are spelled.
    let numbers = values.compactMap(wholeNumber)
    let numberPlaces: [Int: Int] =
      Set(numbers).count == values.count ? Dictionary(uniqueKeysWithValues: zip(numbers, place...)) : [:]
    try forEachText(ofColumn: column) { (row, text) throws(DataError) in
      guard let place = places[text] ?? wholeNumber(text).flatMap({ numberPlaces[$0] }) else {
        throw try error(.unknownCategory(text: text, known: values), row: row, column: column)
      }
      elements[row * width + place] = 1
    }
  }
}

/// The mean and the deviation of each column.
private struct Moments {
  /// `Σ x / n`; the number itself where all are equal, which a rounded sum would miss.
  let means: [Double]
  /// `√(Σ (x - mean)² / n)`: 0 where all numbers are equal.
  let deviations: [Double]

  /// All sums in `Double`, row after row.
  init(of numbers: Matrix<Double>, rows: some Collection<Int>) {
    let count = Double(rows.count)
    let columns = numbers.columns
    let elements = numbers.elements
    var sums = [Double](repeating: 0, count: columns)
    var varies = [Bool](repeating: false, count: columns)
    let first = (rows.first ?? 0) * columns
    for row in rows {
      for column in 0..<columns {
        let value = elements[row * columns + column]
        sums[column] += value
        if value != elements[first + column] { varies[column] = true }
      }
    }
    let means = sums.indices.map { varies[$0] ? sums[$0] / count : elements[first + $0] }
    var squares = [Double](repeating: 0, count: columns)
    for row in rows {
      for column in 0..<columns {
        let difference = elements[row * columns + column] - means[column]
        squares[column] += difference * difference
      }
    }
    self.means = means
    deviations = squares.indices.map { column in
      if squares[column] > 0 || !varies[column] { return (squares[column] / count).squareRoot() }
      // Squares of differences this small are 0; those of their parts of the largest are not.
      let differences = rows.map { elements[$0 * columns + column] - means[column] }
      let largest = differences.reduce(0) { max($0, $1.magnitude) }
      let parts = differences.reduce(0) { $0 + ($1 / largest) * ($1 / largest) }
      return largest * (parts / count).squareRoot()
    }
  }
}
