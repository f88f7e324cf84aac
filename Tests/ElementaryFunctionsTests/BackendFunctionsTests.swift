// Elementary functions as the backends have them, each in a copy of its own, against the one definition: bit for bit, seen
// through what calls them, activations and losses. LOCKSTEP_EXHAUSTIVE=1 tries all 2³² Floats in the activations.

import BackendMatrix
import ComputeBackend
import ElementaryFunctionsSupport
import Lockstep
import Testing

@Suite struct BackendFunctionsTests {
  // MARK: - Arguments

  static func floats(_ patterns: Range<UInt64>, step: UInt64) -> [Float] {
    stride(from: patterns.lowerBound, to: patterns.upperBound, by: Int(step)).map {
      Float(bitPattern: UInt32(truncatingIfNeeded: $0))
    }
  }

  static let hardFloats = ElementaryFunction.allCases.flatMap { hardCases[$0]! }.flatMap {
    [Float(bitPattern: $0.argument), -Float(bitPattern: $0.argument)]
  }

  /// Doubles of every exponent, evenly spaced in their bits, and as many between -50 and 50, where the functions bend.
  static func doubles(_ count: Int) -> [Double] {
    let step = UInt64.max / UInt64(count) - 0x1234_5678
    return (0..<count).map { Double(bitPattern: UInt64($0) * step) }
      + (0..<count).map { Double($0) * 100 / Double(count) - 50 }
  }

  // MARK: - Activations

  /// The arguments, a few of each backend, at which a layer that only passes them on gives other bits.
  static func wrongActivations<Element: NetworkElement>(
    _ arguments: [Element], _ value: (Activation, Element) -> Element
  ) throws -> [String] {
    let input = Matrix(rows: arguments.count, columns: 1, elements: arguments)
    let weights = Matrix<Element>(rows: 1, columns: 1, elements: [1])
    let bias = Matrix<Element>(rows: 1, columns: 1, elements: [-0.0])
    var output = Matrix<Element>(rows: arguments.count, columns: 1)
    var wrong: [String] = []
    // The others are made of functions of these and of the losses.
    for activation in [Activation.tanh, .sigmoid, .elu, .gelu] {
      // The layer's sum starts from +0, so that -0 does not come through.
      let expected = arguments.map { value(activation, $0 + 0).canonicalBitPattern }
      for backend in try allBackends(Element.self) {
        output.withMutableView { output in
          input.withView { input in
            weights.withView { weights in
              bias.withView { bias in
                backend.forward(input: input, weights: weights, bias: bias, activation: activation, output: output)
              }
            }
          }
        }
        let elements = output.elements
        wrong += expected.indices.lazy.filter { elements[$0].canonicalBitPattern != expected[$0] }.prefix(3).map {
          "\(activation)(\(arguments[$0])) on \(backend.name) is \(elements[$0])"
        }
      }
    }
    return wrong
  }

  @Test func activationsOfFloatsHaveTheBitsOfTheDefinition() async throws {
    let step: UInt64 = ElementaryFunctionsTests.isExhaustive ? 1 : 4093
    let part: UInt64 = step << 18
    let (count, wrong) = try await withThrowingTaskGroup(of: (Int, [String]).self) { group in
      group.addTask { (0, try Self.wrongActivations(Self.hardFloats) { $0.float($1) }) }
      for start in stride(from: 0, to: UInt64(1) << 32, by: Int(part)) {
        group.addTask {
          let arguments = Self.floats(start..<min(start + part, 1 << 32), step: step)
          return (arguments.count, try Self.wrongActivations(arguments) { $0.float($1) })
        }
      }
      return try await group.reduce(into: (0, [])) { $0 = ($0.0 + $1.0, $0.1 + $1.1) }
    }
    #expect(count >= 1 << 20)
    #expect(wrong.isEmpty)
  }

  @Test func activationsOfDoublesHaveTheBitsOfTheDefinition() throws {
    let wrong = try Self.wrongActivations(Self.doubles(1 << 18)) { $0.double($1) }
    #expect(wrong.isEmpty)
  }

  // MARK: - Losses

  /// A loss of one row of interest, alone or among rows whose loss is zero.
  struct LossCase<Element: NetworkElement> {
    let loss: Loss
    /// The outputs and targets of the row of interest, from the argument.
    let row: (Element) -> (output: [Element], target: [Element])
    /// The outputs and targets of the others.
    let other: (output: [Element], target: [Element])

    static var all: [LossCase] {
      [
        // max(z, 0) + log1p(exp(-|z|)), and far below zero nothing.
        LossCase(loss: .binaryCrossEntropy, row: { ([$0], [0]) }, other: ([-100_000], [0])),
        // log(exp(x - max) + exp(0 - max)) - (x - max), and without a target nothing.
        LossCase(loss: .softmaxCrossEntropy, row: { ([$0, 0], [1, 0]) }, other: ([0, 0], [0, 0])),
      ]
    }

    /// The loss of the row and its gradient, from the definition on single values.
    func expected(_ argument: Element) -> [Element.BitPattern] {
      let (output, target) = row(argument)
      var gradient = output
      let sum = loss.rows(
        outputs: output.count, scale: Element(1), output: { output[$0] }, target: { target[$0] },
        store: { gradient[$0] = $1 }, stored: { gradient[$0] })
      // A sum over rows starts from +0.
      return ([sum + 0] + gradient).map(\.canonicalBitPattern)
    }

    /// The arguments, a few of each backend, at which it gives other bits.
    func wrong(_ arguments: [Element], rows: Int) throws -> [String] {
      let columns = other.output.count
      let (output, target, gradient) = (
        MatrixStorage<Element>(rows: rows, columns: columns), MatrixStorage<Element>(rows: rows, columns: columns),
        MatrixStorage<Element>(rows: rows, columns: columns)
      )
      func set(_ row: Int, to values: (output: [Element], target: [Element])) {
        for column in 0..<columns {
          output.mutableView[row, column] = values.output[column]
          target.mutableView[row, column] = values.target[column]
        }
      }
      for row in 0..<rows { set(row, to: other) }
      let expected = arguments.map { self.expected($0) }
      return try allBackends(Element.self).flatMap { backend in
        arguments.indices.lazy.filter { index in
          // Each lane of a vector in turn.
          let place = index % rows
          set(place, to: row(arguments[index]))
          let sum = backend.loss(
            loss, output: output.view, target: target.view, scale: 1, gradient: gradient.mutableView)
          set(place, to: other)
          let found = [sum] + (0..<columns).map { gradient.view[place, $0] }
          return found.map(\.canonicalBitPattern) != expected[index]
        }.prefix(3).map { "\(loss) of \(arguments[$0]) among \(rows) rows on \(backend.name)" }
      }
    }
  }

  func expectLossesHaveTheBitsOfTheDefinition<Element: NetworkElement>(_ arguments: [Element]) throws {
    for lossCase in LossCase<Element>.all {
      for rows in [1, 16] {
        let wrong = try lossCase.wrong(arguments, rows: rows)
        #expect(wrong.isEmpty)
      }
    }
  }

  @Test func lossesOfFloatsHaveTheBitsOfTheDefinition() throws {
    let even = (0..<1 << 14).map { Float($0) / 128 - 96 }
    try expectLossesHaveTheBitsOfTheDefinition(Self.hardFloats + even + Self.floats(0..<1 << 32, step: 131_071))
  }

  @Test func lossesOfDoublesHaveTheBitsOfTheDefinition() throws {
    try expectLossesHaveTheBitsOfTheDefinition(Self.doubles(1 << 14))
  }
}
