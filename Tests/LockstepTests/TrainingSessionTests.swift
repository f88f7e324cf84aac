// Sessions: stopped anywhere and gone on with anywhere, they end with the bits of an uninterrupted run.

import BackendMatrix
import ComputeBackend
import Testing

@testable import Lockstep

/// A training of two classes with a validation set, small enough to be run many times.
struct SessionCase<Element: NetworkElement> {
  let rows = 300
  let loss = Loss.binaryCrossEntropy
  let method: TrainingMethod
  let schedule: TrainingSchedule
  let hasValidation: Bool

  init(
    _ optimizer: Optimizer.Kind = .adam, dropout: Double = 0.25, clipNorm: Double? = 0.5, epochs: Int = 4,
    patience: Int? = nil, hasValidation: Bool = true, learningRate: Double = 0.05
  ) throws {
    method = try TrainingMethod(
      optimizer: Optimizer(optimizer, weightDecay: 0.01), clipNorm: clipNorm, dropout: dropout, seed: 11)
    schedule = try TrainingSchedule(
      epochs: epochs, batchSize: 90, learningRate: learningRate, rates: .cosine(warmUp: 1), seed: 11,
      patience: patience)
    self.hasValidation = hasValidation
  }

  func data(rows: Int, seed: UInt64) -> TrainingData<Element> {
    TrainingData(
      input: randomMatrix(rows: rows, columns: 5, seed: seed),
      target: randomTargets(for: loss, rows: rows, columns: 2, seed: seed + 1))
  }

  func session(
    on backend: any ComputeBackend<Element>, continuing state: TrainingState<Element>? = nil
  ) throws -> TrainingSession<Element> {
    let network = try Network<Element>(sizes: [5, 17, 8, 2], hidden: .tanh, seed: 11)
    return try TrainingSession(
      Trainer(network, loss: loss, backend: backend, method: method), data: data(rows: rows, seed: 1),
      validation: hasValidation ? data(rows: 70, seed: 5) : nil, schedule: schedule, continuing: state,
      recordsDigests: true)
  }

  /// The session run from `state` until it is over or has taken `limit` steps.
  func run(
    on backend: any ComputeBackend<Element>, from state: TrainingState<Element>? = nil, to limit: Int = .max
  ) throws -> TrainingSession<Element> {
    let session = try session(on: backend, continuing: state)
    if session.steps < limit { try session.run(shouldStop: { session.steps >= limit }) }
    return session
  }
}

/// A linear regression with learning rates that are far too large.
struct DivergingCase {
  let method: TrainingMethod
  let schedule: TrainingSchedule

  init(_ kind: Optimizer.Kind, learningRate: Double, epochs: Int = 1000) throws {
    method = try TrainingMethod(optimizer: Optimizer(kind))
    schedule = try TrainingSchedule(epochs: epochs, batchSize: 10, learningRate: learningRate, shuffles: false)
  }

  func session(
    on backend: any ComputeBackend<Float>, continuing state: TrainingState<Float>? = nil, recordsDigests: Bool = true
  ) throws -> TrainingSession<Float> {
    try TrainingSession(
      Trainer(
        Network(sizes: [2, 1], hidden: .identity, seed: 3), loss: .meanSquaredError, backend: backend, method: method),
      data: TrainingData(
        input: randomMatrix(rows: 10, columns: 2, seed: 1), target: randomMatrix(rows: 10, columns: 1, seed: 2)),
      schedule: schedule, continuing: state, recordsDigests: recordsDigests)
  }
}

/// The backends by kind and threads, in turn.
private func backend<Element: NetworkElement>(_ number: Int) throws -> any ComputeBackend<Element> {
  let all = try allBackends(Element.self)
  return all[number % all.count]
}

@Suite struct TrainingSessionTests {
  func compareCuts<Element: NetworkElement>(
    _ sample: SessionCase<Element>, cuts: [Int], label: Comment
  ) throws {
    let whole = try sample.run(on: backend(0))
    #expect(whole.isFinished, label)
    for (number, cut) in cuts.enumerated() {
      // Stopped on one backend, gone on with on another, stopped again a step later.
      let first = try sample.run(on: backend(number), to: cut)
      #expect(first.steps == min(cut, whole.steps), label)
      let second = try sample.run(on: backend(number + 1), from: first.state, to: cut + 1)
      let third = try sample.run(on: backend(number + 2), from: second.state)
      #expect(third.state == whole.state, label)
      #expect(third.trainer.network == whole.trainer.network, label)
      #expect(third.digests == whole.digests, label)
      #expect(third.history == whole.history, label)
    }
  }

