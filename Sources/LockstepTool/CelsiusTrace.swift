// `lockstep celsius --trace`: a step of training spelled out, for whoever follows backpropagation with pencil and paper.

import ComputeBackend
import Lockstep

/// The first steps of a run, quantity by quantity.
struct CelsiusTrace<Element: NetworkElement> {
  let run: CelsiusRun<Element>
  /// How many steps to follow.
  let steps: Int

  /// Writes every quantity of every step: as text, or as one JSON object each.
  func write(to output: Output, asJSON: Bool) throws {
    let trainer = Trainer(run.first, loss: .meanSquaredError, backend: run.backend)
    for step in 1...max(steps, 1) where step <= steps {
      let before = trainer.network
      let record = try trainer.recordedStep(
        input: run.celsius, target: run.fahrenheit, learningRate: Element(run.schedule.learningRate))
      let origin = step == 1 ? "drawn from the standard normal distribution" : "as the step before left it"
      let formulas = StepFormulas(
        run: run, before: before, origin: origin, record: record, after: trainer.network)
      if asJSON {
        for phase in formulas.phases {
          for quantity in phase.quantities { try output.json(quantity.jsonMembers(step: step, phase: phase.name)) }
        }
      } else {
        try output.line("Step \(step) of \(run.schedule.epochs)")
        for phase in formulas.phases {
          try output.line("\n  \(phase.heading)")
          for quantity in phase.quantities { try output.line("\n" + quantity.text) }
        }
        try output.line()
      }
    }
  }
}

/// Quantities that are computed together.
private struct TracePhase<Element: NetworkElement> {
  let name: String
  let heading: String
  let quantities: [TracedQuantity<Element>]
}

/// A quantity under its name, with where it comes from.
private struct TracedQuantity<Element: NetworkElement> {
  let name: String
  let value: Matrix<Element>
  /// What gives all of it.
  let formula: String
  /// What gives its first element, in numbers; `nil` where nothing is computed.
  var example: String?

  var text: String {
    let shape = "[\(value.rows) × \(value.columns)]"
    let ends = 3
    let isLong = value.rows > 2 * ends + 1
    let shown = isLong ? Array(0..<ends) + Array(value.rows - ends..<value.rows) : Array(0..<value.rows)
    let table = TextTable(
      rows: shown.map { row in
        (value.rows > 1 ? ["row \(row + 1)"] : []) + (0..<value.columns).map { "\(value[row, $0])" }
      })
    var lines = table.lines.map { "      " + $0 }
    if isLong { lines.insert("      ...", at: ends) }
    let heading = "    \(name) \(shape) = \(formula)"
    return ([heading] + (example.map { ["      first element: \($0) = \(value[0, 0])"] } ?? []) + lines)
      .joined(separator: "\n")
  }

  func jsonMembers(step: Int, phase: String) -> KeyValuePairs<String, JSONValue> {
    [
      "trace_step": .integer(step), "phase": .string(phase), "quantity": .string(name),
      "shape": .array([.integer(value.rows), .integer(value.columns)]), "formula": .string(formula),
      "values": .array(
        (0..<value.rows).map { row in .array((0..<value.columns).map { .number(value[row, $0]) }) }),
    ]
  }
}

/// The formulas of a step over its numbers: a line here for every line of the computation.
private struct StepFormulas<Element: NetworkElement> {
  let run: CelsiusRun<Element>
  let before: Network<Element>
  /// Where the parameters of `before` come from.
  let origin: String
  let record: PassRecord<Element>
  let after: Network<Element>

  private typealias Quantity = TracedQuantity<Element>

  var phases: [TracePhase<Element>] {
    [
      TracePhase(name: "start", heading: "What the step starts from", quantities: start),
      TracePhase(name: "forward", heading: "Forward: from the temperatures to the loss", quantities: forward),
      TracePhase(
        name: "backward", heading: "Backward: what the loss changes by, from the output back to the first layer",
        quantities: backward),
      TracePhase(
        name: "update", heading: "Update: all at once, now that every gradient is known", quantities: update),
    ]
  }

  private var start: [Quantity] {
    [
      Quantity(name: "celsius", value: run.celsius, formula: "evenly spaced from -50 to 50"),
      Quantity(name: "fahrenheit", value: run.fahrenheit, formula: "celsius * 9 / 5 + 32, what the network is to give"),
    ] + parameters(of: before) { _ in (origin, nil) }
  }

