// `lockstep export`: a network in a form that other programs run. The forms lie in modules of their own.

import ComputeBackend
import FileWriting
import Lockstep
import LockstepONNX

/// The command `export`.
let exportCommand = Command(
  name: "export",
  summary: "write a network in a form that other programs run",
  details: """
    --onnx writes a model that ONNX runtimes load: `input` [rows x inputs] to `output` [rows x outputs], for any number \
    of rows. They compute in an order of their own, so that results agree up to rounding.
    """,
  operands: ["MODEL"],
  options: [onnxOption, ModelOptions.activation, ModelOptions.precision, CommonOptions.json],
  examples: [
    ("lockstep export housing.safetensors --onnx housing.onnx", "a model for ONNX Runtime and others")
  ],
  run: { invocation in
    let path = try invocation.required(onnxOption)
    try checkOutput(path, of: onnxOption, overwritesNone: invocation.operands)
    try OutputFile.check(path)
    let model = try NetworkFile(contentsOf: invocation.operands[0], activation: invocation[ModelOptions.activation])
    switch invocation[ModelOptions.precision] ?? model.precision {
    case .f32: try export(model, invocation, as: Float.self)
    case .f64: try export(model, invocation, as: Double.self)
    }
  })

private let onnxOption = CommandOption<String?>.fileName(
  "onnx", valueName: "FILE.onnx", summary: "where the ONNX model goes; must be given")

private func export<Element: NetworkElement>(
  _ model: NetworkFile, _ invocation: Invocation, as _: Element.Type
) throws {
  let path = try invocation.required(onnxOption)
  let network: Network<Element> = try model.network()
  try ONNXModel(network, description: model.description, producerVersion: toolVersion).write(to: path)

  if invocation.isJSON {
    try invocation.output.json([
      "precision": .string(Element.precision.rawValue), "parameters_digest": .string(network.parametersDigest),
      "onnx": .string(path),
    ])
    return
  }
  let lines = [
    (name: "network", text: "\(model.path), \(networkSummary(network)), \(Element.precision.rawValue)"),
    (name: "digest", text: network.parametersDigest),
    (name: "onnx", text: path),
  ]
  for line in aligned(lines) { try invocation.output.line(line) }
}
