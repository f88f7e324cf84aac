// What can be wrong with a CSV file, and the sentence that says so. How files are read lies in CSVScanner.swift.

import ComputeBackend

/// A CSV file that cannot be used: where, what is wrong and what to do about it.
public struct CSVError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file, as the caller named it.
  public let file: String
  /// The line of the file, counted from 1, blank lines and lines inside quotes too; `nil` where no line is at fault.
  public let line: Int?
  /// The name of the column, or `nil` where the problem is not that of one cell.
  public let column: String?
  /// What is wrong.
  public let problem: Problem

  /// What can be wrong with a CSV file.
  public enum Problem: Sendable, Equatable {
    /// There is no file of that name.
    case missing
    /// The path names a folder.
    case folder
    /// The system refuses to read, with its own words for why.
    case unreadable(reason: String)
    /// There is no header.
    case empty
    /// There are no rows below the header.
    case noRows
    /// A column of the header has no name; positions count from 1.
    case unnamedColumn(position: Int)
    /// Two columns of the header have one name; positions count from 1.
    case duplicateColumn(name: String, first: Int, second: Int)
    /// A row with more or fewer fields than the header has.
    case raggedRow(expected: Int, found: Int)
    /// A blank line that is followed by a row.
    case blankLine
    /// A cell that a number was asked of and that is empty.
    case emptyCell
    /// A cell that a number was asked of and that holds something else.
    case notANumber(text: String)
    /// A number that is infinite, or becomes so in the precision asked for; or a NaN.
    case notFinite(text: String, precision: Precision)
    /// A quoted field without a closing quote.
    case unterminatedQuote
    /// A quote in the middle of a field.
    case strayQuote
    /// Bytes that are not UTF-8 text.
    case notUTF8
    /// A zero byte, which no text in UTF-8 has.
    case zeroByte
    /// A header of one field that holds another separator than a comma, as the rows do.
    case otherSeparator(Character)
    /// A column that was asked for and is not there.
    case unknownColumn(name: String, nearest: String?, columns: [String])
    /// The machine has too little memory for the file.
    case outOfMemory
  }

  public var description: String {
    var place = file
    if let line { place += ", line \(line)" }
    if let column { place += ", column \(shown(column))" }
    return "\(place): \(problem.sentence)."
  }
}

extension CSVError.Problem {
  fileprivate var sentence: String {
    switch self {
    case .missing: "there is no such file; check the path"
    case .folder: "this is a folder; name a CSV file"
    case .unreadable(let reason): "the file cannot be read (\(reason))"
    case .empty: "the file is empty; its first line must name the columns"
    case .noRows: "the file has a header but no rows; add at least one row of numbers"
    case .unnamedColumn(let position): "column \(position) has no name; name every column in the header"
    case .duplicateColumn(let name, let first, let second):
      "columns \(first) and \(second) are both named \(shown(name)); give each a name of its own"
    case .raggedRow(let expected, let found):
      "expected \(expected) field\(expected == 1 ? "" : "s") as in the header, found \(found); "
        + (found < expected ? "add what is missing" : "remove what is too much, or quote fields that contain commas")
    case .blankLine: "the line is blank and rows follow; remove it, or fill it in"
    case .emptyCell: "the cell is empty; put a number there, or leave the row out"
    case .notANumber(let text): "expected a number like -1.5 or 2e-3, found \(shown(text))"
    case .notFinite(let text, let precision):
      "\(shown(text)) is not a finite number in precision \(precision.rawValue); put one there, "
        + (precision == .f32 && Double(text)?.isFinite == true
          ? "or compute in f64 (for the tool: --precision f64)" : "or leave the row out")
    case .unterminatedQuote: "the quote that opens this field is never closed; add the closing quote"
    case .strayQuote:
      "there is a quote in the middle of the field; put the whole field in quotes and double each quote inside"
    case .notUTF8: "the bytes are not UTF-8 text; save the file as CSV in UTF-8"
    case .zeroByte: "there is a zero byte, so this is not a text file, or one in UTF-16; save it as CSV in UTF-8"
    case .otherSeparator(let separator):
      "the fields are separated by \(separator == "\t" ? "tabs" : "'\(separator)'"); the separator must be a comma"
    case .unknownColumn(let name, let nearest, let columns):
      "there is no column \(shown(name))\(nearest.map { " (did you mean \(shown($0))?)" } ?? ""); "
        + "the columns are \(list(columns))"
    case .outOfMemory: "the file does not fit into memory; split it"
    }
  }
}

/// `text` in double quotes, on one line and not too long, with control characters made visible.
private func shown(_ text: String) -> String {
  let limit = 60
  return text.count > limit ? "\(text.prefix(limit).debugDescription)..." : text.debugDescription
}

private func list(_ columns: [String]) -> String {
  let limit = 20
  let names = columns.prefix(limit).map(shown).joined(separator: ", ")
  return columns.count > limit ? "\(names) and \(columns.count - limit) more" : names
}
