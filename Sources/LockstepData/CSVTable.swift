// A table read from a CSV file: its columns by name, their cells as numbers. Splitting the file lies in CSVScanner.swift.

import ComputeBackend

/// A table from a CSV file: a header that names the columns, rows of cells below it.
///
/// Fields are separated by commas and may be quoted, lines end in LF or CR LF, the text is UTF-8 with or without a mark
/// in front, blanks around a field and blank lines at the end do not count. The cells stay text until a column is asked
/// for: a column that nobody asks for may hold anything, and a number is rounded once, from its decimal digits to the
/// precision asked for.
public struct CSVTable: Sendable {
  /// The file, as the caller named it.
  public let file: String
  private let cells: CSVCells

  /// The names of the columns, from left to right.
  public var columnNames: [String] { cells.columnNames }

  /// How many rows there are below the header: at least one.
  public var rowCount: Int { cells.rowCount }

  /// Reads the file at `path`.
  ///
  /// - Throws: ``CSVError`` for a file that cannot be read or is no table.
  public init(contentsOf path: String) throws(CSVError) {
    file = path
    cells = try CSVScanner.cells(of: path)
  }

  /// The numbers of some columns, in the order asked for.
  ///
  /// - Parameters:
  ///   - columns: names of columns; one may occur twice.
  ///   - type: the precision, which each cell's decimal number is rounded to.
  /// - Returns: `[rows × columns]`.
  /// - Throws: ``CSVError`` for a column that is not there, and for a cell that is empty or holds no finite decimal
  ///   number.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func matrix<Element: KernelElement>(
    columns: [String], as type: Element.Type = Element.self
  ) throws(CSVError) -> Matrix<Element> {
    let destinations = try destinations(of: columns)
    var elements = [Element](repeating: 0, count: rowCount * columns.count)
    var line = cells.firstRowLine
    var start = cells.text.startIndex
    for row in 0..<rowCount {
      for (column, places) in destinations.enumerated() {
        let end = cells.text[start...].firstIndex(of: 0) ?? cells.text.endIndex
        let cell = cells.text[start..<end]
        if places.isEmpty {
          line += lineBreaks(in: cell)
        } else {
          // A number has no line breaks inside.
          let value: Element = try number(cell, line: line, column: columnNames[column])
          for place in places { elements[row * columns.count + place] = value }
        }
        start = end + 1
      }
      line += 1
    }
    return Matrix(rows: rowCount, columns: columns.count, elements: elements)
  }

  /// The line of the file that row `row` (from 0) starts on.
  ///
  /// - Precondition: there is such a row.
  public func line(ofRow row: Int) -> Int {
    precondition(row >= 0 && row < rowCount, "There is no row \(row)")
    var line = cells.firstRowLine
    var start = cells.text.startIndex
    for index in 0..<row * columnNames.count {
      let end = cells.text[start...].firstIndex(of: 0) ?? cells.text.endIndex
      line += lineBreaks(in: cells.text[start..<end])
      if (index + 1) % columnNames.count == 0 { line += 1 }
      start = end + 1
    }
    return line
  }

  /// For each column of the file, where in a row of the result its numbers go.
  private func destinations(of columns: [String]) throws(CSVError) -> [[Int]] {
    let positions = Dictionary(uniqueKeysWithValues: columnNames.enumerated().map { ($1, $0) })
    var destinations = [[Int]](repeating: [], count: columnNames.count)
    for (place, name) in columns.enumerated() {
      guard let position = positions[name] else {
        throw CSVError(
          file: file, line: nil, column: nil,
          problem: .unknownColumn(name: name, nearest: nearestName(to: name, among: columnNames), columns: columnNames))
      }
      destinations[position].append(place)
    }
    return destinations
  }

  private func number<Element: KernelElement>(
    _ cell: ArraySlice<UInt8>, line: Int, column: String
  ) throws(CSVError) -> Element {
    let digits = trimmed(cell)
    let text = String(decoding: digits, as: UTF8.self)
    let problem: CSVError.Problem
    if let value: Element = parsed(text) {
      if value.isFinite, digits.allSatisfy(isDecimal) { return value }
      // Swift reads hexadecimal numbers too, which nobody writes in a table on purpose.
      problem = value.isFinite ? .notANumber(text: text) : .notFinite(text: text, precision: Element.precision)
    } else {
      problem = text.isEmpty ? .emptyCell : .notANumber(text: text)
    }
    throw CSVError(file: file, line: line, column: column, problem: problem)
  }
}

/// The number that `text` spells, rounded to nearest even once.
private func parsed<Element: KernelElement>(_ text: String) -> Element? {
  switch Element.precision {
  case .f32: Float(text).map { Element($0) }
  case .f64: Double(text).map { Element($0) }
  }
}

private func isDecimal(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"),
    UInt8(ascii: "e"), UInt8(ascii: "E"):
    true
  default: false
  }
}
