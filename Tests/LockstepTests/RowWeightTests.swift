// Weights of rows: training against the reference network, bit for bit; against other ways to say the same; and what is no
// weight.

import BackendMatrix
import ComputeBackend
import LockstepReference
import Testing

@testable import Lockstep

@Suite struct RowWeightTests {
  /// Between 0 and 3, some 0.
  static func weights<Element: KernelElement>(_ rows: Int) -> Matrix<Element> {
    Matrix(rows: rows, columns: 1, elements: (0..<rows).map { Element(($0 * 7 + 3) % 11) * 0.3 })
  }

  func compareTraining<Element: NetworkElement>(_: Element.Type, sizes: [Int], rows: Int, loss: Loss) throws {
    let network = try Network<Element>(sizes: sizes, hidden: .tanh, initializer: .uniform, seed: 5)
    let input: Matrix<Element> = randomMatrix(rows: rows, columns: sizes[0], seed: 1)
    let target: Matrix<Element> = randomTargets(for: loss, rows: rows, columns: sizes[sizes.count - 1], seed: 2)
    let weights: Matrix<Element> = Self.weights(rows)
    var reference = ReferenceNetwork(network)
    let losses = reference.train(
      on: Array(repeating: (input, target), count: 2), weights: weights, loss: loss, learningRate: 0.125)
    var unweighted = ReferenceNetwork(network)
    #expect(unweighted.train(on: [(input, target)], loss: loss, learningRate: 0.125)[0] != losses[0])

    for backend in try allBackends(Element.self) {
      for blocks in [RowBlocks.automatic, .wholeBatch, .leaves(exponent: 0), .leaves(exponent: 1)] {
        let trainer = Trainer(network, loss: loss, backend: backend, blocks: blocks)
        let gradients = try trainer.gradients(input: input, target: target, weights: weights)
        let found = try losses.map { _ in
          try trainer.step(input: input, target: target, weights: weights, learningRate: 0.125)
        }
        let label: Comment = "\(backend.name), \(blocks), \(sizes), \(rows) rows"
        #expect(gradients.loss == losses[0], label)
        #expect(found.map(\.canonicalBitPattern) == losses.map(\.canonicalBitPattern), label)
        for (layer, expected) in zip(trainer.network.layers, reference.layers) {
          #expect(bits(layer.weights) == bits(expected.weights), label)
          #expect(bits(layer.bias) == bits(expected.bias), label)
        }
      }
    }
  }

  @Test(arguments: [[1, 2, 1], [2, 3, 2], [13, 16, 8, 2]], Loss.allCases)
  func trainingHasTheBitsOfTheReference(sizes: [Int], loss: Loss) throws {
    // Softmax over one output is constant.
    if loss == .softmaxCrossEntropy, sizes[sizes.count - 1] == 1 { return }
    for rows in [5, 257, 1000] {
      try compareTraining(Float.self, sizes: sizes, rows: rows, loss: loss)
      try compareTraining(Double.self, sizes: sizes, rows: rows, loss: loss)
    }
  }

  @Test(arguments: [[1, 2, 1], [4, 17, 3]], Loss.allCases)
  func weightsOfOneChangeNoBit(sizes: [Int], loss: Loss) throws {
    let network = try Network<Float>(sizes: sizes, hidden: .relu, seed: 5)
    let input: Matrix<Float> = randomMatrix(rows: 300, columns: sizes[0], seed: 1)
    let target: Matrix<Float> = randomTargets(for: loss, rows: 300, columns: sizes[sizes.count - 1], seed: 2)
    let ones = Matrix<Float>(rows: 300, columns: 1, elements: Array(repeating: 1, count: 300))
    for backend in try allBackends(Float.self) {
      let trainer = Trainer(network, loss: loss, backend: backend)
      let plain = try trainer.gradients(input: input, target: target)
      #expect(try trainer.gradients(input: input, target: target, weights: ones) == plain, "\(backend.name)")
    }
  }

  /// A row of weight 2 is the same row twice, and one of weight 0 is none.
  @Test(arguments: Loss.allCases)
  func weightsCountRows(loss: Loss) throws {
    let network = try Network<Double>(sizes: [2, 5, 3], hidden: .tanh, seed: 5)
    let input: Matrix<Double> = randomMatrix(rows: 4, columns: 2, seed: 1)
    let target: Matrix<Double> = randomTargets(for: loss, rows: 4, columns: 3, seed: 2)
    func picking(_ matrix: Matrix<Double>, _ rows: [Int]) -> Matrix<Double> {
      Matrix(
        rows: rows.count, columns: matrix.columns,
        elements: rows.flatMap { row in (0..<matrix.columns).map { matrix[row, $0] } })
    }
    let trainer = Trainer(network, loss: loss, backend: try Backends.make(as: Double.self))
    let weighted = try trainer.gradients(
      input: input, target: target, weights: Matrix(rows: 4, columns: 1, elements: [1, 0, 2, 1]))
    let repeated = try trainer.gradients(
      input: picking(input, [0, 2, 2, 3]), target: picking(target, [0, 2, 2, 3]))
    #expect(abs(weighted.loss - repeated.loss) < 1e-14)
    let pairs = zip(
      Network(checked: weighted.layers).parametersInFileOrder, Network(checked: repeated.layers).parametersInFileOrder)
    #expect(pairs.allSatisfy { abs($0 - $1) < 1e-14 })
  }

