// Every primitive of every backend against the reference, bit for bit.

import BackendMatrix
import ComputeBackend
import Lockstep
import LockstepReference
import Synchronization
import Testing

/// What one parity test runs with.
struct ParityCase: Sendable, CustomTestStringConvertible {
  let precision: Precision
  let profile: Profile

  var testDescription: String { "\(precision.rawValue), \(profile.rawValue)" }

  static let all = Precision.allCases.flatMap { precision in
    Profile.allCases.map { ParityCase(precision: precision, profile: $0) }
  }
}

extension ParityCase {
  /// Calls one of the two with a run in this case's precision.
  func run(
    _ float: (inout ParityRun<Float>) -> Void, _ double: (inout ParityRun<Double>) -> Void
  ) throws {
    switch precision {
    case .f32:
      var run = try ParityRun<Float>(profile: profile)
      float(&run)
    case .f64:
      var run = try ParityRun<Double>(profile: profile)
      double(&run)
    }
  }
}

@Suite("Every primitive of every backend has the reference's bits", .serialized)
struct PrimitiveParityTests {
  @Test("A dense layer forward", arguments: ParityCase.all)
  func forward(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.forward() }, { $0.forward() })
  }

  @Test("Activations apart", arguments: ParityCase.all)
  func activate(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.activate() }, { $0.activate() })
  }

  @Test("Derivatives of activations apart", arguments: ParityCase.all)
  func activateBackward(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.activateBackward() }, { $0.activateBackward() })
  }

  @Test("Gradients of weights and bias", arguments: ParityCase.all)
  func parameterGradients(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.parameterGradients() }, { $0.parameterGradients() })
  }

  @Test("Gradient of the input", arguments: ParityCase.all)
  func inputGradient(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.inputGradient() }, { $0.inputGradient() })
  }

  @Test("Layers beyond the blocks of caches", arguments: Precision.allCases)
  func beyondBlocks(_ precision: Precision) throws {
    try ParityCase(precision: precision, profile: .ordinary).run({ $0.beyondBlocks() }, { $0.beyondBlocks() })
  }

  @Test("Blocks of columns that end beside an odd number of vectors")
  func cutBothWays() throws {
    var run = try ParityRun<Double>(profile: .ordinary)
    run.cutBothWays()
  }

  @Test("Sums of products that vanish below zero are -0", arguments: Precision.allCases)
  func negativeZero(_ precision: Precision) throws {
    try ParityCase(precision: precision, profile: .vanishing).run({ $0.negativeZero() }, { $0.negativeZero() })
  }

  @Test("Losses", arguments: ParityCase.all)
  func loss(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.loss() }, { $0.loss() })
  }

  @Test("Nodes of the tree and steps of descent", arguments: ParityCase.all)
  func elementwise(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.elementwise() }, { $0.elementwise() })
  }

  @Test("A parallel loop calls its body once for each index", arguments: [0, 1, 2, 3, 7, 100, 1000])
  func parallelFor(_ count: Int) throws {
    for backend in try allBackends(Float.self) {
      let calls = Mutex([Int](repeating: 0, count: count))
      backend.parallelFor(count) { index in calls.withLock { $0[index] += 1 } }
      #expect(calls.withLock { $0 } == Array(repeating: 1, count: count), "\(backend.name)")
    }
  }
}

extension ParityRun {
  /// All activations where that is quick, else one that changes from shape to shape.
  private func activations(_ shape: Shape, _ index: Int) -> [Activation] {
    shape.work < 1_000 ? Activation.allCases : [Activation.allCases[index % Activation.allCases.count]]
  }

  mutating func forward() {
    for (index, shape) in Shape.all.enumerated() { forward(shape, activations(shape, index)) }
  }

  private mutating func forward(_ shape: Shape, _ activations: [Activation]) {
    compareForward(
      shape, input: random(rows: shape.rows, columns: shape.inputs),
      weights: random(rows: shape.inputs, columns: shape.outputs), bias: random(rows: 1, columns: shape.outputs),
      activations: activations)
  }

