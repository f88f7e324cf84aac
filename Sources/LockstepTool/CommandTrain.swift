// `lockstep train`: options and data of a training run. How it trains is asked for in TrainingOptions.swift, the run itself lies
// in TrainingRun.swift.

import ComputeBackend
import FileWriting
import Lockstep
import LockstepData

/// The command `train`.
let trainCommand = Command(
  name: "train",
  summary: "train a dense network on a table by gradient descent",
  details: """
    \(DataFileOptions.details)
    The columns named by --target, or the labels, are what the network learns; those of --features, or all others, are its \
    inputs. An input of text becomes one input for each of its values. A single target of text, or any for cross-entropy, is \
    a class, and the network has an output for each; labels of whole numbers are classes, too, where no loss is named. The \
    output layer is linear: bce and cross-entropy take its outputs as logits. Each step takes the gradient of the mean loss \
    over a batch.
    With --json, the object of an epoch has the "kind" epoch, that of the end the "kind" result.
    Each epoch has a line; of more than 100 epochs about ten have one, and --json has all.
    The same command gives the same model file, byte for byte, on every backend, CPU and number of threads. The file holds \
    the recipe of the training, by which `lockstep reproduce` checks it.
    Control-C ends training after the current step; checkpoint and model are written as it stands, and --resume goes on \
    from there as if nothing had happened, also after a crash. Where training fails because a number is no longer finite, \
    the model's file gets the last finite parameters, in place of what it held before.
    """,
  operands: ["DATA"],
  options: [
    TrainOptions.targets, TrainOptions.features, EncodingOptions.categories, EncodingOptions.standardize,
    EncodingOptions.standardizeTargets, EncodingOptions.scale, DataFileOptions.delimiter, DataFileOptions.decimal,
    DataFileOptions.noHeader, DataFileOptions.arrays, DataFileOptions.labels, DataFileOptions.memoryLimit,
    TrainOptions.hidden, TrainOptions.activation, TrainOptions.initializer, TrainOptions.loss,
    TrainOptions.initialModel, TrainOptions.model, ReportOptions.report,
  ] + ValidationOptions.all + TrainingOptions.all + [
    CommonOptions.backend, CommonOptions.threads, TrainOptions.precision, CommonOptions.json,
  ],
  examples: [
    (
      "lockstep train housing.csv --target price --standardize --standardize-targets --model housing.safetensors",
      "a price, however large, from columns however large; the model knows the way back to them"
    ),
    (
      "lockstep train iris.csv --target species --standardize --model iris.safetensors",
      "a class in words, with cross-entropy; the inputs standardized, now and in predictions"
    ),
    (
      "lockstep train train-images-idx3-ubyte.gz --scale 255 --batch-size 128 --model mnist.safetensors",
      "images, with the labels in train-labels-idx1-ubyte.gz beside them"
    ),
    (
      "lockstep train iris.csv --target species --standardize --validation 0.2 --report iris.html",
      "curves, predictions and the recipe as a page for a browser"
    ),
    (
      "lockstep train housing.csv --initial-model a.safetensors --epochs 10 --model b.safetensors",
      "ten epochs more of a model"
    ),
    (
      "lockstep train iris.csv --target species --optimizer adam --validation 0.2 --patience 10 "
        + "--checkpoint iris.checkpoint --model iris.safetensors",
      "a fifth of the rows held back, training until they are not predicted any better; with --resume it goes on after an "
        + "interruption"
    ),
  ],
  run: { invocation in
    let plan = try TrainingPlan(invocation)
    switch plan.precision {
    case .f32: try TrainingRun<Float>(plan).run()
    case .f64: try TrainingRun<Double>(plan).run()
    }
  })

