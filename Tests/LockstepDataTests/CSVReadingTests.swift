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
}
