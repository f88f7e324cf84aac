// A network as a Swift source file. Names lie in SwiftNames.swift; what all generated types share lies in EmbeddedNetwork.swift
// of the module Lockstep.

import ComputeBackend

/// The Swift source of a type with a network inside.
struct EmbeddedSource {
  /// What the type is called.
  let typeName: String
  /// The name of the model file, without its folder: the same model gives the same source wherever it lies.
  let fileName: String
  /// The network.
  let model: NetworkFile
  /// What is computed from the parameters: their digest, and their text.
  private let digest: String
  private let parameters: [UInt8]

  /// The most columns that `Input` and `Output` are written for: beyond them nobody writes one argument a column, and the
  /// compiler would take long.
  static var maximumColumns: Int { 64 }

  /// The most bytes of parameters: a compiler that took 4.3 GB of memory for them, and 1.7 GB for 100 MB, is what most
  /// machines still bear.
  static var maximumParameterBytes: Int { 1 << 28 }

  /// The source for a model.
  ///
  /// - Throws: ``EmbeddingError`` where the parameters are too many, `NetworkFileError`.
  init(_ model: NetworkFile, typeName: String, fileName: String) throws {
    self.typeName = typeName
    self.fileName = fileName
    self.model = model
    switch model.precision {
    case .f32: (digest, parameters) = try Self.content(of: model, as: Float.self)
    case .f64: (digest, parameters) = try Self.content(of: model, as: Double.self)
    }
  }

  private static func content<Element: KernelElement>(
    of model: NetworkFile, as _: Element.Type
  ) throws -> (digest: String, parameters: [UInt8]) {
    let count = zip(model.sizes, model.sizes.dropFirst()).reduce(0) { $0 + ($1.0 + 1) * $1.1 }
    let size = count * MemoryLayout<Element>.size
    if size > maximumParameterBytes { throw EmbeddingError.tooLarge(bytes: size) }
    let parameters = try model.network(as: Element.self).parametersInFileOrder
    // Of these bytes the digest is made.
    let bits = parameters.map(\.canonicalBitPattern.littleEndian)
    return (Digest.fnv1a(parameters), bits.withUnsafeBytes(Base64.encode))
  }

  /// The source, in UTF-8.
  var text: [UInt8] {
    let (inputs, outputs) = (model.sizes[0], model.sizes[model.sizes.count - 1])
    let description = model.description
    let hidden = Set(model.activations.dropLast().map(\.rawValue)).sorted()
    let summary = [model.sizes.map(String.init).joined(separator: "-")] + hidden + [model.precision.rawValue]
    let front = """
      // Made from \(comment(fileName)) by Lockstep's plugin EmbedNetworks. Changes here are lost.

      import ComputeBackend
      import Lockstep

      /// The dense network of \(comment(fileName)): \(summary.joined(separator: ", ")).
      enum \(typeName): EmbeddedNetwork {
        typealias Element = \(model.precision == .f32 ? "Float" : "Double")

        static let inputs = \(inputs)
        static let outputs = \(outputs)
        static let sizes = \(model.sizes)
        static let activations: [Activation] = [\(model.activations.map { ".\($0)" }.joined(separator: ", "))]
        static let modelDescription = ModelDescription(
          loss: \(description.loss.map { ".\($0)" } ?? "nil"),
          inputColumns: \(literal(description.inputColumns)),
          targetColumns: \(literal(description.targetColumns)))
        static let parametersDigest = "\(digest)"
        static let predictor = makePredictor()

        /// The outputs of one row.
        static func predict(_ input: InlineArray<\(inputs), Element>) -> InlineArray<\(outputs), Element> {
          outputs(of: input)
        }

      \(columns)  static let encodedParameters: StaticString = "
      """
    return Array(front.utf8) + parameters + Array("\"\n}\n".utf8)
  }

  /// The types `Input` and `Output`, one property a column, and the `predict` that takes and gives them.
  private var columns: String {
    let description = model.description
    guard let inputs = description.inputColumns, let outputs = description.targetColumns else {
      return "  // No Input and Output: the file does not name its columns.\n\n"
    }
    guard max(inputs.count, outputs.count) <= Self.maximumColumns else {
      return "  // No Input and Output: there are more than \(Self.maximumColumns) columns.\n\n"
    }
    guard let inputNames = SwiftNames.properties(ofColumns: inputs),
      let outputNames = SwiftNames.properties(ofColumns: outputs)
    else { return "  // No Input and Output: the names of the columns give no properties, or one of them twice.\n\n" }
    func properties(_ names: [String], _ columns: [String]) -> String {
      zip(names, columns).map { "    /// \(literal($1))\n    var `\($0)`: Element\n" }.joined()
    }
    return """
        /// One row of inputs.
        struct Input: Sendable, Equatable {
      \(properties(inputNames, inputs))  }

        /// One row of outputs.
        struct Output: Sendable, Equatable {
      \(properties(outputNames, outputs))  }

        /// The outputs of one row.
        static func predict(_ input: Input) -> Output {
          let outputs = predict([\(inputNames.map { "input.`\($0)`" }.joined(separator: ", "))])
          return Output(\(outputNames.enumerated().map { "\(label($1)): outputs[\($0)]" }.joined(separator: ", ")))
        }


      """
  }
}

/// The label of an argument: the compiler warns of backticks where a word does not need them, and few need them here.
private func label(_ name: String) -> String { ["inout", "let", "var"].contains(name) ? "`\(name)`" : name }

/// `names` as a literal of an array, or `nil`.
private func literal(_ names: [String]?) -> String {
  names.map { "[\($0.map(literal).joined(separator: ", "))]" } ?? "nil"
}

/// `text` as a literal of a string, on one line.
private func literal(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"", "\\": result += "\\\(scalar)"
    case _ where scalar.properties.isVisible: result.unicodeScalars.append(scalar)
    default: result += "\\u{\(String(scalar.value, radix: 16))}"
    }
  }
  return result + "\""
}

/// `text` as part of a comment on one line.
private func comment(_ text: String) -> String {
  String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.isVisible ? $0 : "?" }))
}

extension Unicode.Scalar.Properties {
  /// False for what would end a line or show nothing, and for what turns the direction of text.
  fileprivate var isVisible: Bool {
    switch generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
    default: true
    }
  }
}
