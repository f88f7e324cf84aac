// The reference's sums against expressions written out by hand: chains, leaves, the tree, stripes.

import ComputeBackend
import LockstepReference
import Testing

/// A column of numbers whose sum depends on the order.
private func numbers(_ count: Int) -> [Float] {
  // Sevenths use all bits of a significand, and neighbours differ by up to 2^12, so that most additions round.
  (0..<count).map { index in
    let whole = (index * 7919 + 104_729) % 1009 - 504
    return Float(whole) / 7 * Float(1 << (index * 5 % 13))
  }
}

private func column(_ elements: [Float]) -> Matrix<Float> {
  Matrix(rows: elements.count, columns: 1, elements: elements)
}

/// The bias gradient of a layer of one output, which is the plain sum of `terms` over rows: in stripes where the layer has
/// fewer than 16 inputs.
private func rowSum(_ terms: [Float], inputs: Int) -> Float {
  let input = Matrix<Float>(rows: terms.count, columns: inputs)
  return Reference.parameterGradients(input: input, outputGradient: column(terms)).bias[0, 0]
}

private func chain(_ terms: some Sequence<Float>) -> Float {
  terms.reduce(0) { $0 + $1 }
}

@Suite("Sums over rows")
struct SumTests {
  /// The tree over n leaves a, b, c, ..., each written out.
  static let trees: [@Sendable ([Float]) -> Float] = [
    { v in v[0] },
    { v in v[0] + v[1] },
    { v in (v[0] + v[1]) + v[2] },
    { v in (v[0] + v[1]) + (v[2] + v[3]) },
    { v in ((v[0] + v[1]) + (v[2] + v[3])) + v[4] },
    { v in ((v[0] + v[1]) + (v[2] + v[3])) + (v[4] + v[5]) },
    { v in ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + v[6]) },
    { v in
      let (left, right) = ((v[0] + v[1]) + (v[2] + v[3]), (v[4] + v[5]) + (v[6] + v[7]))
      return left + right
    },
    { v in
      let (left, right) = ((v[0] + v[1]) + (v[2] + v[3]), (v[4] + v[5]) + (v[6] + v[7]))
      return (left + right) + v[8]
    },
  ]

  @Test("Leaves of 256 rows fold in the pairwise tree", arguments: 1...9)
  func tree(_ leaves: Int) {
    let values = numbers(leaves * 5).enumerated().filter { $0.offset % 5 == 3 }.map(\.element)
    // One number a leaf, at a row that moves from leaf to leaf; the rest are zeros.
    var terms = [Float](repeating: 0, count: leaves * 256)
    for (leaf, value) in values.enumerated() { terms[leaf * 256 + (leaf * 31) % 256] = value }
    #expect(rowSum(terms, inputs: 16) == Self.trees[leaves - 1](values))
    #expect(rowSum(terms, inputs: 1) == Self.trees[leaves - 1](values))
  }

  @Test("The numbers tell one order from another")
  func ordersDiffer() {
    let values = numbers(45).enumerated().filter { $0.offset % 5 == 3 }.map(\.element)
    #expect(Self.trees[8](values) != chain(values))
    let terms = numbers(600)
    #expect(rowSum(terms, inputs: 16) != chain(terms))
    #expect(rowSum(terms, inputs: 16) != rowSum(terms, inputs: 15))
  }

  @Test("A leaf is one chain, and the last may be shorter", arguments: [1, 2, 255, 256, 257, 511, 512, 513, 600])
  func leaves(_ rows: Int) {
    let terms = numbers(rows)
    let leaves = stride(from: 0, to: rows, by: 256).map { chain(terms[$0..<min($0 + 256, rows)]) }
    #expect(rowSum(terms, inputs: 16) == Self.trees[leaves.count - 1](leaves))
  }

  @Test("A narrow leaf is sixteen stripes", arguments: [1, 2, 15, 16, 17, 33, 100, 256])
  func stripes(_ rows: Int) {
    let terms = numbers(rows)
    let s = (0..<16).map { stripe in chain(stride(from: stripe, to: rows, by: 16).map { terms[$0] }) }
    let even = ((s[0] + s[8]) + (s[4] + s[12])) + ((s[2] + s[10]) + (s[6] + s[14]))
    let odd = ((s[1] + s[9]) + (s[5] + s[13])) + ((s[3] + s[11]) + (s[7] + s[15]))
    #expect(rowSum(terms, inputs: 1) == even + odd)
  }

  @Test("Each leaf has stripes of its own")
  func stripesOfLeaves() {
    let terms = numbers(300)
    let leaves = [Array(terms[..<256]), Array(terms[256...])].map { rowSum($0, inputs: 1) }
    #expect(rowSum(terms, inputs: 1) == leaves[0] + leaves[1])
  }

  @Test(
    "Fewer than 16 weights are narrow",
    arguments: [
      (1, 15, true), (15, 1, true), (3, 5, true), (5, 3, true),
      (1, 16, false), (16, 1, false), (4, 4, false), (2, 8, false), (0, 16, false),
    ])
  func narrow(inputs: Int, outputs: Int, isNarrow: Bool) {
    let terms = numbers(200)
    let gradient = Reference.parameterGradients(
      input: Matrix<Float>(rows: 200, columns: inputs),
      outputGradient: Matrix(
        rows: 200, columns: outputs, elements: terms.flatMap { Array(repeating: $0, count: outputs) }))
    #expect(rowSum(terms, inputs: 1) != rowSum(terms, inputs: 16))
    #expect(gradient.bias[0, outputs - 1] == rowSum(terms, inputs: isNarrow ? 1 : 16))
    #expect(OrderOfArithmetic.isNarrow(inputs: inputs, outputs: outputs) == isNarrow)
  }

  @Test("No rows sum to +0")
  func nothing() {
    #expect(rowSum([], inputs: 1).bitPattern == 0)
    #expect(rowSum([], inputs: 16).bitPattern == 0)
  }

  @Test("Stripes without rows take part, as +0")
  func emptyStripes() {
    // A product too small for a subnormal: the chain of this one row is -0.
    let tiny = column([-.leastNonzeroMagnitude])
    func gradient(inputs: Int) -> Float {
      let input = Matrix<Float>(rows: 1, columns: inputs, elements: Array(repeating: 0.25, count: inputs))
      return Reference.parameterGradients(input: input, outputGradient: tiny).weights[0, 0]
    }
    #expect(gradient(inputs: 16).bitPattern == (-0.0 as Float).bitPattern)
    #expect(gradient(inputs: 1).bitPattern == 0)
  }

  @Test("A sum of weight gradients is a chain of fused multiply-adds")
  func fused() {
    // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24: only a fused multiply-add keeps the last term.
    let x: Float = 1 + 0x1p-12
    let input = Matrix<Float>(
      rows: 2, columns: 16,
      elements: Array(repeating: -1 - 0x1p-11, count: 16)
        + Array(repeating: x, count: 16))
    let gradient = Reference.parameterGradients(input: input, outputGradient: column([1, x]))
    #expect(gradient.weights.elements == Array(repeating: 0x1p-24, count: 16))
  }
}
