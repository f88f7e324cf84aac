// C files of networks, compiled as users would compile them: their outputs are those of Predictor, bit for bit.
// The networks lie in TestNetworks.swift, running compilers in CCompiler.swift.

import ComputeBackend
import FileWriting
import Foundation
import Lockstep
import Testing

@testable import LockstepCSource

/// What is compiled, and how.
let optionsOfBoth = [
  "-O0", "-O2", "-O3", "-O3 -march=native", "-std=c99 -O3 -ffp-contract=off",
  // What contracts most; GCC does so by default where the language is not plain C99.
  "-std=gnu99 -O3 -march=native -ffp-contract=fast -fno-math-errno -fno-trapping-math",
  "-std=c99 -pedantic -Wall -Wextra -Wmissing-prototypes -Wconversion -Werror -O1",
]

@Suite struct CSourceTests {
  @Test(.enabled(if: CCompiler.gcc != nil, "gcc is not installed"), arguments: optionsOfBoth)
  func gccGivesTheBitsOfThePredictor(options: String) throws {
    try expectTheBitsOfThePredictor(CCompiler.gcc, options)
  }

  @Test(.enabled(if: CCompiler.clang != nil, "clang is not installed"), arguments: optionsOfBoth)
  func clangGivesTheBitsOfThePredictor(options: String) throws {
    try expectTheBitsOfThePredictor(CCompiler.clang, options)
  }

  private func expectTheBitsOfThePredictor(_ compiler: CCompiler?, _ options: String) throws {
    let compiler = try #require(compiler)
    let folder = try ScratchFolder()
    let floats = try TestNetwork<Float>.all()
    let doubles = try TestNetwork<Double>.all()
    let calls = try floats.map { try $0.write(to: folder) } + doubles.map { try $0.write(to: folder) }
    var output = try compiler.results(
      of: testProgram(calls), input: floats.flatMap(\.inputBytes) + doubles.flatMap(\.inputBytes), options: options,
      in: folder)[...]
    for network in floats { try network.expect(&output, options) }
    for network in doubles { try network.expect(&output, options) }
    #expect(output.isEmpty)
  }

  @Test(.enabled(if: CCompiler.clang != nil, "clang is not installed"))
  func filesOfTwoNetworksStandInOneProgram() throws {
    let folder = try ScratchFolder()
    let network = try Network<Float>(sizes: [3, 70, 2], hidden: .sigmoid, seed: 1)
    try CSource(network, name: "Some_name2").write(to: folder.file("m.c"))
    try CSource(network, name: "other").write(to: folder.file("other.c"))
    try folder.write(
      "main.c",
      """
      #include "m.c"
      void other_predict(const float *, float *);
      int main(void) {
        float x[SOME_NAME2_INPUTS] = {1, 2, 3}, y[SOME_NAME2_OUTPUTS], z[SOME_NAME2_OUTPUTS];
        Some_name2_predict(x, y);
        other_predict(x, z);
        return !(y[0] == z[0] && y[1] == z[1] && SOME_NAME2_INPUTS == 3 && SOME_NAME2_OUTPUTS == 2);
      }
      """)
    let built = try #require(CCompiler.clang).run([
      folder.file("main.c"), folder.file("other.c"), "-o", folder.file("main"), "-lm",
    ])
    #expect(built.exitCode == 0 && built.text.isEmpty, "\(built.text)")
    #expect(try runProgram(folder.file("main"), []).exitCode == 0)
  }

  @Test(
    .enabled(if: CCompiler.clang != nil, "clang is not installed"),
    arguments: ["-ffast-math", "-Ofast", "-ffinite-math-only", "-O3 -ffast-math -march=native"])
  func arithmeticThatIsNotIEEEIsRefused(options: String) throws {
    let folder = try ScratchFolder()
    try CSource(Network<Float>(sizes: [1, 1], hidden: .relu, seed: 1)).write(to: folder.file("m.c"))
    for compiler in [CCompiler.clang, CCompiler.gcc].compactMap(\.self) {
      let words = options.split(separator: " ").map(String.init)
      let built = try compiler.run(words + ["-c", folder.file("m.c"), "-o", folder.file("m.o")])
      #expect(built.exitCode != 0 && built.text.contains("-ffast-math and its parts change results"))
    }
  }

  @Test func theSameNetworkGivesTheSameBytes() throws {
    let folder = try ScratchFolder()
    let network = try Network<Double>(sizes: [5, 40, 3], hidden: .tanh, seed: 2)
    for file in ["a", "b"] { try CSource(network).write(to: folder.file(file)) }
    #expect(try folder.bytes("a") == folder.bytes("b"))
    #expect(String(decoding: try folder.bytes("a"), as: UTF8.self).contains(network.parametersDigest))
  }

  @Test func aFileThatCannotBeWrittenIsNamed() throws {
    let folder = try ScratchFolder()
    let source = try CSource(Network<Float>(sizes: [1, 1], hidden: .relu, seed: 1))
    for path in [folder.path, folder.file("none/m.c")] {
      #expect { try source.write(to: path) } throws: { ($0 as? FileError)?.path == path }
    }
  }
}

@Suite struct CSourceNameTests {
  @Test(arguments: ["model", "M", "a1", "with_underscore_", "Int", "int8"])
  func identifiersAreAllowed(name: String) throws {
    #expect(CSourceError.allows(name))
  }

  @Test(arguments: ["", "1a", "_a", "a-b", "a b", "a.b", "ä", "naïve", "a\u{301}", "a\n", "a/*", "a\0", "@", "`a", "{"])
  func otherTextIsRefused(name: String) throws {
    #expect(throws: CSourceError(name: name, problem: .noIdentifier)) {
      try CSource(Network<Float>(sizes: [1, 1], hidden: .relu, seed: 1), name: name)
    }
  }

  @Test(arguments: ["int", "float", "restrict", "inline", "while", "nullptr", "thread_local"])
  func keywordsAreRefused(name: String) throws {
    #expect(throws: CSourceError(name: name, problem: .keyword)) {
      try CSource(Network<Float>(sizes: [1, 1], hidden: .relu, seed: 1), name: name)
    }
  }
}

@Suite struct CSourceNumberTests {
  @Test func constantsOfSpecialNumbers() {
    #expect(CSourceNumber.text(Float(0)) == "0x0p0f")
    #expect(CSourceNumber.text(-Float(0)) == "-0x0p0f")
    #expect(CSourceNumber.text(Float(1.5)) == "0x1.8p0f")
    #expect(CSourceNumber.text(Float.leastNonzeroMagnitude) == "0x1p-149f")
    #expect(CSourceNumber.text(-Float.greatestFiniteMagnitude) == "-0x1.fffffep127f")
    #expect(CSourceNumber.text(Double.leastNonzeroMagnitude) == "0x0.0000000000001p-1022")
    #expect(CSourceNumber.text(Double.greatestFiniteMagnitude) == "0x1.fffffffffffffp1023")
    #expect(CSourceNumber.text(-Double.infinity) == "-INFINITY")
    #expect(CSourceNumber.text(Float.nan) == "NAN")
  }

  @Test func constantsReadBackToTheSameBits() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<5_000 {
      let double = Double(bitPattern: generator.next())
      guard double.isFinite else { continue }
      #expect(Double(CSourceNumber.text(double))?.bitPattern == double.bitPattern)
      let float = Float(bitPattern: generator.next())
      guard float.isFinite else { continue }
      #expect(Float(CSourceNumber.text(float).dropLast())?.bitPattern == float.bitPattern)
    }
  }
}