  @Test(arguments: Optimizer.Kind.allCases)
  func everyCutGivesTheBitsOfTheWhole(kind: Optimizer.Kind) throws {
    // Four steps an epoch: the first step, within an epoch, its end, and the end of the whole.
    let cuts = [0, 1, 2, 4, 7, 15, 16]
    for hasDropout in [false, true] {
      let dropout = hasDropout ? 0.25 : 0
      try compareCuts(
        SessionCase<Float>(kind, dropout: dropout, clipNorm: hasDropout ? 0.5 : nil), cuts: cuts,
        label: "\(kind), dropout \(dropout), f32")
      try compareCuts(
        SessionCase<Double>(kind, dropout: dropout, clipNorm: hasDropout ? nil : 0.5), cuts: cuts,
        label: "\(kind), dropout \(dropout), f64")
    }
  }

  @Test func aSessionGoesOnInPlace() throws {
    let sample = try SessionCase<Float>()
    let whole = try sample.run(on: backend(0))
    let session = try sample.session(on: backend(1))
    var steps: [Int] = []
    var epochs: [Int] = []
    while try !session.run(shouldStop: { true }, onStep: { steps.append($0) }, onEpoch: { epochs.append($0.epoch) }) {}
    #expect(steps == Array(1...16))
    #expect(epochs == [1, 2, 3, 4])
    #expect(session.state == whole.state)
  }

  /// The epoch with the smallest validation loss, and what the network was then, found by runs of so many epochs.
  @Test(arguments: [1, 2, 5]) func patienceRestoresTheBest(patience: Int) throws {
    let sample = try SessionCase<Double>(
      .sgd, dropout: 0, clipNorm: nil, epochs: 40, patience: patience, learningRate: 8)
    let session = try sample.run(on: backend(0))
    let losses = session.history.map { $0.validationLoss! }
    let best = losses.indices.min { losses[$0] < losses[$1] }!
    #expect(session.hasLostPatience)
    #expect(session.bestEpoch == best + 1)
    #expect(session.history.count == best + 1 + patience)
    let upToBest = try sample.run(on: backend(0), to: (best + 1) * session.stepsPerEpoch)
    #expect(upToBest.state.network == session.trainer.network)
    #expect(session.state.network != session.trainer.network)
    try compareCuts(sample, cuts: [1, (best + 1) * 4, session.steps - 1, session.steps], label: "patience \(patience)")
  }

