// The steps of optimisers, sums of squares and dropout of every backend against the reference, bit for bit.

import BackendMatrix
import ComputeBackend
import Lockstep
import LockstepReference
import Testing

@Suite("Every update, sum of squares and dropout of every backend has the reference's bits", .serialized)
struct UpdateParityTests {
  @Test("Steps of optimisers", arguments: ParityCase.all)
  func update(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.update() }, { $0.update() })
  }

  @Test(
    "A step without the moments that its formula keeps ends the program",
    arguments: try! allBackends(Float.self).indices)
  func missingMoments(_ index: Int) async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [index] in
      let memory = MatrixStorage<Float>(rows: 1, columns: 3)
      let view = memory.mutableView
      try allBackends(Float.self)[index].update(
        view, by: UpdateRule(.adam, rate: 0.1), gradient: memory.view, first: view, second: nil)
    }
    let words = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(words.contains("moments that are not given"))
  }

  @Test("Sums of squares", arguments: ParityCase.all)
  func sumOfSquares(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.sumOfSquares() }, { $0.sumOfSquares() })
  }

  @Test("Dropout", arguments: ParityCase.all)
  func dropOut(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.dropOut() }, { $0.dropOut() })
  }
}

extension Shape {
  /// Matrices of `inputs` rows and `outputs` columns: every pair of widths, and sizes around leaves.
  static let elementwise =
    byWidth
    + [255, 256, 257, 511, 513, 1025, 1279].map { Shape(rows: 1, inputs: 1, outputs: $0) }
    + [Shape(rows: 1, inputs: 31, outputs: 33), Shape(rows: 1, inputs: 1300, outputs: 3)]
  /// Those that threads share.
  static let shared = [
    Shape(rows: 1, inputs: 1, outputs: 300_001), Shape(rows: 1, inputs: 601, outputs: 517),
  ]
}

extension ParityRun {
  /// Each formula, with everything that changes gradients or parameters before it and without.
  private static var rules: [UpdateRule<Element>] {
    UpdateFormula.allCases.flatMap { formula in
      [
        UpdateRule(
          formula, rate: 0.1, firstDecay: 0.9, firstShare: 0.1, secondDecay: 0.99, secondShare: 0.01,
          rootFactor: 3, epsilon: 1e-8),
        UpdateRule(
          formula, rate: 0.01, gradientFactor: 0.3, weightDecay: 0.02, parameterFactor: 0.97, firstDecay: 0.7,
          firstShare: 0.3, secondDecay: 0.9, secondShare: 0.1, rootFactor: 1.5, epsilon: 0.001),
      ]
    }
  }

  mutating func update() {
    for (index, shape) in (Shape.elementwise + Shape.shared).enumerated() {
      let (rows, columns) = (shape.inputs, shape.outputs)
      let p = random(rows: rows, columns: columns)
      let (g, m) = (random(rows: rows, columns: columns), random(rows: rows, columns: columns))
      // Means of squares, of which a negative one would make every result a NaN.
      let v = Matrix(
        rows: rows, columns: columns,
        elements: random(rows: rows, columns: columns).elements.map { $0.magnitude })
      let gradient = memory(g)
      // Every rule where that is quick, else one that changes from shape to shape.
      let all = Self.rules
      for rule in rows * columns < 300 ? all : [all[index % all.count], all[(index + 5) % all.count]] {
        let what = "update \(rule.formula.rawValue)"
        let expected = Reference.update((p, m, v), by: rule, gradient: g)
        checkSaysSomething(expected.parameters, what, shape: shape)
        for backend in backends {
          let (parameters, first, second) = (memory(p), memory(m), memory(v))
          backend.update(
            parameters.mutableView, by: rule, gradient: gradient.view,
            first: rule.formula.keepsFirstMoment ? first.mutableView : nil,
            second: rule.formula.keepsSecondMoment ? second.mutableView : nil)
          check(parameters, expected.parameters, what, shape: shape, backend: backend)
          check(first, expected.first, "\(what), first moments", shape: shape, backend: backend)
          check(second, expected.second, "\(what), second moments", shape: shape, backend: backend)
        }
      }
    }
  }

  mutating func sumOfSquares() {
    for shape in Shape.elementwise + Shape.shared {
      let matrix = random(rows: shape.inputs, columns: shape.outputs)
      let expected = Reference.sumOfSquares(matrix)
      let operand = memory(matrix)
      for backend in backends {
        let found = backend.sumOfSquares(operand.view)
        #expect(found.canonicalBitPattern == expected.canonicalBitPattern, "\(shape), \(backend.name)")
      }
    }
  }

  mutating func dropOut() {
    for (index, shape) in (Shape.elementwise + Shape.shared).enumerated() {
      let (rows, columns) = (shape.inputs, shape.outputs)
      let values = random(rows: rows, columns: columns)
      let rate = [0.5, 0.1, 0.9, 0, 0x1p-33, 1 - 0x1p-53][index % 6]
      let (seed, step, layer, firstRow) = (UInt64(index) << 31 | 5, index, index % 3, index * 7)
      let expected = Reference.dropOut(
        values, rate: rate, seed: seed, step: step, layer: layer, firstRow: firstRow)
      let rule = DropoutRule<Element>(rate: rate, seed: seed, step: step, layer: layer)
      let from = memory(values)
      for backend in backends {
        let (output, inPlace) = (memory(rows: rows, columns: columns), memory(values))
        backend.dropOut(from.view, by: rule, firstRow: firstRow, output: output.mutableView)
        backend.dropOut(inPlace.view, by: rule, firstRow: firstRow, output: inPlace.mutableView)
        check(output, expected, "dropout \(rate)", shape: shape, backend: backend)
        check(inPlace, expected, "dropout \(rate) in place", shape: shape, backend: backend)
      }
    }
  }
}