  private var forward: [Quantity] {
    let (first, second) = (before.layers[0], before.layers[1])
    let (output1, output2) = (record.outputs[0], record.outputs[1])
    let squares = rows { "(\(term(output2[$0, 0])) - \(term(run.fahrenheit[$0, 0])))²" }
    return [
      Quantity(
        name: "output1", value: output1, formula: "celsius weights1 + biases1",
        example: "\(term(run.celsius[0, 0])) * \(term(first.weights[0, 0])) + \(term(first.bias[0, 0]))"),
      Quantity(
        name: "output2", value: output2, formula: "output1 weights2 + biases2",
        example: "\(term(output1[0, 0])) * \(term(second.weights[0, 0])) + \(term(output1[0, 1])) * "
          + "\(term(second.weights[1, 0])) + \(term(second.bias[0, 0]))"),
      Quantity(
        name: "loss", value: Matrix(rows: 1, columns: 1, elements: [record.gradients.loss]),
        formula: "the mean over rows of (output2 - fahrenheit)²", example: "(\(squares)) / \(count)"),
    ]
  }

  private var backward: [Quantity] {
    let (output1, output2) = (record.outputs[0], record.outputs[1])
    let (gradient1, gradient2) = (record.sumGradients[0], record.sumGradients[1])
    let (layer1, layer2) = (record.gradients.layers[0], record.gradients.layers[1])
    return [
      Quantity(
        name: "grad_output2", value: gradient2, formula: "2 (output2 - fahrenheit) / \(count)",
        example: "2 * (\(term(output2[0, 0])) - \(term(run.fahrenheit[0, 0]))) / \(count)"),
      Quantity(
        name: "grad_weights2", value: layer2.weights, formula: "output1ᵀ grad_output2",
        example: rows { "\(term(output1[$0, 0])) * \(term(gradient2[$0, 0]))" }),
      Quantity(
        name: "grad_biases2", value: layer2.bias, formula: "the sum over rows of grad_output2",
        example: rows { term(gradient2[$0, 0]) }),
      Quantity(
        name: "grad_output1", value: gradient1, formula: "grad_output2 weights2ᵀ",
        example: "\(term(gradient2[0, 0])) * \(term(before.layers[1].weights[0, 0]))"),
      Quantity(
        name: "grad_weights1", value: layer1.weights, formula: "celsiusᵀ grad_output1",
        example: rows { "\(term(run.celsius[$0, 0])) * \(term(gradient1[$0, 0]))" }),
      Quantity(
        name: "grad_biases1", value: layer1.bias, formula: "the sum over rows of grad_output1",
        example: rows { term(gradient1[$0, 0]) }),
    ]
  }

  private var update: [Quantity] {
    let rate = Element(run.schedule.learningRate)
    let old = parameters(of: before) { _ in ("", nil) }
    let gradients = record.gradients.layers.flatMap { [$0.weights, $0.bias] }
    return parameters(of: after) { index in
      (
        "\(old[index].name) - \(rate) grad_\(old[index].name)",
        "\(term(old[index].value[0, 0])) - \(rate) * \(term(gradients[index][0, 0]))"
      )
    }
  }

  /// The parameters of a network under their names; `source` gives formula and example of each.
  private func parameters(
    of network: Network<Element>, source: (Int) -> (formula: String, example: String?)
  ) -> [Quantity] {
    let values = network.layers.flatMap { [$0.weights, $0.bias] }
    return zip(["weights1", "biases1", "weights2", "biases2"], values).enumerated().map { index, parameter in
      let (formula, example) = source(index)
      return Quantity(name: parameter.0, value: parameter.1, formula: formula, example: example)
    }
  }

  private var count: Int { run.celsius.rows }

  /// A sum over rows: the first two terms, and the last.
  private func rows(_ text: (Int) -> String) -> String {
    let terms = [0, 1].map(text) + (count > 3 ? ["..."] : []) + (count > 2 ? [text(count - 1)] : [])
    return terms.joined(separator: " + ")
  }

  /// A number within a formula.
  private func term(_ value: Element) -> String {
    value.sign == .minus ? "(\(value))" : "\(value)"
  }
}
