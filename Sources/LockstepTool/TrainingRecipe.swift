// What decides the result of `train`, as the recipe that model files and checkpoints hold.

import ComputeBackend
import Lockstep
import LockstepData

extension TrainingPlan {
  /// The options that say how numbers are made of files, with their values as they are given again; `nil` where one is not
  /// given. An option without a value has an empty one.
  static let preparation: [(option: any OptionDeclaration, text: @Sendable (Invocation) -> String?)] = [
    (TrainOptions.targets, { $0[TrainOptions.targets].map(csvLine) }),
    (TrainOptions.features, { $0[TrainOptions.features].map(csvLine) }),
    (EncodingOptions.categories, { $0[EncodingOptions.categories].map(csvLine) }),
    (EncodingOptions.standardize, { $0[EncodingOptions.standardize] ? "" : nil }),
    (EncodingOptions.standardizeTargets, { $0[EncodingOptions.standardizeTargets] ? "" : nil }),
    (EncodingOptions.scale, { $0[EncodingOptions.scale].map { "\($0)" } }),
    (DataFileOptions.delimiter, { $0[DataFileOptions.delimiter]?.rawValue }),
    (DataFileOptions.decimal, { $0[DataFileOptions.decimal] == .comma ? DecimalMark.comma.rawValue : nil }),
    (DataFileOptions.noHeader, { $0[DataFileOptions.noHeader] ? "" : nil }),
    (DataFileOptions.arrays, { $0[DataFileOptions.arrays].map(csvLine) }),
    (ValidationOptions.share, { $0[ValidationOptions.share].map { "\($0)" } }),
    (ValidationOptions.classWeights, { $0[ValidationOptions.classWeights]?.text }),
    (ValidationOptions.sampleWeights, { $0[ValidationOptions.sampleWeights] }),
  ]

  /// What is trained, and how.
  var recipe: Recipe {
    var preparation: [String: String] = [:]
    for (option, text) in Self.preparation { preparation[option.name] = text(invocation) }
    // Also where nobody named them: a model to start from may not be named again.
    preparation[TrainOptions.targets.name] = csvLine(columns.target.columns)
    // What the name of a file has told, another name or a pipe does not tell again. A comma needs no telling, and files
    // that differ keep it to their names.
    let delimiters = table.delimiters.union(validationTable?.delimiters ?? [])
    if delimiters.count == 1, let delimiter = delimiters.first, delimiter != .comma {
      preparation[DataFileOptions.delimiter.name] = delimiter.rawValue
    }
    let hidden = initialModel.map { Array($0.activations) }
    return Recipe(
      files: fileDigests, preparation: preparation, rows: split?.training.count ?? table.rowCount, sizes: sizes,
      activations: hidden ?? Array(repeating: activation, count: sizes.count - 2) + [.identity],
      initializer: initialModel == nil ? initializer : nil, loss: loss, precision: precision, method: method,
      schedule: schedule)
  }
}

extension NetworkFile {
  /// Reads a model file, and takes the SHA-256 of what is read.
  ///
  /// - Throws: `ModelFileError`, `NetworkFileError`.
  static func hashed(_ path: String, activation: Activation?) throws -> (file: NetworkFile, sha256: String) {
    guard let hash = SHA256() else { throw ToolError(description: "libcrypto refuses to compute a SHA-256") }
    let content = try SafetensorsFile(contentsOf: path) { $0.withUnsafeBytes(hash.add) }
    return (try NetworkFile(content, path: path, activation: activation), hash.finished())
  }
}
