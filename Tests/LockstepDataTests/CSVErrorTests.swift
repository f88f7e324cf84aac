// Files that are no tables: each is refused in one sentence that names file, line and column.

import ComputeBackend
import Foundation
import LockstepData
import Testing

/// The error of reading all columns of these bytes, and its sentence with the file called `FILE`.
private func error(
  _ bytes: some Sequence<UInt8>, columns: [String]? = nil, as precision: Precision = .f64
) throws -> (error: DataError, sentence: String)? {
  try withFile(bytes) { path in
    do throws(DataError) {
      let table = try DataTable(contentsOf: path)
      let columns = columns ?? table.columnNames
      switch precision {
      case .f32: _ = try table.matrix(columns: columns, as: Float.self)
      case .f64: _ = try table.matrix(columns: columns, as: Double.self)
      }
      return nil
    } catch {
      #expect(error.file == path)
      return (error, "\(error)".replacingOccurrences(of: path, with: "FILE"))
    }
  }
}

@Suite struct CSVErrorTests {
  struct Case: Sendable {
    var text: String
    var line: Int?
    var column: String?
    var sentence: String

    init(_ text: String, line: Int? = nil, column: String? = nil, _ sentence: String) {
      (self.text, self.line, self.column, self.sentence) = (text, line, column, sentence)
    }
  }

  private static let asText =
    "or take the column as text (for the tool: --categories for an input, --loss cross-entropy for a target)."
  private static let header =
    "the line holds nothing but numbers, so it is a row rather than a header; put names above it, or say that there are none "
    + "(for the tool: --no-header); names that are numbers must be in quotes."

