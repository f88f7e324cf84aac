// Checkpoints in safetensors files: a training run that can be gone on with. How one is written lies in
// CheckpointWriting.swift, what a run needs to go on in TrainingState.swift.

import ComputeBackend

/// A file from which a training run can go on with the same bits.
///
/// It holds the parameters under the names that model files have for them, and under the same names behind a prefix what
/// there is of moments of the optimiser, `first.` and `second.`, and of best parameters, `best.`. The tensor `history`, of
/// F64, has a row for each epoch that is told of: epoch, learning rate and loss, then where there are validation data their
/// loss and measures; NaN stands for a measure that has no value. The metadata has, beside the entries of model files,
///
/// - `lockstep.content`: `checkpoint`;
/// - `lockstep.recipe`: the ``Recipe``, with the steps taken;
/// - `lockstep.optimizer-steps`: the steps that the optimiser counts;
/// - `lockstep.epoch-loss`: the bits of the sum of the present epoch's losses, 16 hexadecimal digits;
/// - `lockstep.best-epoch` and `lockstep.best-loss`: when the best parameters were found, and the bits of their loss;
/// - `lockstep.digest`: the ``Digest`` of everything else: of each entry of the metadata, sorted by key, the line `key=value`;
///   then of each tensor the line `name type [size, size]` and its bytes. A file that says another is refused.
public struct CheckpointFile: Sendable {
  /// The file, as the caller named it.
  public let path: String
  /// The network where training stands, with what the metadata tell of it.
  public let network: NetworkFile
  /// What is trained, how, and how far it has come.
  public let recipe: Recipe
  private let parts: [Part: NetworkFile]
  /// What there was to tell after each epoch: at most 2^14 of them, evenly spread, always the last.
  public let history: [TrainingProgress]
  private let optimizerSteps: Int
  private let epochLoss: Double
  private let best: (epoch: Int, loss: Double)?

  /// A set of tensors in the shape of the network.
  enum Part: String, CaseIterable {
    case first, second, best

    /// What the names of its tensors begin with.
    var prefix: String { "\(rawValue)." }
  }

  /// The keys of the metadata that only checkpoints have.
  enum Key {
    static var optimizerSteps: String { "lockstep.optimizer-steps" }
    static var epochLoss: String { "lockstep.epoch-loss" }
    static var bestEpoch: String { "lockstep.best-epoch" }
    static var bestLoss: String { "lockstep.best-loss" }
    static var digest: String { "lockstep.digest" }
  }

  /// The name of the tensor of what there was to tell after epochs.
  static var historyName: String { "history" }

  /// Reads a checkpoint.
  ///
  /// - Parameter path: the file.
  /// - Throws: ``NetworkFileError``.
  public init(contentsOf path: String) throws(NetworkFileError) {
    let file: SafetensorsFile
    do { file = try SafetensorsFile(contentsOf: path) } catch { throw .file(error) }
    try self.init(file, path: path)
  }

  /// Takes the content of a file as a checkpoint.
  ///
  /// - Parameters:
  ///   - file: metadata and tensors.
  ///   - path: what messages call the file.
  /// - Throws: ``NetworkFileError``.
  public init(_ file: SafetensorsFile, path: String) throws(NetworkFileError) {
    guard Self.isCheckpoint(file) else { throw .network(file: path, tensor: nil, .noCheckpoint) }
    self.path = path
    let reader = CheckpointReader(file: file, path: path)
    network = try reader.network()
    guard let recipe = try network.recipe() else { throw reader.invalid(NetworkMetadata.recipeKey) }
    guard recipe.sizes == network.sizes, recipe.activations == network.activations,
      recipe.precision == network.precision
    else { throw reader.invalid(NetworkMetadata.recipeKey, "its network is another one than the tensors make") }
    self.recipe = recipe

    var parts: [Part: NetworkFile] = [:]
    for part in Part.allCases { parts[part] = try reader.part(part, like: network) }
    self.parts = parts
    optimizerSteps = try reader.count(Key.optimizerSteps)
    epochLoss = try reader.double(Key.epochLoss)
    guard (parts[.best] == nil) == (file.metadata[Key.bestEpoch] == nil) else {
      throw reader.invalid(Key.bestEpoch, "it and the tensors best.* need one another")
    }
    best =
      parts[.best] == nil
      ? nil : (epoch: try reader.count(Key.bestEpoch), loss: try reader.double(Key.bestLoss))
    history = try reader.history(recipe)
    try reader.checkDigest()
    let last = RunningDigest(step: recipe.steps, parameters: try network.parametersDigest())
    guard recipe.digests.last == last else {
      throw reader.invalid(NetworkMetadata.recipeKey, "its last digest is not that of the parameters in the file")
    }
  }

