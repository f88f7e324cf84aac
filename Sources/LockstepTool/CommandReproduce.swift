// `lockstep reproduce`: trains by the recipe of a model file again and compares.

import ComputeBackend
import Lockstep
import LockstepData

/// The command `reproduce`.
let reproduceCommand = Command(
  name: "reproduce",
  summary: "train by the recipe in a model file again, and compare bit for bit",
  details: """
    The data are compared with the recipe by the SHA-256 of what was read first, and what the file tells of inputs, classes and \
    activations with what the recipe makes of the data. Then the training is repeated, on whatever backend, and \
    fingerprints on the way and the parameters in the end are compared. Exit 0: they agree, bit for bit. Exit 1: they do \
    not; the first step at which they differ is told.
    """,
  operands: ["MODEL"],
  optionForMoreOperands: ReproduceOptions.data,
  options: [
    ReproduceOptions.data, ReproduceOptions.labels, ReproduceOptions.validationData,
    ReproduceOptions.validationLabels, ReproduceOptions.initialModel, DataFileOptions.memoryLimit,
    CommonOptions.backend, CommonOptions.threads, TrainingOptions.microBatch, CommonOptions.json,
  ],
  examples: [
    (
      "lockstep reproduce housing.safetensors --data housing.csv --backend scalar",
      "whether plain loops come to the same parameters"
    )
  ],
  run: { invocation in
    let model = try NetworkFile(contentsOf: invocation.operands[0])
    guard let recipe = try model.recipe() else {
      throw ToolError(description: "\(model.path): the file holds no recipe, so nobody knows how it was trained")
    }
    switch recipe.precision {
    case .f32: try Reproduction<Float>(of: model, recipe, invocation).run()
    case .f64: try Reproduction<Double>(of: model, recipe, invocation).run()
    }
  })

/// The options of `reproduce`, beside the common ones.
enum ReproduceOptions {
  static let data = CommandOption<String?>.fileName(
    "data", valueName: "FILE", summary: "what the network was trained on; must be given")
  static let validationData = CommandOption<String?>.fileName(
    "validation-data", valueName: "FILE", summary: "the table of its own that it was measured on, if there was one")
  static let labels = CommandOption<String?>.fileName(
    "labels", valueName: "FILE", summary: "the labels of the data, if they are not found by name")
  static let validationLabels = CommandOption<String?>.fileName(
    "validation-labels", valueName: "FILE", summary: "the labels of the validation data, if they are not found by name")
  static let initialModel = CommandOption<String?>.fileName(
    "initial-model", valueName: "FILE", summary: "the model that training started from, if there was one")

  /// The files of a recipe beside the data, by what they are read as.
  static let files = [
    "labels": labels, "validation-data": validationData, "validation-labels": validationLabels,
    "initial-model": initialModel,
  ]
}

/// A training that is repeated.
private struct Reproduction<Element: NetworkElement> {
  private let model: NetworkFile
  private let recipe: Recipe
  private let invocation: Invocation
  private let training: TrainingRun<Element>