  /// Rows count as often as they would be there; the epoch's loss is the mean over what they count.
  @Test func weightsCountRows() throws {
    let input: Matrix<Double> = randomMatrix(rows: 40, columns: 3, seed: 1)
    let target: Matrix<Double> = randomMatrix(rows: 40, columns: 1, seed: 2)
    let weights = Matrix<Double>(rows: 40, columns: 1, elements: (0..<40).map { Double($0 % 4) })
    let schedule = try TrainingSchedule(epochs: 3, batchSize: 16, learningRate: 0.1, seed: 4)
    func run(_ data: TrainingData<Double>, cut: Int? = nil) throws -> TrainingSession<Double> {
      let network = try Network<Double>(sizes: [3, 5, 1], hidden: .tanh, seed: 4)
      func session(_ state: TrainingState<Double>?) throws -> TrainingSession<Double> {
        try TrainingSession(
          Trainer(network, loss: .meanSquaredError, backend: backend(0)), data: data, schedule: schedule,
          continuing: state)
      }
      let first = try session(nil)
      guard let cut else {
        try first.run()
        return first
      }
      try first.run(shouldStop: { first.steps == cut })
      let second = try session(first.state)
      try second.run()
      return second
    }
    let plain = try run(TrainingData(input: input, target: target))
    let ones = Matrix<Double>(rows: 40, columns: 1, elements: [Double](repeating: 1, count: 40))
    #expect(try run(TrainingData(input: input, target: target, weights: ones)).state == plain.state)
    let weighted = try run(TrainingData(input: input, target: target, weights: weights))
    #expect(weighted.state.network != plain.state.network)
    for cut in [1, 2, 3, 5] {
      #expect(
        try run(TrainingData(input: input, target: target, weights: weights), cut: cut).state == weighted.state)
    }
    // The first step by hand.
    let trainer = Trainer(
      try Network<Double>(sizes: [3, 5, 1], hidden: .tanh, seed: 4), loss: .meanSquaredError, backend: try backend(0))
    var stream = RandomStream(seed: 4, purpose: .shuffle, index: 0)
    let order = Array(stream.permutation(40).prefix(16))
    try trainer.step(
      input: input.rows(order), target: target.rows(order), weights: weights.rows(order), learningRate: 0.1)
    let session = try TrainingSession(
      Trainer(
        try Network<Double>(sizes: [3, 5, 1], hidden: .tanh, seed: 4), loss: .meanSquaredError, backend: backend(0)),
      data: TrainingData(input: input, target: target, weights: weights), schedule: schedule)
    try session.run(shouldStop: { true })
    #expect(session.trainer.network == trainer.network)
  }

  @Test func weightsThatAreNoneAreRefused() throws {
    let input: Matrix<Double> = randomMatrix(rows: 4, columns: 3, seed: 1)
    let target: Matrix<Double> = randomMatrix(rows: 4, columns: 1, seed: 2)
    let schedule = try TrainingSchedule(epochs: 1, batchSize: 2, learningRate: 0.1)
    for weights in [Matrix<Double>(rows: 3, columns: 1), Matrix(rows: 4, columns: 1, elements: [1, 1, -1, 1])] {
      #expect(throws: TrainingError.self) {
        try TrainingSession(
          Trainer(
            Network<Double>(sizes: [3, 1], hidden: .identity, seed: 4), loss: .meanSquaredError, backend: backend(0)),
          data: TrainingData(input: input, target: target, weights: weights), schedule: schedule)
      }
    }
  }

  @Test func whatHasNoMeaningInThePrecisionIsRefused() throws {
    func session<Element: NetworkElement>(
      _: Element.Type, _ method: TrainingMethod = .gradientDescent, rate: Double = 0.1, weights: [Element]? = nil
    ) throws(TrainingError) {
      _ = try TrainingSession(
        Trainer(
          try! Network<Element>(sizes: [1, 1], hidden: .identity, seed: 4), loss: .meanSquaredError,
          backend: try! backend(0), method: method),
        data: TrainingData(
          input: Matrix(rows: 3, columns: 1), target: Matrix(rows: 3, columns: 1),
          weights: weights.map { Matrix(rows: 3, columns: 1, elements: $0) }),
        schedule: TrainingSchedule(epochs: 1, batchSize: 2, learningRate: rate))
    }
    let method = try TrainingMethod(optimizer: Optimizer(.adam, epsilon: 1e-60))
    let error = HyperparameterError(
      name: "epsilon", value: 1e-60, requirement: "must not become 0.0 when it is rounded to f32")
    #expect(throws: TrainingError.hyperparameter(error)) { try session(Float.self, method) }
    try session(Double.self, method)
    #expect(throws: TrainingError.self) { try session(Float.self, rate: 1e60) }
    try session(Double.self, rate: 1e60)

    #expect(throws: TrainingError.network(.noWeight)) { try session(Float.self, weights: [0, 0, 0]) }
    #expect(throws: TrainingError.network(.weightSumTooSmall)) {
      try session(Float.self, weights: [0x1p-140, 0, 0x1p-140])
    }
    // Of all rows together it is not, but the last is a batch of its own.
    #expect(throws: TrainingError.network(.weightSumTooSmall)) { try session(Float.self, weights: [1, 1, 0x1p-140]) }
    try session(Double.self, weights: [1, 1, 0x1p-140])
    // A batch in which no row counts is one from which nothing is learned.
    try session(Float.self, weights: [0, 0, 1])
    try session(Double.self, weights: [0x1p-140, 0, 0x1p-140])
  }

  @Test func withoutPatienceTheLastParametersAreTaken() throws {
    let session = try SessionCase<Float>(learningRate: 8).run(on: backend(0))
    #expect(session.state.network == session.trainer.network)
    #expect(session.bestEpoch == nil && !session.hasLostPatience)
  }

  @Test func historyTellsLossesRatesAndMeasures() throws {
    let sample = try SessionCase<Float>(dropout: 0)
    let session = try sample.run(on: backend(0))
    #expect(session.history.map(\.epoch) == [1, 2, 3, 4])
    #expect(session.history.map(\.steps) == [4, 8, 12, 16])
    #expect(session.history[0].learningRate == 0.05)
    #expect(session.history[3].learningRate < 0.01)
    // The last entry, from the network itself.
    let network = session.trainer.network
    let target: Matrix<Float> = randomTargets(for: .binaryCrossEntropy, rows: 70, columns: 2, seed: 6)
    let output = try network.predict(randomMatrix(rows: 70, columns: 5, seed: 5), on: backend(0))
    let loss = try Network.meanLoss(.binaryCrossEntropy, output: output, target: target, on: backend(0))
    #expect(session.history[3].validationLoss == Double(loss))
    #expect(session.history[3].metrics == Metrics(loss: .binaryCrossEntropy, output: output, target: target))
    #expect(session.digests.last == RunningDigest(step: 16, parameters: network.parametersDigest))
  }

  @Test func manyEpochsKeepFewDigestsAndEvenlySpread() throws {
    let sample = try SessionCase<Float>(.sgd, dropout: 0, clipNorm: nil, epochs: 301, hasValidation: false)
    let session = try sample.run(on: backend(0))
    #expect(session.history.map(\.epoch) == Array(1...301))
    // Every fourth of 301, and the last.
    #expect(session.digests.map(\.step) == Array(stride(from: 16, through: 1200, by: 16)) + [1204])
    try compareCuts(sample, cuts: [127 * 4, 128 * 4, 128 * 4 + 1, 300 * 4], label: "301 epochs")
  }

  /// Failures near the start and beyond the first snapshot, each after a stop at steps far before it and next to it.
  @Test(arguments: [(Optimizer.Kind.sgd, 1e30), (.sgd, 4e3), (.momentum, 1e30), (.momentum, 2.25), (.adam, 1e36)])
  func divergenceLeavesTheSameStateWhereverTrainingWasStopped(kind: Optimizer.Kind, learningRate: Double) throws {
    let sample = try DivergingCase(kind, learningRate: learningRate)
    func failure(from state: TrainingState<Float>?) throws -> (TrainingError, TrainingSession<Float>) {
      let session = try sample.session(on: backend(0), continuing: state)
      let error = #expect(throws: TrainingError.self) { try session.run() }
      return (try #require(error), session)
    }
    let (error, failed) = try failure(from: nil)
    guard case .notFinite(let step, _) = error else {
      Issue.record("expected a failure to be finite, got \(error)")
      return
    }
    #expect(failed.steps == step - 1)
    #expect(failed.trainer.isFinite)
    let last = failed.steps
    for cut in Set([1, last / 2, last - 2, last - 1, last]).sorted() where cut >= 1 {
      let half = try sample.session(on: backend(1))
      try half.run(shouldStop: { half.steps == cut })
      let (sameError, resumed) = try failure(from: half.state)
      #expect(sameError == error, "stopped after step \(cut)")
      #expect(resumed.state == failed.state, "stopped after step \(cut)")
      #expect(resumed.digests == failed.digests, "stopped after step \(cut)")
      // What a stop leaves there is what the failure leaves.
      if cut == last { #expect(half.state == failed.state) }
    }
  }

  /// A step that makes parameters infinite of a finite loss, in an epoch of its own.
  @Test(arguments: [false, true]) func whatIsToldOfIsFinite(recordsDigests: Bool) throws {
    let session = try DivergingCase(.adam, learningRate: 1e38).session(on: backend(0), recordsDigests: recordsDigests)
    let first = session.trainer.network
    #expect(throws: TrainingError.notFinite(step: 1, quantity: "a parameter became NaN or infinite")) {
      try session.run(onEpoch: { Issue.record("epoch \($0.epoch) was told of") })
    }
    #expect(session.trainer.network == first)
  }

  @Test func whatIsNoStateOfTheTrainingIsRefused() throws {
    let sample = try SessionCase<Float>(patience: 3)
    let good = try sample.run(on: backend(0), to: 6).state
    func altered(
      network: Network<Float>? = nil, optimizer: OptimizerState<Float>? = nil, steps: Int? = nil,
      epochLoss: Double? = nil, history: [TrainingProgress]? = nil, digests: [RunningDigest]? = nil,
      best: BestNetwork<Float>? = nil
    ) -> TrainingState<Float> {
      TrainingState(
        network: network ?? good.network, optimizer: optimizer ?? good.optimizer, steps: steps ?? good.steps,
        epochLoss: epochLoss ?? good.epochLoss, history: history ?? good.history, digests: digests ?? good.digests,
        best: best ?? good.best)
    }
    let other = try Network<Float>(sizes: [5, 3, 2], hidden: .tanh, seed: 1)
    let sameShape = try Network<Float>(sizes: [5, 17, 8, 2], hidden: .relu, seed: 1)
    let states = [
      altered(network: other), altered(network: sameShape), altered(optimizer: OptimizerState(steps: 6)),
      altered(optimizer: OptimizerState(steps: .max, first: good.optimizer.first, second: good.optimizer.second)),
      altered(optimizer: OptimizerState(steps: 5, first: good.optimizer.first, second: good.optimizer.second)),
      altered(optimizer: OptimizerState(steps: 7, first: good.optimizer.first, second: good.optimizer.second)),
      altered(steps: -1), altered(steps: 17), altered(steps: 12), altered(epochLoss: .nan),
      altered(epochLoss: .infinity), altered(history: []), altered(history: good.history + good.history),
      altered(digests: good.digests + good.digests), altered(digests: [RunningDigest(step: 3, parameters: "0")]),
      altered(best: BestNetwork(epoch: 0, validationLoss: 1, network: good.network)),
      altered(best: BestNetwork(epoch: 2, validationLoss: 1, network: good.network)),
      altered(best: BestNetwork(epoch: 1, validationLoss: .nan, network: good.network)),
      altered(best: BestNetwork(epoch: 1, validationLoss: 1, network: other)),
    ]
    for (number, state) in states.enumerated() {
      let error = #expect(throws: TrainingError.self, "state \(number)") {
        try sample.session(on: backend(0), continuing: state)
      }
      guard case .state = error else {
        Issue.record("state \(number): \(String(describing: error))")
        continue
      }
    }
    #expect(throws: Never.self) { try sample.session(on: backend(0), continuing: altered()) }
    #expect(throws: TrainingError.self) {
      try SessionCase<Float>(hasValidation: false).session(on: backend(0), continuing: good)
    }
  }

  /// A recipe counts steps from the first parameters, and has one seed for all that is drawn.
  @Test func whatNoRecipeCouldTellIsRefused() throws {
    let data = try SessionCase<Float>().data(rows: 20, seed: 1)
    let schedule = try TrainingSchedule(epochs: 1, batchSize: 8, learningRate: 0.1, seed: 3)
    func trainer(_ method: TrainingMethod) throws -> Trainer<Float> {
      Trainer(
        try Network<Float>(sizes: [5, 4, 2], hidden: .tanh, seed: 3), loss: .binaryCrossEntropy,
        backend: try backend(0), method: method)
    }
    let adam = try trainer(TrainingMethod(optimizer: Optimizer(.adam)))
    let session = try TrainingSession(adam, data: data, schedule: schedule)
    try session.run()
    let error = #expect(throws: TrainingError.self) { try TrainingSession(adam, data: data, schedule: schedule) }
    #expect(error?.description.contains("has taken 3 steps already") == true, "\(String(describing: error))")
    // A state tells where its trainer stood, whatever this one has done since.
    #expect(throws: Never.self) { try TrainingSession(adam, data: data, schedule: schedule, continuing: session.state) }
    func start(_ method: TrainingMethod) throws -> TrainingSession<Float> {
      try TrainingSession(trainer(method), data: data, schedule: schedule)
    }
    #expect(throws: Never.self) { try start(TrainingMethod(dropout: 0.5, seed: 3)) }
    #expect(
      throws: TrainingError.schedule(
        "the schedule's seed is 3, but dropout draws from 4; give both the same seed")
    ) { try start(TrainingMethod(dropout: 0.5, seed: 4)) }
    // Nothing is drawn where nothing is dropped.
    #expect(throws: Never.self) { try start(TrainingMethod(seed: 4)) }
  }

  @Test func patienceNeedsValidationData() throws {
    #expect(throws: TrainingError.self) {
      try SessionCase<Float>(patience: 1, hasValidation: false).session(on: backend(0))
    }
    #expect(throws: TrainingError.self) {
      try TrainingSchedule(epochs: 1, batchSize: 1, learningRate: 1, patience: 0)
    }
  }
}

@Suite struct EvenSpreadTests {
  @Test func fewerThanTheBoundAreKeptEvenlySpread() {
    let spread = EvenSpread(bits: 3)
    for count in 0...100 {
      let kept = (1...101).filter { $0 <= count && spread.keeps($0, after: count) }
      #expect(kept.count < 8)
      #expect(count < 4 || kept.count >= 4)
      #expect(Set(zip(kept, kept.dropFirst()).map { $1 - $0 }).count <= 1)
      // What is kept later was kept before.
      if count > 0 { #expect(kept.allSatisfy { $0 == count || spread.keeps($0, after: count - 1) }) }
    }
  }
}
