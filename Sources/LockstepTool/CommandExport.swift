// `lockstep export`: a network in a form that other programs run. The forms lie in modules of their own.

import ComputeBackend
import FileWriting
import Lockstep
import LockstepCSource

/// The command `export`.
let exportCommand = Command(
  name: "export",
  summary: "write a network in a form that other programs run",
  details: """
    --c writes one C99 file that needs no other: NAME_predict(input, output) computes the outputs of one row, with the \
    same bits as `lockstep predict`; the macros NAME_INPUTS and NAME_OUTPUTS, in capitals, are the numbers in a row. \
    Numbers are float, or double for a network in f64. Compile it with -O3, and link it with -lm.
    A network trained with bce or cross-entropy gives logits.
    """,
  operands: ["MODEL"],
  options: [cOption, nameOption, ModelOptions.activation, ModelOptions.precision, CommonOptions.json],
  examples: [
    ("lockstep export housing.safetensors --c model.c", "model_predict, MODEL_INPUTS and MODEL_OUTPUTS"),
    (
      "lockstep export housing.safetensors --c housing.c --name housing",
      "housing_predict, HOUSING_INPUTS and HOUSING_OUTPUTS, to stand beside another network"
    ),
  ],
  run: { invocation in
    let path = try invocation.required(cOption)
    try checkOutput(path, of: cOption, overwritesNone: invocation.operands)
    try OutputFile.check(path)
    let model = try NetworkFile(contentsOf: invocation.operands[0], activation: invocation[ModelOptions.activation])
    switch invocation[ModelOptions.precision] ?? model.precision {
    case .f32: try export(model, invocation, as: Float.self)
    case .f64: try export(model, invocation, as: Double.self)
    }
  })

private let cOption = CommandOption<String?>.fileName(
  "c", valueName: "FILE.c", summary: "where the C file goes; must be given")

private let nameOption = CommandOption(
  "name", valueName: "NAME", summary: "what the names in the C file begin with", default: "model",
  defaultText: "model", allowed: "a C identifier that begins with a letter and is no keyword",
  parse: { CSourceError.allows($0) ? $0 : nil })

private func export<Element: NetworkElement>(
  _ model: NetworkFile, _ invocation: Invocation, as _: Element.Type
) throws {
  let path = try invocation.required(cOption)
  let network: Network<Element> = try model.network()
  let name = invocation[nameOption]
  try CSource(network, name: name).write(to: path)

  if invocation.isJSON {
    try invocation.output.json([
      "precision": .string(Element.precision.rawValue), "digest": .string(network.parametersDigest),
      "c": .string(path), "function": .string("\(name)_predict"),
    ])
    return
  }
  let lines = [
    (name: "network", text: "\(model.path), \(networkSummary(network)), \(Element.precision.rawValue)"),
    (name: "digest", text: network.parametersDigest),
    (name: "C", text: "\(path), \(name)_predict"),
  ]
  for line in aligned(lines) { try invocation.output.line(line) }
}
