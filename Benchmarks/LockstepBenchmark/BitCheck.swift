// The check before a workload is timed: its results must be the reference's, bit for bit.

import ComputeBackend
import Lockstep
import LockstepReference

/// What became of the check.
public struct BitCheckOutcome: Sendable, Equatable {
  /// How many rows of the batch the reference computed too.
  public let rows: Int
  /// What else the whole batch's results were compared with, where the reference computed a part: `scalar` or another
  /// variant.
  public let witness: String?
  /// What is wrong, as a sentence; `nil` where all bits are equal.
  public let difference: String?

  /// Whether every bit that was compared is the reference's.
  public var isEqual: Bool { difference == nil }
}

/// Compares the results of backends on one workload with the reference order of arithmetic.
///
/// The reference computes one result at a time and is slow. It runs the whole batch where that is affordable; elsewhere
/// it runs as many rows as are, and the whole batch's results are compared with those of another backend. Results that
/// are all zero fail: equality would say nothing.
final class BitCheck<Element: NetworkElement> {
  private typealias Results = [(name: String, matrix: Matrix<Element>)]

  private let data: WorkloadData<Element>
  private let rows: [Int]
  private let witnesses: [any ComputeBackend<Element>]
  private let operationsForWitness: Double
  private lazy var expected = reference(data.picking(rows))
  private var whole: (witness: BackendVariant, results: Results)?

  /// - Parameters:
  ///   - data: the workload.
  ///   - witnesses: what may compute the whole batch where the reference cannot, the plainest first.
  ///   - operations: as many floating-point operations of a step are affordable for the reference.
  ///   - operationsForWitness: the same for the first witness.
  init(
    _ data: WorkloadData<Element>, witnesses: [any ComputeBackend<Element>], operations: Double,
    operationsForWitness: Double
  ) {
    self.data = data
    self.witnesses = witnesses
    self.operationsForWitness = operationsForWitness
    let batch = data.workload.batch
    let count = Int(min(Double(batch), max(1, operations / data.workload.operations(rows: 1))))
    // From all over the batch, its first and last row among them.
    rows = count == batch ? Array(0..<batch) : (0..<count).map { count == 1 ? 0 : $0 * (batch - 1) / (count - 1) }
  }

  /// Runs the workload on `backend` and compares.
  func outcome(on backend: any ComputeBackend<Element>) throws -> BitCheckOutcome {
    let isWhole = rows.count == data.workload.batch
    let found = try results(isWhole ? data : data.picking(rows), on: backend)
    if let zero = expected.first(where: { Reference.isAllZero($0.matrix) }) {
      return BitCheckOutcome(
        rows: rows.count, witness: nil,
        difference: "\(zero.name) of the reference is all zeros, so that comparing says nothing")
    }
    if let difference = Self.difference(of: found, from: expected) {
      return BitCheckOutcome(rows: rows.count, witness: nil, difference: difference)
    }
    guard !isWhole else { return BitCheckOutcome(rows: rows.count, witness: nil, difference: nil) }
    guard let witness = try wholeResults(besides: backend) else {
      return BitCheckOutcome(rows: rows.count, witness: nil, difference: nil)
    }
    let difference = Self.difference(of: try results(data, on: backend), from: witness.results)
    return BitCheckOutcome(
      rows: rows.count, witness: "\(witness.witness)", difference: difference.map { "\($0) by \(witness.witness)" })
  }

  /// The whole batch's results by some backend other than `backend`, kept for the next.
  private func wholeResults(
    besides backend: any ComputeBackend<Element>
  ) throws -> (witness: BackendVariant, results: Results)? {
    if let whole, whole.witness != backend.variant { return whole }
    let affordable = witnesses.filter {
      $0.variant != backend.variant && ($0.kind != .scalar || data.workload.operations <= operationsForWitness)
    }
    guard let witness = affordable.first else { return nil }
    whole = (witness.variant, try results(data, on: witness))
    return whole
  }

  /// What is compared: outputs, or the losses and parameters of two steps.
  ///
  /// The second step is so large that the parameters after it are little but gradients: in an ordinary step, a wrong last
  /// bit of a small gradient is rounded away.
  private func results(_ data: WorkloadData<Element>, on backend: any ComputeBackend<Element>) throws -> Results {
    switch data.workload.kind {
    case .training:
      let trainer = Trainer(data.network, loss: data.workload.loss, backend: backend)
      var results: Results = []
      for (step, rate) in Self.learningRates.enumerated() {
        let loss = try trainer.step(input: data.input, target: data.target, learningRate: rate)
        results.append(("loss of step \(step + 1)", Matrix(rows: 1, columns: 1, elements: [loss])))
      }
      for (index, layer) in trainer.network.layers.enumerated() {
        results.append(("weights\(index + 1) after two steps", layer.weights))
        results.append(("biases\(index + 1) after two steps", layer.bias))
      }
      return results
    case .inference: return [("output", try Self.result(InferenceWork(data, on: backend)))]
    case .product: return [("product", try Self.result(ProductWork(data, on: backend)))]
    }
  }

  private static func result(_ work: some ForwardWork<Element>) throws -> Matrix<Element> {
    // Twice, as what a first call leaves behind must not change the next.
    try work.run(steps: 2)
    return work.result
  }

  /// The same by the reference.
  private func reference(_ data: WorkloadData<Element>) -> Results {
    var network = ReferenceNetwork(
      layers: data.network.layers.map {
        ReferenceLayer(weights: $0.weights, bias: $0.bias, activation: $0.activation)
      })
    guard data.workload.kind == .training else {
      let outputs = network.outputs(for: data.input)
      return [("output", outputs[outputs.count - 1])]
    }
    var results: Results = []
    for (step, rate) in Self.learningRates.enumerated() {
      let losses = network.train(on: [(data.input, data.target)], loss: data.workload.loss, learningRate: rate)
      results.append(("loss of step \(step + 1)", Matrix(rows: 1, columns: 1, elements: losses)))
    }
    for (index, layer) in network.layers.enumerated() {
      results.append(("weights\(index + 1)", layer.weights))
      results.append(("biases\(index + 1)", layer.bias))
    }
    return results
  }

  private static var learningRates: [Element] { [0.0078125, 65536] }

  private static func difference(of found: Results, from expected: Results) -> String? {
    zip(found, expected).lazy.compactMap { found, expected in
      Reference.difference(of: found.matrix, from: expected.matrix).map { "\(found.name): \($0)" }
    }.first
  }
}

extension ComputeBackend {
  /// What it is a variant of.
  var variant: BackendVariant { BackendVariant(kind: kind, instructionSet: instructionSet) }
}
