// From a file to cells of text: libcsv splits it, this keeps the cells and knows on which line it is. What the cells
// mean lies in CSVTable.swift.

import CCSV

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The cells of a CSV file as text, row after row, each ended by a zero byte.
///
/// That is never more than the file's own size, whatever the numbers in it become later.
struct CSVCells {
  var columnNames: [String] = []
  var rowCount = 0
  /// The line that the first row starts on. Later ones follow from the line breaks inside cells: between rows there is
  /// one each, since blank lines are refused.
  var firstRowLine = 0
  var text: [UInt8] = []
}

/// Takes what libcsv finds, field by field, and keeps the first error.
final class CSVScanner {
  private(set) var cells = CSVCells()
  private let file: String
  private var error: CSVError?
  /// The line that the next field starts on.
  private var line = 1
  private var rowLine = 1
  private var headerLine = 1
  private var endedByCarriageReturn = false
  private var blankLine: Int?
  private var fieldsInRow = 0
  private static let otherSeparators: [Character] = [";", "\t"]
  private var separatorsInFirstRow: Set<Character> = []
  private var hasHeader = false

  private init(file: String) {
    self.file = file
  }

  /// The cells of the file at `path`.
  static func cells(of path: String) throws(CSVError) -> CSVCells {
    let scanner = CSVScanner(file: path)
    try scanner.read()
    return scanner.cells
  }

  private func read() throws(CSVError) {
    guard let stream = fopen(file, "r") else {
      throw fileError(errno == ENOENT ? .missing : .unreadable(reason: String(cString: strerror(errno))))
    }
    defer { fclose(stream) }

    var parser = csv_parser()
    csv_init(&parser, UInt8(CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL))
    defer { csv_free(&parser) }
    // libcsv's own step, 128 bytes, makes a quote that is never closed take quadratic time.
    csv_set_blk_size(&parser, 1 << 20)

    let context = Unmanaged.passUnretained(self).toOpaque()
    var block = [UInt8](repeating: 0, count: 1 << 16)
    var isFirst = true
    while true {
      let count = fread(&block, 1, block.count, stream)
      if count < block.count, ferror(stream) != 0 {
        throw fileError(errno == EISDIR ? .folder : .unreadable(reason: String(cString: strerror(errno))))
      }
      // Spreadsheets mark UTF-8 with three bytes that belong to no field.
      let start = isFirst && block[..<count].starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
      isFirst = false
      let wanted = count - start
      let parsed = block.withUnsafeBytes {
        csv_parse(&parser, $0.baseAddress! + start, wanted, fieldFound, rowFound, context)
      }
      if let error { throw error }
      if parsed != wanted {
        // Of bytes that are no text, whatever stops the parser is not what is wrong.
        if block[start..<count].contains(0) { throw fileError(.zeroByte) }
        throw parserError(csv_error(&parser), otherwise: .strayQuote)
      }
      if count < block.count { break }
    }
    let ended = csv_fini(&parser, fieldFound, rowFound, context)
    if let error { throw error }
    if ended != 0 { throw parserError(csv_error(&parser), otherwise: .unterminatedQuote) }
    if !hasHeader { throw fileError(.empty) }
    if cells.rowCount == 0 { throw fileError(.noRows) }
  }

  fileprivate func take(field: UnsafeRawBufferPointer) {
    guard error == nil else { return }
    endedByCarriageReturn = false
    if fieldsInRow == 0 {
      rowLine = line
      if let blankLine {
        return fail(.blankLine, line: blankLine)
      }
    }
    let position = fieldsInRow
    fieldsInRow += 1
    if hasHeader, cells.rowCount == 0 {
      separatorsInFirstRow.formUnion(Self.otherSeparators.filter { field.contains($0.asciiValue!) })
    }
    // Surplus fields are only counted, for the message.
    if hasHeader, position >= cells.columnNames.count { return }
    guard !field.contains(0) else { return fail(.zeroByte, line: line, column: columnName(position)) }
    guard isText(field) else { return fail(.notUTF8, line: line, column: columnName(position)) }
    if hasHeader {
      cells.text.append(contentsOf: field)
      cells.text.append(0)
    } else {
      cells.columnNames.append(String(decoding: trimmed(Array(field)[...]), as: UTF8.self))
    }
    line += lineBreaks(in: field)
  }

