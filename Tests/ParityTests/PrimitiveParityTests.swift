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

/// Runs one primitive's comparisons in one precision and profile.
struct ParityRun<Element: NetworkElement> {
  let profile: Profile
  let backends: [any ComputeBackend<Element>]
  var generator = SeededGenerator(seed: 1)
  /// Changes the room around the operands from one to the next.
  private var layout = 0

  init(profile: Profile) throws {
    self.profile = profile
    backends = try allBackends(Element.self)
  }

  mutating func random(rows: Int, columns: Int) -> Matrix<Element> {
    randomMatrix(rows: rows, columns: columns, profile: profile, using: &generator)
  }

  /// Memory with gaps between rows and alignments that change from call to call.
  mutating func memory(rows: Int, columns: Int) -> GuardedMatrix<Element> {
    layout += 1
    return GuardedMatrix(
      rows: rows, columns: columns, gap: [0, 1, 8, 0, 3][layout % 5], offset: [0, 1, 16, 7][layout % 4])
  }

  /// Such memory that holds `matrix`.
  mutating func memory(_ matrix: Matrix<Element>) -> GuardedMatrix<Element> {
    let memory = memory(rows: matrix.rows, columns: matrix.columns)
    matrix.withView { memory.mutableView.copy(from: $0) }
    return memory
  }

  /// Fails where a result's bits are not the reference's, or memory around it was written.
  func check(
    _ result: GuardedMatrix<Element>, _ expected: Matrix<Element>, _ what: String, shape: Shape,
    backend: any ComputeBackend<Element>, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    func record(_ text: String) {
      Issue.record("\(what), \(shape), \(backend.name): \(text)", sourceLocation: sourceLocation)
    }
    if let difference = Reference.difference(of: result.contents(), from: expected) { record(difference.description) }
    if !result.guardsAreIntact() { record("wrote outside of its matrix") }
  }

