// What the cells of a CSV file mean: numbers, rounded once from their decimal digits, or text. That the file is a table has been
// found out in CSVText.swift.

import CLockstepData
import ComputeBackend

extension CSVText {
  /// Puts the numbers of some columns into a row-major array.
  ///
  /// - Parameters:
  ///   - columns: positions of columns, ascending, none twice.
  ///   - places: for each of them, where in a row of the result it goes.
  ///   - elements: the result, whole rows of `width` elements.
  /// - Throws: ``DataError`` for a cell that is empty or holds no finite decimal number.
  func read<Element: KernelElement>(
    columns: [Int], places: [Int], into elements: inout [Element], width: Int
  ) throws(DataError) {
    var cursor = start
    var row = 0
    var first = 0
    var fields = Array(repeating: lockstep_csv_field(), count: columnNames.count)
    while row < rowCount {
      let stopped = readPlainNumbers(
        columns: columns, places: places, first: first, row: &row, cursor: &cursor, fields: &fields, into: &elements,
        width: width)
      guard stopped < columns.count else { return }
      // The cursor stands in front of a row with a cell that is no plain number.
      var found = 0
      var ahead = cursor
      _ = csvRow(bytes, &ahead, &fields, &found)
      elements[row * width + places[stopped]] = try number(
        fields[columns[stopped]], row: ahead, column: columnNames[columns[stopped]])
      first = stopped + 1
    }
  }

  private func readPlainNumbers<Element: KernelElement>(
    columns: [Int], places: [Int], first: Int, row: inout Int, cursor: inout lockstep_csv_cursor,
    fields: inout [lockstep_csv_field], into elements: inout [Element], width: Int
  ) -> Int {
    bytes.withUnsafeBufferPointer { bytes in
      elements.withUnsafeMutableBytes { elements in
        switch Element.precision {
        case .f32:
          lockstep_csv_read_f32(
            bytes.baseAddress, bytes.count, &cursor, &fields, columnNames.count, columns, places, columns.count, first,
            rowCount, &row, width, elements.baseAddress?.assumingMemoryBound(to: Float.self))
        case .f64:
          lockstep_csv_read_f64(
            bytes.baseAddress, bytes.count, &cursor, &fields, columnNames.count, columns, places, columns.count, first,
            rowCount, &row, width, elements.baseAddress?.assumingMemoryBound(to: Double.self))
        }
      }
    }
  }

  /// The number in a cell that is not plainly one.
  private func number<Element: KernelElement>(
    _ field: lockstep_csv_field, row: lockstep_csv_cursor, column: String
  ) throws(DataError) -> Element {
    let text = csvText(of: field, in: bytes)
    let problem: DataError.Problem
    if let value: Element = decimalMark.number(text) {
      // Swift reads hexadecimal numbers too, which nobody writes in a table on purpose.
      if value.isFinite, decimalMark.isNumber(text) { return value }
      problem = value.isFinite ? .notANumber(text: text) : .notFinite(text: text, precision: Element.precision)
    } else {
      problem = text.isEmpty ? .emptyCell : .notANumber(text: text)
    }
    let line = row.row_line + csvLineBreaks(in: bytes[row.row_offset..<field.start])
    throw DataError(file: file, line: line, column: column, problem: problem)
  }

  /// Calls `body` with each cell of a column as text.
  func forEachText(ofColumn column: Int, _ body: (String) throws(DataError) -> Void) throws(DataError) {
    _ = try firstRow(columns: column + 1) { (_, fields) throws(DataError) in
      try body(csvText(of: fields[column], in: bytes))
      return false
    }
  }

  /// Those of `columns` none of whose cells is a number, but those whose cells are numbers that are spelled in another way.
  func textColumns(among columns: [Int]) -> [Int] {
    // Most tables hold numbers, and their first row shows it.
    var candidates = columns
    _ = firstRow(columns: columnNames.count) { _, fields in
      candidates.removeAll { column in
        let value: Double? = decimalMark.number(csvText(of: fields[column], in: bytes))
        return value != nil
      }
      return candidates.isEmpty
    }
    // A tenth of the cells may be of another kind, missing ones for instance.
    var others = Dictionary(candidates.map { ($0, 0) }, uniquingKeysWith: { $1 })
    _ = firstRow(columns: columnNames.count) { _, fields in
      for column in others.keys where NumberSpelling(of: csvText(of: fields[column], in: bytes)) == nil {
        others[column]! += 1
        if 10 * others[column]! > rowCount { others[column] = nil }
      }
      return others.isEmpty
    }
    return candidates.filter { others[$0] == nil }
  }

  /// The line that row `row` (from 0) starts on.
  func line(ofRow row: Int) -> Int {
    firstRow(columns: 0) { index, _ in index == row }?.row_line ?? start.line
  }

  /// Goes through the rows until `body`, which is given the number of a row from 0 and its first fields, returns true.
  private func firstRow<Failure: Error>(
    columns: Int, where body: (Int, [lockstep_csv_field]) throws(Failure) -> Bool
  ) throws(Failure) -> lockstep_csv_cursor? {
    var cursor = start
    var fields = Array(repeating: lockstep_csv_field(), count: columns)
    var found = 0
    for row in 0..<rowCount {
      _ = csvRow(bytes, &cursor, &fields, &found)
      if try body(row, fields) { return cursor }
    }
    return nil
  }
}
