// The pass and training against the reference network, bit for bit, over backends and row blocks; and against central
// differences, which know nothing of backpropagation.

import BackendMatrix
import ComputeBackend
import LockstepReference
import Testing

@testable import Lockstep

@Suite struct TrainerTests {
  static let networks: [[Int]] = [[1, 2, 1], [3, 17, 5], [13, 16, 8, 2], [4, 1, 1, 15, 3]]

  func compareTraining<Element: NetworkElement>(
    _: Element.Type, sizes: [Int], rows: Int, activation: Activation, loss: Loss, blocks: [RowBlocks]
  ) throws {
    // The output layer has an activation, too, so that its derivative is part of the comparison; not relu, whose few
    // outputs may all be 0, with nothing to learn.
    let network = try Network<Element>(
      sizes: sizes, hidden: activation, output: activation == .relu ? .leakyReLU : activation, initializer: .uniform,
      seed: 5)
    let input: Matrix<Element> = randomMatrix(rows: rows, columns: sizes[0], seed: 1)
    let target: Matrix<Element> = randomTargets(for: loss, rows: rows, columns: sizes[sizes.count - 1], seed: 2)
    var reference = ReferenceNetwork(network)
    let losses = reference.train(
      on: Array(repeating: (input, target), count: 3), loss: loss, learningRate: 0.125)
    // Softmax over one output is constant: there alone nothing is to be learned.
    let learns = loss != .softmaxCrossEntropy || sizes[sizes.count - 1] > 1
    let hasLearned = zip(reference.layers, network.layers).contains { $0.bias != $1.bias }
    #expect(hasLearned == learns)

    for backend in try allBackends(Element.self) {
      for blocks in blocks {
        let trainer = Trainer(network, loss: loss, backend: backend, blocks: blocks)
        let found = try losses.map { _ in try trainer.step(input: input, target: target, learningRate: 0.125) }
        let label: Comment = "\(backend.name), \(blocks), \(sizes), \(rows) rows"
        #expect(found.map(\.canonicalBitPattern) == losses.map(\.canonicalBitPattern), label)
        for (layer, expected) in zip(trainer.network.layers, reference.layers) {
          #expect(bits(layer.weights) == bits(expected.weights), label)
          #expect(bits(layer.bias) == bits(expected.bias), label)
        }
      }
    }
  }

  @Test(arguments: networks, Loss.allCases)
  func trainingHasTheBitsOfTheReference(sizes: [Int], loss: Loss) throws {
    for (activation, rows) in zip(Activation.allCases, [1, 16, 255, 257, 300, 17, 513, 31, 256]) {
      try compareTraining(
        Float.self, sizes: sizes, rows: rows, activation: activation, loss: loss, blocks: [.automatic])
      try compareTraining(
        Double.self, sizes: sizes, rows: rows, activation: activation, loss: loss, blocks: [.automatic])
    }
  }

  @Test(arguments: networks, [256, 513, 1000, 1281, 1792, 2305])
  func rowBlocksChangeNoBit(sizes: [Int], rows: Int) throws {
    // One that keeps its outputs, and one that keeps its sums.
    for activation in [Activation.tanh, .silu] {
      try compareTraining(
        Float.self, sizes: sizes, rows: rows, activation: activation, loss: .meanSquaredError,
        blocks: [.automatic, .wholeBatch, .leaves(exponent: 0), .leaves(exponent: 1), .leaves(exponent: 2)])
    }
  }

  @Test func blocksAreReusedForSmallerAndLargerBatches() throws {
    let network = try Network<Float>(sizes: [2, 3, 1], hidden: .relu, seed: 5)
    let backend = try Backends.make(as: Float.self)
    let trainer = Trainer(network, loss: .meanSquaredError, backend: backend, blocks: .leaves(exponent: 0))
    for rows in [300, 10, 1300, 256, 513] {
      let input: Matrix<Float> = randomMatrix(rows: rows, columns: 2, seed: 1)
      let target: Matrix<Float> = randomMatrix(rows: rows, columns: 1, seed: 2)
      let fresh = Trainer(network, loss: .meanSquaredError, backend: backend, blocks: .wholeBatch)
      let found = try trainer.gradients(input: input, target: target)
      #expect(try fresh.gradients(input: input, target: target) == found)
    }
  }