  static let cases = [
    Case("", "the file is empty; its first line must name the columns."),
    Case("\u{FEFF}", "the file is empty; its first line must name the columns."),
    Case(" \n\r\n", "the file is empty; its first line must name the columns."),
    Case("a,b\n", "the file has a header but no rows; add at least one row of numbers."),
    Case("a,b", "the file has a header but no rows; add at least one row of numbers."),
    Case("a,b\n\n\n", "the file has a header but no rows; add at least one row of numbers."),
    Case(
      ",b,c\n0,2,3\n", line: 1,
      "column 1 has no name; name every column in the header, or leave pandas' index out (to_csv with index=False)."),
    Case("a,,c\n1,2,3\n", line: 1, "column 2 has no name; name every column in the header."),
    Case("a,b,\n1,2,3\n", line: 1, "column 3 has no name; name every column in the header."),
    Case(
      "a,b,a\n1,2,3\n", line: 1, "columns 1 and 3 are both named \"a\"; give each a name of its own."),
    Case("a,b\n1,2\n3\n", line: 3, "expected 2 fields as in the header, found 1; add what is missing."),
    Case("a,b\r\n1,2\r\n3", line: 3, "expected 2 fields as in the header, found 1; add what is missing."),
    Case(
      "a,b\n1,2,3\n", line: 2,
      "expected 2 fields as in the header, found 3; remove the rest, or quote fields that contain the delimiter."),
    Case(
      "a,b\n1,2,\n", line: 2,
      "expected 2 fields as in the header, found 3; remove the rest, or quote fields that contain the delimiter."),
    Case("a\n1\n\n2\n", line: 3, "the line is blank and rows follow; remove it, or fill it in."),
    Case("a\r\n1\r\n\r\n\"2\r\n", line: 3, "the line is blank and rows follow; remove it, or fill it in."),
    Case("\n\na\n1\n \n\n2\n", line: 5, "the line is blank and rows follow; remove it, or fill it in."),
    Case("a,b\n\n1,2\n \n3\n", line: 5, "expected 2 fields as in the header, found 1; add what is missing."),
    Case(
      "\na,b\n\n1,2\n\t\r\n\n3,x\n", line: 7, column: "b",
      "expected a number like -1.5 or 2e-3, found \"x\"; put one there; \(asText)"),
    Case("a,b\n\n\n", "the file has a header but no rows; add at least one row of numbers."),
    Case(
      "a,b\n1,x\n", line: 2, column: "b", "expected a number like -1.5 or 2e-3, found \"x\"; put one there; \(asText)"),
    Case(
      "a,b\n1,2\n\"1,5\",2\n", line: 3, column: "a",
      "expected a number like -1.5 or 2e-3, found \"1,5\", which has a decimal comma; say so (for the tool: --decimal ,); \(asText)"
    ),
    Case(
      "a\n0x10\n", line: 2, column: "a", "expected a number like -1.5 or 2e-3, found \"0x10\"; put one there; \(asText)"
    ),
    Case(
      "a\n1 000\n", line: 2, column: "a",
      "expected a number like -1.5 or 2e-3, found \"1 000\", which has separators between thousands; leave them out; \(asText)"
    ),
    Case(
      "a\n\u{1B}[1m\n", line: 2, column: "a",
      "expected a number like -1.5 or 2e-3, found \"\\u{1B}[1m\"; put one there; \(asText)"),
    Case("a,b\n1,\n", line: 2, column: "b", "the cell is empty; fill it in, or leave the row out."),
    Case("a,b\n\"\",1\n", line: 2, column: "a", "the cell is empty; fill it in, or leave the row out."),
    Case(
      "a\nNaN\n", line: 2, column: "a",
      "\"NaN\" is not a finite number in precision f64; put one there, or leave the row out."),
    Case(
      "a\n-inf\n", line: 2, column: "a",
      "\"-inf\" is not a finite number in precision f64; put one there, or leave the row out."),
    Case(
      "a\n1e999\n", line: 2, column: "a",
      "\"1e999\" is not a finite number in precision f64; put one there, or leave the row out."),
    Case(
      "a,b\n1,2\n3,\"4\n5,6\n", line: 3, column: "b",
      "the quote that opens this field is never closed; add the closing quote."),
    Case("\"a\n1\n", line: 1, "the quote that opens this field is never closed; add the closing quote."),
    Case(
      "a,b\n1,2\"\n", line: 2, column: "b",
      "there is a quote in the middle of the field; put the whole field in quotes and double each quote inside."),
    Case(
      "a,b\n1,2\n\"3\"4,5\n", line: 3, column: "a",
      "there is a quote in the middle of the field; put the whole field in quotes and double each quote inside."),
    Case(
      "a;b\n1,5;2\n", line: 1,
      "the fields are separated by ';', not by commas; name that separator (for the tool: --delimiter ';')."),
    Case(
      "a\tb\n1\t2\n", line: 1,
      "the fields are separated by tabs, not by commas; name that separator (for the tool: --delimiter 'tab')."),
    Case(
      "\"a\";\"b\"\n1;2\n", line: 1,
      "the fields are separated by ';', not by commas; name that separator (for the tool: --delimiter ';')."),
    Case(
      "\n\"a, b\"\t\"c\"\r\n1\t2\n", line: 2,
      "the fields are separated by tabs, not by commas; name that separator (for the tool: --delimiter 'tab')."),
    Case(
      "\"a\"#\"b\"\n1#2\n", line: 1,
      "there is a quote in the middle of the field; put the whole field in quotes and double each quote inside."),
    Case("1,2\n2,3\n", line: 1, header),
    Case("\n-1.5,2e3,+4\n2,3,4\n", line: 2, header),
    Case("0,0\n2,3\n", line: 1, header),
    Case("5\n7\n", line: 1, header),
    Case(
      "sep=;\na;b\n1;2\n", line: 1, "the line tells Excel what separates fields; remove it, for the header comes first."
    ),
    Case(
      "\"SEP=,\"\na,b\n1,2\n", line: 1,
      "the line tells Excel what separates fields; remove it, for the header comes first."),
    Case(
      "a,b\n1,NA\n", line: 2, column: "b",
      "expected a number like -1.5 or 2e-3, found \"NA\"; put one there, or leave the row out."),
    // Lines inside quotes count.
    Case(
      "\"a\nb\",c\n\"1\",2\n\"\n3\r\n\",x\n", line: 6, column: "c",
      "expected a number like -1.5 or 2e-3, found \"x\"; put one there; \(asText)"),
    Case("a,b\n\"x\ny\",2\n3\n", line: 4, "expected 2 fields as in the header, found 1; add what is missing."),
  ]

  @Test(arguments: cases)
  func aBadFileIsRefusedAtTheRightPlace(_ expected: Case) throws {
    let columns: [String]? = expected.text.hasPrefix("\"a\nb\"") ? ["c"] : nil
    let (error, sentence) = try #require(try error(expected.text.utf8, columns: columns))
    #expect(error.line == expected.line)
    #expect(error.column == expected.column)
    let place =
      "FILE" + (expected.line.map { ", line \($0)" } ?? "") + (expected.column.map { ", column \"\($0)\"" } ?? "")
    #expect(sentence == "\(place): \(expected.sentence)")
  }

  @Test func aNumberTooLargeForFloatIsNoFloat() throws {
    let text = "a\n1\n1e39\n"
    #expect(try error(text.utf8) == nil)
    let (error, _) = try #require(try error(text.utf8, as: .f32))
    #expect(error.problem == .notFinite(text: "1e39", precision: .f32))
    #expect(error.line == 3)
    #expect("\(error)".contains("--precision f64"))
  }

