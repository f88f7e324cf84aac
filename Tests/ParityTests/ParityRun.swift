// How a primitive of every backend is compared with the reference on given operands. Which operands lies in the tests.

import BackendMatrix
import ComputeBackend
import Lockstep
import LockstepReference
import Testing

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
    // Rows that lie a period of the nearest cache apart stay there.
    let isPeriod = columns > 0 && columns * MemoryLayout<Element>.stride % 4096 == 0
    return GuardedMatrix(
      rows: rows, columns: columns, gap: isPeriod ? 0 : [0, 1, 8, 0, 3][layout % 5], offset: [0, 1, 16, 7][layout % 4])
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
    // Where the reference is a NaN, any would be equal.
    if !result.isWritten() { record("an element was never written") }
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

// MARK: - The primitives of layers

extension ParityRun {
  /// Compares a layer forward.
  mutating func compareForward(
    _ shape: Shape, input: Matrix<Element>, weights: Matrix<Element>, bias: Matrix<Element>, activations: [Activation]
  ) {
    let (x, w, b) = (memory(input), memory(weights), memory(bias))
    for activation in activations {
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

  /// Compares the gradients of a layer's weights and bias, and a step of descent that stores neither.
  ///
  /// - Returns: the reference's.
  @discardableResult
  mutating func compareParameterGradients(
    _ shape: Shape, input: Matrix<Element>, outputGradient: Matrix<Element>
  ) -> (weights: Matrix<Element>, bias: Matrix<Element>) {
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

    let learningRate: Element = 0.1
    let weights = random(rows: shape.inputs, columns: shape.outputs)
    let bias = random(rows: 1, columns: shape.outputs)
    let steppedWeights = Reference.descend(weights, gradient: expected.weights, learningRate: learningRate)
    let steppedBias = Reference.descend(bias, gradient: expected.bias, learningRate: learningRate)
    for backend in backends {
      let (w, b) = (memory(weights), memory(bias))
      backend.updateParameters(
        weights: w.mutableView, bias: b.mutableView, input: x.view, outputGradient: dz.view,
        learningRate: learningRate)
      check(w, steppedWeights, "updated weights", shape: shape, backend: backend)
      check(b, steppedBias, "updated bias", shape: shape, backend: backend)
    }
    return expected
  }

  /// Compares the gradient of a layer's input.
  mutating func compareInputGradient(
    _ shape: Shape, outputGradient: Matrix<Element>, weights: Matrix<Element>, input: Matrix<Element>,
    activations: [Activation]
  ) {
    let (dz, w, x) = (memory(outputGradient), memory(weights), memory(input))
    for activation in activations {
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
