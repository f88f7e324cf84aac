// A CSV file in memory: its header, how many rows follow, and that each of them has the header's fields. Where fields lie is
// found by CLockstepData; what cells mean is found out in CSVCells.swift.

import CLockstepData

/// The bytes of a CSV file that is known to be a table.
///
/// Fields may be quoted, rows end in LF, CR or CR LF, the text is UTF-8 with or without a mark in front, blanks around a field and
/// blank lines do not count. Cells stay text until they are asked for, so that a column that nobody asks for may hold anything.
struct CSVText: Sendable {
  let file: String
  let bytes: FileBytes
  let delimiter: CSVDelimiter
  let decimalMark: DecimalMark
  /// Whether the columns have names of their own.
  let hasHeader: Bool
  let columnNames: [String]
  let rowCount: Int
  /// In front of the first row.
  let start: lockstep_csv_cursor

  /// Takes `bytes` as a table, and from `memory` what its columns take.
  ///
  /// - Parameters:
  ///   - options: how they are read.
  ///   - name: what the columns are called, with a number each, where there is no header.
  /// - Throws: ``DataError`` where they are none.
  init(
    _ bytes: FileBytes, file: String, options: DataOptions, numbered name: String, memory: inout MemoryBudget
  ) throws(DataError) {
    delimiter = options.delimiter ?? CSVDelimiter(ofName: file)
    decimalMark = options.decimalMark
    hasHeader = options.hasHeader
    var reader = CSVReader(bytes, file: file, delimiter: delimiter, decimalMark: decimalMark)
    if hasHeader {
      columnNames = try reader.header(memory: &memory)
    } else {
      columnNames = numberedNames(name, count: try reader.width(memory: &memory))
    }
    start = reader.cursor
    if columnNames.count == 1 { try reader.checkDelimiter(from: hasHeader ? nil : start) }
    rowCount = try reader.rows(columnNames: columnNames)
    self.file = file
    self.bytes = bytes
  }
}

/// Goes once through the bytes of a CSV file, from the header to the end.
private struct CSVReader {
  private(set) var cursor: lockstep_csv_cursor
  private let bytes: FileBytes
  private let file: String
  private let delimiter: CSVDelimiter
  private let decimalMark: DecimalMark
  /// The header, or what stands in its place.
  private var headerLine = 1
  private var headerBytes = 0..<0

  init(_ bytes: FileBytes, file: String, delimiter: CSVDelimiter, decimalMark: DecimalMark) {
    self.bytes = bytes
    self.file = file
    self.delimiter = delimiter
    self.decimalMark = decimalMark
    // Spreadsheets mark UTF-8 with three bytes that belong to no field.
    cursor = lockstep_csv_cursor(
      from: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0, delimiter: delimiter, decimalMark: decimalMark)
  }

  /// How many fields the first row has, for which memory is taken; the cursor stays in front of it.
  mutating func width(memory: inout MemoryBudget) throws(DataError) -> Int {
    var fields: [lockstep_csv_field] = []
    var found = 0
    var ahead = cursor
    let status = csvRow(bytes, &ahead, &fields, &found)
    if status == LOCKSTEP_CSV_END { throw failure(.empty) }
    do throws(FileProblem) {
      // Names and where they lie, and the text of long ones.
      try memory.take(found, times: MemoryBudget.bytesPerColumn)
      try memory.take(ahead.offset - cursor.offset)
    } catch {
      throw failure(error.problem)
    }
    guard status == LOCKSTEP_CSV_ROW else {
      cursor = ahead
      throw otherSeparator() ?? syntaxError(status, column: nil)
    }
    headerLine = ahead.row_line
    headerBytes = ahead.row_offset..<ahead.offset
    return found
  }

