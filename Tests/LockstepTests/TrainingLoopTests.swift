// The loop over epochs and batches.

import ComputeBackend
import LockstepReference
import Testing

@testable import Lockstep

@Suite struct TrainingLoopTests {
  let input: Matrix<Float> = randomMatrix(rows: 10, columns: 2, seed: 1)
  let target: Matrix<Float> = randomMatrix(rows: 10, columns: 1, seed: 2)

  func trainer(seed: UInt64 = 3) throws -> Trainer<Float> {
    Trainer(
      try Network(sizes: [2, 3, 1], hidden: .tanh, seed: seed), loss: .meanSquaredError,
      backend: try Backends.make(.scalar, as: Float.self))
  }

  func rows(_ matrix: Matrix<Float>, _ indices: some Sequence<Int>) -> Matrix<Float> {
    let indices = Array(indices)
    return Matrix(
      rows: indices.count, columns: matrix.columns,
      elements: indices.flatMap { row in (0..<matrix.columns).map { matrix[row, $0] } })
  }

  @Test(arguments: [false, true]) func batchesFollowTheSchedule(shuffles: Bool) throws {
    let trainer = try trainer()
    var reference = ReferenceNetwork(trainer.network)
    let schedule = try TrainingSchedule(epochs: 2, batchSize: 4, learningRate: 0.1, shuffles: shuffles, seed: 6)
    var progress: [TrainingProgress] = []
    let steps = try trainer.train(input: input, target: target, schedule: schedule, onEpoch: { progress.append($0) })

    let batches = (0..<2).flatMap { epoch -> [ReferenceBatch<Float>] in
      var stream = RandomStream(seed: 6, purpose: .shuffle, index: UInt32(epoch))
      let order = shuffles ? stream.permutation(10) : Array(0..<10)
      return [0..<4, 4..<8, 8..<10].map { (rows(input, order[$0]), rows(target, order[$0])) }
    }
    let losses = reference.train(on: batches, loss: .meanSquaredError, learningRate: 0.1)
    #expect(steps == 6)
    #expect(trainer.network.layers[0].weights == reference.layers[0].weights)
    #expect(trainer.network.layers[1].bias == reference.layers[1].bias)
    #expect(progress.map(\.steps) == [3, 6])
    let expected = (Double(losses[0]) * 4 + Double(losses[1]) * 4 + Double(losses[2]) * 2) / 10
    #expect(progress[0].loss == expected)
  }

  @Test func stopsWhenAsked() throws {
    let trainer = try trainer()
    var asked = 0
    let schedule = try TrainingSchedule(epochs: 5, batchSize: 3, learningRate: 0.1)
    let steps = try trainer.train(
      input: input, target: target, schedule: schedule,
      shouldStop: {
        asked += 1
        return asked == 6
      })
    #expect(steps == 6)
  }

  @Test func noEpochsLeaveTheNetworkAsItIs() throws {
    let trainer = try trainer()
    let before = trainer.network
    let schedule = try TrainingSchedule(epochs: 0, batchSize: 3, learningRate: 0.1)
    #expect(try trainer.train(input: input, target: target, schedule: schedule) == 0)
    #expect(trainer.network == before)
  }

  @Test func schedulesThatCannotBeFollowedAreRefused() {
    #expect(throws: TrainingError.self) { try TrainingSchedule(epochs: -1, batchSize: 1, learningRate: 1) }
    #expect(throws: TrainingError.self) { try TrainingSchedule(epochs: 1, batchSize: 0, learningRate: 1) }
    #expect(throws: TrainingError.self) { try TrainingSchedule(epochs: 1, batchSize: 1, learningRate: .nan) }
    #expect(throws: TrainingError.self) { try TrainingSchedule(epochs: 1, batchSize: 1, learningRate: .infinity) }
  }

