// `lockstep predict`: the outputs of a network for the rows of a table.

import ComputeBackend
import FileWriting
import Lockstep
import LockstepData

/// The command `predict`.
let predictCommand = Command(
  name: "predict",
  summary: "compute a network's outputs for the rows of a table",
  details: """
    \(DataFileOptions.details)
    Writes CSV, one column for each output under the name of its target or class, one line for each row of DATA. The \
    numbers are as short as they can be and still read back to the same bits. A network trained with bce or cross-entropy \
    gives logits; --classes writes the class with the largest in their place.
    Inputs are found by the names in the model file, in any order, and other columns are passed over; they are encoded as \
    in training. Where the file has no names, DATA must have the inputs alone, in order, or --features names them.
    """,
  operands: ["MODEL", "DATA"],
  options: [outputOption, classesOption, ModelOptions.features, ModelOptions.activation] + DataFileOptions.all
    + ModelOptions.computing,
  examples: [
    ("lockstep predict housing.safetensors new.csv", "predictions on standard output"),
    ("lockstep predict housing.safetensors new.csv -o prices.csv", "in a file, there whole or not at all"),
    ("lockstep predict iris.safetensors new.csv --classes", "the most likely species of each row, in words"),
  ],
  run: { invocation in
    let path = invocation[outputOption].flatMap { $0 == "-" ? nil : $0 }
    try checkOutputs([(path, outputOption)], overwriteNone: invocation.inputFiles)
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

private let classesOption = CommandOption.flag(
  "classes", summary: "write the most likely class of each row, in place of the outputs")

/// The losses of numbers, not of classes.
private let regressionLosses: [Loss] = [.meanSquaredError, .meanAbsoluteError, .huber]

private func predict<Element: NetworkElement>(
  _ model: NetworkFile, _ invocation: Invocation, as _: Element.Type
) throws {
  let backend = try invocation.makeBackend(as: Element.self)
  let network: Network<Element> = try model.network()
  if invocation[classesOption], network.outputs < 2 || model.description.loss.map(regressionLosses.contains) == true {
    throw UsageError(
      description: "--classes needs a network with an output for each class, trained with cross-entropy; "
        + "\(model.path) has \(counted(network.outputs, "output"))"
        + (model.description.loss.map { ", trained with \($0.rawValue)" } ?? ""))
  }
  let table = try invocation.table(invocation.operands[1])
  let columns = try ColumnChoice(model: model, table: table, features: try invocation.names(ModelOptions.features))
  let input: Matrix<Element> = try columns.input(of: table)
  let predictor = Predictor(network, backend: backend)
  let result = try predictor.predict(input)
  invocation.warn(ofNotFinite: "outputs", in: result.elements)
  let names = model.description.targetColumns ?? (1...network.outputs).map { "output\($0)" }

  let path = invocation[outputOption].flatMap { $0 == "-" ? nil : $0 }
  let classes = invocation[classesOption] ? result.mostLikely(of: names) : nil
  let classColumn = model.description.classColumn ?? "class"
  func write(to destination: OutputDestination) throws {
    if let classes {
      try writeCSV(header: [classColumn], textRows: classes.lazy.map { [$0] }, to: destination)
    } else {
      try writeCSV(header: names, rows: result, to: destination)
    }
  }
  if let path { try write(to: .path(path)) }
  switch (path, invocation.isJSON) {
  case (nil, false): try write(to: .standardOutput)
  case (nil, true):
    for row in 0..<result.rows {
      let members =
        classes.map { [(key: classColumn, value: JSONValue.string($0[row]))] }
        ?? names.enumerated().map { (key: $1, value: JSONValue.number(result[row, $0])) }
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

extension Matrix {
  /// For each row the name of its largest element, the first where several are.
  fileprivate func mostLikely(of names: [String]) -> [String] {
    (0..<rows).map { row in
      names[(1..<columns).reduce(0) { self[row, $1] > self[row, $0] ? $1 : $0 }]
    }
  }
}
