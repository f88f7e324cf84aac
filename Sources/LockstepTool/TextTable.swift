// Tables and numbers as text.

/// Columns, right-aligned unless said otherwise, two spaces apart.
struct TextTable {
  private let cells: [[String]]
  private let leading: Set<Int>
  private let widths: [Int]

  /// - Parameters:
  ///   - header: the first line; none where it is empty.
  ///   - rows: as many cells each.
  ///   - leadingColumns: the columns that are left-aligned.
  init(header: [String] = [], rows: [[String]], leadingColumns: Set<Int> = []) {
    let cells = header.isEmpty ? rows : [header] + rows
    let columnCount = cells.map(\.count).max() ?? 0
    self.cells = cells
    leading = leadingColumns
    widths = (0..<columnCount).map { column in cells.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
  }

  /// The lines, without spaces at their ends.
  var lines: [String] {
    cells.map { row in
      var line = row.indices.map { padded(row[$0], column: $0) }.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line
    }
  }

  private func padded(_ cell: String, column: Int) -> String {
    let space = String(repeating: " ", count: widths[column] - cell.count)
    return leading.contains(column) ? cell + space : space + cell
  }
}

/// A measure of which 1 is the best.
func share(_ value: Double) -> String { fixed(value, digits: 4) }

/// A number with `digits` digits after the point, rounded to nearest; the shortest form where it is too large for that.
func fixed(_ value: Double, digits: Int) -> String {
  var unit: Int64 = 1
  for _ in 0..<digits { unit *= 10 }
  let scaled = (value.magnitude * Double(unit)).rounded()
  guard value.isFinite, scaled < 0x1p53 else { return "\(value)" }
  let (whole, part) = Int64(scaled).quotientAndRemainder(dividingBy: unit)
  let sign = value < 0 && scaled > 0 ? "-" : ""
  guard digits > 0 else { return "\(sign)\(whole)" }
  let decimals = String(part)
  return "\(sign)\(whole)." + String(repeating: "0", count: digits - decimals.count) + decimals
}
