// One row of `lockstep verify`: the reference's results, and every way to run the same work compared with them.

import ComputeBackend
import Lockstep
import LockstepReference

/// What became of a row.
struct VerifyOutcome {
  /// Of the reference's results, all of them.
  let digest: String
  /// How many runs were compared.
  let comparisons: Int
  /// What is wrong, a sentence each; empty where all is well.
  let failures: [String]

  var isEqual: Bool { failures.isEmpty }

  /// What the table says.
  var verdict: String { isEqual ? "equal" : "DIFFERENT" }
}

/// A case in one precision.
struct Verification<Element: NetworkElement> {
  private typealias Results = [(name: String, matrix: Matrix<Element>)]

  private let testCase: VerifyCase
  private let first: Network<Element>
  private let input: Matrix<Element>
  private let target: Matrix<Element>
  private let schedule: TrainingSchedule
  private let learningRate: Element = 0.0625
  private static var blocks: [RowBlocks] {
    [.automatic, .wholeBatch, .leaves(exponent: 0), .leaves(exponent: 1), .leaves(exponent: 2)]
  }

  init(_ testCase: VerifyCase) throws {
    self.testCase = testCase
    first = try testCase.firstNetwork()
    input = testCase.input()
    target = testCase.target()
    // Two epochs of two batches, the second of which is a row or so shorter.
    schedule = try TrainingSchedule(
      epochs: 2, batchSize: max(1, (testCase.rows + 1) / 2), learningRate: Double(learningRate), shuffles: false)
  }

  /// Runs everything on every backend that can run here, those with threads on several numbers of them.
  func outcome() throws -> VerifyOutcome {
    try outcome(
      on: Backends.available().flatMap { variant in
        try (variant.kind == .openmp ? [1, 2, 3, 7] : [1]).map { try Backends.make(variant, threads: $0) }
      })
  }

  /// Runs everything on each of `backends`.
  func outcome(on backends: [any ComputeBackend<Element>]) throws -> VerifyOutcome {
    let expected = reference()
    // Where all results are zero, equality says nothing.
    var failures = expected.filter { Reference.isAllZero($0.matrix) }.map {
      "\($0.name) of the reference is all zeros, so that comparing says nothing"
    }
    var comparisons = 0
    for backend in backends {
      let (variant, threads) = (
        BackendVariant(kind: backend.kind, instructionSet: backend.instructionSet), backend.threads
      )
      for blocks in Self.blocks {
        comparisons += 1
        let results = try results(on: backend, blocks: blocks)
        if let difference = Self.firstDifference(of: results, from: expected) {
          failures.append("\(variant), \(threads) thread\(threads == 1 ? "" : "s"), \(blocks): \(difference)")
        }
      }
    }
    return VerifyOutcome(
      digest: Digest.fnv1a(expected.flatMap(\.matrix.elements)), comparisons: comparisons, failures: failures)
  }

  /// The pass over the whole batch and a short training, computed by the reference.
  private func reference() -> Results {
    var network = ReferenceNetwork(
      layers: first.layers.map {
        ReferenceLayer(weights: $0.weights, bias: $0.bias, activation: $0.activation)
      })
    let pass = network.pass(over: (input, target), loss: testCase.loss)
    var results: Results = [("output", pass.outputs[pass.outputs.count - 1]), ("loss", Self.matrix(pass.loss))]
    for index in first.layers.indices {
      results.append(("grad_weights\(index + 1)", pass.weightGradients[index]))
      results.append(("grad_biases\(index + 1)", pass.biasGradients[index]))
    }
    let batches = stride(from: 0, to: input.rows, by: schedule.batchSize).map { start in
      let rows = start..<min(start + schedule.batchSize, input.rows)
      return ReferenceBatch<Element>(input: input.rows(rows), target: target.rows(rows))
    }
    for _ in 0..<schedule.epochs { network.train(on: batches, loss: testCase.loss, learningRate: learningRate) }
    for (index, layer) in network.layers.enumerated() {
      results.append(("trained weights\(index + 1)", layer.weights))
      results.append(("trained biases\(index + 1)", layer.bias))
    }
    return results
  }

  /// The same from the library.
  private func results(on backend: any ComputeBackend<Element>, blocks: RowBlocks) throws -> Results {
    let trainer = Trainer(first, loss: testCase.loss, backend: backend, blocks: blocks)
    let gradients = try trainer.gradients(input: input, target: target)
    var results: Results = [
      ("output", try first.predict(input, on: backend)), ("loss", Self.matrix(gradients.loss)),
    ]
    for (index, layer) in gradients.layers.enumerated() {
      results.append(("grad_weights\(index + 1)", layer.weights))
      results.append(("grad_biases\(index + 1)", layer.bias))
    }
    try trainer.train(input: input, target: target, schedule: schedule)
    for (index, layer) in trainer.network.layers.enumerated() {
      results.append(("trained weights\(index + 1)", layer.weights))
      results.append(("trained biases\(index + 1)", layer.bias))
    }
    return results
  }

  /// The first result that is not the reference's, and where, as a phrase.
  private static func firstDifference(of found: Results, from expected: Results) -> String? {
    zip(found, expected).lazy.compactMap { found, expected in
      Reference.difference(of: found.matrix, from: expected.matrix).map { "\(found.name): \($0)" }
    }.first
  }

  private static func matrix(_ value: Element) -> Matrix<Element> {
    Matrix(rows: 1, columns: 1, elements: [value])
  }
}

extension Matrix {
  /// Some of the rows.
  fileprivate func rows(_ range: Range<Int>) -> Matrix {
    Matrix(
      rows: range.count, columns: columns,
      elements: Array(elements[range.lowerBound * columns..<range.upperBound * columns]))
  }
}