  /// Fails where ordinary operands make a reference that an idle backend would match, too.
  func checkSaysSomething(
    _ expected: Matrix<Element>, _ what: String, shape: Shape, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    guard profile == .ordinary, shape.rows >= 15, shape.inputs >= 3, shape.outputs >= 3 else { return }
    if Reference.isAllZero(expected) {
      Issue.record("\(what), \(shape): the reference is all zero", sourceLocation: sourceLocation)
    }
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

  @Test("Gradients of weights and bias", arguments: ParityCase.all)
  func parameterGradients(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.parameterGradients() }, { $0.parameterGradients() })
  }

  @Test("Gradient of the input", arguments: ParityCase.all)
  func inputGradient(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.inputGradient() }, { $0.inputGradient() })
  }

  @Test("Losses", arguments: ParityCase.all)
  func loss(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.loss() }, { $0.loss() })
  }

  @Test("Nodes of the tree and steps of descent", arguments: ParityCase.all)
  func elementwise(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.elementwise() }, { $0.elementwise() })
  }

  @Test("Gradient before the output layer's activation", arguments: ParityCase.all)
  func activationBackward(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.activationBackward() }, { $0.activationBackward() })
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
    for (index, shape) in Shape.all.enumerated() {
      let input = random(rows: shape.rows, columns: shape.inputs)
      let weights = random(rows: shape.inputs, columns: shape.outputs)
      let bias = random(rows: 1, columns: shape.outputs)
      let (x, w, b) = (memory(input), memory(weights), memory(bias))
      for activation in activations(shape, index) {
        let what = "forward \(activation.rawValue)"
        let expected = Reference.forward(input: input, weights: weights, bias: bias, activation: activation)
        checkSaysSomething(expected, what, shape: shape)
        for backend in backends {
          let y = memory(rows: shape.rows, columns: shape.outputs)
          backend.forward(input: x.view, weights: w.view, bias: b.view, activation: activation, output: y.mutableView)
          check(y, expected, what, shape: shape, backend: backend)
        }
      }
    }
  }

  mutating func parameterGradients() {
    for shape in Shape.all {
      let input = random(rows: shape.rows, columns: shape.inputs)
      let outputGradient = random(rows: shape.rows, columns: shape.outputs)
      let (x, dz) = (memory(input), memory(outputGradient))
      let expected = Reference.parameterGradients(input: input, outputGradient: outputGradient)
      checkSaysSomething(expected.weights, "weight gradient", shape: shape)
      checkSaysSomething(expected.bias, "bias gradient", shape: shape)
      for backend in backends {
        let dw = memory(rows: shape.inputs, columns: shape.outputs)
        let db = memory(rows: 1, columns: shape.outputs)
        backend.parameterGradients(
          input: x.view, outputGradient: dz.view, weightGradient: dw.mutableView, biasGradient: db.mutableView)
        check(dw, expected.weights, "weight gradient", shape: shape, backend: backend)
        check(db, expected.bias, "bias gradient", shape: shape, backend: backend)
      }
    }
  }

  mutating func inputGradient() {
    for (index, shape) in Shape.all.enumerated() {
      let outputGradient = random(rows: shape.rows, columns: shape.outputs)
      let weights = random(rows: shape.inputs, columns: shape.outputs)
      let input = random(rows: shape.rows, columns: shape.inputs)
      let (dz, w, x) = (memory(outputGradient), memory(weights), memory(input))
      for activation in activations(shape, index) {
        let what = "input gradient \(activation.rawValue)"
        let expected = Reference.inputGradient(
          outputGradient: outputGradient, weights: weights, input: input, activation: activation)
        checkSaysSomething(expected, what, shape: shape)
        for backend in backends {
          let dx = memory(rows: shape.rows, columns: shape.inputs)
          backend.inputGradient(
            outputGradient: dz.view, weights: w.view, input: x.view, activation: activation,
            inputGradient: dx.mutableView)
          check(dx, expected, what, shape: shape, backend: backend)
        }
      }
    }
  }

  mutating func loss() {
    for rows in Shape.batches {
      for outputs in [0, 1, 2, 3, 10, 17] {
        let shape = Shape(rows: rows, inputs: outputs, outputs: outputs)
        let output = random(rows: rows, columns: outputs)
        let target = random(rows: rows, columns: outputs)
        let (y, t) = (memory(output), memory(target))
        for loss in Loss.allCases {
          let what = "loss \(loss.rawValue)"
          let scale: Element = loss.gradientScale(rows: max(rows, 1) * 3, outputs: max(outputs, 1))
          let expected = Reference.loss(loss, output: output, target: target, scale: scale)
          let expectedSum = Matrix(rows: 1, columns: 1, elements: [expected.sum])
          checkSaysSomething(expected.gradient, what, shape: shape)
          checkSaysSomething(expectedSum, what, shape: shape)
          for backend in backends {
            let gradient = memory(rows: rows, columns: outputs)
            let sum = backend.loss(loss, output: y.view, target: t.view, scale: scale, gradient: gradient.mutableView)
            let sumMemory = memory(Matrix(rows: 1, columns: 1, elements: [sum]))
            check(gradient, expected.gradient, "\(what), gradient", shape: shape, backend: backend)
            check(sumMemory, expectedSum, "\(what), sum", shape: shape, backend: backend)
          }
        }
      }
    }
  }

  mutating func elementwise() {
    for shape in Shape.byWidth {
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

  mutating func activationBackward() {
    for shape in Shape.byWidth where shape.inputs < 40 {
      let (rows, columns) = (shape.inputs, shape.outputs)
      let (values, gradient) = (random(rows: rows, columns: columns), random(rows: rows, columns: columns))
      let y = memory(values)
      for activation in Activation.allCases {
        let expected = Reference.gradient(of: activation, gradient, value: values)
        for backend in backends {
          let g = memory(gradient)
          backend.activationBackward(activation, value: y.view, gradient: g.mutableView)
          check(g, expected, "activation backward \(activation.rawValue)", shape: shape, backend: backend)
        }
      }
    }
  }
}
