// `lockstep info --network`: what the automatic backend chooses for a network, found out on made-up numbers.

import ComputeBackend
import Lockstep
import LockstepBenchmark

/// What describes the network of `info`.
enum InfoNetworkOptions {
  static let all: [any OptionDeclaration] = [
    BenchmarkOptions.network.summarized("show what runs a network of these widths best, instead of the machine"),
    BenchmarkOptions.batch.summarized("rows of a prediction or step of --network"),
    BenchmarkOptions.activation,
    BenchmarkOptions.loss.summarized("the loss of the steps of --network"),
    CommonOptions.precision, CommonOptions.threads,
  ]
}

extension Invocation {
  /// Shows the choices for the network that is given; returns false where none is.
  func showChoices() throws -> Bool {
    let precision = self[CommonOptions.precision]
    guard let workload = try networkWorkload(.training, described: InfoNetworkOptions.all, in: precision) else {
      return false
    }
    switch precision {
    case .f32: try show(choices(for: workload, as: Float.self), for: workload)
    case .f64: try show(choices(for: workload, as: Double.self), for: workload)
    }
    return true
  }

  /// Races predictions, gradients and steps to their ends.
  private func choices<Element: NetworkElement>(for workload: Workload, as _: Element.Type) throws -> [BackendChoice] {
    let backend: any ComputeBackend<Element> = try Backends.make(threads: self[CommonOptions.threads])
    let network = try Network<Element>(sizes: workload.sizes, hidden: workload.activation, seed: 1)
    let trainer = Trainer(network, loss: workload.loss, backend: backend)
    let predictor = trainer.makePredictor()
    var stream = RandomStream(seed: 1, purpose: .parameters, index: 1)
    let input = Matrix<Element>(
      rows: workload.batch, columns: network.inputs,
      elements: (0..<workload.batch * network.inputs).map { _ in Element(2 * stream.uniform() - 1) })
    // A target that suits each loss: all in the first class.
    var target = Matrix<Element>(rows: workload.batch, columns: network.outputs)
    for row in 0..<workload.batch { target[row, 0] = 1 }

    let progress = Progress()
    defer { progress.clear() }
    progress.show("racing predictions")
    while !predictor.backendChoice(rows: workload.batch).isDecided { _ = try predictor.predict(input) }
    progress.show("racing gradients")
    while !trainer.backendChoice(for: .gradients, rows: workload.batch).isDecided {
      _ = try trainer.gradients(input: input, target: target)
    }
    progress.show("racing steps of training")
    // Steps of no length: the parameters stay as they are, however many are taken.
    while !trainer.backendChoice(rows: workload.batch).isDecided {
      try trainer.step(input: input, target: target, learningRate: 0)
    }
    return BackendWork.allCases.map { work in
      work == .predict
        ? predictor.backendChoice(rows: workload.batch) : trainer.backendChoice(for: work, rows: workload.batch)
    }
  }

  private func show(_ choices: [BackendChoice], for workload: Workload) throws {
    if isJSON {
      for choice in choices { try output.line(JSONValue.object(choice.members(rows: workload.batch)).text) }
      return
    }
    let lines = [
      (name: "network", text: "\(workload.network), \(workload.activation.rawValue)"),
      (name: "batch", text: "\(counted(workload.batch, "row")), \(self[CommonOptions.precision].rawValue)"),
      (name: "loss", text: workload.loss.rawValue),
    ]
    for line in aligned(lines) { try output.line(line) }
    for choice in choices {
      try output.line("\n\(choice.work.rawValue): \(choice.candidate); \(choice.reason)")
      let best = choice.entries.compactMap(\.secondsPerRow).min()
      let rows = choice.entries.map { entry in
        let time = entry.secondsPerRow.map { fixed($0 * Double(workload.batch) * 1e6, digits: 2) }
        let ratio = entry.secondsPerRow.flatMap { time in best.map { fixed(time / $0, digits: 2) } }
        return [
          "  \(entry.candidate.variant)", "\(entry.candidate.threads)", time ?? "-", ratio ?? "-", "\(entry.calls)",
          entry.standing.rawValue,
        ]
      }
      let table = TextTable(
        header: ["  candidate", "threads", "best µs", "ratio", "calls", "result"], rows: rows, leadingColumns: [0, 5])
      for line in table.lines { try output.line(line) }
    }
  }
}

extension BackendChoice {
  /// What `info --network --json` writes of it, times for a batch of `batch` rows.
  fileprivate func members(rows batch: Int) -> [(key: String, value: JSONValue)] {
    [
      ("work", .string(work.rawValue)), ("sizes", .array(sizes.map { .integer($0) })),
      ("activations", .array(activations.map { .string($0.rawValue) })), ("batch", .integer(batch)),
      ("least_rows", .integer(rows.lowerBound)), ("most_rows", .integer(rows.upperBound)),
    ] + jsonMembers.map { ($0.key, $0.value) } + [
      ("reason", .string(reason)), ("calls", .integer(calls)),
      (
        "candidates",
        .array(
          entries.map { entry in
            .object([
              ("backend", .string(entry.candidate.variant.kind.rawValue)),
              ("isa", .string(entry.candidate.variant.instructionSet.rawValue)),
              ("threads", .integer(entry.candidate.threads)),
              ("seconds", entry.secondsPerRow.map { .number($0 * Double(batch)) } ?? .null),
              ("calls", .integer(entry.calls)), ("result", .string(entry.standing.rawValue)),
            ])
          })
      ),
    ]
  }
}