  /// A linear network with a learning rate far too large diverges; the step it fails at and the network that is kept are
  /// found here by taking the steps one by one.
  @Test(arguments: [10.0, 2.0, 0.7]) func divergenceKeepsTheLastFiniteNetwork(learningRate: Double) throws {
    let network = try Network<Float>(sizes: [2, 1], hidden: .identity, seed: 3)
    let backend = try Backends.make(.scalar, as: Float.self)
    let large = Matrix<Float>(rows: 10, columns: 2, elements: input.elements.map { $0 * 3 })
    let stepwise = Trainer(network, loss: .meanSquaredError, backend: backend)
    var lastFinite = network
    var failingStep = 0
    for step in 1...100_000 where failingStep == 0 {
      lastFinite = stepwise.network
      let loss = try stepwise.step(input: large, target: target, learningRate: Float(learningRate))
      if !loss.isFinite || !stepwise.network.isFinite { failingStep = step }
    }

    let trainer = Trainer(network, loss: .meanSquaredError, backend: backend)
    let schedule = try TrainingSchedule(
      epochs: 100_000, batchSize: 10, learningRate: learningRate, shuffles: false)
    let error = #expect(throws: TrainingError.self) {
      try trainer.train(input: large, target: target, schedule: schedule)
    }
    guard case .notFinite(let step, _) = error else {
      Issue.record("expected a failure to be finite, got \(String(describing: error))")
      return
    }
    #expect(step == failingStep)
    #expect(trainer.network == lastFinite)
    #expect(trainer.network.isFinite)
  }

  @Test(arguments: [false, true]) func dataThatIsNotFiniteIsNamed(shuffles: Bool) throws {
    let schedule = try TrainingSchedule(epochs: 3, batchSize: 4, learningRate: 0.1, shuffles: shuffles, seed: 6)
    var stream = RandomStream(seed: 6, purpose: .shuffle, index: 0)
    let order = shuffles ? stream.permutation(10) : Array(0..<10)
    let step = order.firstIndex(of: 7)! / 4 + 1
    var (badInput, badTarget) = (input, target)
    badInput[7, 1] = .nan
    badTarget[7, 0] = -.infinity

    let trainer = try trainer()
    let error = #expect(throws: TrainingError.self) {
      try trainer.train(input: badInput, target: target, schedule: schedule)
    }
    #expect(error == .notFiniteData(step: step, quantity: "input row 7, column 1 is nan"))
    #expect(error?.description.contains("learning rate") == false)
    #expect(trainer.network.isFinite)
    #expect(throws: TrainingError.notFiniteData(step: step, quantity: "target row 7, column 0 is -inf")) {
      try self.trainer().train(input: input, target: badTarget, schedule: schedule)
    }
  }

  @Test func anInfiniteFirstLossKeepsTheFirstNetwork() throws {
    let trainer = try trainer()
    let before = trainer.network
    let huge = Matrix<Float>(rows: 10, columns: 1, elements: Array(repeating: 3e38, count: 10))
    let schedule = try TrainingSchedule(epochs: 3, batchSize: 10, learningRate: 0.1)
    #expect(throws: TrainingError.notFinite(step: 1, quantity: "the loss is inf")) {
      try trainer.train(input: input, target: huge, schedule: schedule)
    }
    #expect(trainer.network == before)
  }

  /// As above, with what the optimiser keeps: it goes back to the state that belongs to the network.
  @Test(arguments: [Optimizer.Kind.momentum, .nesterov]) func divergenceKeepsTheOptimisersState(
    kind: Optimizer.Kind
  ) throws {
    let network = try Network<Float>(sizes: [2, 1], hidden: .identity, seed: 3)
    let backend = try Backends.make(.scalar, as: Float.self)
    let method = try TrainingMethod(optimizer: Optimizer(kind))
    let stepwise = Trainer(network, loss: .meanSquaredError, backend: backend, method: method)
    var (lastFinite, lastState) = (network, stepwise.optimizerState)
    var failingStep = 0
    // Some failures lie beyond the first snapshot.
    for step in 1...100_000 where failingStep == 0 {
      (lastFinite, lastState) = (stepwise.network, stepwise.optimizerState)
      let loss = try stepwise.step(input: input, target: target, learningRate: 2.25)
      let moments = stepwise.optimizerState.first.allSatisfy { layer in
        (layer.weights.elements + layer.bias.elements).allSatisfy(\.isFinite)
      }
      if !loss.isFinite || !stepwise.network.isFinite || !moments { failingStep = step }
    }

    let trainer = Trainer(network, loss: .meanSquaredError, backend: backend, method: method)
    let schedule = try TrainingSchedule(epochs: 100_000, batchSize: 10, learningRate: 2.25, shuffles: false)
    let error = #expect(throws: TrainingError.self) {
      try trainer.train(input: input, target: target, schedule: schedule)
    }
    guard case .notFinite(let step, _) = error else {
      Issue.record("expected a failure to be finite, got \(String(describing: error))")
      return
    }
    #expect(step == failingStep)
    #expect(trainer.network == lastFinite)
    #expect(trainer.optimizerState == lastState)
  }

  /// Squares of gradients overflow long before gradients do. Steps would then be 0 for ever.
  @Test func anInfiniteMomentIsAFailure() throws {
    let network = try Network<Float>(sizes: [2, 1], hidden: .identity, initializer: .zeros, seed: 0)
    let trainer = Trainer(
      network, loss: .meanSquaredError, backend: try Backends.make(.scalar, as: Float.self),
      method: try TrainingMethod(optimizer: Optimizer(.adam)))
    let huge = Matrix<Float>(rows: 10, columns: 2, elements: Array(repeating: 1e20, count: 20))
    let ones = Matrix<Float>(rows: 10, columns: 1, elements: Array(repeating: 1, count: 10))
    let schedule = try TrainingSchedule(epochs: 3, batchSize: 10, learningRate: 1e-30, shuffles: false)
    #expect(throws: TrainingError.notFinite(step: 1, quantity: "a moment of the optimiser became NaN or infinite")) {
      try trainer.train(input: huge, target: ones, schedule: schedule)
    }
    #expect(trainer.network == network)
    #expect(trainer.optimizerState.steps == 0)
  }
}
