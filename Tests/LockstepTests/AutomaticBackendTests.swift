// Trainers and predictors on a backend that races: whatever it chooses, and while it chooses, the bits are those of any
// backend; decisions are kept and can be asked for.

import BackendMatrix
import ComputeBackend
import Dispatch
import Synchronization
import Testing

@testable import Lockstep

/// A clock that the backends of a test move.
private final class TestClock: Sendable {
  private let seconds = Mutex(0.0)
  func advance(by more: Double) { seconds.withLock { $0 += more } }
  var read: @Sendable () -> Double { { self.seconds.withLock { $0 } } }
}

/// The scalar backend under another name, whose forward takes the time that it is told.
private struct TimedBackend<Element: NetworkElement>: ComputeBackend {
  let base: any ComputeBackend<Element>
  let kind: BackendKind
  let threads: Int
  let cost: Double
  let clock: TestClock
  var instructionSet: InstructionSet { base.instructionSet }
  var singleThreaded: Self { self }

  init(_ kind: BackendKind, threads: Int, cost: Double, clock: TestClock) throws {
    base = try Backends.make(.scalar)
    (self.kind, self.threads, self.cost, self.clock) = (kind, threads, cost, clock)
  }

  func forward(
    input: MatrixView<Element>, weights: MatrixView<Element>, bias: MatrixView<Element>, activation: Activation,
    output: MutableMatrixView<Element>
  ) {
    clock.advance(by: cost)
    base.forward(input: input, weights: weights, bias: bias, activation: activation, output: output)
  }

  func activate(_ activation: Activation, sums: MatrixView<Element>, output: MutableMatrixView<Element>) {
    base.activate(activation, sums: sums, output: output)
  }

  func activateBackward(_ activation: Activation, value: MatrixView<Element>, gradient: MutableMatrixView<Element>) {
    base.activateBackward(activation, value: value, gradient: gradient)
  }

  func parameterGradients(
    input: MatrixView<Element>, outputGradient: MatrixView<Element>, weightGradient: MutableMatrixView<Element>,
    biasGradient: MutableMatrixView<Element>
  ) {
    base.parameterGradients(
      input: input, outputGradient: outputGradient, weightGradient: weightGradient, biasGradient: biasGradient)
  }

  func inputGradient(
    outputGradient: MatrixView<Element>, weights: MatrixView<Element>, input: MatrixView<Element>,
    activation: Activation, inputGradient: MutableMatrixView<Element>
  ) {
    base.inputGradient(
      outputGradient: outputGradient, weights: weights, input: input, activation: activation,
      inputGradient: inputGradient)
  }

  func loss(
    _ loss: Loss, output: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>?,
    scale: Element, gradient: MutableMatrixView<Element>
  ) -> Element {
    base.loss(loss, output: output, target: target, weights: weights, scale: scale, gradient: gradient)
  }

  func add(_ other: MatrixView<Element>, to sum: MutableMatrixView<Element>) { base.add(other, to: sum) }

  func descend(_ parameters: MutableMatrixView<Element>, gradient: MatrixView<Element>, learningRate: Element) {
    base.descend(parameters, gradient: gradient, learningRate: learningRate)
  }
}

@Suite("The automatic backend")
struct AutomaticBackendTests {
  /// A slow one on two threads, a fast one on one, in a table and by a clock of their own.
  private func timed(
    costs: [Double] = [2e-3, 1.5e-3], table: RaceTable = RaceTable(capacity: 8)
  ) throws -> AutomaticBackend<Float> {
    let clock = TestClock()
    let candidates: [any ComputeBackend<Float>] = [
      try TimedBackend(.openmp, threads: 2, cost: costs[0], clock: clock),
      try TimedBackend(.simd, threads: 1, cost: costs[1], clock: clock),
    ]
    return AutomaticBackend(candidates: candidates, table: table, clock: clock.read)
  }

  private func network(_ sizes: [Int] = [40, 30, 10]) throws -> Network<Float> {
    try Network(sizes: sizes, hidden: .relu, seed: 5)
  }

