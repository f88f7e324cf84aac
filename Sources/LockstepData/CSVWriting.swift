// From numbers to a CSV file.

import ComputeBackend
import FileWriting

/// Writes a table as CSV: a header, then a line per row, each ended by LF.
///
/// A number is written as Swift describes it: with the fewest digits that read back to the same bits in its own
/// precision (`0.1`, `1e-05`, `5.0`; a NaN as `nan` without its payload, an infinity as `inf`, which ``DataTable``
/// refuses). A name is quoted where it must be.
///
/// - Parameters:
///   - header: one name a column.
///   - rows: `[rows × columns]`.
///   - destination: a file, there whole or not at all, or the standard output.
/// - Precondition: there are as many names as columns.
/// - Throws: `FileError` where something could not be written, a full disk and a closed pipe included.
@specialized(where Element == Float)
@specialized(where Element == Double)
public func writeCSV<Element: KernelElement>(
  header: [String], rows: Matrix<Element>, to destination: OutputDestination
) throws(FileError) {
  precondition(header.count == rows.columns, "A CSV header needs one name for each column")
  var file = try OutputFile(destination)
  try file.write(header.map(field).joined(separator: ",") + "\n")
  var line = ""
  for row in 0..<rows.rows {
    line.removeAll(keepingCapacity: true)
    for column in 0..<rows.columns {
      if column > 0 { line += "," }
      line += shortest(rows[row, column])
    }
    line += "\n"
    try file.write(line)
  }
  try file.finish()
}

private func shortest<Element: KernelElement>(_ value: Element) -> String {
  switch Element.precision {
  case .f32: Float(value).description
  case .f64: Double(value).description
  }
}

/// Fields as one line of CSV, such as ``csvFields(in:)`` reads.
package func csvLine(_ fields: [String]) -> String { fields.map(field).joined(separator: ",") }

/// Writes a table of text as CSV, as ``writeCSV(header:rows:to:)`` writes one of numbers.
///
/// - Parameters:
///   - header: one name a column.
///   - rows: for each row, a text a column.
///   - destination: a file, there whole or not at all, or the standard output.
/// - Throws: `FileError` where something could not be written.
package func writeCSV(
  header: [String], textRows rows: some Sequence<[String]>, to destination: OutputDestination
) throws(FileError) {
  var file = try OutputFile(destination)
  try file.write(header.map(field).joined(separator: ",") + "\n")
  for row in rows { try file.write(row.map(field).joined(separator: ",") + "\n") }
  try file.finish()
}

/// `name` as a field of CSV: in quotes, with quotes inside doubled, where commas, quotes, line breaks, blanks at an end or
/// nothing at all would be misread.
private func field(_ name: String) -> String {
  let blanks = Array(" \t".utf8)
  let isPlain =
    !name.utf8.contains(where: Array(",\"\r\n".utf8).contains)
    && name.utf8.first.map { !blanks.contains($0) } ?? false && name.utf8.last.map { !blanks.contains($0) } ?? false
  if isPlain { return name }
  return "\"" + name.unicodeScalars.map { $0 == "\"" ? "\"\"" : "\($0)" }.joined() + "\""
}
