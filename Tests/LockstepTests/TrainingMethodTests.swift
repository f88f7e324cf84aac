// Optimisers, clipping and dropout in training, against the reference and against what they promise.

import BackendMatrix
import ComputeBackend
import LockstepReference
import Testing

@testable import Lockstep

@Suite struct TrainingMethodTests {
  /// Every optimiser plain, and with decay, clipping and dropout in some combination.
  static let methods: [TrainingMethod] = try! Optimizer.Kind.allCases.enumerated().flatMap { index, kind in
    [
      try TrainingMethod(optimizer: Optimizer(kind)),
      try TrainingMethod(
        optimizer: Optimizer(
          kind, momentum: 0.75, smoothing: 0.5, beta1: 0.75, beta2: 0.875, epsilon: 0.001, weightDecay: 0.0625),
        clipNorm: index % 2 == 0 ? 0.125 : nil, dropout: index % 3 == 0 ? 0.25 : 0, seed: 3),
    ]
  }

  private func compare<Element: NetworkElement>(
    _: Element.Type, sizes: [Int], rows: Int, loss: Loss = .meanSquaredError, method: TrainingMethod,
    blocks: [RowBlocks] = [.automatic], backends: [any ComputeBackend<Element>]? = nil
  ) throws {
    let network = try Network<Element>(sizes: sizes, hidden: .tanh, output: .sigmoid, seed: 5)
    let input: Matrix<Element> = randomMatrix(rows: rows, columns: sizes[0], seed: 1)
    let target: Matrix<Element> = randomTargets(for: loss, rows: rows, columns: sizes[sizes.count - 1], seed: 2)
    var reference = ReferenceTrainer(network, loss: loss, method: method)
    let rates = [0.125, 0.0625, 0.03125]
    let losses = rates.map { reference.step((input, target), learningRate: $0).loss }

    for backend in try backends ?? allBackends(Element.self) {
      for blocks in blocks {
        let trainer = Trainer(network, loss: loss, backend: backend, blocks: blocks, method: method)
        let label: Comment = "\(backend.name), \(blocks), \(sizes), \(rows) rows"
        let found = try rates.map { try trainer.step(input: input, target: target, learningRate: Element($0)) }
        #expect(found.map(\.canonicalBitPattern) == losses.map(\.canonicalBitPattern), label)
        for (layer, expected) in zip(trainer.network.layers, reference.layers) {
          #expect(bits(layer.weights) == bits(expected.weights), label)
          #expect(bits(layer.bias) == bits(expected.bias), label)
        }
        let state = trainer.optimizerState
        #expect(state.steps == 3)
        let formula = method.optimizer.kind.formula
        for (moments, expected, isKept) in [
          (state.first, reference.first, formula.keepsFirstMoment),
          (state.second, reference.second, formula.keepsSecondMoment),
        ] {
          #expect(
            moments.flatMap { [bits($0.weights), bits($0.bias)] } == (isKept ? expected.map { bits($0) } : []), label)
        }
      }
    }
  }

  @Test(arguments: methods)
  func stepsHaveTheBitsOfTheReference(method: TrainingMethod) throws {
    for (sizes, rows) in [([1, 2, 1], 17), ([3, 17, 5], 40), ([13, 16, 8, 2], 257)] {
      try compare(Float.self, sizes: sizes, rows: rows, method: method)
      try compare(Double.self, sizes: sizes, rows: rows, loss: .binaryCrossEntropy, method: method)
    }
  }

  @Test(arguments: [[1, 2, 1], [3, 17, 5], [4, 5, 3, 2]], [256, 513, 1281])
  func blocksAndMicroBatchesChangeNoBit(sizes: [Int], rows: Int) throws {
    for method in [
      try TrainingMethod(dropout: 0.5, seed: 1 << 40 | 7),
      try TrainingMethod(optimizer: Optimizer(.adamW, weightDecay: 0.01), clipNorm: 0.01, dropout: 0.1, seed: 2),
    ] {
      try compare(
        Float.self, sizes: sizes, rows: rows, method: method,
        blocks: [
          .automatic, .wholeBatch, .leaves(exponent: 0), try .microBatch(rows: 256), try .microBatch(rows: 512),
        ])
    }
  }

  /// So many rows that threads share blocks, and rows of a dropout.
  @Test func threadsChangeNoBit() throws {
    let method = try TrainingMethod(
      optimizer: Optimizer(.adam, weightDecay: 0.01), clipNorm: 0.01, dropout: 0.3, seed: 4)
    try compare(
      Float.self, sizes: [3, 17, 5], rows: 5000, method: method,
      blocks: [.automatic, .wholeBatch, try .microBatch(rows: 256), try .microBatch(rows: 1024)])
    let cut = RowBlocks.leaves(exponent: 0).cut(
      NetworkStorage(try Network<Float>(sizes: [3, 17, 5], hidden: .tanh, seed: 5)), rows: 5000, threads: 7)
    #expect(cut.tasks > 3)
  }

  @Test func anAutomaticBackendHasTheSameBits() throws {
    let made = try #require(try Backends.make(threads: 2, as: Float.self) as? AutomaticBackend<Float>)
    for method in Self.methods {
      let backend = AutomaticBackend(candidates: made.candidates, table: RaceTable(capacity: 2))
      try compare(Float.self, sizes: [3, 17, 5], rows: 300, method: method, backends: [backend])
    }
  }

  @Test func racesOfOneMethodTellNothingOfAnother() throws {
    let backend = try Backends.make(threads: 1, as: Float.self)
    guard let made = backend as? AutomaticBackend<Float>, made.candidates.count > 1 else { return }
    let automatic = AutomaticBackend(candidates: made.candidates, table: RaceTable(capacity: 8))
    let network = try Network<Float>(sizes: [3, 8, 2], hidden: .tanh, seed: 1)
    let input: Matrix<Float> = randomMatrix(rows: 40, columns: 3, seed: 1)
    let target: Matrix<Float> = randomMatrix(rows: 40, columns: 2, seed: 2)
    func trainer(_ method: TrainingMethod) -> Trainer<Float> {
      Trainer(network, loss: .meanSquaredError, backend: automatic, method: method)
    }
    let plain = trainer(.gradientDescent)
    for _ in 0..<2000 where !plain.backendChoice(rows: 40).isDecided {
      try plain.step(input: input, target: target, learningRate: 0.01)
    }
    #expect(plain.backendChoice(rows: 40).isDecided)
    for other in [
      try TrainingMethod(optimizer: Optimizer(.adam)), try TrainingMethod(optimizer: Optimizer(.sgd, weightDecay: 0.1)),
      try TrainingMethod(clipNorm: 1), try TrainingMethod(dropout: 0.5),
    ] {
      #expect(!trainer(other).backendChoice(rows: 40).isDecided, "\(other)")
    }
    #expect(trainer(.gradientDescent).backendChoice(rows: 40).isDecided)
  }

  @Test func plainDescentIsWhatItWasBefore() throws {
    let network = try Network<Float>(sizes: [5, 20, 3], hidden: .relu, seed: 1)
    let input: Matrix<Float> = randomMatrix(rows: 33, columns: 5, seed: 1)
    let target: Matrix<Float> = randomMatrix(rows: 33, columns: 3, seed: 2)
    for backend in try allBackends(Float.self) {
      let trainer = Trainer(network, loss: .meanSquaredError, backend: backend)
      var reference = ReferenceNetwork(network)
      reference.train(on: [(input, target), (input, target)], loss: .meanSquaredError, learningRate: 0.1)
      for _ in 0..<2 { try trainer.step(input: input, target: target, learningRate: 0.1) }
      #expect(bits(trainer.network.layers[0].weights) == bits(reference.layers[0].weights))
      #expect(trainer.optimizerState == OptimizerState(steps: 2))
    }
  }

  @Test(arguments: methods)
  func aRestoredStateGoesOnAsIfNothingHadHappened(method: TrainingMethod) throws {
    let network = try Network<Double>(sizes: [3, 7, 2], hidden: .tanh, seed: 1)
    let input: Matrix<Double> = randomMatrix(rows: 33, columns: 3, seed: 1)
    let target: Matrix<Double> = randomMatrix(rows: 33, columns: 2, seed: 2)
    let backend = try Backends.make(as: Double.self)
    let whole = Trainer(network, loss: .meanSquaredError, backend: backend, method: method)
    for _ in 0..<3 { try whole.step(input: input, target: target, learningRate: 0.1) }
    let (kept, state) = (whole.network, whole.optimizerState)
    for _ in 0..<3 { try whole.step(input: input, target: target, learningRate: 0.1) }
    let resumed = Trainer(kept, loss: .meanSquaredError, backend: backend, method: method)
    try resumed.restore(state)
    #expect(resumed.optimizerState == state)
    for _ in 0..<3 { try resumed.step(input: input, target: target, learningRate: 0.1) }
    #expect(resumed.network == whole.network)
    #expect(resumed.optimizerState == whole.optimizerState)
  }

  @Test func statesOfAnotherKindOrShapeAreRefused() throws {
    let network = try Network<Float>(sizes: [3, 7, 2], hidden: .tanh, seed: 1)
    let backend = try Backends.make(as: Float.self)
    func trainer(_ kind: Optimizer.Kind) throws -> Trainer<Float> {
      Trainer(
        network, loss: .meanSquaredError, backend: backend, method: try TrainingMethod(optimizer: Optimizer(kind)))
    }
    let adam = try trainer(.adam)
    let state = adam.optimizerState
    #expect(throws: OptimizerStateError.steps(-1)) {
      try adam.restore(OptimizerState(steps: -1, first: state.first, second: state.second))
    }
    #expect(throws: OptimizerStateError.layerCount(moment: "second", expected: 2, found: 0)) {
      try adam.restore(OptimizerState(steps: 1, first: state.first))
    }
    #expect(throws: OptimizerStateError.layerCount(moment: "first", expected: 0, found: 2)) {
      try trainer(.sgd).restore(OptimizerState(steps: 1, first: state.first))
    }
    #expect(throws: OptimizerStateError.shape(moment: "first", layer: 1)) {
      try adam.restore(
        OptimizerState(steps: 1, first: [state.first[1], state.first[0]], second: state.second))
    }
    var wrongBias = state.second
    wrongBias[1].bias = Matrix(rows: 1, columns: 3)
    #expect(throws: OptimizerStateError.shape(moment: "second", layer: 2)) {
      try adam.restore(OptimizerState(steps: 1, first: state.first, second: wrongBias))
    }
    #expect(adam.optimizerState == state)
  }

  @Test func predictionsAndGradientsDropNothing() throws {
    let network = try Network<Float>(sizes: [3, 40, 2], hidden: .relu, seed: 1)
    let input: Matrix<Float> = randomMatrix(rows: 33, columns: 3, seed: 1)
    let target: Matrix<Float> = randomMatrix(rows: 33, columns: 2, seed: 2)
    let backend = try Backends.make(as: Float.self)
    let dropping = Trainer(
      network, loss: .meanSquaredError, backend: backend, method: try TrainingMethod(clipNorm: 1e-3, dropout: 0.5))
    let plain = Trainer(network, loss: .meanSquaredError, backend: backend)
    #expect(try dropping.gradients(input: input, target: target) == plain.gradients(input: input, target: target))
    let output = try dropping.makePredictor().predict(input)
    #expect(try output == network.predict(input, on: backend))
    // The loss of a step that drops is another.
    let loss = try dropping.step(input: input, target: target, learningRate: 0.1)
    #expect(try loss != plain.step(input: input, target: target, learningRate: 0.1))
  }

  @Test(arguments: methods)
  func recordedStepsAreSteps(method: TrainingMethod) throws {
    let network = try Network<Double>(sizes: [3, 7, 2], hidden: .tanh, seed: 1)
    let input: Matrix<Double> = randomMatrix(rows: 33, columns: 3, seed: 1)
    let target: Matrix<Double> = randomMatrix(rows: 33, columns: 2, seed: 2)
    let backend = try Backends.make(.scalar, as: Double.self)
    let recorded = Trainer(network, loss: .meanSquaredError, backend: backend, method: method)
    let plain = Trainer(network, loss: .meanSquaredError, backend: backend, method: method)
    for _ in 0..<2 {
      let record = try recorded.recordedStep(input: input, target: target, learningRate: 0.1)
      let loss = try plain.step(input: input, target: target, learningRate: 0.1)
      #expect(record.gradients.loss == loss)
    }
    #expect(recorded.network == plain.network)
    #expect(recorded.optimizerState == plain.optimizerState)
  }

  @Test func clippedGradientsHaveTheNorm() throws {
    let network = try Network<Double>(sizes: [3, 7, 2], hidden: .tanh, seed: 1)
    let input: Matrix<Double> = randomMatrix(rows: 33, columns: 3, seed: 1)
    let target: Matrix<Double> = randomMatrix(rows: 33, columns: 2, seed: 2)
    let backend = try Backends.make(as: Double.self)
    for (norm, isClipped) in [(0.001, true), (1e6, false)] {
      let trainer = Trainer(
        network, loss: .meanSquaredError, backend: backend, method: try TrainingMethod(clipNorm: norm))
      let gradients = try trainer.gradients(input: input, target: target)
      try trainer.step(input: input, target: target, learningRate: 1)
      let steps = zip(network.parametersInFileOrder, trainer.network.parametersInFileOrder).map { $0 - $1 }
      let length = steps.reduce(0) { $0 + $1 * $1 }.squareRoot()
      if isClipped {
        #expect(abs(length / norm - 1) < 1e-9)
      } else {
        #expect(abs(steps[0] - gradients.layers[0].weights[0, 0]) < 1e-12)
      }
    }
  }

  @Test func dropoutKeepsItsShareAndItsMean() {
    let rule = DropoutRule<Double>(rate: 0.25, seed: 9, step: 4, layer: 1)
    var (kept, sum) = (0, 0.0)
    for row in 0..<500 {
      for block in 0..<50 {
        let words = rule.words(row: row, columnBlock: block)
        for place in 0..<4 {
          let value = rule.value(1, word: words[place])
          kept += value == 0 ? 0 : 1
          sum += value
        }
      }
    }
    // The standard deviation of the count is 137.
    #expect(abs(kept - 75_000) < 700)
    #expect(abs(sum / 100_000 - 1) < 0.01)
  }

  @Test func masksOfStepsLayersSeedsAndRowsDiffer() {
    let rules = [
      DropoutRule<Float>(rate: 0.5, seed: 1, step: 0, layer: 0), DropoutRule(rate: 0.5, seed: 1, step: 1, layer: 0),
      DropoutRule(rate: 0.5, seed: 1, step: 0, layer: 1), DropoutRule(rate: 0.5, seed: 2, step: 0, layer: 0),
      DropoutRule(rate: 0.5, seed: 1 << 32 | 1, step: 0, layer: 0),
    ]
    var words = rules.map { $0.words(row: 0, columnBlock: 0) }
    words += [rules[0].words(row: 1, columnBlock: 0), rules[0].words(row: 0, columnBlock: 1)]
    #expect(Set(words).count == words.count)
    // The draws of no other purpose: those have 0 and 1 as their fourth word.
    #expect(rules.allSatisfy { $0.stream & 0xFF == RandomStream.Purpose.dropout.rawValue })
  }

  @Test(arguments: [0, 0.5, 0.9, 0.999, 0.999_999, 1 - 0x1p-40])
  func lateStepsCorrectAsIfEveryPowerWereTaken(beta: Double) throws {
    let optimizer = try Optimizer(.adam, beta1: beta, beta2: beta)
    let last = Int(64 / (1 - beta))
    for step in [1, 2, 3, last / 2, last - 1, last, last + 1, last + 2, 2 * last, 1 << 50] where step > 0 {
      let rule: UpdateRule<Double> = optimizer.rule(step: step, learningRate: 0.1, gradientFactor: 1, decays: false)
      let correction = 1 - power(beta, step)
      #expect(rule.rate == 0.1 / correction)
      #expect(rule.rootFactor == 1 / correction.squareRoot())
    }
  }

  @Test func numbersOutOfRangeAreRefused() throws {
    func message(_ body: () throws -> Void) -> String {
      do {
        try body()
        return ""
      } catch { return "\(error)" }
    }
    for value in [-0.1, 1, 2, .nan, .infinity] {
      #expect(throws: HyperparameterError.self) { try Optimizer(.momentum, momentum: value) }
      #expect(throws: HyperparameterError.self) { try Optimizer(.rmsProp, smoothing: value) }
      #expect(throws: HyperparameterError.self) { try Optimizer(.adam, beta1: value) }
      #expect(throws: HyperparameterError.self) { try Optimizer(.adam, beta2: value) }
      #expect(throws: HyperparameterError.self) { try TrainingMethod(dropout: value) }
    }
    for value in [0, -1, .nan, .infinity] {
      #expect(throws: HyperparameterError.self) { try Optimizer(.adam, epsilon: value) }
      #expect(throws: HyperparameterError.self) { try TrainingMethod(clipNorm: value) }
    }
    for value in [-1, .nan, .infinity] {
      #expect(throws: HyperparameterError.self) { try Optimizer(.sgd, weightDecay: value) }
    }
    for rows in [-256, 0, 1, 255, 257, 768, 1000] {
      #expect(throws: HyperparameterError.self) { try RowBlocks.microBatch(rows: rows) }
    }
    #expect(try RowBlocks.microBatch(rows: 1024) == .leaves(exponent: 2))
    #expect(
      message { _ = try Optimizer(.momentum, momentum: 1) }
        == "the momentum is 1.0; it must be at least 0.0 and below 1.0")
    #expect(message { _ = try TrainingMethod(clipNorm: -1) } == "the clip norm is -1.0; it must be above 0 and finite")
  }

  /// What `Float` cannot tell from 0, 1 or infinity is refused there, and only where it is used.
  @Test func numbersKeepTheirMeaningInThePrecision() throws {
    let nearlyOne = 1 - 0x1p-30
    let methods: [(method: TrainingMethod, name: String)] = [
      (try TrainingMethod(optimizer: Optimizer(.momentum, momentum: nearlyOne)), "momentum"),
      (try TrainingMethod(optimizer: Optimizer(.nesterov, momentum: 1e-60)), "momentum"),
      (try TrainingMethod(optimizer: Optimizer(.rmsProp, smoothing: nearlyOne)), "smoothing"),
      (try TrainingMethod(optimizer: Optimizer(.rmsProp, epsilon: 1e-60)), "epsilon"),
      (try TrainingMethod(optimizer: Optimizer(.adam, beta1: nearlyOne)), "beta 1"),
      (try TrainingMethod(optimizer: Optimizer(.adamW, beta2: nearlyOne)), "beta 2"),
      (try TrainingMethod(optimizer: Optimizer(.adam, epsilon: 1e-60)), "epsilon"),
      (try TrainingMethod(optimizer: Optimizer(.adamW, epsilon: 1e60)), "epsilon"),
      (try TrainingMethod(optimizer: Optimizer(.sgd, weightDecay: 1e-60)), "weight decay"),
      (try TrainingMethod(optimizer: Optimizer(.sgd, weightDecay: 1e60)), "weight decay"),
      (try TrainingMethod(clipNorm: 1e-60), "clip norm"), (try TrainingMethod(clipNorm: 1e60), "clip norm"),
    ]
    for (method, name) in methods {
      do {
        try method.check(in: .f32)
        Issue.record("\(method) passed")
      } catch {
        #expect(error.name == name)
      }
      try method.check(in: .f64)
    }
    let unused = try Optimizer(.sgd, momentum: nearlyOne, smoothing: nearlyOne, beta1: nearlyOne, epsilon: 1e-60)
    try TrainingMethod(optimizer: unused).check(in: .f32)
    for method in Self.methods { for precision in Precision.allCases { try method.check(in: precision) } }
    let error = #expect(throws: HyperparameterError.self) {
      try TrainingMethod(optimizer: Optimizer(.adam, epsilon: 1e-60)).check(in: .f32)
    }
    #expect(error?.description == "the epsilon is 1e-60; it must not become 0.0 when it is rounded to f32")
    for rate in [1e-60, 1e60, -1e60, -1e-60] {
      let schedule = try TrainingSchedule(epochs: 1, batchSize: 1, learningRate: rate)
      #expect(throws: HyperparameterError.self) { try schedule.check(in: .f32) }
      try schedule.check(in: .f64)
    }
    for rate in [0, 0.01, -1, 1e-45] {
      try TrainingSchedule(epochs: 1, batchSize: 1, learningRate: rate).check(in: .f32)
    }
  }

  /// Before there is a trainer, and for widths that no machine has room for.
  @Test(arguments: Optimizer.Kind.allCases) func memoryOfAnyWidthsIsStated(kind: Optimizer.Kind) throws {
    let network = try Network<Double>(sizes: [100, 200, 10], hidden: .relu, seed: 1)
    let method = try TrainingMethod(optimizer: Optimizer(kind))
    let backend = try Backends.make(.scalar, as: Double.self)
    let use = Trainer(network, loss: .meanSquaredError, backend: backend, method: method).memoryUse(rows: 1)
    let parameters = MemoryUse.bytesOfParameters(sizes: network.sizes, precision: .f64)
    // In kernel memory each matrix begins with a cache line.
    let padding = 0..<Double(4 * 64)
    #expect(padding.contains(Double(use.parameters) - parameters))
    let session = MemoryUse.bytesOfSession(sizes: network.sizes, precision: .f64, method: method)
    let moments = Double(use.moments / use.parameters)
    #expect(session == (5 + 3 * moments) * parameters)
    let wide = MemoryUse.bytesOfSession(sizes: [.max, .max, 1], precision: .f64, method: method)
    #expect(wide.isFinite && wide > 0x1p128)
  }

  @Test func memoryOfMomentsAndDroppedOutputsIsStated() throws {
    let network = try Network<Float>(sizes: [100, 200, 10], hidden: .relu, seed: 1)
    let backend = try Backends.make(.scalar, as: Float.self)
    func use(_ method: TrainingMethod) -> MemoryUse {
      Trainer(network, loss: .meanSquaredError, backend: backend, method: method).memoryUse(rows: 64)
    }
    let plain = use(.gradientDescent)
    let adam = use(try TrainingMethod(optimizer: Optimizer(.adam), dropout: 0.5))
    #expect(plain.moments == 0)
    #expect(plain.gradients == 0)
    #expect(adam.moments == 2 * plain.parameters)
    #expect(adam.gradients == plain.parameters)
    #expect(adam.activations == plain.activations + 64 * 200 * 4)
  }
}