  /// Whether a file says that it is a checkpoint.
  public static func isCheckpoint(_ file: SafetensorsFile) -> Bool {
    file.metadata[NetworkMetadata.contentKey] == ModelContent.checkpoint.rawValue
  }

  /// The state to go on from.
  ///
  /// - Throws: ``NetworkFileError`` for a number that is finite in the file and infinite in this precision.
  public func state<Element: KernelElement>(
    as _: Element.Type = Element.self
  ) throws(NetworkFileError) -> TrainingState<Element> {
    TrainingState(
      network: try network.network(),
      optimizer: OptimizerState(
        steps: optimizerSteps, first: try parts[.first]?.network().layers ?? [],
        second: try parts[.second]?.network().layers ?? []),
      steps: recipe.steps, epochLoss: epochLoss, history: history, digests: runningDigests,
      best: try best.map { (best) throws(NetworkFileError) in
        BestNetwork(epoch: best.epoch, validationLoss: best.loss, network: try parts[.best]!.network())
      })
  }

  /// The recipe's digests without that of the present step, unless it is one of those that are kept.
  private var runningDigests: [RunningDigest] {
    let stepsPerEpoch = recipe.schedule.stepsPerEpoch(rows: recipe.rows)
    let epochs = recipe.steps / stepsPerEpoch
    return recipe.digests.filter {
      $0.step > 0 && $0.step % stepsPerEpoch == 0
        && EpochLog.digestSpread.keeps($0.step / stepsPerEpoch, after: epochs)
    }
  }

  /// After which epoch the validation loss was smallest, and the loss; `nil` where the schedule has no patience.
  public var bestEpoch: (epoch: Int, validationLoss: Double)? { best.map { ($0.epoch, $0.loss) } }
}

/// Takes a checkpoint's metadata and tensors apart.
struct CheckpointReader {
  let file: SafetensorsFile
  let path: String

  func invalid(_ key: String, _ reason: String = "it is missing") -> NetworkFileError {
    .network(file: path, tensor: nil, .badEntry(key: key, reason: reason))
  }

  private func invalid(tensor name: String, _ reason: String) -> NetworkFileError {
    .network(file: path, tensor: name, .badTensor(reason: reason))
  }

  /// The parameters with the metadata.
  func network() throws(NetworkFileError) -> NetworkFile {
    let others = CheckpointFile.Part.allCases.map(\.prefix)
    var rest = file
    rest.metadata[NetworkMetadata.contentKey] = ModelContent.model.rawValue
    rest.tensors.removeAll { tensor in
      tensor.name == CheckpointFile.historyName || others.contains { tensor.name.hasPrefix($0) }
    }
    return try NetworkFile(rest, path: path)
  }

  /// The tensors of a part; `nil` where there are none.
  func part(_ part: CheckpointFile.Part, like network: NetworkFile) throws(NetworkFileError) -> NetworkFile? {
    let tensors = file.tensors.filter { $0.name.hasPrefix(part.prefix) }
    guard let first = tensors.first else { return nil }
    var own = SafetensorsFile(tensors: tensors.map { $0.renamed(String($0.name.dropFirst(part.prefix.count))) })
    own.metadata[NetworkMetadata.activationsKey] = file.metadata[NetworkMetadata.activationsKey]
    let result: NetworkFile
    do { result = try NetworkFile(own, path: path) } catch { throw error.prefixingTensor(part.prefix) }
    guard result.sizes == network.sizes, result.precision == network.precision else {
      throw invalid(tensor: first.name, "the tensors \(part.prefix)* have other shapes or elements than the parameters")
    }
    return result
  }

  /// A whole number that is not negative.
  func count(_ key: String) throws(NetworkFileError) -> Int {
    guard let text = file.metadata[key] else { throw invalid(key) }
    guard let value = Int(text), value >= 0, "\(value)" == text else {
      throw invalid(key, "\(text.prefix(100).debugDescription) is no whole number of at least 0")
    }
    return value
  }

