// Tables that are read: what counts as CSV, and that each number is rounded once.

import ComputeBackend
import Foundation
import LockstepData
import Testing

/// Puts `bytes` into a file of its own for as long as `body` runs.
func withFile<Result>(_ bytes: some Sequence<UInt8>, _ body: (String) throws -> Result) throws -> Result {
  let path = NSTemporaryDirectory() + "lockstep-" + UUID().uuidString + ".csv"
  try Data(bytes).write(to: URL(fileURLWithPath: path))
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

private func table(_ text: String) throws -> DataTable {
  try withFile(text.utf8) { try DataTable(contentsOf: $0) }
}

private func numbers(_ text: String) throws -> [Double] {
  let table = try table(text)
  return try table.matrix(columns: table.columnNames, as: Double.self).elements
}

@Suite struct CSVReadingTests {
  @Test(arguments: [
    "a,b\n1,2\n3,4\n", "a,b\n1,2\n3,4", "a,b\r\n1,2\r\n3,4\r\n", "a,b\r\n1,2\r\n3,4", "a,b\r1,2\r3,4\r",
    "\u{FEFF}a,b\n1,2\n3,4\n", "\u{FEFF}\"a\",b\n1,2\n3,4\n", "a,b\n1,2\n3,4\n\n\n", "a,b\r\n1,2\r\n3,4\r\n\r\n \r\n",
    "\n \r\na,b\n\n1,2\n\t\n\r\n3,4\n\n", "\u{FEFF}\r\ra,b\r\r1,2\r\r\r3,4", "a,b\n\n\"1\",2\n\n+3,4.",
    " a , b\t\n 1 ,\t2\n3,4 \n", "\"a\",\"b\"\n\"1\",\" 2 \"\n\"3\" , \"4\"\n", "a,b\n+1,2.\n3.0e0,.4E1",
  ])
  func everyUsualFormIsTheSameTable(text: String) throws {
    let table = try table(text)
    #expect(table.columnNames == ["a", "b"])
    #expect(table.rowCount == 2)
    #expect(try numbers(text) == [1, 2, 3, 4])
  }

  @Test func quotedFieldsKeepCommasQuotesAndLineBreaks() throws {
    let table = try table("\"price, in \"\"€\"\"\",\"two\nlines\"\n1,2\n")
    #expect(table.columnNames == ["price, in \"€\"", "two\nlines"])
  }

  @Test func columnsComeInTheOrderAskedFor() throws {
    let table = try table("name,x,y\n\"Doe, J.\",1,2\nn/a,3,4\n")
    let matrix = try table.matrix(columns: ["y", "x", "y"], as: Float.self)
    #expect(matrix == Matrix(rows: 2, columns: 3, elements: [2, 1, 2, 4, 3, 4]))
    #expect(try table.matrix(columns: [], as: Float.self) == Matrix(rows: 2, columns: 0))
  }

  @Test func aFloatIsRoundedOnceFromItsDigits() throws {
    // Just above the middle of two Floats; rounded to Double first it lies on the middle, and ties go down.
    let digits = "1.0000000596046447753906250000001"
    #expect(Float(Double(digits)!) == 1)
    let table = try table("x\n\(digits)\n1e-45\n-0\n")
    let floats = try table.matrix(columns: ["x"], as: Float.self).elements
    #expect(floats.map(\.bitPattern) == [0x3F80_0001, 1, 0x8000_0000])
    #expect(try table.matrix(columns: ["x"], as: Double.self).elements.first == 1.0000000596046448)
  }

  @Test func smallNumbersRoundToZero() throws {
    #expect(try numbers("x\n1e-999\n4.9e-324\n") == [0, .leastNonzeroMagnitude])
  }

  @Test func rowsAcrossReadingBlocksStayWhole() throws {
    let rows = 40_000
    let text = "a,b\n" + (0..<rows).map { "\($0),\(-$0)\n" }.joined()
    let values = try numbers(text)
    #expect(values.count == 2 * rows)
    #expect((0..<rows).allSatisfy { values[2 * $0] == Double($0) && values[2 * $0 + 1] == -Double($0) })
  }

  /// Numbers in all forms that CSV has them in, in decimal digits.
  private static func numberTexts(_ count: Int, _ generator: inout SplitMix) -> [String] {
    func digits(_ most: Int) -> String {
      (0..<Int.random(in: 1...most, using: &generator)).map { _ in "\(Int.random(in: 0...9, using: &generator))" }
        .joined()
    }
    return (0..<count).map { index in
      let sign = ["", "-", "", "+"].randomElement(using: &generator)!
      switch index % 8 {
      case 0: return sign + digits(3)
      case 1: return sign + digits(2) + "." + digits(6)
      case 2: return sign + "." + digits(22)
      case 3: return sign + digits(25) + "."
      case 4: return sign + "0." + digits(17) + "e\(Int.random(in: -30...20, using: &generator))"
      // In the middle of two Floats, or beside it.
      case 5: return "\(UInt64.random(in: 1 << 24..<1 << 26, using: &generator))"
      case 6: return "\(Double(UInt64.random(in: 1 << 24..<1 << 26, using: &generator)) / 1024)"
      default: return sign + "0.000000000000000000" + digits(8)
      }
    }
  }

  @Test func everyNumberIsRoundedOnceWhateverItsForm() throws {
    var generator = SplitMix(state: 7)
    let columns = 4
    let texts = Self.numberTexts(columns * 2000, &generator)
    let rows = stride(from: 0, to: texts.count, by: columns).map { texts[$0..<$0 + columns] }
    let table = try table("a,b,c,d\n" + rows.map { $0.joined(separator: ",") + "\n" }.joined())
    let floats = try table.matrix(columns: table.columnNames, as: Float.self).elements
    let doubles = try table.matrix(columns: table.columnNames, as: Double.self).elements
    for (index, text) in texts.enumerated() {
      #expect(floats[index].bitPattern == Float(text)?.bitPattern, "\(text)")
      #expect(doubles[index].bitPattern == Double(text)?.bitPattern, "\(text)")
    }
  }

  @Test(arguments: [2, 3, 70])
  func rowsOfAnyLengthAndKindAreTheSame(columns: Int) throws {
    var generator = SplitMix(state: UInt64(columns))
    var text = (0..<columns).map { "c\($0)" }.joined(separator: ",") + "\n"
    var expected: [String] = []
    var lines: [Int] = []
    var line = 2
    for _ in 0..<500 {
      lines.append(line)
      let cells = Self.numberTexts(columns, &generator)
      expected += cells
      let kind = Int.random(in: 0..<5, using: &generator)
      let place = Int.random(in: 0..<columns, using: &generator)
      let written = cells.enumerated().map { index, cell in
        switch (kind, index == place) {
        case (1, true): "\"\(cell)\""
        case (2, true): " \t\(cell) "
        default: cell
        }
      }
      text += written.joined(separator: ",") + ["\n", "\r\n", "\r"].randomElement(using: &generator)!
      line += 1
    }
    let table = try table(text)
    #expect(table.rowCount == lines.count)
    #expect(try table.place(ofRow: lines.count - 1, column: "c0").hasSuffix("line \(lines.last!)"))
    let doubles = try table.matrix(columns: table.columnNames, as: Double.self).elements
    #expect(zip(doubles, expected).allSatisfy { $0.bitPattern == Double($1)?.bitPattern })
    // One column, whatever stands in the others.
    let last = try table.matrix(columns: ["c\(columns - 1)"], as: Float.self).elements
    #expect(last.enumerated().allSatisfy { $1.bitPattern == Float(expected[($0 + 1) * columns - 1])?.bitPattern })
  }

  @Test func blankLinesAreNoRowsWhereverTheyAre() throws {
    var generator = SplitMix(state: 11)
    var (text, lines, line) = ("a,b,c\n", [Int](), 2)
    for row in 0..<700 {
      if Int.random(in: 0..<4, using: &generator) == 0 {
        text += ["\n", "  \r\n", "\t\n"].randomElement(using: &generator)!
        line += 1
      }
      text += ["\(row),red,0.5\n", "\"\(row)\",é, 0.5\r\n"].randomElement(using: &generator)!
      lines.append(line)
      line += 1
    }
    let table = try table(text)
    #expect(table.rowCount == 700)
    #expect(try table.matrix(columns: ["a"], as: Float.self).elements == (0..<700).map(Float.init))
    #expect(
      try table.matrix(columns: ["c", "a"], as: Double.self).elements.enumerated().allSatisfy {
        $1 == ($0 % 2 == 0 ? 0.5 : Double($0 / 2))
      })
    #expect(try table.text(ofColumn: "b").allSatisfy { ["red", "é"].contains($0) })
    #expect(try table.textColumns(among: table.columnNames) == ["b"])
    for row in [0, 350, 699] {
      #expect(try table.place(ofRow: row, column: "b").hasSuffix("line \(lines[row])"))
    }
  }

  @Test func decimalsMayFollowAComma() throws {
    let options = DataOptions(delimiter: .semicolon, decimalMark: .comma)
    let text = "fläche;preis\n30,5;412,75\n-1,;,5e1\n7;\"0,1\"\n"
    let table = try withFile(text.utf8) { try DataTable(contentsOf: $0, options: options) }
    #expect(try table.matrix(columns: table.columnNames, as: Double.self).elements == [30.5, 412.75, -1, 5, 7, 0.1])
    // Quotes part a comma from the delimiter.
    let quoted = try withFile("a,b,c\n\"1,5\",2,\"3,25\"\n4,\"5,0\",6\n".utf8) {
      try DataTable(contentsOf: $0, options: DataOptions(decimalMark: .comma))
    }
    #expect(try quoted.matrix(columns: ["a", "b", "c"], as: Float.self).elements == [1.5, 2, 3.25, 4, 5, 6])
    for bad in ["1.5", "1,5,5", "1.234,5", ","] {
      let error = #expect(throws: DataError.self) {
        try withFile("a;b\n1,5;\(bad)\n".utf8) {
          try DataTable(contentsOf: $0, options: options).matrix(columns: ["a", "b"], as: Double.self)
        }
      }
      #expect(error?.problem == .notANumber(text: bad) && error?.line == 2 && error?.column == "b")
    }
  }

  @Test func numbersWithACommaAreRoundedAsThoseWithAPoint() throws {
    var generator = SplitMix(state: 9)
    let texts = Self.numberTexts(2000, &generator) + ["1." + String(repeating: "3", count: 200)]
    let cells = texts.map { $0.replacingOccurrences(of: ".", with: ",") }
    let options = DataOptions(delimiter: .bar, decimalMark: .comma)
    let table = try withFile(("a|b\n" + cells.map { "\($0)|\($0)\n" }.joined()).utf8) {
      try DataTable(contentsOf: $0, options: options)
    }
    let floats = try table.matrix(columns: ["b", "a"], as: Float.self).elements
    let doubles = try table.matrix(columns: ["a"], as: Double.self).elements
    for (index, text) in texts.enumerated() {
      #expect(floats[2 * index].bitPattern == Float(text)?.bitPattern, "\(text)")
      #expect(floats[2 * index + 1].bitPattern == Float(text)?.bitPattern, "\(text)")
      #expect(doubles[index].bitPattern == Double(text)?.bitPattern, "\(text)")
    }
  }

  @Test func columnsWithoutAHeaderAreNumbered() throws {
    func table(_ text: String, labels: String? = nil, delimiter: CSVDelimiter? = nil) throws -> DataTable {
      try withFile(text.utf8) { path in
        guard let labels else {
          return try DataTable(contentsOf: path, options: DataOptions(delimiter: delimiter, hasHeader: false))
        }
        return try withFile(labels.utf8) {
          try DataTable(contentsOf: path, options: DataOptions(delimiter: delimiter, hasHeader: false, labels: $0))
        }
      }
    }
    let numbers = try table("\n1,2\n3,red\n")
    #expect(numbers.columnNames == ["x0", "x1"] && numbers.rowCount == 2)
    #expect(try numbers.matrix(columns: ["x0"], as: Double.self).elements == [1, 3])
    #expect(try numbers.place(ofRow: 1, column: "x0").hasSuffix("line 3"))
    #expect(try table("5").columnNames == ["x0"])
    #expect(try table("1,2\n3,4", labels: "a\nb\n").columnNames == ["x0", "x1", "label"])
    #expect(try table("1,2\n3,4", labels: "a,1\nb,2\n").labelColumns == ["label0", "label1"])
    for (text, problem) in [
      ("", DataError.Problem.empty), ("1,2\n3\n", .raggedRow(expected: 2, found: 1)),
      ("\"1\";2\n3;4\n", .otherSeparator(.semicolon, expected: .comma)),
      ("1;2\n3;4\n", .otherSeparator(.semicolon, expected: .comma)), ("1\n\n2\n", .blankLine),
    ] {
      let error = #expect(throws: DataError.self) { try table(text) }
      #expect(error?.problem == problem)
    }
  }

  /// Names that are numbers are names where they are quoted, or count from 0 as those of pandas.
  @Test(arguments: ["\"2019\",\"2020\"", "0,1,2", "a,1", "1,b", "nan,inf"]) func numbersMayBeNames(header: String)
    throws
  {
    let width = header.split(separator: ",").count
    let row = Array(repeating: "5", count: width).joined(separator: ",")
    #expect(try table("\(header)\n\(row)\n").rowCount == 1)
  }

  @Test func errorsBehindManyRowsHaveTheirLine() throws {
    let rows = 1000
    for (bad, problem) in [
      ("1,2,3", DataError.Problem.raggedRow(expected: 2, found: 3)), ("1,x", .notANumber(text: "x")),
      ("1,é", .notANumber(text: "é")), ("1,\"2", .unterminatedQuote), ("1,2\"", .strayQuote), ("1,\0", .zeroByte),
      ("1,1e999", .notFinite(text: "1e999", precision: .f64)),
    ] {
      let text = "a,b\n" + (0..<rows).map { "\($0),-0.5\n" }.joined() + bad + "\n7,8\n"
      let error = #expect(throws: DataError.self) {
        let table = try table(text)
        _ = try table.matrix(columns: ["b", "a"], as: Double.self)
      }
      #expect(error?.problem == problem)
      #expect(error?.line == rows + 2)
    }
  }
}