  @Test("It is what is made where no kind is named, and races every variant but the scalar one")
  func candidates() throws {
    let backend = try #require(try Backends.make(threads: 5, as: Double.self) as? AutomaticBackend<Double>)
    let available = try Backends.available()
    #expect(backend.kind == available.first?.kind)
    #expect(backend.instructionSet == available.first?.instructionSet)
    let expected = available.flatMap { variant -> [BackendCandidate] in
      switch variant.kind {
      case .scalar: available.count == 1 ? [BackendCandidate(variant: variant, threads: 1)] : []
      case .simd: [BackendCandidate(variant: variant, threads: 1)]
      case .openmp: [5, 4, 2, 1].map { BackendCandidate(variant: variant, threads: $0) }
      }
    }
    #expect(backend.raced == expected)
    #expect(throws: BackendError.threads(0)) { try Backends.make(threads: 0, as: Float.self) }
  }

  @Test("A predictor comes to the faster one, says why, and the next of such a network starts with it")
  func predictorDecides() throws {
    let backend = try timed()
    let predictor = Predictor(try network(), backend: backend)
    let input: Matrix<Float> = randomMatrix(rows: 30, columns: 40, seed: 1)
    #expect(predictor.backendChoice(rows: 30).reason == "the race has not begun")
    #expect(
      predictor.backendChoice(rows: 30).explanation.split(separator: "\n").dropFirst()
        == ["openmp/scalar on 2 threads: racing", "simd/scalar on 1 thread: racing"])
    var calls = 0
    while !predictor.backendChoice(rows: 30).isDecided, calls < 100 {
      _ = try predictor.predict(input)
      calls += 1
    }
    let choice = predictor.backendChoice(rows: 31)
    #expect(choice.isDecided)
    #expect(choice.rows == 28...31)
    #expect(choice.work == .predict)
    #expect(choice.sizes == [40, 30, 10])
    #expect(choice.candidate == backend.raced[1])
    #expect(choice.calls == calls)
    #expect(choice.entries.map(\.standing) == [.slower, .chosen])
    #expect(abs(try #require(choice.entries[1].secondsPerRow) * 30 - 3e-3) < 1e-9)
    #expect(choice.reason == "the fastest; openmp/scalar on 2 threads takes 1.33 times as long")
    #expect(
      choice.explanation == """
        the fastest; openmp/scalar on 2 threads takes 1.33 times as long
        openmp/scalar on 2 threads: slower, 133333.33 ns a row, 9 calls
        simd/scalar on 1 thread: chosen, 100000.00 ns a row, 9 calls
        """)

    #expect(Predictor(try network(), backend: backend).backendChoice(rows: 30) == choice)
    #expect(predictor.backendChoice(rows: 32).isDecided == false)
    #expect(Predictor(try network([40, 31, 10]), backend: backend).backendChoice(rows: 30).isDecided == false)
    #expect(Predictor(try network(), backend: try timed()).backendChoice(rows: 30).isDecided == false)
    #expect(backend.choices == [choice])
  }

  @Test("A tie goes to the one on fewer threads, which is what it says")
  func tie() throws {
    let predictor = Predictor(try network(), backend: try timed(costs: [1e-3, 1.01e-3]))
    let input: Matrix<Float> = randomMatrix(rows: 30, columns: 40, seed: 1)
    for _ in 0..<100 { _ = try predictor.predict(input) }
    let choice = predictor.backendChoice(rows: 30)
    #expect(choice.candidate.threads == 1)
    #expect(choice.reason == "as fast within 3 % as openmp/scalar on 2 threads, on fewer threads")
  }

  @Test("A backend that is given is the choice")
  func pinned() throws {
    let trainer = Trainer(try network(), loss: .meanSquaredError, backend: try Backends.make(.scalar))
    let choice = trainer.backendChoice(rows: 3)
    #expect(choice.isDecided)
    #expect(choice.entries.map(\.standing) == [.chosen])
    #expect(choice.candidate.variant.kind == .scalar)
    #expect(choice.reason == "it was given")
    #expect(choice.explanation == "it was given\nscalar on 1 thread: chosen")
  }

  @Test("A variant that cannot run is refused with the reason")
  func variants() throws {
    let available = try Backends.available()
    for kind in BackendKind.allCases {
      for instructionSet in InstructionSet.allCases {
        let variant = BackendVariant(kind: kind, instructionSet: instructionSet)
        let reason = try Backends.unavailability(of: variant)
        #expect((reason == nil) == available.contains(variant), "\(variant)")
        if let reason, try Backends.unavailability(of: kind) == nil {
          #expect(reason.contains(instructionSet.rawValue) && !reason.contains("CPU has no"), "\(variant)")
        }
      }
    }
  }

  @Test("A short last batch has a race of its own")
  func lastBatch() throws {
    let trainer = Trainer(try network(), loss: .meanSquaredError, backend: try timed())
    let input: Matrix<Float> = randomMatrix(rows: 74, columns: 40, seed: 1)
    let target: Matrix<Float> = randomMatrix(rows: 74, columns: 10, seed: 2)
    let schedule = try TrainingSchedule(epochs: 20, batchSize: 32, learningRate: 0.01)
    try trainer.train(input: input, target: target, schedule: schedule)
    let (full, short) = (trainer.backendChoice(rows: 32), trainer.backendChoice(rows: 10))
    #expect(full.isDecided && short.isDecided)
    #expect(full.calls == 18)
    #expect(short.calls == 18)
    #expect(trainer.backendChoice(for: .gradients, rows: 32).calls == 0)
  }

  @Test("The table forgets the network that was used longest ago; who holds its races goes on with them")
  func tableIsBounded() throws {
    let table = RaceTable(capacity: 2)
    let backend = try timed(table: table)
    let input: Matrix<Float> = randomMatrix(rows: 30, columns: 40, seed: 1)
    let first = Predictor(try network(), backend: backend)
    for _ in 0..<100 { _ = try first.predict(input) }
    #expect(first.backendChoice(rows: 30).isDecided)
    for width in 1...3 { _ = Predictor(try network([40, width, 10]), backend: backend) }
    #expect(table.all.map { $0.network.sizes[1] } == [2, 3])
    #expect(try bits(first.predict(input)) == bits(network().predict(input, on: Backends.make(.scalar))))
    #expect(Predictor(try network(), backend: backend).backendChoice(rows: 30).isDecided == false)
  }

  @Test("While it races and after, every step and gradient has the bits of the scalar backend")
  func stepsHaveTheBits() throws {
    try compare(Float.self)
    try compare(Double.self)
  }

  private func compare<Element: NetworkElement>(_: Element.Type) throws {
    for (sizes, rows) in [([1, 2, 1], 100), ([13, 31, 3], 1), ([2, 7, 1], 3001), ([60, 90, 40, 10], 129)] {
      let network = try Network<Element>(sizes: sizes, hidden: .tanh, seed: 5)
      let input: Matrix<Element> = randomMatrix(rows: rows, columns: sizes[0], seed: 1)
      let target: Matrix<Element> = randomMatrix(rows: rows, columns: sizes[sizes.count - 1], seed: 2)
      let made = try #require(try Backends.make(threads: 3, as: Element.self) as? AutomaticBackend<Element>)
      let backend = AutomaticBackend(candidates: made.candidates, table: RaceTable(capacity: 8))
      let found = Trainer(network, loss: .meanSquaredError, backend: backend)
      let expected = Trainer(network, loss: .meanSquaredError, backend: try Backends.make(.scalar))
      let predictor = found.makePredictor()
      for step in 0..<300 where step < 20 || !found.backendChoice(rows: rows).isDecided {
        let label: Comment = "\(sizes), \(rows) rows, step \(step)"
        let mean = try found.step(input: input, target: target, learningRate: 0.01)
        let same = try expected.step(input: input, target: target, learningRate: 0.01)
        #expect(mean.canonicalBitPattern == same.canonicalBitPattern, label)
        #expect(found.network.parametersDigest == expected.network.parametersDigest, label)
        if step % 5 == 0 {
          let gradients = try found.gradients(input: input, target: target)
          #expect(try gradients == expected.gradients(input: input, target: target), label)
          #expect(try bits(predictor.predict(input)) == bits(expected.makePredictor().predict(input)), label)
        }
      }
      let choice = found.backendChoice(rows: rows)
      #expect(choice.isDecided)
      #expect(choice.entries.reduce(0) { $0 + ($1.standing == .chosen ? 1 : 0) } == 1)
    }
  }

  @Test("Where races or their table stay in use, as after a fork, calls still compute, and decisions hold")
  func inUse() throws {
    let lock = TryLock(1)
    let found: Int? = lock.withValueIfFree { value in
      value += 1
      #expect(lock.withValueIfFree(attempts: 3) { $0 } == nil)
      return value
    }
    #expect(found == 2)
    #expect(lock.withValueIfFree { $0 } == 2)

    let table = RaceTable(capacity: 8)
    let backend = try timed(table: table)
    let input: Matrix<Float> = randomMatrix(rows: 30, columns: 40, seed: 1)
    let target: Matrix<Float> = randomMatrix(rows: 30, columns: 10, seed: 2)
    let expected = try bits(network().predict(input, on: Backends.make(.scalar)))
    try table.withUse {
      let predictor = Predictor(try network(), backend: backend)
      for _ in 0..<100 { #expect(try bits(predictor.predict(input)) == expected) }
      #expect(predictor.backendChoice(rows: 30).candidate == backend.raced[1])
      #expect(backend.choices.isEmpty)
    }
    let predictor = Predictor(try network(), backend: backend)
    let trainer = Trainer(try network(), loss: .meanSquaredError, backend: backend)
    let races = table.races(of: try #require(table.all.first).network)
    try races.withUse {
      for _ in 0..<100 {
        #expect(try bits(predictor.predict(input)) == expected)
        try trainer.step(input: input, target: target, learningRate: 0.01)
      }
      #expect(predictor.backendChoice(rows: 30).reason == "the race has not begun")
    }
    for _ in 0..<100 { _ = try predictor.predict(input) }
    let choice = predictor.backendChoice(rows: 30)
    #expect(choice.isDecided && choice.calls == 18)
    try races.withUse {
      let held = predictor.backendChoice(rows: 30)
      #expect(held.isDecided && held.candidate == choice.candidate)
      #expect(held.reason == "it won a race, whose times are in use")
      let outputs = try predictor.predict(input)
      #expect(bits(outputs) == expected)
    }
  }

  @Test("Many threads at once get the bits of the scalar backend, during the race and after")
  func concurrent() throws {
    let network = try Network<Float>(sizes: [40, 90, 10], hidden: .relu, seed: 5)
    let made = try #require(try Backends.make(threads: 2, as: Float.self) as? AutomaticBackend<Float>)
    let backend = AutomaticBackend(candidates: made.candidates, table: RaceTable(capacity: 8))
    let predictor = Predictor(network, backend: backend)
    let inputs: [Matrix<Float>] = [1, 3, 40, 47].map { randomMatrix(rows: $0, columns: 40, seed: UInt64($0)) }
    let expected = try inputs.map { bits(try network.predict($0, on: Backends.make(.scalar))) }
    let wrong = Mutex(0)
    var rounds = 0
    // How many calls find the race in use by another depends on the machine.
    repeat {
      DispatchQueue.concurrentPerform(iterations: 4000) { index in
        let answer = try? predictor.predict(inputs[index % 4])
        if answer.map(bits) != expected[index % 4] { wrong.withLock { $0 += 1 } }
      }
      rounds += 1
    } while rounds < 100 && !inputs.allSatisfy { predictor.backendChoice(rows: $0.rows).isDecided }
    #expect(wrong.withLock { $0 } == 0)
    for input in inputs {
      let choice = predictor.backendChoice(rows: input.rows)
      #expect(choice.isDecided)
      #expect(choice.calls <= 1000 * rounds)
    }

    // Only calls that began before the decision are counted.
    let still = AutomaticBackend(candidates: try timed().candidates, table: RaceTable(capacity: 8), clock: { 0 })
    let counted = Predictor(network, backend: still)
    let before = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 4000) { _ in
      let isRacing = !counted.backendChoice(rows: 40).isDecided
      _ = try? counted.predict(inputs[2])
      if isRacing { before.withLock { $0 += 1 } }
    }
    let choice = counted.backendChoice(rows: 40)
    #expect(choice.isDecided)
    #expect(choice.calls <= before.withLock { $0 })
    #expect(choice.calls >= BackendRace.rounds * 2 * (BackendRace.countedCalls + 1))
  }
}
