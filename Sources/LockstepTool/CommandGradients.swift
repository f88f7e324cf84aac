// `lockstep gradients`: the gradient of the loss with respect to every parameter, for whoever compares.

import ComputeBackend
import Lockstep
import LockstepData

/// The command `gradients`.
let gradientsCommand = Command(
  name: "gradients",
  summary: "write the loss gradient of every parameter over a table",
  details: """
    \(DataFileOptions.details)
    The gradients are those of the mean loss over all rows of DATA as one batch. They go to a safetensors file, \
    under the names and in the shapes of the parameters.
    """,
  operands: ["MODEL", "DATA"],
  options: [
    ModelOptions.targets, ModelOptions.features, ModelOptions.loss, ModelOptions.activation, gradientsOption,
  ] + DataFileOptions.all + ModelOptions.computing,
  examples: [
    (
      "lockstep gradients model.safetensors data.csv --target y -o gradients.safetensors",
      "what loss.backward() leaves in PyTorch's .grad"
    )
  ],
  run: { invocation in
    let path = try invocation.required(gradientsOption)
    try checkOutputs([(path, gradientsOption)], overwriteNone: invocation.inputFiles)
    let data = try LabelledData(invocation)
    switch invocation[ModelOptions.precision] ?? data.model.precision {
    case .f32: try gradients(data, invocation, as: Float.self)
    case .f64: try gradients(data, invocation, as: Double.self)
    }
  })

private let gradientsOption = CommandOption<String?>.fileName(
  "output", letter: "o", valueName: "G.safetensors", summary: "where the gradients go; must be given")

private func gradients<Element: NetworkElement>(
  _ data: LabelledData, _ invocation: Invocation, as _: Element.Type
) throws {
  let path = try invocation.required(gradientsOption)
  let backend = try invocation.makeBackend(as: Element.self)
  let network: Network<Element> = try data.model.network()
  let input: Matrix<Element> = try data.columns.input(of: data.table)
  let target: Matrix<Element> = try data.columns.target(of: data.table.holding(input), for: data.loss)
  let trainer = Trainer(network, loss: data.loss, backend: backend)
  let gradients = try trainer.gradients(input: input, target: target)
  let choice = trainer.backendChoice(for: .gradients, rows: input.rows)
  invocation.warn(
    ofNotFinite: "results",
    in: [gradients.loss] + gradients.layers.flatMap { $0.weights.elements + $0.bias.elements })
  try gradients.write(to: path, description: data.columns.description(loss: data.loss))

  if invocation.isJSON {
    try invocation.output.json(
      choice.jsonMembers,
      [
        "rows": .integer(input.rows), "loss_function": .string(data.loss.rawValue), "loss": .number(gradients.loss),
        "gradients_digest": .string(gradients.digest), "output": .string(path),
      ])
    return
  }
  let lines = [
    (name: "data", text: "\(data.table.file), \(counted(input.rows, "row"))"),
    (name: "targets", text: data.columns.target.summary),
    (name: "network", text: "\(data.model.path), \(networkSummary(network))"),
    (name: "computed by", text: choice.summary),
    (name: "loss (\(data.loss.rawValue))", text: number(gradients.loss)),
    (name: "digest", text: gradients.digest),
    (name: "gradients", text: path),
  ]
  for line in aligned(lines) { try invocation.output.line(line) }
}
