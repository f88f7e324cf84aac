// The `__metadata__` of model files: a table of strings, and what they stand for.

import ComputeBackend
import FoundationEssentials

/// What the tensors of a model file are.
enum ModelContent: String, CaseIterable {
  /// The parameters of a network.
  case model
  /// The gradients of a loss with respect to them.
  case gradients
  /// A training run that can be gone on with.
  case checkpoint
}

/// What the metadata of a model file tells.
struct NetworkMetadata {
  static var formatKey: String { "lockstep.format" }
  static var contentKey: String { "lockstep.content" }
  static var activationsKey: String { "lockstep.activations" }
  static var lossKey: String { "lockstep.loss" }
  static var inputsKey: String { "lockstep.inputs" }
  static var targetsKey: String { "lockstep.targets" }
  static var encodingsKey: String { "lockstep.encodings" }
  static var targetEncodingsKey: String { "lockstep.target_encodings" }
  static var classKey: String { "lockstep.class" }
  static var recipeKey: String { "lockstep.recipe" }

  /// The version of the rules that files are written by, and the only one that is read.
  static var format: String { "1" }

  var content: ModelContent = .model
  /// The activation of each layer, or `nil` where the file does not tell.
  var activations: [Activation]?
  var description = ModelDescription()
}

extension NetworkMetadata {
  /// What `strings` tell; entries of other programs are passed over.
  init(_ strings: [String: String], path: String) throws(NetworkFileError) {
    self.init()
    func invalid(_ key: String) -> NetworkFileError {
      .network(file: path, tensor: nil, .badMetadata(key: key, value: strings[key] ?? ""))
    }
    func names(_ key: String) throws(NetworkFileError) -> [String]? {
      guard let text = strings[key] else { return nil }
      guard let names = try? JSONDecoder().decode([String].self, from: Data(text.utf8)) else { throw invalid(key) }
      return names
    }
    func value<Value: RawRepresentable<String>>(_ key: String, _: Value.Type) throws(NetworkFileError) -> Value? {
      guard let text = strings[key] else { return nil }
      guard let value = Value(rawValue: text) else { throw invalid(key) }
      return value
    }

    if let format = strings[Self.formatKey], format != Self.format {
      throw .network(file: path, tensor: nil, .unknownFormat(format))
    }
    switch try value(Self.contentKey, ModelContent.self) {
    case .gradients: throw .network(file: path, tensor: nil, .gradients)
    case .checkpoint: throw .network(file: path, tensor: nil, .checkpoint)
    case .model, nil: break
    }
    if let names = try names(Self.activationsKey) {
      let known = names.compactMap(Activation.init(rawValue:))
      guard known.count == names.count else { throw invalid(Self.activationsKey) }
      activations = known
    }
    description.loss = try value(Self.lossKey, Loss.self)
    description.inputColumns = try names(Self.inputsKey)
    description.targetColumns = try names(Self.targetsKey)
    func encodings(_ key: String, of names: [String]?) throws(NetworkFileError) -> [ColumnEncoding]? {
      guard let text = strings[key] else { return nil }
      guard let encodings = [ColumnEncoding](json: text), encodings.flatMap(\.inputNames) == names else {
        throw invalid(key)
      }
      return encodings
    }
    description.inputEncodings = try encodings(Self.encodingsKey, of: description.inputColumns)
    description.targetEncodings = try encodings(Self.targetEncodingsKey, of: description.targetColumns)
    description.classColumn = strings[Self.classKey]
    if description.classColumn != nil, description.targetColumns == nil { throw invalid(Self.classKey) }
    if let encodings = description.targetEncodings,
      description.classColumn != nil || encodings.contains(where: \.isCategorical)
    {
      throw invalid(Self.targetEncodingsKey)
    }
    description.recipe = strings[Self.recipeKey]
  }

  /// The table as files hold it.
  var strings: [String: String] {
    var strings = [Self.formatKey: Self.format, Self.contentKey: content.rawValue]
    strings[Self.activationsKey] = activations.map { jsonArray($0.map(\.rawValue)) }
    return strings.merging(description.metadata) { $1 }
  }
}

extension ModelDescription {
  /// The entries of a file's metadata that tell it; what is not known has none.
  package var metadata: [String: String] {
    var strings: [String: String] = [:]
    strings[NetworkMetadata.lossKey] = loss?.rawValue
    strings[NetworkMetadata.inputsKey] = inputColumns.map(jsonArray)
    strings[NetworkMetadata.targetsKey] = targetColumns.map(jsonArray)
    strings[NetworkMetadata.encodingsKey] = inputEncodings.map(\.json)
    strings[NetworkMetadata.targetEncodingsKey] = targetEncodings.map(\.json)
    strings[NetworkMetadata.classKey] = classColumn
    strings[NetworkMetadata.recipeKey] = recipe
    return strings
  }
}

/// `strings` as a JSON array: commas and quotes in them stay what they are.
private func jsonArray(_ strings: [String]) -> String { jsonText(of: strings) }

private func jsonText(of value: some Encodable) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
  guard let json = try? encoder.encode(value) else {
    preconditionFailure("Strings and finite numbers can always be encoded")
  }
  return String(decoding: json, as: UTF8.self)
}

// MARK: - Encodings

/// A column's encoding as JSON has it.
private struct EncodingEntry: Codable {
  var column: String
  var mean: Double?
  var deviation: Double?
  var categories: [String]?

  init(_ encoding: ColumnEncoding) {
    column = encoding.column
    switch encoding {
    case .number: break
    case .scaled(_, let mean, let deviation): (self.mean, self.deviation) = (mean, deviation)
    case .categories(_, let values): categories = values
    }
  }

  /// The encoding; `nil` for an entry that means nothing.
  var encoding: ColumnEncoding? {
    switch (mean, deviation, categories) {
    case (nil, nil, nil): return .number(column: column)
    case (let mean?, let deviation?, nil):
      return mean.isFinite && deviation.isFinite && deviation > 0
        ? .scaled(column: column, mean: mean, deviation: deviation) : nil
    case (nil, nil, let values?):
      return !values.isEmpty && Set(values).count == values.count ? .categories(column: column, values: values) : nil
    default: return nil
    }
  }
}

extension [ColumnEncoding] {
  /// A JSON array, as ``NetworkFile`` tells it.
  package var json: String { jsonText(of: map(EncodingEntry.init)) }

  /// The encodings that a JSON array tells; `nil` where it tells none, or one column twice.
  fileprivate init?(json: String) {
    guard let entries = try? JSONDecoder().decode([EncodingEntry].self, from: Data(json.utf8)) else { return nil }
    self = entries.compactMap(\.encoding)
    guard count == entries.count, Set(map(\.column)).count == count else { return nil }
  }
}