/// The options of `train` about data and network, beside the common ones.
enum TrainOptions {
  static let targets = ModelOptions.targetOption(
    summary: "what the network learns; quote names that contain commas as in CSV",
    defaultText: "those of the initial model, or the labels")
  static let features = ModelOptions.features.summarized("the inputs, in this order")
  static let hidden = CommandOption<[Int]?>(
    "hidden", valueName: "N[,N...]|none", summary: "the widths of the hidden layers", default: nil,
    defaultText: "64,32", allowed: "none, or whole numbers of at least 1 separated by commas, such as 64,32",
    parse: { text in
      if text == "none" { return .some([]) }
      let widths = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
      guard widths.allSatisfy({ $0 >= 1 }) else { return nil }
      return widths
    })
  static let activation = ModelOptions.optionalChoice(
    "activation", of: Activation.self, summary: "what the hidden layers apply to their sums", defaultText: "relu")
  static let loss = ModelOptions.optionalChoice(
    "loss", of: Loss.self, summary: ModelOptions.lossSummary, defaultText: "mse, or cross-entropy for classes")
  static let initializer = ModelOptions.optionalChoice(
    "initializer", of: Initializer.self, summary: "how the first parameters are drawn", defaultText: "uniform")
  static let initialModel = CommandOption<String?>.fileName(
    "initial-model", valueName: "FILE",
    summary: "a model file to start from; it gives hidden layers, activation, loss, precision and column names")
  static let model = CommandOption<String?>.fileName(
    "model", valueName: "OUT.safetensors", summary: "where to write the trained network",
    defaultText: "nowhere, results are only printed")
  static let precision = ModelOptions.optionalChoice(
    "precision", of: Precision.self, summary: "the arithmetic: 32-bit or 64-bit floating point", defaultText: "f32")
}

/// A training run as asked for, with its data read and everything checked that can be before numbers are.
struct TrainingPlan {
  let invocation: Invocation
  let table: DataTable
  let columns: ColumnChoice
  let initialModel: NetworkFile?
  /// The SHA-256 of the bytes that were read from each file, by what it is read as.
  let fileDigests: [String: String]
  /// The widths, from input to output.
  let sizes: [Int]
  /// The activation of the hidden layers of a new network.
  let activation: Activation
  /// How the parameters of a new network are drawn.
  let initializer: Initializer
  let loss: Loss
  let precision: Precision
  let method: TrainingMethod
  let schedule: TrainingSchedule
  let blocks: RowBlocks
  /// The rows that are held back; `nil` where all are learned from.
  let split: RowSplit?
  /// The table of its own that the network is measured on.
  let validationTable: DataTable?
  /// Where the model goes.
  let modelPath: String?
  let checkpoints: TrainingCheckpoints?
  /// Where the report goes.
  let reportPath: String?

  /// What the model file tells about the run, but for the recipe.
  var description: ModelDescription { columns.description(loss: loss) }

  /// - Parameters:
  ///   - invocation: the options.
  ///   - checkFiles: given ``fileDigests`` before anything is made of their content.
  /// - Throws: `UsageError` or what the files make necessary.
  init(_ invocation: Invocation, checkFiles: ([String: String]) throws -> Void = { _ in }) throws {
    self.invocation = invocation
    method = try TrainingOptions.method(invocation)
    schedule = try TrainingOptions.schedule(invocation)
    blocks = try invocation[TrainingOptions.microBatch].map { try RowBlocks.microBatch(rows: $0) } ?? .automatic
    try ValidationOptions.check(invocation)
    modelPath = invocation[TrainOptions.model]
    // Before files are read.
    _ = (try invocation.targetOption(), try invocation.scaling())
    if invocation.isGiven(TrainOptions.initializer), invocation.isGiven(TrainOptions.initialModel) {
      throw UsageError(
        description: "--initializer has no effect with --initial-model, which gives the first parameters")
    }
    let model = try invocation[TrainOptions.initialModel].map {
      try NetworkFile.hashed($0, activation: invocation[TrainOptions.activation])
    }
    initialModel = model?.file
    activation = invocation[TrainOptions.activation] ?? .relu
    initializer = invocation[TrainOptions.initializer] ?? .uniform
    precision = invocation[TrainOptions.precision] ?? initialModel?.precision ?? .f32
    try checkHyperparameters(schedule, method, in: precision)
    let validationPath = invocation[ValidationOptions.file]
    let inputs =
      invocation.inputFiles
      + [
        validationPath,
        validationPath.flatMap { invocation.labelsFile(of: $0, named: invocation[ValidationOptions.labels]) },
        invocation[TrainOptions.initialModel],
      ].compactMap(\.self)
    let files: [AskedOutput] = [
      (modelPath, TrainOptions.model), (invocation[TrainingOptions.checkpoint], TrainingOptions.checkpoint),
    ]
    try checkOutputs(files, overwriteNone: inputs)
    try invocation.checkStandardInput(inputs)
    // Better now than after hours of training.
    if let modelPath { try OutputFile.check(modelPath) }
    checkpoints = try TrainingCheckpoints(invocation)
    reportPath = try invocation.reportPath(overwritesNone: inputs, apartFrom: files)
    let table = try invocation.table(
      invocation.operands[0], labels: invocation[DataFileOptions.labels], takesSHA256: true)
    self.table = table
    let validationTable = try validationPath.map {
      try invocation.table($0, labels: invocation[ValidationOptions.labels], takesSHA256: true, beside: table)
    }
    self.validationTable = validationTable
    fileDigests = [
      "data": table.sha256, "labels": table.labelsSHA256, "validation-data": validationTable?.sha256,
      "validation-labels": validationTable?.labelsSHA256, "initial-model": model?.sha256,
    ].compactMapValues(\.self)
    try checkFiles(fileDigests)
    let seed = schedule.seed
    split = try invocation[ValidationOptions.share].map {
      try RowSplit(rows: table.rowCount, validation: $0, seed: seed)
    }

    if let model = initialModel {
      loss = invocation[TrainOptions.loss] ?? model.description.loss ?? .meanSquaredError
      columns = try ColumnChoice(
        continuing: model, table: table, target: try invocation.target(of: model, table: table),
        features: try invocation.names(ModelOptions.features), weights: invocation[ValidationOptions.sampleWeights])
      try invocation.refuseEncodings(of: model)
      sizes = model.sizes
      let hidden = Array(sizes.dropFirst().dropLast())
      if let asked = invocation[TrainOptions.hidden], asked != hidden {
        throw UsageError(
          description: "--hidden is \(spelled(asked)), but the hidden layers of \(model.path) are \(spelled(hidden))")
      }
    } else {
      (columns, loss) = try ColumnChoice.new(invocation, table: table, trainingRows: split?.training)
      sizes =
        [columns.inputNames.count] + (invocation[TrainOptions.hidden] ?? [64, 32]) + [columns.target.outputNames.count]
      try checkMemory(sizes, precision: precision, method: method)
    }
    let outputs = columns.target.outputNames.count
    try checkOutputs(outputs, suit: loss)
    if invocation.isGiven(ValidationOptions.classWeights), !ConfusionMatrix.isFor(loss, outputs: outputs) {
      throw UsageError(
        description: "--class-weights needs classes: --loss cross-entropy, or --loss bce with a single target")
    }
  }
}

