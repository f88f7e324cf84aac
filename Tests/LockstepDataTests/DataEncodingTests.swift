// Columns as inputs and targets: categories, means and deviations, and what is refused when they are applied again.

import ComputeBackend
import Foundation
import Lockstep
import LockstepData
import Testing

private func table(_ text: String) throws -> DataTable {
  try withFile(text.utf8) { try DataTable(contentsOf: $0) }
}

@Suite struct DataEncodingTests {
  @Test func textIsWhatHasNoNumbers() throws {
    let table = try table("a,b,c,d,e\nx,1,y,nan,0x1\n2,2,z,w,v\n")
    #expect(try table.textColumns(among: table.columnNames) == ["c"])
    #expect(try table.textColumns(among: ["c", "a"]) == ["c"])
    #expect(try table.textColumns(among: []) == [])
    #expect(throws: DataError.self) { try table.textColumns(among: ["q"]) }
  }

  @Test func categoriesAreSorted() throws {
    // "é" as one scalar comes behind "z"; by dictionaries it would not.
    let text = try table("c,n,m\nz,10,10\né,9,a\nA,-1,9\nz,9,b\n")
    #expect(try text.categories(ofColumn: "c") == ["A", "z", "é"])
    #expect(try text.categories(ofColumn: "n") == ["-1", "9", "10"])
    #expect(try text.categories(ofColumn: "m") == ["10", "9", "a", "b"])
    #expect(try table("c\n1\n01\n").categories(ofColumn: "c") == ["01", "1"])
  }

  /// "é" is one scalar or two, and the same text either way; the first spelling in the file stands for both.
  @Test(arguments: [["\u{E9}", "e\u{301}"], ["e\u{301}", "\u{E9}"]])
  func textsThatUnicodeTakesForEqualAreOneCategory(spellings: [String]) throws {
    let text = try table("c\n\(spellings[0])\nz\n\(spellings[1])\n")
    let categories = try text.categories(ofColumn: "c")
    #expect(Set(categories.map { Array($0.utf8) }) == [Array("z".utf8), Array(spellings[0].utf8)])
    let target = try text.matrix(ofColumn: "c", classes: categories, as: Float.self)
    #expect(target.rows([0]) == target.rows([2]) && target.rows([0]) != target.rows([1]))
    // A model knows one spelling, and new data may have the other.
    let known = try table("c\n\(spellings[0])\nz\n").categories(ofColumn: "c")
    #expect(try table("c\n\(spellings[1])\n").matrix(ofColumn: "c", classes: known, as: Float.self).elements.max() == 1)
  }

  @Test func columnsBecomeInputs() throws {
    let table = try table("colour,size,month\nred,1,12\nblue,2,1\nred,3,12\n")
    let encodings = try table.encodings(of: ["size", "colour", "month"], categories: ["month"])
    #expect(
      encodings == [
        .number(column: "size"), .categories(column: "colour", values: ["blue", "red"]),
        .categories(column: "month", values: ["1", "12"]),
      ])
    #expect(encodings.flatMap(\.inputNames) == ["size", "colour=blue", "colour=red", "month=1", "month=12"])
    #expect(
      try table.matrix(encodedBy: encodings, as: Float.self)
        == Matrix(rows: 3, columns: 5, elements: [1, 0, 1, 0, 1, 2, 1, 0, 1, 0, 3, 0, 1, 0, 1]))
  }

  @Test func numbersAreStandardizedInDouble() throws {
    let table = try table("a,b,c\n1,5,0.1\n2,5,0.2\n6,5,0.7\n")
    let encodings = try table.encodings(of: ["a", "b"], scaling: .standardized)
    let deviation = ((4.0 + 1 + 9) / 3).squareRoot()
    #expect(
      encodings == [.scaled(column: "a", mean: 3, deviation: deviation), .scaled(column: "b", mean: 5, deviation: 1)])
    let numbers = try table.matrix(encodedBy: encodings, as: Float.self)
    #expect(numbers.elements == [Float(-2 / deviation), 0, Float(-1 / deviation), 0, Float(3 / deviation), 0])
    // Over some of the rows, applied to all.
    let some = try table.encodings(of: ["a"], scaling: .standardized, rows: [0, 1])
    #expect(some == [.scaled(column: "a", mean: 1.5, deviation: 0.5)])
    #expect(try table.matrix(encodedBy: some, as: Double.self).elements == [-1, 1, 9])
    let divided = try table.encodings(of: ["c"], scaling: .divided(by: 255))
    #expect(divided == [.scaled(column: "c", mean: 0, deviation: 255)])
    #expect(try table.matrix(encodedBy: divided, as: Float.self).elements == [0.1, 0.2, 0.7].map { Float($0 / 255) })
  }

  /// Their sum over their number is another number.
  @Test func equalNumbersHaveNoDeviation() throws {
    let table = try table("a,b\n0.1,1000000000.1\n0.1,1000000000.1\n0.1,1000000000.1\n")
    #expect(
      try table.encodings(of: ["a", "b"], scaling: .standardized) == [
        .scaled(column: "a", mean: 0.1, deviation: 1), .scaled(column: "b", mean: 1000000000.1, deviation: 1),
      ])
  }

  @Test func numbersWithoutADeviationAreRefused() throws {
    let table = try table("a\n1e300\n-1e300\n")
    let error = #expect(throws: DataError.self) { try table.encodings(of: ["a"], scaling: .standardized) }
    #expect(error?.problem == .noDeviation && error?.column == "a")
  }

  @Test func classesBecomeTargets() throws {
    let table = try table("y\nb\na\nb\n")
    #expect(
      try table.matrix(ofColumn: "y", classes: ["a", "b", "c"], as: Double.self)
        == Matrix(rows: 3, columns: 3, elements: [0, 1, 0, 1, 0, 0, 0, 1, 0]))
  }

  @Test func anUnknownCategoryIsNamedWithItsPlace() throws {
    let table = try table("n,y\n1,b\n2,q\n")
    let error = try #require(
      #expect(throws: DataError.self) {
        try table.matrix(encodedBy: [.categories(column: "y", values: ["a", "b"])], as: Float.self)
      })
    #expect(error.line == 3 && error.column == "y")
    #expect(error.problem == .unknownCategory(text: "q", known: ["a", "b"]))
    #expect(
      "\(error)".hasSuffix("\"q\" is not among the known values \"a\", \"b\"; put one of them there, or train with it.")
    )
  }

  @Test func anEmptyCategoryIsRefused() throws {
    let error = #expect(throws: DataError.self) { try table("n,y\n1,b\n2,\n").categories(ofColumn: "y") }
    #expect(error?.problem == .emptyCell && error?.line == 3)
  }
}