  /// A finite number as its bits.
  func double(_ key: String) throws(NetworkFileError) -> Double {
    guard let text = file.metadata[key] else { throw invalid(key) }
    guard text.utf8.count == 16, let bits = UInt64(text, radix: 16), Double(bitPattern: bits).isFinite else {
      throw invalid(key, "\(text.prefix(100).debugDescription) are not the bits of a finite number")
    }
    return Double(bitPattern: bits)
  }

  /// Checks that the file holds what was written.
  func checkDigest() throws(NetworkFileError) {
    guard let stored = file.metadata[CheckpointFile.Key.digest] else {
      throw invalid(
        CheckpointFile.Key.digest, "it is missing; an earlier version wrote the file, so go on with that or start anew")
    }
    let found = file.checkpointDigest
    guard found == stored else {
      throw .network(file: path, tensor: nil, .digestDiffers(stored: stored, found: found))
    }
  }

  /// What there was to tell after epochs.
  func history(_ recipe: Recipe) throws(NetworkFileError) -> [TrainingProgress] {
    let name = CheckpointFile.historyName
    guard let tensor = file[name] else { throw invalid(tensor: name, "it is missing") }
    let measures = Metrics.names(for: recipe.loss).count
    let widths = [HistoryColumn.plain, HistoryColumn.plain + 1 + measures]
    guard tensor.dataType == .f64, tensor.shape.count == 2, widths.contains(tensor.shape[1]) else {
      throw invalid(tensor: name, "it is no matrix of F64 with \(widths[0]) or \(widths[1]) columns")
    }
    let numbers: [Double]
    do { numbers = try tensor.elements() } catch { throw .file(error) }
    let width = tensor.shape[1]
    let stepsPerEpoch = recipe.schedule.stepsPerEpoch(rows: recipe.rows)
    var result: [TrainingProgress] = []
    for row in 0..<tensor.shape[0] {
      let row = Array(numbers[row * width..<(row + 1) * width])
      guard let epoch = Int(exactly: row[HistoryColumn.epoch]), epoch >= 1, epoch <= recipe.schedule.epochs else {
        throw invalid(tensor: name, "it has an epoch \(row[0]), but there are \(recipe.schedule.epochs)")
      }
      let isValidated = width > HistoryColumn.plain
      result.append(
        TrainingProgress(
          epoch: epoch, steps: epoch * stepsPerEpoch, learningRate: row[HistoryColumn.learningRate],
          loss: row[HistoryColumn.loss], validationLoss: isValidated ? row[HistoryColumn.validationLoss] : nil,
          metrics: isValidated ? Metrics(values: row[(HistoryColumn.validationLoss + 1)...], of: recipe.loss) : nil))
    }
    return result
  }
}

extension SafetensorsFile {
  /// The fingerprint of all that a checkpoint holds but for the entry with the fingerprint.
  var checkpointDigest: String {
    let entries = metadata.filter { $0.key != CheckpointFile.Key.digest }.sorted { $0.key < $1.key }
    let lines = entries.map { Array("\($0.key)=\($0.value)\n".utf8)[...] }
    return Digest.fnv1a(
      parts: lines
        + tensors.flatMap { [Array("\($0.name) \($0.dataType.rawValue) \($0.shape)\n".utf8)[...], $0.bytes] })
  }
}

/// The columns of the tensor of what there was to tell after epochs; measures follow the last.
enum HistoryColumn {
  static var epoch: Int { 0 }
  static var learningRate: Int { 1 }
  static var loss: Int { 2 }
  /// How many columns there are without validation data.
  static var plain: Int { 3 }
  static var validationLoss: Int { 3 }
}

extension NetworkFileError {
  /// The error about a tensor whose name has this in front.
  fileprivate func prefixingTensor(_ prefix: String) -> NetworkFileError {
    switch self {
    case .network(let file, let tensor, let problem): .network(file: file, tensor: tensor.map { prefix + $0 }, problem)
    case .file(let error):
      .file(ModelFileError(file: error.file, tensor: error.tensor.map { prefix + $0 }, problem: error.problem))
    }
  }
}