  init(of model: NetworkFile, _ recipe: Recipe, _ invocation: Invocation) throws {
    self.model = model
    self.recipe = recipe
    self.invocation = invocation
    guard recipe.orderOfArithmetic == OrderOfArithmetic.version else {
      throw ToolError(
        description:
          "\(model.path): it was trained by version \(recipe.orderOfArithmetic) of the order of arithmetic, but "
          + "this is version \(OrderOfArithmetic.version); take the Lockstep of that time")
    }
    guard model.precision == recipe.precision else {
      throw ToolError(
        description:
          "\(model.path): its parameters are in \(model.precision.rawValue), but training was in "
          + "\(recipe.precision.rawValue), so it is not the file that training wrote")
    }
    let data = try invocation.required(ReproduceOptions.data)
    try checkOptions(recipe, of: model, invocation)
    let names = Set(TrainingPlan.preparation.map(\.option.name))
    if let unknown = recipe.preparation.keys.filter({ !names.contains($0) }).sorted().first {
      throw ToolError(
        description:
          "\(model.path): the recipe prepares its data by \(unknown.debugDescription), which this version of "
          + "Lockstep does not know")
    }
    var words = RecipeWords.options(recipe, files: ReproduceOptions.files.compactMapValues { invocation[$0] })
    if let limit = invocation[DataFileOptions.memoryLimit] { words.append("--memory-limit=\(limit)") }
    if let name = invocation[CommonOptions.backend] { words.append("--backend=\(name)") }
    if let threads = invocation[CommonOptions.threads] { words.append("--threads=\(threads)") }
    if let rows = invocation[TrainingOptions.microBatch] { words.append("--micro-batch=\(rows)") }
    let command = try Invocation(trainCommand, words: RecipeWords.command([data], words), output: invocation.output)
    let plan = try TrainingPlan(command) { try checkFiles($0, by: recipe, of: model, invocation) }
    training = try TrainingRun(plan, recordsDigests: true)
    if let (option, here, there) = training.recipe.firstDifference(from: recipe) {
      throw ToolError(
        description:
          "\(model.path): its recipe contradicts itself or the data: \(option) would be \(here ?? "not given"), "
          + "but is \(there ?? "not given")")
    }
    if let entry = metadataThatDiffers() {
      throw ToolError(
        description:
          "\(model.path): the entry lockstep.\(entry) of its metadata is not what recipe and data make it, so its "
          + "predictions are not those of the network that was trained")
    }
  }

  /// The first entry beside the recipe that tells something else than training by the recipe would write: what inputs,
  /// classes and activations are decides predictions as much as the parameters do.
  private func metadataThatDiffers() -> String? {
    let (stored, found) = (model.description, training.plan.description)
    let entries = [
      ("activations", model.activations == recipe.activations), ("loss", stored.loss == found.loss),
      ("inputs", stored.inputColumns == found.inputColumns), ("targets", stored.targetColumns == found.targetColumns),
      ("encodings", stored.inputEncodings == found.inputEncodings),
      ("target_encodings", stored.targetEncodings == found.targetEncodings),
      ("class", stored.classColumn == found.classColumn),
    ]
    return entries.first { !$0.1 }?.0
  }

  /// Where the two trainings part.
  private struct Difference {
    let step: Int
    let sentence: String
  }

  /// Trains, compares, and tells.
  ///
  /// - Throws: ``ToolError`` where something differs, `Interruption` where a signal came first.
  func run() throws {
    let display = TrainingDisplay(
      training.session, rows: training.training.input.rows, for: invocation, showsEpochs: false)
    Interruption.watch()
    let difference: Difference?
    do {
      difference = try train(display) ?? finalDifference()
      display.clear()
    } catch {
      display.clear()
      throw error
    }
    try show(difference, seconds: display.seconds)
    if let difference { throw ToolError(description: "\(model.path): \(difference.sentence)") }
  }

  /// Repeats the steps, up to the first fingerprint that differs.
  private func train(_ display: TrainingDisplay) throws -> Difference? {
    let session = training.session
    let stored = Dictionary(recipe.digests.map { ($0.step, $0.parameters) }, uniquingKeysWith: { $1 })
    var difference: Difference?
    func compare(_ found: RunningDigest?) {
      guard difference == nil, let found, let expected = stored[found.step], expected != found.parameters else {
        return
      }
      difference = Difference(
        step: found.step,
        sentence: "after step \(found.step) the parameters have the digest \(found.parameters), but the recipe says "
          + expected)
    }
    if recipe.steps > 0 {
      try session.run(
        shouldStop: { difference != nil || Interruption.received != nil || session.steps >= recipe.steps },
        onStep: { display.show(steps: $0) }, onEpoch: { _ in compare(session.latestDigest) })
    }
    if let signal = Interruption.received, difference == nil, session.steps < recipe.steps {
      throw Interruption(
        signal: signal, description: "interrupted after step \(session.steps); nothing has differed so far")
    }
    compare(session.digests.last)
    return difference
  }

