// Tables that are written: the text, and that every bit comes back.

import ComputeBackend
import FileWriting
import Foundation
import LockstepData
import Testing

private func written<Element: KernelElement>(_ header: [String], _ rows: Matrix<Element>) throws -> String {
  try withFile([]) { path in
    try writeCSV(header: header, rows: rows, to: .path(path))
    return try String(contentsOfFile: path, encoding: .utf8)
  }
}

@Suite struct CSVWritingTests {
  @Test func numbersAreShortestInTheirOwnPrecision() throws {
    let floats = Matrix<Float>(rows: 2, columns: 2, elements: [0.1, -0.0, 1e-5, 16_777_216])
    #expect(try written(["a", "b"], floats) == "a,b\n0.1,-0.0\n1e-05,16777216.0\n")
    let doubles = Matrix<Double>(rows: 1, columns: 3, elements: [0.1 + 0.2, .nan, -.infinity])
    #expect(try written(["a", "b", "c"], doubles) == "a,b,c\n0.30000000000000004,nan,-inf\n")
  }

  @Test func namesAreQuotedWhereTheyMustBe() throws {
    let names = ["plain", "é x", "a,b", "say \"hi\"", "two\nlines", "", " edge"]
    let text = try written(names, Matrix<Float>(rows: 0, columns: names.count))
    #expect(text == "plain,é x,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\"\",\" edge\"\n")
  }

  @Test func everyBitComesBack() throws {
    var generator = SplitMix(state: 7)
    func check<Element: KernelElement>(_: Element.Type, _ bits: () -> Element.BitPattern) throws {
      let special: [Element] = [0, -0.0, .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude]
      let random = (0..<5000).map { _ in Element(bitPattern: bits()) }.filter(\.isFinite)
      let elements = special + random
      let matrix = Matrix(rows: elements.count, columns: 1, elements: elements)
      let back = try withFile([]) { path in
        try writeCSV(header: ["x, y"], rows: matrix, to: .path(path))
        return try DataTable(contentsOf: path).matrix(columns: ["x, y"], as: Element.self)
      }
      #expect(back.elements.map(\.bitPattern) == elements.map(\.bitPattern))
    }
    try check(Float.self) { UInt32.random(in: .min ... .max, using: &generator) }
    try check(Double.self) { UInt64.random(in: .min ... .max, using: &generator) }
  }

  @Test func aFailureIsAnErrorAndLeavesTheFileAlone() throws {
    let matrix = Matrix<Float>(rows: 1, columns: 1)
    #expect(throws: FileError.self) { try writeCSV(header: ["a"], rows: matrix, to: .path("/dev/full")) }
    #expect(throws: FileError.self) { try writeCSV(header: ["a"], rows: matrix, to: .path("/nowhere/at/all.csv")) }
  }
}
