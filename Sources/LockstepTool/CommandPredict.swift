// `lockstep predict`: the outputs of a network for the rows of a table, or the probabilities and classes that they stand for.

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
    gives logits. --probabilities writes in their place what they stand for, with the same bits on every backend: the \
    softmax of a row for cross-entropy, the logistic function of each for bce. --classes writes the most likely class \
    alone; of a single output of bce, that is 1 where the logit is above 0, else 0. With both, the class comes first, and \
    the columns of the probabilities are called "probability of NAME".
    Inputs are found by the names in the model file, in any order, and other columns are passed over; they are encoded as \
    in training. Columns that have numbers for names, of arrays and with --no-header, are taken in their order where they are \
    as many as the inputs; others are named by --features. Where the file has no names, DATA must have the inputs alone, or \
    --features names them.
    """,
  operands: ["MODEL", "DATA"],
  options: [
    outputOption, classesOption, probabilitiesOption, lossOption,
    ModelOptions.features.summarized("the inputs, where the model file does not name them", defaultText: "all columns"),
    ModelOptions.activation,
  ] + DataFileOptions.ofInputs + ModelOptions.computing,
  examples: [
    ("lockstep predict housing.safetensors new.csv", "predictions on standard output"),
    ("lockstep predict housing.safetensors new.csv -o prices.csv", "in a file, there whole or not at all"),
    ("lockstep predict iris.safetensors new.csv --classes", "the most likely species of each row, in words"),
    (
      "lockstep predict iris.safetensors new.csv --classes --probabilities",
      "the most likely species, and how likely each one is"
    ),
  ],
  run: { invocation in
    try checkOutputs([(invocation.predictionsPath, outputOption)], overwriteNone: invocation.inputFiles)
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

private let probabilitiesOption = CommandOption.flag(
  "probabilities", summary: "write probabilities in place of the outputs, which are logits")

private let lossOption = ModelOptions.loss.summarized(
  "the loss that the network was trained for, by which --classes and --probabilities go")

extension Invocation {
  /// The file that predictions go to; `nil` for standard output.
  fileprivate var predictionsPath: String? { self[outputOption].flatMap { $0 == "-" ? nil : $0 } }
}

private func predict<Element: NetworkElement>(
  _ model: NetworkFile, _ invocation: Invocation, as _: Element.Type
) throws {
  let backend = try invocation.makeBackend(as: Element.self)
  let network: Network<Element> = try model.network()
  let form = try PredictionForm(of: model, invocation)
  let table = try invocation.table(invocation.operands[1])
  let columns = try ColumnChoice(model: model, table: table, features: try invocation.names(ModelOptions.features))
  let input: Matrix<Element> = try columns.input(of: table)
  let predictor = Predictor(network, backend: backend)
  let computed = try predictor.predict(input)
  let output = model.description.targetEncodings.map(computed.decoded) ?? computed
  invocation.warn(ofNotFinite: "outputs", in: output.elements)
  let predictions = form.predictions(of: output)

  let path = invocation.predictionsPath
  if let path { try predictions.write(to: .path(path)) }
  switch (path, invocation.isJSON) {
  case (nil, false): try invocation.output.handOver { try predictions.write(to: $0) }
  case (nil, true):
    for row in 0..<output.rows { try invocation.output.line(predictions.json(ofRow: row).text) }
  case (let path?, true):
    try invocation.output.json(
      predictor.backendChoice(rows: input.rows).jsonMembers,
      [
        "rows": .integer(output.rows), "outputs_digest": .string(Digest.fnv1a(output.elements)),
        "output": .string(path),
      ])
  case (_?, false): break
  }
}

/// What is made of a network's outputs.
private struct PredictionForm {
  private let loss: Loss?
  private let writesClasses: Bool
  private let writesProbabilities: Bool
  /// The names of the outputs.
  private let names: [String]
  /// The column that classes go to.
  private let classColumn: String

  /// What `--classes` and `--probabilities` ask for.
  ///
  /// - Throws: ``UsageError`` where the network has no classes or no probabilities.
  init(of model: NetworkFile, _ invocation: Invocation) throws {
    let outputs = model.sizes[model.sizes.count - 1]
    let description = model.description
    loss = invocation[lossOption] ?? description.loss
    writesClasses = invocation[classesOption]
    writesProbabilities = invocation[probabilitiesOption]
    names = description.targetColumns ?? (1...outputs).map { "output\($0)" }
    classColumn = description.classColumn ?? (outputs == 1 ? names[0] : "class")

    let isOfClasses = loss == .binaryCrossEntropy || loss == .softmaxCrossEntropy && outputs > 1
    let trained = loss.map { ", trained with \($0.rawValue)" } ?? ""
    let unknown = loss == nil ? ", and the file does not tell its loss, as --loss can" : ""
    if writesProbabilities, !isOfClasses {
      throw UsageError(
        description: "--probabilities needs a network trained with bce or cross-entropy; \(model.path) has "
          + counted(outputs, "output") + trained + unknown)
    }
    // Of several outputs one is the largest, whatever they are logits of.
    if writesClasses, !isOfClasses, loss != nil || outputs == 1 {
      throw UsageError(
        description: "--classes needs a network with an output for each class, or one output trained with bce; "
          + "\(model.path) has \(counted(outputs, "output"))" + trained + unknown)
    }
  }

  func predictions<Element: KernelElement>(of output: Matrix<Element>) -> Predictions<Element> {
    let classes = writesClasses ? (column: classColumn, names: output.mostLikely(of: names)) : nil
    let probabilities = writesProbabilities ? loss?.probabilities(of: output) : nil
    guard let classes else {
      return Predictions(classes: nil, names: names, numbers: probabilities ?? output)
    }
    return Predictions(classes: classes, names: names.map { "probability of \($0)" }, numbers: probabilities)
  }
}

/// What is written: a class for each row, numbers, or both.
private struct Predictions<Element: KernelElement> {
  let classes: (column: String, names: [String])?
  /// What the columns of numbers are called.
  let names: [String]
  /// `[rows × names]`, where there are any.
  let numbers: Matrix<Element>?

  /// As CSV.
  func write(to destination: OutputDestination) throws {
    switch (classes, numbers) {
    case (nil, nil): break
    case (nil, let numbers?): try writeCSV(header: names, rows: numbers, to: destination)
    case (let classes?, nil):
      try writeCSV(header: [classes.column], textRows: classes.names.lazy.map { [$0] }, to: destination)
    case (let classes?, let numbers?):
      let rows = classes.names.indices.lazy.map { row in
        [classes.names[row]] + names.indices.map { number(numbers[row, $0]) }
      }
      try writeCSV(header: [classes.column] + names, textRows: rows, to: destination)
    }
  }

  /// A row as an object.
  func json(ofRow row: Int) -> JSONValue {
    let ofClass = classes.map { [(key: $0.column, value: JSONValue.string($0.names[row]))] } ?? []
    let ofNumbers = numbers.map { numbers in
      names.enumerated().map { (key: $1, value: JSONValue.number(numbers[row, $0])) }
    }
    return .object(ofClass + (ofNumbers ?? []))
  }
}

extension Matrix {
  /// For each row the name of its largest element, the first where several are; of a single logit, whether it stands for yes.
  fileprivate func mostLikely(of names: [String]) -> [String] {
    (0..<rows).map { row in
      if columns == 1 { return self[row, 0] > 0 ? "1" : "0" }
      return names[(1..<columns).reduce(0) { self[row, $1] > self[row, $0] ? $1 : $0 }]
    }
  }
}
