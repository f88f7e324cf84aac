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

  /// A column of such cells is one of numbers, with mistakes in it: each is refused, and the sentence says what to do.
  @Test(
    arguments: [
      ("30,5", "--decimal ,"), ("-0,25", "--decimal ,"), ("1,234", "--decimal ,"), ("1,234.5", "between thousands"),
      ("1.234,5", "between thousands"), ("12 345", "between thousands"), ("1'234", "between thousands"),
      ("1,234,567", "between thousands"), ("10%", "a symbol"), ("$5", "a symbol"), ("-$1,000.50", "a symbol"),
      ("5,20 €", "a symbol"), ("\u{2212}3", "a symbol"), ("'2'", "single quotes"), ("1,5e3", "--decimal ,"),
    ]) func numbersInOtherSpellingAreNoText(text: String, advice: String) throws
  {
    let rows = (0..<20).map { "\"\($0 == 7 ? "NA" : text)\",b\($0)\n" }.joined()
    let table = try table("a,b\n\(rows)")
    #expect(try table.textColumns(among: ["a", "b"]) == ["b"])
    #expect(try !table.holdsClasses(inColumn: "a") && table.holdsClasses(inColumn: "b"))
    let error = #expect(throws: DataError.self) { try table.matrix(columns: ["a"], as: Float.self) }
    #expect(error?.problem == .notANumber(text: text) && error?.line == 2 && error?.column == "a")
    #expect(error.map { "\($0)" }?.contains(advice) == true, "\(error.map { "\($0)" } ?? "")")
    // Those who mean it get it.
    #expect(
      try table.encodings(of: ["a"], categories: ["a"]) == [.categories(column: "a", values: [text, "NA"].sorted())])
  }

  @Test(arguments: [
    "2024-01-15", "15.01.2024", "12:30", "1-2", "1/2", "3 rooms", "v1.2", "1.2.3", "10.0.0.1", "A1", "red", "1,2,3",
    "5 km", "+", "%", "$", "''", "e5", "1 2 3",
  ]) func otherTextWithDigitsIsText(text: String) throws {
    let table = try table("a,b\n\"\(text)\",1\n\"\(text)\",2\n")
    #expect(try table.textColumns(among: ["a", "b"]) == ["a"])
  }

  @Test func aFewNumbersInOtherSpellingLeaveTextText() throws {
    let rows = (0..<20).map { "\"\($0 < 3 ? "unknown" : "30,5")\",1\n" }.joined()
    #expect(try table("a,b\n\(rows)").textColumns(among: ["a"]) == ["a"])
  }

  @Test func pointsAreNumbersInOtherSpellingWhereCommasAreDecimal() throws {
    let options = DataOptions(delimiter: .semicolon, decimalMark: .comma)
    let table = try withFile("a;b\n1.5;2,5\n2.5;3\n".utf8) { try DataTable(contentsOf: $0, options: options) }
    #expect(try table.textColumns(among: ["a", "b"]) == [])
    let error = #expect(throws: DataError.self) { try table.matrix(columns: ["a"], as: Float.self) }
    #expect(error.map { "\($0)" }?.contains("no --decimal") == true)
  }

  @Test func wholeNumbersAreTheSameHoweverTheyAreSpelled() throws {
    let table = try table("n,y\n1.0,b\n3.00,a\n2,a\n+1,b\n")
    func targets(_ classes: [String]) throws -> [Float] {
      try table.matrix(ofColumn: "n", classes: classes, as: Float.self).elements
    }
    let expected: [Float] = [1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0]
    #expect(try targets(["1", "2", "3"]) == expected)
    #expect(try targets(["1.0", "2.0", "3.0"]) == expected)
    // Where one is no whole number, or two are the same, spelling tells.
    for classes in [["1", "2", "3", "x"], ["1", "2", "3", "3.0"], ["1", "2", "3.5"], ["1", "2"]] {
      let error = #expect(throws: DataError.self) { try targets(classes) }
      #expect(error?.problem == .unknownCategory(text: classes == ["1", "2"] ? "3.00" : "1.0", known: classes))
    }
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
