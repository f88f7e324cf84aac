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
}

/// A case in one precision.
struct Verification<Element: NetworkElement> {
  private typealias Results = [(name: String, elements: [Element])]

  private let testCase: VerifyCase
  private let first: Network<Element>
  private let input: Matrix<Element>
  private let target: Matrix<Element>
  private let schedule: TrainingSchedule
  private let learningRate: Element = 0.0625
  private static var threadCounts: [Int] { [1, 2, 3, 7] }
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

  /// Runs everything.
  func outcome() throws -> VerifyOutcome {
    let expected = reference()
    // Where all results are zero, equality says nothing.
    var failures = expected.filter { $0.elements.allSatisfy { $0 == 0 } }.map {
      "\($0.name) of the reference is all zeros, so that comparing says nothing"
    }
    var comparisons = 0
    for variant in try Backends.available() {
      for threads in variant.kind == .openmp ? Self.threadCounts : [1] {
        let backend: any ComputeBackend<Element> = try Backends.make(variant, threads: threads)
        for blocks in Self.blocks {
          comparisons += 1
          let results = try results(on: backend, blocks: blocks)
          if let difference = Self.firstDifference(expected, results) {
            failures.append("\(variant), \(threads) thread\(threads == 1 ? "" : "s"), \(blocks): \(difference)")
          }
        }
      }
    }
    return VerifyOutcome(
      digest: Digest.fnv1a(expected.flatMap(\.elements)), comparisons: comparisons, failures: failures)
  }

  /// The pass over the whole batch and a short training, computed by the reference.
  private func reference() -> Results {
    var network = ReferenceNetwork(
      layers: first.layers.map {
        ReferenceLayer(weights: $0.weights, bias: $0.bias, activation: $0.activation)
      })
    let pass = network.pass(over: (input, target), loss: testCase.loss)
    var results: Results = [("output", pass.outputs[pass.outputs.count - 1].elements), ("loss", [pass.loss])]
    for index in first.layers.indices {
      results.append(("grad_weights\(index + 1)", pass.weightGradients[index].elements))
      results.append(("grad_biases\(index + 1)", pass.biasGradients[index].elements))
    }
    let batches = stride(from: 0, to: input.rows, by: schedule.batchSize).map { start in
      let rows = start..<min(start + schedule.batchSize, input.rows)
      return ReferenceBatch<Element>(input: input.rows(rows), target: target.rows(rows))
    }
    for _ in 0..<schedule.epochs { network.train(on: batches, loss: testCase.loss, learningRate: learningRate) }
    for (index, layer) in network.layers.enumerated() {
      results.append(("trained weights\(index + 1)", layer.weights.elements))
      results.append(("trained biases\(index + 1)", layer.bias.elements))
    }
    return results
  }

  /// The same from the library.
  private func results(on backend: any ComputeBackend<Element>, blocks: RowBlocks) throws -> Results {
    let trainer = Trainer(first, loss: testCase.loss, backend: backend, blocks: blocks)
    let gradients = try trainer.gradients(input: input, target: target)
    var results: Results = [("output", try first.predict(input, on: backend).elements), ("loss", [gradients.loss])]
    for (index, layer) in gradients.layers.enumerated() {
      results.append(("grad_weights\(index + 1)", layer.weights.elements))
      results.append(("grad_biases\(index + 1)", layer.bias.elements))
    }
    try trainer.train(input: input, target: target, schedule: schedule)
    for (index, layer) in trainer.network.layers.enumerated() {
      results.append(("trained weights\(index + 1)", layer.weights.elements))
      results.append(("trained biases\(index + 1)", layer.bias.elements))
    }
    return results
  }

  /// The first element whose bits differ, as a phrase.
  private static func firstDifference(_ expected: Results, _ found: Results) -> String? {
    for (one, other) in zip(expected, found) {
      for index in one.elements.indices
      where one.elements[index].canonicalBitPattern != other.elements[index].canonicalBitPattern {
        return "\(one.name), element \(index + 1) of \(one.elements.count): "
          + "the reference has \(one.elements[index]) (\(bits(one.elements[index]))), "
          + "this has \(other.elements[index]) (\(bits(other.elements[index])))"
      }
    }
    return nil
  }

  private static func bits(_ value: Element) -> String {
    "0x" + String(value.bitPattern, radix: 16)
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
