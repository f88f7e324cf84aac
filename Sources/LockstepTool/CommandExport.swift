// `lockstep export`: a network in forms that other programs run. The forms lie in modules of their own.

import ComputeBackend
import FileWriting
import Lockstep
import LockstepCSource
import LockstepONNX

/// The command `export`.
let exportCommand = Command(
  name: "export",
  summary: "write a network in a form that other programs run",
  details: """
    --c writes one C99 file that needs no other: NAME_predict(input, output) computes the outputs of one row, with the \
    same bits as `lockstep predict`; the macros NAME_INPUTS and NAME_OUTPUTS, in capitals, are the numbers in a row. \
    Numbers are float, or double for a network in f64. Compile it with -O3, and link it with -lm.
    --onnx writes a model that ONNX runtimes load, from an input named "input", [rows x inputs], to an output named \
    "output", [rows x outputs], for any number of rows. A runtime computes in an order of its own, so its outputs agree \
    up to rounding.
    A network trained with bce or cross-entropy gives logits. Inputs that `lockstep predict` encodes, such as categories and \
    standardized ones, are taken as they are after that, and targets that were standardized are given so; \
    `lockstep inspect` shows the formulas.
    """,
  operands: ["MODEL"],
  options: [cOption, nameOption, onnxOption, ModelOptions.activation, ModelOptions.precision, CommonOptions.json],
  examples: [
    ("lockstep export housing.safetensors --c model.c", "model_predict, MODEL_INPUTS and MODEL_OUTPUTS"),
    (
      "lockstep export housing.safetensors --c housing.c --name housing",
      "housing_predict, HOUSING_INPUTS and HOUSING_OUTPUTS, to stand beside another network"
    ),
    ("lockstep export housing.safetensors --onnx housing.onnx", "a model for ONNX Runtime and others"),
  ],
  run: { invocation in
    try invocation.checkFiles()
    let model = try NetworkFile(contentsOf: invocation.operands[0], activation: invocation[ModelOptions.activation])
    switch invocation[ModelOptions.precision] ?? model.precision {
    case .f32: try export(model, invocation, as: Float.self)
    case .f64: try export(model, invocation, as: Double.self)
    }
  })

private let cOption = CommandOption<String?>.fileName("c", valueName: "FILE.c", summary: "where the C file goes")

private let nameOption = CommandOption(
  "name", valueName: "NAME", summary: "what the names in the C file begin with", default: "model",
  defaultText: "model", allowed: "a C identifier that begins with a letter and is no keyword",
  parse: { CSourceError.allows($0) ? $0 : nil })

private let onnxOption = CommandOption<String?>.fileName(
  "onnx", valueName: "FILE.onnx", summary: "where the ONNX model goes")

extension Invocation {
  /// Refuses what would be found out only after one of the files has been written.
  ///
  /// - Throws: ``UsageError``, `FileError`.
  fileprivate func checkFiles() throws {
    let outputs = [cOption, onnxOption].compactMap { option in self[option].map { (option, $0) } }
    if outputs.isEmpty { throw UsageError(description: "--c or --onnx is missing", isAboutSyntax: true) }
    if isGiven(nameOption), !isGiven(cOption) {
      throw UsageError(description: "--name is for the C file, and --c is missing")
    }
    try checkOutputs(outputs.map { ($0.1, $0.0) }, overwriteNone: operands)
    for (_, path) in outputs { try OutputFile.check(path) }
  }
}

private func export<Element: NetworkElement>(
  _ model: NetworkFile, _ invocation: Invocation, as _: Element.Type
) throws {
  let network: Network<Element> = try model.network()
  let name = invocation[nameOption]
  let (c, onnx) = (invocation[cOption], invocation[onnxOption])
  // The one form that can be refused comes first, so that nothing is written then.
  let onnxModel = try onnx.map { _ in
    do {
      return try ONNXModel(network, description: model.description, producerVersion: toolVersion)
    } catch {
      throw ToolError(description: "\(model.path): \(error)")
    }
  }
  if let c { try CSource(network, name: name).write(to: c) }
  if let onnx { try onnxModel?.write(to: onnx) }

  if invocation.isJSON {
    try invocation.output.json(
      [
        "precision": .string(Element.precision.rawValue), "parameters_digest": .string(network.parametersDigest),
        "c": .string(c), "function": .string(c.map { _ in "\(name)_predict" }), "onnx": .string(onnx),
      ])
    return
  }
  var lines = [
    (name: "network", text: "\(model.path), \(networkSummary(network)), \(Element.precision.rawValue)"),
    (name: "digest", text: network.parametersDigest),
  ]
  if let c { lines.append((name: "C", text: "\(c), \(name)_predict")) }
  if let onnx { lines.append((name: "ONNX", text: onnx)) }
  for line in aligned(lines) { try invocation.output.line(line) }
}