  mutating func activate() {
    // The last row is one that threads share.
    for shape in Shape.byWidth + [Shape(rows: 1, inputs: 1, outputs: 20_001)] {
      let sums = random(rows: shape.inputs, columns: shape.outputs)
      let z = memory(sums)
      for activation in Activation.allCases {
        let expected = Reference.activate(activation, sums: sums)
        for backend in backends {
          let (apart, inPlace) = (memory(rows: sums.rows, columns: sums.columns), memory(sums))
          backend.activate(activation, sums: z.view, output: apart.mutableView)
          backend.activate(activation, sums: inPlace.view, output: inPlace.mutableView)
          check(apart, expected, "activate \(activation.rawValue)", shape: shape, backend: backend)
          check(inPlace, expected, "activate \(activation.rawValue) in place", shape: shape, backend: backend)
        }
      }
    }
  }

  mutating func activateBackward() {
    // Threads share the columns of the last but one, and the rows of the last.
    let shapes =
      Shape.byWidth
      + [Shape(rows: 1, inputs: 1, outputs: 300_001), Shape(rows: 1, inputs: 601, outputs: 517)]
    for (index, shape) in shapes.enumerated() {
      let value = random(rows: shape.inputs, columns: shape.outputs)
      let gradient = random(rows: shape.inputs, columns: shape.outputs)
      let y = memory(value)
      // All where that is quick, else a cheap and a dear one.
      let few = [Activation.sigmoid, [.softplus, .silu, .gelu][index % 3]]
      for activation in shape.inputs * shape.outputs < 100_000 ? Activation.allCases : few {
        let what = "activate \(activation.rawValue) backward"
        let expected = Reference.gradient(of: activation, gradient, value: value)
        checkSaysSomething(expected, what, shape: shape)
        for backend in backends {
          let found = memory(gradient)
          backend.activateBackward(activation, value: y.view, gradient: found.mutableView)
          check(found, expected, what, shape: shape, backend: backend)
        }
      }
    }
  }

  mutating func parameterGradients() {
    for shape in Shape.all { parameterGradients(shape) }
  }

  private mutating func parameterGradients(_ shape: Shape) {
    compareParameterGradients(
      shape, input: random(rows: shape.rows, columns: shape.inputs),
      outputGradient: random(rows: shape.rows, columns: shape.outputs))
  }

  mutating func inputGradient() {
    for (index, shape) in Shape.all.enumerated() { inputGradient(shape, activations(shape, index)) }
  }

  private mutating func inputGradient(_ shape: Shape, _ activations: [Activation]) {
    compareInputGradient(
      shape, outputGradient: random(rows: shape.rows, columns: shape.outputs),
      weights: random(rows: shape.inputs, columns: shape.outputs),
      input: random(rows: shape.rows, columns: shape.inputs), activations: activations)
  }

  mutating func beyondBlocks() {
    for shape in Shape.beyondBlocks {
      forward(shape, [.relu])
      parameterGradients(shape)
      inputGradient(shape, [.leakyReLU])
    }
  }

  mutating func cutBothWays() {
    parameterGradients(.cutBothWaysOverRows)
    forward(.cutBothWaysForward, [.relu])
  }