  @Test(arguments: Activation.allCases, Loss.allCases)
  func gradientsAgreeWithCentralDifferences(activation: Activation, loss: Loss) throws {
    // The output layer has the activation, too, so that its derivative is part of the check.
    let network = try Network<Double>(sizes: [3, 6, 4], hidden: activation, output: activation, seed: 8)
    let input: Matrix<Double> = randomMatrix(rows: 9, columns: 3, seed: 1)
    let target: Matrix<Double> = randomTargets(for: loss, rows: 9, columns: 4, seed: 2)
    for backend in try allBackends(Double.self) {
      let check = try GradientCheck(network, input: input, target: target, loss: loss, on: backend)
      #expect(check.parameterCount == 3 * 6 + 6 + 6 * 4 + 4)
      #expect(check.maximumError < 1e-8, "\(backend.kind)")
    }
  }

  @Test func recordedStepGivesWhatTheStepUses() throws {
    let network = try Network<Double>(sizes: [1, 2, 1], hidden: .identity, initializer: .standardNormal, seed: 1)
    let backend = try Backends.make(.scalar, as: Double.self)
    let input: Matrix<Double> = randomMatrix(rows: 5, columns: 1, seed: 1)
    let target: Matrix<Double> = randomMatrix(rows: 5, columns: 1, seed: 2)
    let (recorded, plain) = (
      Trainer(network, loss: .meanSquaredError, backend: backend),
      Trainer(network, loss: .meanSquaredError, backend: backend)
    )
    let record = try recorded.recordedStep(input: input, target: target, learningRate: 0.01)
    let loss = try plain.step(input: input, target: target, learningRate: 0.01)
    #expect(record.gradients.loss == loss)
    #expect(recorded.network == plain.network)
    #expect(record.outputs[1] == (try network.predict(input, on: backend)))
    for row in 0..<5 {
      #expect(record.sumGradients[1][row, 0] == (record.outputs[1][row, 0] - target[row, 0]) * (2.0 / 5))
    }
  }

  @Test(arguments: Activation.allCases)
  func recordedStepHoldsOutputs(activation: Activation) throws {
    let network = try Network<Float>(sizes: [3, 4, 2], hidden: activation, output: activation, seed: 3)
    let backend = try Backends.make(as: Float.self)
    let input: Matrix<Float> = randomMatrix(rows: 7, columns: 3, seed: 1)
    let target: Matrix<Float> = randomMatrix(rows: 7, columns: 2, seed: 2)
    let trainer = Trainer(network, loss: .huber, backend: backend)
    let record = try trainer.recordedStep(input: input, target: target, learningRate: 0.5)
    #expect(record.outputs == ReferenceNetwork(network).outputs(for: input))
    let plain = Trainer(network, loss: .huber, backend: backend)
    try plain.step(input: input, target: target, learningRate: 0.5)
    #expect(trainer.network == plain.network)
  }

  @Test func predictionsOfARowDoNotDependOnItsNeighbours() throws {
    let network = try Network<Float>(sizes: [13, 33, 3], hidden: .sigmoid, seed: 4)
    let input: Matrix<Float> = randomMatrix(rows: 700, columns: 13, seed: 3)
    for backend in try allBackends(Float.self) {
      let all = try network.predict(input, on: backend)
      for row in [0, 1, 255, 256, 699] {
        let alone = try network.predict(
          Matrix(rows: 1, columns: 13, elements: (0..<13).map { input[row, $0] }), on: backend)
        #expect(bits(alone) == (0..<3).map { all[row, $0].bitPattern })
      }
    }
  }
}
