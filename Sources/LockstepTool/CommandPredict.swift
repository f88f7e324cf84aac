// `lockstep predict`: the outputs of a network for the rows of a table.

import ComputeBackend
import Lockstep
import LockstepData

/// The command `predict`.
let predictCommand = Command(
  name: "predict",
  summary: "compute a network's outputs for the rows of a CSV table",
  details: """
    Writes CSV, one column for each output under the name of its target, one line for each row of DATA.csv. The numbers \
    are as short as they can be and still read back to the same bits. A network trained with bce or cross-entropy gives \
    logits.
    Inputs are found by the names in the model file, in any order, and other columns are passed over; where the file has \
    no names, DATA.csv must have the inputs alone, in order.
    """,
  operands: ["MODEL", "DATA.csv"],
  options: [outputOption, ModelOptions.activation] + ModelOptions.computing,
  examples: [
    ("lockstep predict housing.safetensors new.csv", "predictions on standard output"),
    ("lockstep predict housing.safetensors new.csv -o prices.csv", "in a file, there whole or not at all"),
  ],
  run: { invocation in
    try checkOutput(invocation[outputOption], of: outputOption, overwritesNone: invocation.operands)
    let model = try NetworkFile(
      contentsOf: invocation.operands[0], activation: invocation[ModelOptions.activation])
    switch invocation[ModelOptions.precision] ?? model.precision {
    case .f32: try predict(model, invocation, as: Float.self)
    case .f64: try predict(model, invocation, as: Double.self)
    }
  })

private let outputOption = CommandOption<String?>.fileName(
  "output", letter: "o", valueName: "FILE", summary: "where the predictions go; - is standard output",
  defaultText: "standard output")

private func predict<Element: NetworkElement>(
  _ model: NetworkFile, _ invocation: Invocation, as _: Element.Type
) throws {
  let backend = try invocation.makeBackend(as: Element.self)
  let network: Network<Element> = try model.network()
  let table = try CSVTable(contentsOf: invocation.operands[1])
  let input: Matrix<Element> = try ColumnChoice(model: model, table: table).input(of: table)
  let predictor = Predictor(network, backend: backend)
  let result = try predictor.predict(input)
  invocation.warn(ofNotFinite: "outputs", in: result.elements)
  let names = model.description.targetColumns ?? (1...network.outputs).map { "output\($0)" }

  let path = invocation[outputOption].flatMap { $0 == "-" ? nil : $0 }
  if let path { try writeCSV(header: names, rows: result, to: .path(path)) }
  switch (path, invocation.isJSON) {
  case (nil, false): try writeCSV(header: names, rows: result, to: .standardOutput)
  case (nil, true):
    for row in 0..<result.rows {
      let members = names.enumerated().map { (key: $1, value: JSONValue.number(result[row, $0])) }
      try invocation.output.line(JSONValue.object(members).text)
    }
  case (let path?, true):
    try invocation.output.json(
      predictor.backendChoice(rows: input.rows).jsonMembers,
      [
        "rows": .integer(result.rows), "outputs_digest": .string(Digest.fnv1a(result.elements)),
        "output": .string(path),
      ])
  case (_?, false): break
  }
}
