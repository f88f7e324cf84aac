// Networks from outside: a model that the tool trained predicts the tool's outputs, alone and from many tasks at once, and
// the same training gives the tool's parameters.

import CAllocationCount
import ComputeBackend
import Lockstep

@main
struct Networks {
  /// Takes a model and a table on standard input: a number for the input and one for the target in each line.
  static func main() async throws {
    var (inputs, targets): ([Float], [Float]) = ([], [])
    while let line = readLine() {
      let numbers = line.split(separator: " ").compactMap { Float($0) }
      inputs.append(numbers[0])
      targets.append(numbers[1])
    }

    let network: Network<Float> = try NetworkFile(contentsOf: CommandLine.arguments[1]).network()
    for kind in BackendKind.allCases {
      guard try Backends.unavailability(of: kind) == nil else { continue }
      let backend = try Backends.make(kind, as: Float.self)
      let predictor = Predictor(network, backend: backend)
      let outputs = try await predictInTasks(predictor, inputs)
      var span = [Float](repeating: 0, count: inputs.count)
      var whole = span.mutableSpan
      try predictor.predict(inputs.span, into: &whole)
      precondition(span == outputs, "tasks get other outputs than one call")
      let trained = try train(inputs, targets, on: backend)
      print(kind.rawValue, network.parametersDigest, Digest.fnv1a(outputs), trained)
      try countAllocations(on: backend)
    }
  }

  /// The outputs for inputs of one number each, from a task for every seven of them, all on one predictor.
  static func predictInTasks(_ predictor: Predictor<Float>, _ inputs: [Float]) async throws -> [Float] {
    try await withThrowingTaskGroup(of: (Int, [Float]).self) { group in
      for start in stride(from: 0, to: inputs.count, by: 7) {
        group.addTask {
          let rows = inputs[start..<min(start + 7, inputs.count)]
          var outputs = [Float](repeating: 0, count: rows.count)
          var span = outputs.mutableSpan
          try predictor.predict(rows.span, into: &span)
          return (start, outputs)
        }
      }
      var all = [Float](repeating: 0, count: inputs.count)
      for try await (start, outputs) in group {
        for (index, output) in outputs.enumerated() { all[start + index] = output }
      }
      return all
    }
  }

  /// The digest of a 1-8-1 network after the training that the tool is asked for.
  static func train(
    _ inputs: [Float], _ targets: [Float], on backend: any ComputeBackend<Float>
  ) throws -> String {
    let start = try Network<Float>(sizes: [1, 8, 1], hidden: .tanh, seed: 3)
    let trainer = Trainer(start, loss: .meanSquaredError, backend: backend)
    let schedule = try TrainingSchedule(epochs: 20, batchSize: 16, learningRate: 0.001, seed: 3)
    try trainer.train(
      input: Matrix(rows: inputs.count, columns: 1, elements: inputs),
      target: Matrix(rows: targets.count, columns: 1, elements: targets), schedule: schedule)
    return trainer.network.parametersDigest
  }

  /// Calls allocate nothing after a thread's first, on all threads of the backend together.
  static func countAllocations(on backend: any ComputeBackend<Float>) throws {
    let network = try Network<Float>(sizes: [257, 130, 10], hidden: .relu, seed: 1)
    for rows in [1, 300] {
      let predictor = Predictor(network, backend: backend, reservedRows: rows)
      let input = [Float](repeating: 0.5, count: rows * 257)
      var output = [Float](repeating: 0, count: rows * 10)
      var before = 0
      for call in 0..<20 {
        if call == 1 { before = lockstep_process_allocations() }
        var span = output.mutableSpan
        try predictor.predict(input.span, into: &span)
      }
      let count = lockstep_process_allocations() - before
      precondition(count == 0, "\(count) allocations in 19 calls of \(rows) rows on \(backend.kind)")
    }
  }
}
