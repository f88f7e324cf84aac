// The `__metadata__` of model files: a table of strings, and what they stand for.

import ComputeBackend
import FoundationEssentials

/// What the tensors of a model file are.
enum ModelContent: String, CaseIterable {
  /// The parameters of a network.
  case model
  /// The gradients of a loss with respect to them.
  case gradients
}

/// What the metadata of a model file tells.
struct NetworkMetadata {
  static var formatKey: String { "lockstep.format" }
  static var contentKey: String { "lockstep.content" }
  static var activationsKey: String { "lockstep.activations" }
  static var lossKey: String { "lockstep.loss" }
  static var inputsKey: String { "lockstep.inputs" }
  static var targetsKey: String { "lockstep.targets" }

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
    if try value(Self.contentKey, ModelContent.self) == .gradients {
      throw .network(file: path, tensor: nil, .gradients)
    }
    if let names = try names(Self.activationsKey) {
      let known = names.compactMap(Activation.init(rawValue:))
      guard known.count == names.count else { throw invalid(Self.activationsKey) }
      activations = known
    }
    description.loss = try value(Self.lossKey, Loss.self)
    description.inputColumns = try names(Self.inputsKey)
    description.targetColumns = try names(Self.targetsKey)
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
    return strings
  }
}

/// `strings` as a JSON array: commas and quotes in them stay what they are.
private func jsonArray(_ strings: [String]) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = .withoutEscapingSlashes
  guard let json = try? encoder.encode(strings) else {
    preconditionFailure("Strings can always be encoded")
  }
  return String(decoding: json, as: UTF8.self)
}
