// A CSV file in memory: its header, how many rows follow, and that each of them has the header's fields. Where fields lie is
// found by CLockstepData; what cells mean is found out in CSVCells.swift.

import CLockstepData

/// The bytes of a CSV file that is known to be a table.
///
/// Fields may be quoted, rows end in LF, CR or CR LF, the text is UTF-8 with or without a mark in front, blanks around a field and
/// blank lines at the end do not count. Cells stay text until they are asked for, so that a column that nobody asks for may
/// hold anything.
struct CSVText: Sendable {
  let file: String
  let bytes: FileBytes
  let delimiter: CSVDelimiter
  let columnNames: [String]
  let rowCount: Int
  /// In front of the first row.
  let start: lockstep_csv_cursor

  /// Takes `bytes` as a table, and from `memory` what its columns take.
  ///
  /// - Throws: ``DataError`` where they are none.
  init(
    _ bytes: FileBytes, delimiter: CSVDelimiter, file: String, memory: inout MemoryBudget
  ) throws(DataError) {
    var reader = CSVReader(bytes, delimiter: delimiter, file: file)
    columnNames = try reader.header(memory: &memory)
    start = reader.cursor
    if columnNames.count == 1 { try reader.checkDelimiter(delimiter, name: columnNames[0]) }
    rowCount = try reader.rows(columnNames: columnNames)
    self.file = file
    self.delimiter = delimiter
    self.bytes = bytes
  }
}

/// Goes once through the bytes of a CSV file, from the header to the end.
private struct CSVReader {
  private(set) var cursor: lockstep_csv_cursor
  private let bytes: FileBytes
  private let file: String
  private var headerLine = 1

  init(_ bytes: FileBytes, delimiter: CSVDelimiter, file: String) {
    self.bytes = bytes
    self.file = file
    // Spreadsheets mark UTF-8 with three bytes that belong to no field.
    let offset = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    cursor = lockstep_csv_cursor(offset: offset, line: 1, row_offset: offset, row_line: 1, delimiter: delimiter.byte)
  }

  /// The names in the first line.
  mutating func header(memory: inout MemoryBudget) throws(DataError) -> [String] {
    var fields: [lockstep_csv_field] = []
    var found = 0
    var ahead = cursor
    var status = csvRow(bytes, &ahead, &fields, &found)
    if status == LOCKSTEP_CSV_BLANK_LINE {
      try onlyBlankLines(from: ahead.row_line, after: &ahead)
      status = LOCKSTEP_CSV_END
    }
    if status == LOCKSTEP_CSV_END { throw failure(.empty) }
    do throws(FileProblem) {
      // Names and where they lie, and the text of long ones.
      try memory.take(found, times: MemoryBudget.bytesPerColumn)
      try memory.take(ahead.offset - cursor.offset)
    } catch {
      throw failure(error.problem)
    }
    fields = Array(repeating: lockstep_csv_field(), count: max(found, 1))
    status = csvRow(bytes, &cursor, &fields, &found)
    guard status == LOCKSTEP_CSV_ROW else { throw syntaxError(status, column: nil) }
    headerLine = cursor.row_line
    for field in fields { try checkText(field, column: nil) }
    let names = fields.map { csvText(of: $0, in: bytes) }
    var positions: [String: Int] = [:]
    for (index, name) in names.enumerated() {
      if name.isEmpty { throw failure(.unnamedColumn(position: index + 1), line: headerLine) }
      if let earlier = positions.updateValue(index, forKey: name) {
        throw failure(.duplicateColumn(name: name, first: earlier + 1, second: index + 1), line: headerLine)
      }
    }
    return names
  }

  /// Refuses a single column whose name and first row hold another delimiter.
  func checkDelimiter(_ delimiter: CSVDelimiter, name: String) throws(DataError) {
    var fields: [lockstep_csv_field] = []
    var found = 0
    var ahead = cursor
    guard csvRow(bytes, &ahead, &fields, &found) == LOCKSTEP_CSV_ROW else { return }
    let row = bytes[ahead.row_offset..<ahead.offset]
    for other in CSVDelimiter.allCases
    where other != delimiter && name.utf8.contains(other.byte) && row.contains(other.byte) {
      throw failure(.otherSeparator(other, expected: delimiter), line: headerLine)
    }
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
          throw failure(.raggedRow(expected: columns, found: found), line: cursor.row_line)
        }
        rows += 1
      case LOCKSTEP_CSV_BLANK_LINE: try onlyBlankLines(from: cursor.row_line, after: &cursor)
      case LOCKSTEP_CSV_END:
        if rows == 0 { throw failure(.noRows) }
        return rows
      default: throw syntaxError(status, column: found < columns ? columnNames[found] : nil)
      }
    }
  }

  /// Refuses rows below a blank line.
  private func onlyBlankLines(from line: Int, after cursor: inout lockstep_csv_cursor) throws(DataError) {
    var fields: [lockstep_csv_field] = []
    var found = 0
    while true {
      switch csvRow(bytes, &cursor, &fields, &found) {
      case LOCKSTEP_CSV_BLANK_LINE: break
      case LOCKSTEP_CSV_END: return
      default: throw failure(.blankLine, line: line)
      }
    }
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
    return failure(
      status == LOCKSTEP_CSV_OPEN_QUOTE ? .unterminatedQuote : .strayQuote, line: cursor.row_line, column: column)
  }

  private func failure(_ problem: DataError.Problem, line: Int? = nil, column: String? = nil) -> DataError {
    DataError(file: file, line: line, column: column, problem: problem)
  }
}

// MARK: - Fields

/// Reads a row or a blank line with its first fields, as many as there is room for.
func csvRow(
  _ bytes: FileBytes, _ cursor: inout lockstep_csv_cursor, _ fields: inout [lockstep_csv_field], _ found: inout Int
) -> lockstep_csv_status {
  bytes.withUnsafeBufferPointer { bytes in
    lockstep_csv_read_row(bytes.baseAddress, bytes.count, &cursor, &fields, fields.count, &found)
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