extension ColumnChoice {
  /// The choice for more training of a model: the columns beside the targets must be its inputs, and come in its order.
  ///
  /// - Throws: ``ToolError`` where they are not.
  fileprivate init(
    continuing model: NetworkFile, table: DataTable, target: Target, features: [String]?, weights: String?
  ) throws {
    try self.init(model: model, table: table, target: target, features: features, weights: weights)
    if let weights, (target.columns + inputs.map(\.column)).contains(weights) {
      throw UsageError(
        description: "--sample-weights names the column \(weights.debugDescription), which is an input or a target")
    }
    if features != nil { return }
    let known = Set(inputs.map(\.column) + target.columns + table.labelColumns + [weights].compactMap(\.self))
    let others = table.columnNames.filter { !known.contains($0) }
    if !others.isEmpty {
      throw ToolError(
        description: "\(table.file): \(model.path) does not take \(quotedList(others)) as input; "
          + "remove what it does not know, or name the inputs with --features and the targets with --target")
    }
  }
}

extension Invocation {
  /// Refuses options that a model has the answer to.
  ///
  /// - Throws: ``UsageError``.
  fileprivate func refuseEncodings(of model: NetworkFile) throws {
    let options: [any OptionDeclaration] = [
      EncodingOptions.categories, EncodingOptions.standardize, EncodingOptions.standardizeTargets,
      EncodingOptions.scale,
    ]
    guard let given = options.first(where: isGiven) else { return }
    throw UsageError(
      description: "--\(given.name) is for a new network; \(model.path) says how its columns are encoded")
  }
}

/// Refuses a network whose training does not fit into the machine's memory.
///
/// - Throws: ``UsageError``.
private func checkMemory(_ sizes: [Int], precision: Precision, method: TrainingMethod) throws {
  guard MemoryUse.bytesOfSession(sizes: sizes, precision: precision, method: method) > physicalMemory() else { return }
  throw UsageError(
    description: "--hidden is \(spelled(Array(sizes.dropFirst().dropLast()))); a network of that size does not fit "
      + "into this machine's memory")
}

/// `64,32` or `none`, as `--hidden` takes it.
private func spelled(_ widths: [Int]) -> String {
  widths.isEmpty ? "none" : widths.map(String.init).joined(separator: ",")
}