  /// What differs although no fingerprint on the way does.
  private func finalDifference() throws -> Difference? {
    let session = training.session
    guard session.steps == recipe.steps else {
      return Difference(
        step: session.steps, sentence: "training ended after step \(session.steps), but the recipe says \(recipe.steps)"
      )
    }
    let stored: Network<Element> = try model.network()
    let found = training.trainer.network
    for (index, layers) in zip(stored.layers, found.layers).enumerated()
    where !(sameBits(layers.0.weights, layers.1.weights) && sameBits(layers.0.bias, layers.1.bias)) {
      return Difference(
        step: session.steps,
        sentence:
          "the parameters of layer \(index + 1) in the file are not those that training by the recipe ends with, "
          + "though every digest on the way agrees")
    }
    return nil
  }

  private func sameBits(_ a: Matrix<Element>, _ b: Matrix<Element>) -> Bool {
    a.rows == b.rows && a.columns == b.columns
      && zip(a.elements, b.elements).allSatisfy { $0.canonicalBitPattern == $1.canonicalBitPattern }
  }

  private func show(_ difference: Difference?, seconds: Double) throws {
    let session = training.session
    let choice = training.choice
    let digest = training.trainer.network.parametersDigest
    if invocation.isJSON {
      return try invocation.output.json(
        choice.jsonMembers,
        [
          "model": .string(model.path), "reproduced": .bool(difference == nil),
          "first_difference": difference.map { .integer($0.step) } ?? .null, "steps": .integer(session.steps),
          "compared_digests": .integer(recipe.digests.count), "seconds": .number(seconds),
          "parameters_digest": .string(digest),
        ])
    }
    guard difference == nil else { return }
    let lines = [
      (name: "model", text: model.path),
      (name: "computed by", text: choice.summary),
      (name: "time", text: "\(counted(session.steps, "step")) in \(fixed(seconds, digits: 3)) s"),
      (name: "digests", text: "\(recipe.digests.count) compared, all equal"),
      (name: "digest", text: digest),
      (name: "result", text: "reproduced: all parameters agree, bit for bit"),
    ]
    for line in aligned(lines) { try invocation.output.line(line) }
  }
}

/// Compares the options that name files with the files of the recipe.
///
/// - Throws: ``UsageError`` for a file that is missing or one too many.
private func checkOptions(_ recipe: Recipe, of model: NetworkFile, _ invocation: Invocation) throws {
  for (role, option) in ReproduceOptions.files.sorted(by: { $0.key < $1.key }) {
    switch (invocation[option], recipe.files[role]) {
    // Labels may be found by name.
    case (nil, .some) where !role.hasSuffix("labels"):
      throw UsageError(description: "--\(role) is missing: \(model.path) was trained with such a file")
    case (.some, nil):
      throw UsageError(description: "--\(role) is one too many: \(model.path) was trained without such a file")
    default: break
    }
  }
}

/// Compares the SHA-256 of the files that were read with those of the recipe. Where the recipe of an earlier version has none,
/// for data that came through a pipe, only the parameters tell whether they are the same.
///
/// - Throws: ``UsageError`` for a file that is missing, ``ToolError`` for one of another content.
private func checkFiles(
  _ files: [String: String], by recipe: Recipe, of model: NetworkFile, _ invocation: Invocation
) throws {
  for (role, expected) in recipe.files.sorted(by: { $0.key < $1.key }) where files[role] != expected {
    guard let found = files[role] else {
      throw UsageError(description: "--\(role) is missing: \(model.path) was trained with such a file")
    }
    let option = role == "data" ? ReproduceOptions.data : ReproduceOptions.files[role]
    let path = option.flatMap { invocation[$0] } ?? "the \(fileRole(role)) that was found"
    throw ToolError(
      description:
        "\(path): this is another file than \(model.path) was trained with: its SHA-256 is \(found), that of "
        + "the recipe \(expected)")
  }
}