  /// One operand all negative, the other all positive: each product vanishes, and a chain that has taken one is -0. What
  /// a kernel adds beyond that, as the zeros that fill its vectors up, turns that into +0.
  mutating func negativeZero() {
    let tiny = Element.leastNormalMagnitude
    func constant(_ value: Element, _ rows: Int, _ columns: Int) -> Matrix<Element> {
      Matrix(rows: rows, columns: columns, elements: Array(repeating: value, count: rows * columns))
    }
    for shape in Shape.forNegativeZero {
      let (rows, inputs, outputs) = (shape.rows, shape.inputs, shape.outputs)
      compareForward(
        shape, input: constant(-tiny, rows, inputs), weights: constant(tiny, inputs, outputs),
        bias: constant(-0.0, 1, outputs), activations: Activation.allCases)
      compareInputGradient(
        shape, outputGradient: constant(tiny, rows, outputs), weights: constant(-tiny, inputs, outputs),
        input: constant(0.5, rows, inputs), activations: Activation.allCases)
      let gradients = compareParameterGradients(
        shape, input: constant(-tiny, rows, inputs), outputGradient: constant(tiny, rows, outputs))
      // A stripe that gets no row is +0, and so is what it is added to.
      let isEveryStripeTaken = (rows - 1) % OrderOfArithmetic.leafRows + 1 >= OrderOfArithmetic.stripes
      if isEveryStripeTaken || !OrderOfArithmetic.isNarrow(inputs: inputs, outputs: outputs) {
        #expect(gradients.weights.elements.allSatisfy { $0.bitPattern == Element(-0.0).bitPattern }, "\(shape)")
      }
    }
  }

  mutating func loss() {
    // The last batch is one that threads share.
    for rows in Shape.batches + [20_000] {
      for outputs in rows < 20_000 ? [0, 1, 2, 3, 10, 17] : [1, 3] {
        let shape = Shape(rows: rows, inputs: outputs, outputs: outputs)
        let output = random(rows: rows, columns: outputs)
        let target = random(rows: rows, columns: outputs)
        let (y, t) = (memory(output), memory(target))
        let rowWeights = random(rows: rows, columns: 1)
        let w = memory(rowWeights)
        for (loss, isWeighted) in Loss.allCases.flatMap({ [($0, false), ($0, true)] }) {
          let what = "\(isWeighted ? "weighted " : "")loss \(loss.rawValue)"
          let scale: Element = loss.gradientScale(rows: max(rows, 1) * 3, outputs: max(outputs, 1))
          let expected = Reference.loss(
            loss, output: output, target: target, weights: isWeighted ? rowWeights : nil, scale: scale)
          let expectedSum = Matrix(rows: 1, columns: 1, elements: [expected.sum])
          checkSaysSomething(expected.gradient, what, shape: shape)
          checkSaysSomething(expectedSum, what, shape: shape)
          for backend in backends {
            let gradient = memory(rows: rows, columns: outputs)
            let sum = backend.loss(
              loss, output: y.view, target: t.view, weights: isWeighted ? w.view : nil, scale: scale,
              gradient: gradient.mutableView)
            let sumMemory = memory(Matrix(rows: 1, columns: 1, elements: [sum]))
            check(gradient, expected.gradient, "\(what), gradient", shape: shape, backend: backend)
            check(sumMemory, expectedSum, "\(what), sum", shape: shape, backend: backend)
          }
        }
      }
    }
  }

  mutating func elementwise() {
    // The last row is one that threads share.
    for shape in Shape.byWidth + [Shape(rows: 1, inputs: 1, outputs: 300_001)] {
      let (rows, columns) = (shape.inputs, shape.outputs)
      let (first, second) = (random(rows: rows, columns: columns), random(rows: rows, columns: columns))
      let other = memory(second)
      let learningRate: Element = 0.1
      let sum = Reference.add(second, to: first)
      let stepped = Reference.descend(first, gradient: second, learningRate: learningRate)
      checkSaysSomething(sum, "add", shape: shape)
      checkSaysSomething(stepped, "descend", shape: shape)
      for backend in backends {
        let (a, b) = (memory(first), memory(first))
        backend.add(other.view, to: a.mutableView)
        backend.descend(b.mutableView, gradient: other.view, learningRate: learningRate)
        check(a, sum, "add", shape: shape, backend: backend)
        check(b, stepped, "descend", shape: shape, backend: backend)
      }
    }
  }
}
