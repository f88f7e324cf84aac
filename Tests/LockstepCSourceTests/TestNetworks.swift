// Networks whose C files are compiled, the rows that they are given, and the program that runs them all.

import ComputeBackend
import Foundation
import Lockstep
import LockstepCSource
import Testing

/// A network with rows for it.
struct TestNetwork<Element: NetworkElement> {
  let name: String
  let network: Network<Element>
  /// `[rows × inputs]`.
  let input: Matrix<Element>

  /// Widths of 1, odd ones, whole vectors, and the edges of panels; then each activation alone over numbers of every size.
  static func all() throws -> [TestNetwork] {
    var numbers = Numbers<Element>()
    var networks: [TestNetwork] = []
    func add(_ sizes: [Int], _ activations: [Activation], rows: Int, weight: Element? = nil) throws {
      var layers: [DenseLayer<Element>] = []
      for (index, activation) in activations.enumerated() {
        let (inputs, outputs) = (sizes[index], sizes[index + 1])
        let weights = (0..<(inputs * outputs)).map { _ in weight ?? numbers.parameter(inputs: inputs) }
        let bias = (0..<outputs).map { _ in weight == nil ? numbers.parameter(inputs: inputs) : -0 }
        layers.append(
          DenseLayer(
            weights: Matrix(rows: inputs, columns: outputs, elements: weights),
            bias: Matrix(rows: 1, columns: outputs, elements: bias), activation: activation))
      }
      var elements = (0..<(rows * sizes[0])).map { _ in numbers.input(ofEverySize: weight != nil) }
      if weight != nil {
        elements += TellingInputs.inputs(for: activations[0], Element.precision).map { Element($0) }
      }
      networks.append(
        TestNetwork(
          name: "net_\(Element.precision.rawValue)_\(networks.count)", network: try Network(layers: layers),
          input: Matrix(rows: elements.count / sizes[0], columns: sizes[0], elements: elements)))
    }
    try add([1, 1], [.identity], rows: 7)
    try add([7, 1, 5], [.relu, .sigmoid], rows: 9)
    try add([16, 33, 300, 3], [.tanh, .leakyReLU, .identity], rows: 9)
    try add([3, 64, 65, 128, 1, 16], [.leakyReLU, .relu, .sigmoid, .tanh, .tanh], rows: 9)
    try add([33, 300], [.relu], rows: 5)
    try add([300, 16, 31, 32], [.sigmoid, .identity, .leakyReLU], rows: 5)
    for activation in Activation.allCases { try add([1, 1], [activation], rows: 20_000, weight: 1) }
    return networks
  }

  /// Writes the C file, and returns the call that runs it over the rows.
  func write(to folder: ScratchFolder) throws -> (file: String, call: String) {
    try CSource(network, name: name).write(to: folder.file("\(name).c"))
    let type = Element.precision == .f32 ? "float" : "double"
    let macros = name.uppercased()
    return ("\(name).c", "run_\(type)(\(name)_predict, \(macros)_INPUTS, \(macros)_OUTPUTS, \(input.rows));")
  }

  var inputBytes: [UInt8] { input.elements.withUnsafeBytes(Array.init) }

  /// Compares the outputs that the program has written, and takes them away.
  func expect(_ written: inout Data, _ options: String) throws {
    let expected = try Predictor(network, backend: Backends.make(.scalar)).predict(input).elements
    let size = expected.count * MemoryLayout<Element>.size
    try #require(written.count >= size)
    var found = [Element](repeating: 0, count: expected.count)
    _ = found.withUnsafeMutableBytes { written.prefix(size).copyBytes(to: $0) }
    written = written.dropFirst(size)
    let different = expected.indices.filter { expected[$0].canonicalBitPattern != found[$0].canonicalBitPattern }
    #expect(
      different.isEmpty,
      """
      \(name), \(network.sizes), \(options): \(different.count) of \(expected.count) differ, first \
      \(different.first.map { "\(found[$0]), not \(expected[$0])" } ?? "")
      """)
    #expect(Set(expected.map(\.canonicalBitPattern)).count > min(expected.count / 3, 3), "too plain to tell anything")
  }
}

/// Numbers from a fixed sequence.
private struct Numbers<Element: NetworkElement> {
  private var state: UInt64 = 0x9e37_79b9_7f4a_7c15

  private mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29)
  }

  private mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-52 - 1 }

  /// Mostly of a size that keeps sums near 1; some zeros of either sign, and some subnormal.
  mutating func parameter(inputs: Int) -> Element {
    switch next() >> 40 % 64 {
    case 0: -0
    case 1: Element.leastNonzeroMagnitude * Element(next() >> 44)
    default: Element(uniform() * 2 / Double(inputs).squareRoot())
    }
  }

  /// A number of about 1; or one of every exponent, infinities and NaN among them.
  mutating func input(ofEverySize: Bool) -> Element {
    guard ofEverySize else { return Element(uniform() * 3) }
    let bits = next()
    // Half of them where the elementary functions change.
    if bits & 1 == 0 { return Element(uniform() * 30) }
    return Element(bitPattern: Element.BitPattern(truncatingIfNeeded: next() >> 3))
  }
}

/// A program that reads the rows of all networks from one file and writes their outputs to another.
func testProgram(_ networks: [(file: String, call: String)]) -> String {
  func run(_ type: String) -> String {
    """
    static void run_\(type)(void (*predict)(const \(type) *, \(type) *), size_t inputs, size_t outputs, size_t rows) {
      \(type) *x = malloc(inputs * sizeof *x), *y = malloc(outputs * sizeof *y);
      if (!x || !y) exit(3);
      for (; rows > 0; --rows) {
        if (fread(x, sizeof *x, inputs, from) != inputs) exit(4);
        predict(x, y);
        if (fwrite(y, sizeof *y, outputs, to) != outputs) exit(5);
      }
      free(x);
      free(y);
    }
    """
  }
  return """
    #include <stdio.h>
    #include <stdlib.h>
    \(networks.map { "#include \"\($0.file)\"" }.joined(separator: "\n"))

    static FILE *from, *to;

    \(run("float"))
    \(run("double"))
    int main(int count, char **words) {
      if (count != 3 || !(from = fopen(words[1], "rb")) || !(to = fopen(words[2], "wb"))) return 2;
      \(networks.map(\.call).joined(separator: "\n  "))
      return fclose(to) == 0 ? 0 : 6;
    }

    """
}
