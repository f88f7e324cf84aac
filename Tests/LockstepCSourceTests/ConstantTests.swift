// The constants of elementary functions in exported files: all of them are the library's, to the last digit. Inputs whose
// results tell a changed digit of tanh and sigmoid lie in TellingInputs.swift, the functions' bits are compared in
// ElementaryTests.swift.

import Foundation
import Testing

@testable import LockstepCSource

@Suite struct ConstantTests {
  /// The library's source; its constants lie inside of functions, so that nothing else gives them.
  private static func librarySource(_ name: String) throws -> String {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = package.appendingPathComponent("Sources/ComputeBackend/\(name).swift")
    return try String(contentsOf: file, encoding: .utf8)
  }

  private static func exported(_ isDouble: Bool) -> String {
    CSourceElementary(name: "net", precision: isDouble ? .f64 : .f32).definitions(
      of: Set(CSourceElementary.Function.allCases))
  }

  /// The hexadecimal floating-point constants with their signs, in the order in which they stand.
  private static func constants(_ text: some StringProtocol) -> [String] {
    String(text).matches(of: /-?0x[0-9a-f]+(\.[0-9a-f]+)?p-?[0-9]+/).map { String($0.0) }
  }

  @Test(arguments: [false, true])
  func everyConstantIsTheLibrarys(isDouble: Bool) throws {
    func magnitudes(_ text: String) -> Set<Substring> { Set(Self.constants(text).map { $0.trimmingPrefix("-") }) }
    let ours = magnitudes(Self.exported(isDouble))
    let library = magnitudes(
      try ["Exponential", "Logarithm", "Normal"].map { try Self.librarySource("Elementary\($0)") }.joined())
    #expect(ours.count > 10)
    #expect(ours.subtracting(library) == [])
  }

  @Test(arguments: [false, true])
  func theCoefficientsStandInTheLibrarysOrder(isDouble: Bool) throws {
    func coefficients(_ text: String, from start: String, to end: String) throws -> [String] {
      let start = try #require(text.range(of: start)).upperBound
      let end = try #require(text.range(of: end, range: start..<text.endIndex)).upperBound
      return Self.constants(text[start..<text.lineRange(for: end..<end).upperBound])
    }
    let ours = try coefficients(Self.exported(isDouble), from: "net_exponential(", to: "terms89 = ")
    let library = try Self.librarySource("ElementaryExponential")
    #expect(ours.count == 9)
    #expect(ours == (try coefficients(library, from: "func exponentialPolynomial", to: "terms89 = ")))

    let tail = try coefficients(Self.exported(isDouble), from: "net_tail_polynomial(double", to: "upper = ")
    let tailOfLibrary = try Self.librarySource("ElementaryNormal")
    #expect(tail.count == 29)
    #expect(tail == (try coefficients(tailOfLibrary, from: "func tailPolynomial", to: "upper = ")))
  }
}