  /// The names in the first line.
  mutating func header(memory: inout MemoryBudget) throws(DataError) -> [String] {
    var found = try width(memory: &memory)
    var fields = Array(repeating: lockstep_csv_field(), count: found)
    _ = csvRow(bytes, &cursor, &fields, &found)
    for field in fields { try checkText(field, column: nil) }
    let names = fields.map { csvText(of: $0, in: bytes) }
    // What is in quotes is a name, whatever it says.
    let isQuoted = bytes[headerBytes].contains(UInt8(ascii: "\""))
    if isSeparatorLine(bytes[headerBytes]) { throw failure(.separatorLine, line: headerLine) }
    // Numbers from 0 on are what pandas calls columns that have no names.
    let isCounted = names.count > 2 && names == (0..<names.count).map(String.init)
    if !isQuoted, !isCounted, names.allSatisfy({ decimalMark.isNumber($0) }) {
      throw failure(.numericHeader, line: headerLine)
    }
    var positions: [String: Int] = [:]
    for (index, name) in names.enumerated() {
      if name.isEmpty { throw failure(.unnamedColumn(position: index + 1), line: headerLine) }
      if let earlier = positions.updateValue(index, forKey: name) {
        throw failure(.duplicateColumn(name: name, first: earlier + 1, second: index + 1), line: headerLine)
      }
    }
    return names
  }

  /// Refuses a single column whose first two lines hold another delimiter.
  ///
  /// - Parameter start: where the second of them is looked for from; `nil` for behind the header.
  func checkDelimiter(from start: lockstep_csv_cursor?) throws(DataError) {
    var fields: [lockstep_csv_field] = []
    var found = 0
    var ahead = start ?? cursor
    if start != nil { _ = csvRow(bytes, &ahead, &fields, &found) }
    guard csvRow(bytes, &ahead, &fields, &found) == LOCKSTEP_CSV_ROW else { return }
    let lines = [bytes[headerBytes], bytes[ahead.row_offset..<ahead.offset]]
    for other in CSVDelimiter.allCases
    where other != delimiter && other.byte != decimalMark.byte && lines.allSatisfy({ $0.contains(other.byte) }) {
      throw failure(.otherSeparator(other, expected: delimiter), line: headerLine)
    }
  }

  /// What is wrong with a first line whose quotes are right with another delimiter.
  private func otherSeparator() -> DataError? {
    for other in CSVDelimiter.allCases where other != delimiter {
      var fields: [lockstep_csv_field] = []
      var found = 0
      var ahead = lockstep_csv_cursor(from: cursor.offset, delimiter: other, decimalMark: decimalMark)
      if csvRow(bytes, &ahead, &fields, &found) == LOCKSTEP_CSV_ROW, found > 1 {
        return failure(.otherSeparator(other, expected: delimiter), line: cursor.line)
      }
    }
    return nil
  }

  /// How many rows there are, each of which has a field for each column.
  mutating func rows(columnNames: [String]) throws(DataError) -> Int {
    let columns = columnNames.count
    var fields = Array(repeating: lockstep_csv_field(), count: columns)
    var found = 0
    var rows = 0
    while true {
      let status = bytes.withUnsafeBufferPointer { bytes in
        lockstep_csv_read_plain_rows(bytes.baseAddress, bytes.count, &cursor, &fields, columns, &found, &rows)
      }
      switch status {
      case LOCKSTEP_CSV_ROW:
        // Text that is not ASCII may be none at all, wherever else the row is wrong.
        for (field, name) in zip(fields, columnNames).prefix(found) { try checkText(field, column: name) }
        guard found == columns else {
          throw foreign() ?? failure(.raggedRow(expected: columns, found: found), line: cursor.row_line)
        }
        rows += 1
      // In a single column, it might be a cell.
      case LOCKSTEP_CSV_BLANK_LINE where columns == 1: try checkEnd(afterLine: cursor.row_line)
      case LOCKSTEP_CSV_BLANK_LINE: break
      case LOCKSTEP_CSV_END:
        if rows == 0 { throw failure(.noRows) }
        return rows
      default: throw syntaxError(status, column: found < columns ? columnNames[found] : nil)
      }
    }
  }

  /// Refuses rows below a blank line.
  private func checkEnd(afterLine line: Int) throws(DataError) {
    var fields: [lockstep_csv_field] = []
    var found = 0
    var ahead = cursor
    if csvRow(bytes, &ahead, &fields, &found) != LOCKSTEP_CSV_END { throw failure(.blankLine, line: line) }
  }