  @Test func bytesThatAreNoTextAreRefused() throws {
    let latin1 = Array("a,b\n1,2\n3,caf".utf8) + [0xE9, 0x0A]
    let (first, sentence) = try #require(try error(latin1))
    #expect(first.problem == .notUTF8 && first.line == 3 && first.column == "b")
    #expect(sentence.contains("the bytes are not UTF-8 text; save the file as CSV in UTF-8"))
    #expect(sentence.contains("iconv"))
    let utf16: [UInt8] = Array("a\n1\n".utf8).flatMap { [$0, 0] }
    #expect(try error(utf16)?.error.problem == .zeroByte)
    #expect(try error(Array("a\n1".utf8) + [0])?.error.problem == .zeroByte)
  }

  @Test func anUnknownColumnListsTheOthersAndSuggestsTheNearest() throws {
    let text = "price,rooms,age\n1,2,3\n".utf8
    #expect(
      try error(text, columns: ["prize"])?.sentence
        == "FILE: there is no column \"prize\" (did you mean \"price\"?); the columns are \"price\", \"rooms\", \"age\"."
    )
    #expect(
      try error(text, columns: ["Age"])?.error.problem
        == .unknownColumn(name: "Age", nearest: "age", columns: ["price", "rooms", "age"]))
    #expect(
      try error(text, columns: ["temperature"])?.error.problem
        == .unknownColumn(name: "temperature", nearest: nil, columns: ["price", "rooms", "age"]))
    // One of two letters is half of the name: no misspelling.
    #expect(
      try error("y,ab\n1,2\n".utf8, columns: ["ac"])?.error.problem
        == .unknownColumn(name: "ac", nearest: nil, columns: ["y", "ab"]))
    let row = Array(repeating: "1", count: 50).joined(separator: ",")
    let wide = (1...50).map { "c\(2 * $0)" }.joined(separator: ",")
    #expect(try error("\(wide)\n\(row)\n".utf8, columns: ["z"])?.sentence.hasSuffix("and 30 more.") == true)
    let counted = (1...48).map { "c\($0)" } + ["y", "c49"]
    #expect(
      try error("\(counted.joined(separator: ","))\n\(row)\n".utf8, columns: ["z"])?.sentence
        .hasSuffix("the columns are \"c1\" to \"c48\", \"y\", \"c49\".") == true)
  }

  @Test func columnsThatAreNamedByARowTellThatTheHeaderIsMissing() throws {
    let sentence = try #require(try error("1,2024-01-01,red\n2,2024-01-02,blue\n".utf8, columns: ["price"])?.sentence)
    #expect(sentence.contains("--no-header"))
    #expect(try error("a,b\n1,2\n".utf8, columns: ["price"])?.sentence.contains("--no-header") == false)
  }

  @Test func aMissingFileAndAFolderAreNamed() throws {
    let missing = NSTemporaryDirectory() + "none-" + UUID().uuidString + ".csv"
    for (path, reason) in [
      (missing, "there is no such file; check the path."),
      (NSTemporaryDirectory(), "this is a folder; name a file."),
    ] {
      let error = #expect(throws: DataError.self) { try DataTable(contentsOf: path) }
      #expect(error.map { "\($0)" } == "\(path): \(reason)")
    }
  }

  @Test(.enabled(if: getuid() != 0, "the superuser may read everything"))
  func aFileWithoutReadPermissionIsNamed() throws {
    try withFile("a\n1\n".utf8) { path in
      try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: path)
      let error = #expect(throws: DataError.self) { try DataTable(contentsOf: path) }
      #expect(error?.problem == .unreadable(reason: "Permission denied"))
    }
  }

  @Test func aFieldLongerThanAnyReadingBlockIsSeenToBeOpen() throws {
    let text = "a\n\"" + String(repeating: "1,2\n", count: 1_000_000)
    #expect(try error(text.utf8)?.error.problem == .unterminatedQuote)
  }

  @Test func changedFilesAreReadOrRefusedButNeverTrap() throws {
    var generator = SplitMix(state: 1)
    let original = Array("a,\"b\nc\",d\r\n1,\"2\",3\r\n4,5,\"6\"\"\"\r\n\r\n".utf8)
    let inserts = Array("\",\n\r \t\0e.-9\u{FEFF}é".utf8) + [0xFF, 0xC0]
    for _ in 0..<300 {
      var bytes = original
      for _ in 0...Int.random(in: 0..<4, using: &generator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[place] = inserts.randomElement(using: &generator)!
        case 1: bytes.insert(inserts.randomElement(using: &generator)!, at: place)
        default: bytes.removeSubrange(place...)
        }
        if bytes.isEmpty { break }
      }
      if let (error, sentence) = try error(bytes) {
        #expect(sentence.hasSuffix("."))
        #expect(sentence.split(whereSeparator: \.isNewline).count == 1)
        #expect(error.line.map { $0 >= 1 && $0 <= bytes.count + 1 } ?? true)
      }
    }
  }
}

/// Steele, Lea and Flood's SplitMix64 (2014): the same bytes in every run.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
