// The elementary functions of exported files by themselves, compiled as users would compile them: bit for bit those of
// ComputeBackend. Whole networks are compared in CSourceTests.swift.

import ComputeBackend
import Foundation
import Testing

@testable import LockstepCSource

@Suite struct ElementaryTests {
  @Test(.enabled(if: CCompiler.gcc != nil, "gcc is not installed"), arguments: optionsOfBoth)
  func gccGivesTheBitsOfTheLibrary(options: String) throws {
    try expectTheBitsOfTheLibrary(CCompiler.gcc, options)
  }

  @Test(.enabled(if: CCompiler.clang != nil, "clang is not installed"), arguments: optionsOfBoth)
  func clangGivesTheBitsOfTheLibrary(options: String) throws {
    try expectTheBitsOfTheLibrary(CCompiler.clang, options)
  }

  private func expectTheBitsOfTheLibrary(_ compiler: CCompiler?, _ options: String) throws {
    try compare(Self.arguments() as [Float], compiler, options)
    try compare(Self.arguments() as [Double], compiler, options)
  }

  /// Numbers of every exponent, and as many between -40 and 40, where the functions bend.
  private static func arguments<Element: KernelElement>() -> [Element] {
    let count = 1 << 13
    let step = Element.BitPattern.max / Element.BitPattern(count) - 1
    let everywhere = (0..<count).map { (index: Int) -> Element in
      Element(bitPattern: Element.BitPattern(index) * (step + 1))
    }
    let between = (0..<count).map { (index: Int) -> Element in Element(index * 80) / Element(count) - 40 }
    let special: [Element] = [0, -0.0, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, -.leastNonzeroMagnitude]
    return everywhere + between + special
  }

  private func value<Element: KernelElement>(_ function: CSourceElementary.Function, _ x: Element) -> Element {
    switch function {
    case .exp: Elementary.exp(x)
    case .expm1: Elementary.expm1(x)
    case .log1p: Elementary.log1p(x)
    case .tanh: Elementary.tanh(x)
    case .sigmoid: Elementary.sigmoid(x)
    case .normalCDF: Elementary.normalCDF(x)
    }
  }

  private func compare<Element: KernelElement>(
    _ arguments: [Element], _ compiler: CCompiler?, _ options: String
  ) throws {
    let compiler = try #require(compiler)
    let folder = try ScratchFolder()
    // A file with all functions, and one for each that holds it alone.
    let sets = [CSourceElementary.Function.allCases] + CSourceElementary.Function.allCases.map { [$0] }
    for functions in sets {
      let output = try compiler.results(
        of: Self.program(functions, Element.precision), input: arguments.withUnsafeBytes { [UInt8]($0) },
        options: options, in: folder)
      let values = output.withUnsafeBytes { [Element]($0.bindMemory(to: Element.self)) }
      try #require(values.count == functions.count * arguments.count)
      for (index, function) in functions.enumerated() {
        let found = values[(index * arguments.count)...]
        let wrong = arguments.indices.filter {
          found[found.startIndex + $0].canonicalBitPattern
            != value(function, arguments[$0]).canonicalBitPattern
        }
        #expect(wrong.isEmpty, "\(function) of \(wrong.prefix(3).map { arguments[$0] }), \(options)")
      }
    }
  }

  /// A program that reads numbers and writes each function's values at them, one function after the other.
  private static func program(_ functions: [CSourceElementary.Function], _ precision: Precision) -> String {
    let source = CSourceFunctions(name: "net", precision: precision, leakySlope: "0.01")
    let elementary = CSourceElementary(name: "net", precision: precision)
    let loops = functions.map { function in
      """
        rewind(input);
        while (fread(&x, sizeof x, 1, input) == 1) {
          x = net_\(function.rawValue)(x);
          fwrite(&x, sizeof x, 1, output);
        }

      """
    }
    return source.guards + elementary.definitions(of: Set(functions)) + """
      #include <stdio.h>

      int main(int count, char **words) {
        if (count != 3) return 1;
        FILE *input = fopen(words[1], "rb"), *output = fopen(words[2], "wb");
        if (!input || !output) return 1;
        \(precision.cType) x;
      \(loops.joined())  return fclose(input) || fclose(output);
      }

      """
  }
}