  private func checkText(_ field: lockstep_csv_field, column: String?) throws(DataError) {
    let traits = Int(field.traits)
    let problem: DataError.Problem
    if traits & LOCKSTEP_CSV_ZERO != 0 {
      problem = .zeroByte
    } else if traits & LOCKSTEP_CSV_NOT_ASCII != 0,
      String(validating: bytes[field.start..<field.end], as: UTF8.self) == nil
    {
      problem = .notUTF8
    } else {
      return
    }
    let line = cursor.row_line + csvLineBreaks(in: bytes[cursor.row_offset..<field.start])
    throw failure(problem, line: line, column: column)
  }

  private func syntaxError(_ status: lockstep_csv_status, column: String?) -> DataError {
    // Of bytes that are no text, whatever stops the reader is not what is wrong.
    if bytes.contains(0) { return failure(.zeroByte) }
    return foreign()
      ?? failure(
        status == LOCKSTEP_CSV_OPEN_QUOTE ? .unterminatedQuote : .strayQuote, line: cursor.row_line, column: column)
  }

  /// What is wrong with text that breaks the rules of CSV and looks like something else.
  private func foreign() -> DataError? {
    ForeignFormat(ofText: bytes).map { failure(.foreignFormat(name: $0.name, advice: $0.advice)) }
  }

  private func failure(_ problem: DataError.Problem, line: Int? = nil, column: String? = nil) -> DataError {
    DataError(file: file, line: line, column: column, problem: problem)
  }
}

/// Whether a line tells Excel what separates fields, as in `sep=;`.
private func isSeparatorLine(_ line: some Collection<UInt8>) -> Bool {
  let text = line.filter { !Array("\" \r\n".utf8).contains($0) }
  return text.count == 5 && String(decoding: text.prefix(4), as: UTF8.self).lowercased() == "sep="
}

/// Names of columns that have none: `x0`, `x1` and so on, or `label` for labels of one column.
func numberedNames(_ name: String, count: Int, from first: Int = 0) -> [String] {
  name == "label" && count == 1 ? [name] : (0..<count).map { "\(name)\(first + $0)" }
}

// MARK: - Fields

extension lockstep_csv_cursor {
  /// In front of the byte at `offset`, at the start of a line.
  init(from offset: Int, delimiter: CSVDelimiter, decimalMark: DecimalMark = .point) {
    self.init(
      offset: offset, line: 1, row_offset: offset, row_line: 1, delimiter: delimiter.byte,
      decimal_mark: decimalMark.byte)
  }
}

/// Reads the next row with its first fields, as many as there is room for, and passes over blank lines in front of it.
func csvRow(
  _ bytes: FileBytes, _ cursor: inout lockstep_csv_cursor, _ fields: inout [lockstep_csv_field], _ found: inout Int
) -> lockstep_csv_status {
  bytes.withUnsafeBufferPointer { bytes in
    while true {
      let status = lockstep_csv_read_row(bytes.baseAddress, bytes.count, &cursor, &fields, fields.count, &found)
      if status != LOCKSTEP_CSV_BLANK_LINE { return status }
    }
  }
}

/// The text of a field.
func csvText(of field: lockstep_csv_field, in bytes: FileBytes) -> String {
  let content = bytes[field.start..<field.end]
  guard Int(field.traits) & LOCKSTEP_CSV_DOUBLED_QUOTE != 0 else { return String(decoding: content, as: UTF8.self) }
  var isSecond = false
  return String(
    decoding: content.filter { byte in
      isSecond = byte == UInt8(ascii: "\"") && !isSecond
      return byte != UInt8(ascii: "\"") || isSecond
    }, as: UTF8.self)
}

/// How many line breaks `bytes` hold, the pair CR LF taken as one.
func csvLineBreaks(in bytes: some Sequence<UInt8>) -> Int {
  var count = 0
  var previous: UInt8 = 0
  for byte in bytes {
    let isBreak = byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") && previous != UInt8(ascii: "\r")
    if isBreak { count += 1 }
    previous = byte
  }
  return count
}