  fileprivate func takeRow(endedBy character: Int32) {
    guard error == nil else { return }
    let endsCRLF = character == CSV_LF && endedByCarriageReturn
    endedByCarriageReturn = character == CSV_CR
    if fieldsInRow > 0 {
      endRow()
    } else if !endsCRLF {
      blankLine = blankLine ?? line
    }
    if !endsCRLF { line += 1 }
  }

  private func endRow() {
    let found = fieldsInRow
    fieldsInRow = 0
    let expected = cells.columnNames.count
    if !hasHeader {
      hasHeader = true
      headerLine = rowLine
      checkHeader()
    } else if cells.rowCount == 0, let separator = otherSeparator {
      fail(.otherSeparator(separator), line: headerLine)
    } else if found != expected {
      fail(.raggedRow(expected: expected, found: found), line: rowLine)
    } else {
      if cells.rowCount == 0 { cells.firstRowLine = rowLine }
      cells.rowCount += 1
    }
  }

  /// What stands between the fields in place of commas: it is in the header, a single field, and in the first row.
  private var otherSeparator: Character? {
    guard cells.columnNames.count == 1 else { return nil }
    return Self.otherSeparators.first { separator in
      cells.columnNames[0].contains(separator) && separatorsInFirstRow.contains(separator)
    }
  }

  private func checkHeader() {
    var positions: [String: Int] = [:]
    for (index, name) in cells.columnNames.enumerated() {
      if name.isEmpty { return fail(.unnamedColumn(position: index + 1), line: rowLine) }
      if let earlier = positions.updateValue(index, forKey: name) {
        return fail(.duplicateColumn(name: name, first: earlier + 1, second: index + 1), line: rowLine)
      }
    }
  }

  private func fail(_ problem: CSVError.Problem, line: Int, column: String? = nil) {
    error = CSVError(file: file, line: line, column: column, problem: problem)
  }

  private func fileError(_ problem: CSVError.Problem) -> CSVError {
    CSVError(file: file, line: nil, column: nil, problem: problem)
  }

  private func parserError(_ code: Int32, otherwise problem: CSVError.Problem) -> CSVError {
    guard code == CSV_EPARSE else { return fileError(.outOfMemory) }
    if let blankLine { return CSVError(file: file, line: blankLine, column: nil, problem: .blankLine) }
    return CSVError(file: file, line: line, column: columnName(fieldsInRow), problem: problem)
  }

  private func columnName(_ position: Int) -> String? {
    hasHeader && position < cells.columnNames.count ? cells.columnNames[position] : nil
  }
}

private func fieldFound(_ bytes: UnsafeMutableRawPointer?, _ count: Int, _ context: UnsafeMutableRawPointer?) {
  Unmanaged<CSVScanner>.fromOpaque(context!).takeUnretainedValue()
    .take(field: UnsafeRawBufferPointer(start: bytes, count: count))
}

private func rowFound(_ character: Int32, _ context: UnsafeMutableRawPointer?) {
  Unmanaged<CSVScanner>.fromOpaque(context!).takeUnretainedValue().takeRow(endedBy: character)
}

private func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
  bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
}

/// How many line breaks `bytes` hold, the pair CR LF taken as one.
func lineBreaks(in bytes: some Sequence<UInt8>) -> Int {
  var count = 0
  var previous: UInt8 = 0
  for byte in bytes {
    if byte == UInt8(CSV_CR) || (byte == UInt8(CSV_LF) && previous != UInt8(CSV_CR)) { count += 1 }
    previous = byte
  }
  return count
}

/// `text` without blanks around it.
func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
  func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(CSV_SPACE) || byte == UInt8(CSV_TAB) }
  let front = text.drop(while: isBlank)
  let end = front.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? front.startIndex
  return front[..<end]
}
