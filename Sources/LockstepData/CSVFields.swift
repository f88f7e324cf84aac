// One line of CSV as a list: how column names are given outside of files. Files are read in CSVText.swift.

import CLockstepData

/// The fields of one line of CSV, quoted as in a file: `a,"b, c"` has the fields `a` and `b, c`.
///
/// - Parameter line: the text, without a line break at its end.
/// - Returns: the fields without blanks around them, or `nil` where quotes do not pair or there is more than one line.
package func csvFields(in line: String) -> [String]? {
  let bytes = FileBytes(line.utf8)
  var cursor = lockstep_csv_cursor(from: 0, delimiter: .comma)
  // A field more than there are commas, at most.
  var fields = Array(repeating: lockstep_csv_field(), count: bytes.count + 1)
  var found = 0
  switch csvRow(bytes, &cursor, &fields, &found) {
  case LOCKSTEP_CSV_ROW: break
  case LOCKSTEP_CSV_END: return []
  default: return nil
  }
  let names = fields.prefix(found).map { csvText(of: $0, in: bytes) }
  return csvRow(bytes, &cursor, &fields, &found) == LOCKSTEP_CSV_END ? names : nil
}
