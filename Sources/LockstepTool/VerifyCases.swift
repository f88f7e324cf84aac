// The networks that `lockstep verify` computes.

import ComputeBackend
import Lockstep

/// A network, a batch and what is asked of them.
struct VerifyCase: Sendable {
  /// The widths, from input to output.
  let sizes: [Int]
  let hidden: Activation
  var output: Activation = .identity
  let loss: Loss
  let rows: Int
  var numbers = Numbers.ordinary

  /// What inputs and targets are.
  enum Numbers {
    /// Standard normal inputs, targets that suit the loss.
    case ordinary
    /// Inputs so small that products with them are subnormal: a CPU that flushes those to zero is found out.
    case tiny
    /// Inputs just below zero, targets below every output: from a few rows on, each product in a weight gradient
    /// rounds to -0, and a kernel that adds a zero of its own to that is found out.
    case vanishing
  }

  /// `13-64-32-1`, with what is out of the ordinary.
  var network: String {
    sizes.map { "\($0)" }.joined(separator: "-") + (output == .identity ? "" : " \(output.rawValue)")
      + (numbers == .ordinary ? "" : " \(numbers)")
  }

  /// The table: `quick` leaves out what takes long.
  static func table(quick: Bool) -> [VerifyCase] {
    quick ? small : small + large
  }

  /// Narrow and odd widths, all activations and losses, rows around the edges of stripes and leaves.
  private static let small: [VerifyCase] = [
    VerifyCase(sizes: [1, 2, 1], hidden: .identity, loss: .meanSquaredError, rows: 1),
    VerifyCase(sizes: [1, 2, 1], hidden: .identity, loss: .meanSquaredError, rows: 100),
    VerifyCase(sizes: [1, 2, 1], hidden: .identity, loss: .meanSquaredError, rows: 1000, numbers: .tiny),
    VerifyCase(sizes: [3, 5], hidden: .identity, output: .tanh, loss: .meanSquaredError, rows: 17),
    VerifyCase(sizes: [5, 3, 2], hidden: .sigmoid, output: .sigmoid, loss: .meanSquaredError, rows: 255),
    VerifyCase(sizes: [4, 4, 4], hidden: .leakyReLU, loss: .softmaxCrossEntropy, rows: 256),
    VerifyCase(sizes: [2, 7, 1], hidden: .tanh, loss: .binaryCrossEntropy, rows: 257),
    VerifyCase(sizes: [13, 64, 32, 1], hidden: .relu, loss: .meanSquaredError, rows: 1000),
    VerifyCase(sizes: [13, 31, 17, 3], hidden: .tanh, loss: .softmaxCrossEntropy, rows: 513),
    VerifyCase(sizes: [11, 29, 5], hidden: .sigmoid, loss: .binaryCrossEntropy, rows: 511),
    VerifyCase(sizes: [37, 19, 23, 10], hidden: .leakyReLU, loss: .softmaxCrossEntropy, rows: 257),
    VerifyCase(sizes: [16, 1, 16], hidden: .relu, output: .leakyReLU, loss: .meanSquaredError, rows: 255),
    VerifyCase(sizes: [65, 33], hidden: .identity, output: .relu, loss: .meanSquaredError, rows: 31),
    VerifyCase(sizes: [33, 17, 9], hidden: .tanh, loss: .meanSquaredError, rows: 300, numbers: .tiny),
    VerifyCase(sizes: [1, 1], hidden: .identity, loss: .meanSquaredError, rows: 33, numbers: .vanishing),
    VerifyCase(sizes: [3, 5], hidden: .identity, loss: .meanSquaredError, rows: 300, numbers: .vanishing),
    VerifyCase(sizes: [17, 9], hidden: .identity, loss: .meanSquaredError, rows: 271, numbers: .vanishing),
    VerifyCase(sizes: [2, 5, 1], hidden: .tanh, loss: .meanAbsoluteError, rows: 259),
    VerifyCase(sizes: [13, 21, 3], hidden: .relu, loss: .huber, rows: 514),
    VerifyCase(sizes: [3, 4, 2], hidden: .softplus, output: .softplus, loss: .meanAbsoluteError, rows: 258),
    VerifyCase(sizes: [12, 33, 18, 4], hidden: .silu, loss: .softmaxCrossEntropy, rows: 300),
    VerifyCase(sizes: [1, 6, 2], hidden: .elu, output: .elu, loss: .huber, rows: 100),
    VerifyCase(sizes: [14, 30, 5], hidden: .gelu, loss: .binaryCrossEntropy, rows: 270),
  ]