  @Test(arguments: Loss.allCases)
  func gradientsAgreeWithCentralDifferences(loss: Loss) throws {
    let network = try Network<Double>(sizes: [3, 6, 4], hidden: .silu, seed: 8)
    let check = try GradientCheck(
      network, input: randomMatrix(rows: 9, columns: 3, seed: 1),
      target: randomTargets(for: loss, rows: 9, columns: 4, seed: 2), weights: Self.weights(9), loss: loss,
      on: Backends.make(as: Double.self))
    #expect(check.maximumError < 1e-8)
  }

  @Test(arguments: Loss.allCases)
  func whereNoRowCountsNothingIsLearned(loss: Loss) throws {
    let network = try Network<Float>(sizes: [2, 3, 2], hidden: .sigmoid, seed: 5)
    let (input, target): (Matrix<Float>, Matrix<Float>) = (
      randomMatrix(rows: 20, columns: 2, seed: 1), randomTargets(for: loss, rows: 20, columns: 2, seed: 2)
    )
    let none = Matrix<Float>(rows: 20, columns: 1)
    for backend in try allBackends(Float.self) {
      let trainer = Trainer(network, loss: loss, backend: backend)
      #expect(try trainer.step(input: input, target: target, weights: none, learningRate: 1) == 0)
      #expect(trainer.network == network)
    }
    let backend = try Backends.make(as: Float.self)
    #expect(
      try Network.meanLoss(
        loss, output: network.predict(input, on: backend), target: target, weights: none, on: backend) == 0)
  }

  /// The smallest sums that are taken give finite gradients, whatever the loss.
  @Test(arguments: Loss.allCases)
  func theSmallestWeightsHaveFiniteGradients(loss: Loss) throws {
    let network = try Network<Float>(sizes: [2, 3, 2], hidden: .sigmoid, seed: 5)
    let (input, target): (Matrix<Float>, Matrix<Float>) = (
      randomMatrix(rows: 3, columns: 2, seed: 1), randomTargets(for: loss, rows: 3, columns: 2, seed: 2)
    )
    // 2 over their sum is just finite.
    let weights = Matrix<Float>(rows: 3, columns: 1, elements: [0x1.8p-127, 0x1p-129, 0])
    for backend in try allBackends(Float.self) {
      let trainer = Trainer(network, loss: loss, backend: backend)
      let gradients = try trainer.gradients(input: input, target: target, weights: weights)
      #expect(gradients.loss.isFinite, "\(backend.name)")
      #expect(Network(checked: gradients.layers).isFinite, "\(backend.name)")
    }
  }

  @Test func theMeanLossIsThatOfTheStep() throws {
    let network = try Network<Double>(sizes: [2, 3, 2], hidden: .sigmoid, seed: 5)
    let backend = try Backends.make(as: Double.self)
    let (input, target): (Matrix<Double>, Matrix<Double>) = (
      randomMatrix(rows: 300, columns: 2, seed: 1), randomMatrix(rows: 300, columns: 2, seed: 2)
    )
    let trainer = Trainer(network, loss: .huber, backend: backend)
    let mean = try Network.meanLoss(
      .huber, output: network.predict(input, on: backend), target: target, weights: Self.weights(300), on: backend)
    let record = try trainer.recordedStep(
      input: input, target: target, weights: Self.weights(300), learningRate: 0.5)
    #expect(record.gradients.loss == mean)
    let other = Trainer(network, loss: .huber, backend: backend)
    #expect(try other.step(input: input, target: target, weights: Self.weights(300), learningRate: 0.5) == mean)
    #expect(other.network == trainer.network)
  }

  @Test(arguments: [
    (Matrix<Float>(rows: 2, columns: 1), NetworkError.weightShape(expectedRows: 3, rows: 2, columns: 1)),
    (Matrix(rows: 3, columns: 2), .weightShape(expectedRows: 3, rows: 3, columns: 2)),
    (Matrix(rows: 3, columns: 1, elements: [1, -0.5, 1]), .weight(row: 1, value: "-0.5")),
    (Matrix(rows: 3, columns: 1, elements: [1, 1, .nan]), .weight(row: 2, value: "nan")),
    (Matrix(rows: 3, columns: 1, elements: [.infinity, 1, 1]), .weight(row: 0, value: "inf")),
    (
      Matrix(rows: 3, columns: 1, elements: [.greatestFiniteMagnitude, .greatestFiniteMagnitude, 1]), .weightSum
    ),
    (Matrix(rows: 3, columns: 1, elements: [.leastNonzeroMagnitude, 0, 0]), .weightSumTooSmall),
    (Matrix(rows: 3, columns: 1, elements: [0x1p-129, 0x1p-129, 0]), .weightSumTooSmall),
  ])
  func whatIsNoWeightIsRefused(weights: Matrix<Float>, expected: NetworkError) throws {
    let network = try Network<Float>(sizes: [1, 2, 1], hidden: .relu, seed: 1)
    let backend = try Backends.make(as: Float.self)
    let trainer = Trainer(network, loss: .meanSquaredError, backend: backend)
    let rows = Matrix<Float>(rows: 3, columns: 1)
    #expect(throws: expected) { try trainer.step(input: rows, target: rows, weights: weights, learningRate: 1) }
    #expect(throws: expected) { try trainer.gradients(input: rows, target: rows, weights: weights) }
    #expect(throws: expected) { try trainer.recordedStep(input: rows, target: rows, weights: weights, learningRate: 1) }
    #expect(throws: expected) {
      try Network.meanLoss(.huber, output: rows, target: rows, weights: weights, on: backend)
    }
    #expect(trainer.network == network)
  }
}
