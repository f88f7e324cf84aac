// One line of CSV as a list: how column names are given outside of files. Files are read in CSVScanner.swift.

import CCSV

/// The fields of one line of CSV, quoted as in a file: `a,"b, c"` has the fields `a` and `b, c`.
///
/// - Parameter line: the text, without a line break at its end.
/// - Returns: the fields without blanks around them, or `nil` where quotes do not pair or there is more than one line.
package func csvFields(in line: String) -> [String]? {
  final class Collector {
    var fields: [String] = []
    var rows = 0
  }
  var parser = csv_parser()
  csv_init(&parser, UInt8(CSV_STRICT | CSV_STRICT_FINI))
  defer { csv_free(&parser) }

  let collector = Collector()
  let context = Unmanaged.passUnretained(collector).toOpaque()
  func takeField(_ bytes: UnsafeMutableRawPointer?, _ count: Int, _ context: UnsafeMutableRawPointer?) {
    let bytes = Array(UnsafeRawBufferPointer(start: bytes, count: count))
    Unmanaged<Collector>.fromOpaque(context!).takeUnretainedValue().fields.append(
      String(decoding: trimmed(bytes[...]), as: UTF8.self))
  }
  func takeRow(_: Int32, _ context: UnsafeMutableRawPointer?) {
    Unmanaged<Collector>.fromOpaque(context!).takeUnretainedValue().rows += 1
  }
  let bytes = Array(line.utf8)
  guard csv_parse(&parser, bytes, bytes.count, takeField, takeRow, context) == bytes.count,
    csv_fini(&parser, takeField, takeRow, context) == 0
  else { return nil }
  return collector.rows <= 1 ? collector.fields : nil
}