  /// More rows and wider layers, in odd sizes that fill no tile.
  private static let large: [VerifyCase] = [
    VerifyCase(sizes: [1, 2, 1], hidden: .identity, loss: .meanSquaredError, rows: 10_007),
    VerifyCase(sizes: [3, 2, 2, 1], hidden: .sigmoid, loss: .binaryCrossEntropy, rows: 4097),
    VerifyCase(sizes: [5, 8, 3], hidden: .leakyReLU, loss: .softmaxCrossEntropy, rows: 5000),
    VerifyCase(sizes: [13, 64, 32, 1], hidden: .tanh, loss: .meanSquaredError, rows: 2049),
    VerifyCase(sizes: [128, 96, 64, 10], hidden: .relu, loss: .softmaxCrossEntropy, rows: 512),
    VerifyCase(sizes: [101, 257, 7], hidden: .sigmoid, loss: .binaryCrossEntropy, rows: 513),
    VerifyCase(sizes: [257, 255, 129], hidden: .leakyReLU, loss: .meanSquaredError, rows: 255),
    VerifyCase(sizes: [513, 100, 11], hidden: .tanh, loss: .softmaxCrossEntropy, rows: 257),
    VerifyCase(sizes: [784, 128, 10], hidden: .relu, loss: .softmaxCrossEntropy, rows: 300),
    VerifyCase(sizes: [1031, 67], hidden: .identity, loss: .meanSquaredError, rows: 129),
    VerifyCase(sizes: [17, 1031, 3], hidden: .relu, loss: .meanSquaredError, rows: 65),
    VerifyCase(sizes: [9, 9, 9, 9, 9, 9, 9], hidden: .tanh, loss: .binaryCrossEntropy, rows: 1025),
  ]
}

extension VerifyCase {
  /// The network before training.
  func firstNetwork<Element: NetworkElement>(as _: Element.Type = Element.self) throws -> Network<Element> {
    try Network(sizes: sizes, hidden: hidden, output: output, initializer: .uniform, seed: 2)
  }

  /// `[rows × inputs]`, as ``numbers`` says.
  func input<Element: NetworkElement>(as _: Element.Type = Element.self) -> Matrix<Element> {
    var stream = RandomStream(seed: 2, purpose: .parameters, index: 1)
    return Matrix(
      rows: rows, columns: sizes[0],
      elements: (0..<rows * sizes[0]).map { _ in
        switch numbers {
        case .ordinary: Element(stream.normal())
        case .tiny: Element(stream.normal()) * .leastNormalMagnitude
        case .vanishing: -.leastNonzeroMagnitude
        }
      })
  }

  /// `[rows × outputs]`: standard normal numbers, zeros and ones, or a single one in each row, as the loss asks; or what
  /// ``numbers`` says.
  func target<Element: NetworkElement>(as _: Element.Type = Element.self) -> Matrix<Element> {
    var stream = RandomStream(seed: 2, purpose: .parameters, index: 2)
    let outputs = sizes[sizes.count - 1]
    if numbers == .vanishing {
      // With weights and biases between -1 and 1 this is below every output, by less than gives a gradient of 1/2.
      return Matrix(rows: rows, columns: outputs, elements: Array(repeating: -2, count: rows * outputs))
    }
    var target = Matrix<Element>(rows: rows, columns: outputs)
    for row in 0..<rows {
      switch loss {
      case .meanSquaredError, .meanAbsoluteError, .huber:
        for column in 0..<outputs { target[row, column] = Element(stream.normal()) }
      case .binaryCrossEntropy:
        for column in 0..<outputs { target[row, column] = Element(stream.integer(below: 2)) }
      case .softmaxCrossEntropy:
        target[row, Int(stream.integer(below: UInt64(outputs)))] = 1
      }
    }
    return target
  }
}
