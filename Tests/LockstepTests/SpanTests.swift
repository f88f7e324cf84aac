// Prediction, steps and views on spans: the same bits as on matrices, and lengths that do not fit refused.

import BackendMatrix
import ComputeBackend
import Lockstep
import Testing

@Suite("Spans")
struct SpanTests {
  @Test("Predictions are those of matrices", arguments: [0, 1, 7])
  func predicts(rows: Int) throws {
    try check(rows: rows, as: Float.self)
    try check(rows: rows, as: Double.self)
  }

  private func check<Element: NetworkElement>(rows: Int, as _: Element.Type) throws {
    let network = try Network<Element>(sizes: [3, 17, 2], hidden: .tanh, seed: 1)
    let input: Matrix<Element> = randomMatrix(rows: rows, columns: 3, seed: 2)
    for backend in try allBackends(Element.self) {
      let predictor = Predictor(network, backend: backend)
      var output = [Element](repeating: .nan, count: rows * 2)
      var span = output.mutableSpan
      try predictor.predict(input.elements.span, into: &span)
      #expect(bits(Matrix(rows: rows, columns: 2, elements: output)) == bits(try predictor.predict(input)))
    }
  }

  @Test("Steps are those of matrices")
  func steps() throws {
    let network = try Network<Float>(sizes: [3, 17, 2], hidden: .tanh, seed: 1)
    let input: Matrix<Float> = randomMatrix(rows: 5, columns: 3, seed: 2)
    let target: Matrix<Float> = randomMatrix(rows: 5, columns: 2, seed: 3)
    let backend = try Backends.make(.simd, as: Float.self)
    let (spans, matrices) = (
      Trainer(network, loss: .meanSquaredError, backend: backend),
      Trainer(network, loss: .meanSquaredError, backend: backend)
    )
    for _ in 0..<3 {
      let mean = try spans.step(input: input.elements.span, target: target.elements.span, learningRate: 0.1)
      #expect(mean == (try matrices.step(input: input, target: target, learningRate: 0.1)))
    }
    #expect(spans.network == matrices.network)
    #expect(spans.network != network)
  }

  @Test("Lengths that do not fit are refused, and nothing is written")
  func lengths() throws {
    let network = try Network<Float>(sizes: [3, 2], hidden: .identity, seed: 1)
    let backend = try Backends.make(.scalar, as: Float.self)
    let predictor = Predictor(network, backend: backend)
    var output: [Float] = [1, 2, 3]
    var span = output.mutableSpan
    let (four, three): ([Float], [Float]) = ([1, 2, 3, 4], [1, 2, 3])
    #expect(throws: NetworkError.spanLength(elements: 4, columns: 3, rows: nil)) {
      try predictor.predict(four.span, into: &span)
    }
    #expect(throws: NetworkError.spanLength(elements: 3, columns: 2, rows: 1)) {
      try predictor.predict(three.span, into: &span)
    }
    #expect(output == [1, 2, 3])
    let trainer = Trainer(network, loss: .meanSquaredError, backend: backend)
    #expect(throws: NetworkError.spanLength(elements: 3, columns: 2, rows: 1)) {
      try trainer.step(input: three.span, target: three.span, learningRate: 0.1)
    }
    #expect(throws: NetworkError.noRows) {
      try trainer.step(input: four.span.extracting(first: 0), target: four.span.extracting(first: 0), learningRate: 0.1)
    }
    #expect(trainer.network == network)
  }

  @Test("Views of spans have a stride, and write through")
  func views() {
    var elements: [Float] = Array(repeating: 0, count: 11)
    var span = elements.mutableSpan
    MutableMatrixView.withView(of: &span, rows: 3, columns: 2, stride: 4) { view in
      for row in 0..<3 { view[row, 1] = Float(row + 1) }
    }
    #expect(elements == [0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0])
    let sum = MatrixView.withView(of: elements.span, rows: 3, columns: 2, stride: 4) { view in
      (0..<3).reduce(0) { $0 + view[$1, 1] }
    }
    #expect(sum == 6)
  }
}
