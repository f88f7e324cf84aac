// Names of files and columns as Swift identifiers. What is written with them lies in EmbeddedSource.swift.

/// How names in the generated code come about.
enum SwiftNames {
  /// The name of the type for a model file: the parts of the file's name without its ending, each begun with a capital, so
  /// that `celsius-model` becomes `CelsiusModel`. A name that begins with a digit gets `Model` in front, one that Swift or
  /// the generated code has another meaning for gets it at the end.
  ///
  /// - Returns: `nil` where the file's name has no letter and no digit.
  static func type(ofFile stem: String) -> String? {
    let name = parts(of: stem).map(capitalized).joined()
    guard let first = name.unicodeScalars.first else { return nil }
    if !first.properties.isXIDStart { return "Model" + name }
    return taken.contains(name) ? name + "Model" : name
  }

  /// The names of the properties for columns: as ``type(ofFile:)``, but begun with a small letter, so that `Sepal length (cm)`
  /// becomes `sepalLengthCm`.
  ///
  /// - Returns: `nil` where a column has no letter and no digit, or where two columns would have one name.
  static func properties(ofColumns columns: [String]) -> [String]? {
    let names = columns.compactMap(property(ofColumn:))
    return names.count == columns.count && Set(names).count == names.count ? names : nil
  }

  private static func property(ofColumn column: String) -> String? {
    let parts = parts(of: column)
    guard let first = parts.first else { return nil }
    let name = uncapitalized(first) + parts.dropFirst().map(capitalized).joined()
    if name.unicodeScalars.first?.properties.isXIDStart != true { return "_" + name }
    // Not even in backticks: `input.self` is the input.
    return ["self", "init"].contains(name) ? name + "Value" : name
  }

  /// The longest runs of letters and digits, with the marks on letters.
  private static func parts(of name: String) -> [String] {
    name.unicodeScalars.split { !$0.properties.isXIDContinue || !$0.properties.isPartOfWord }
      .map { $0.drop { $0.properties.isMark } }
      .filter { !$0.isEmpty }
      .map { String(String.UnicodeScalarView($0)) }
  }

  private static func capitalized(_ part: String) -> String { part.prefix(1).uppercased() + part.dropFirst() }

  /// `MEDV` becomes `medv`, `Petal` `petal`.
  private static func uncapitalized(_ part: String) -> String {
    part == part.uppercased() ? part.lowercased() : part.prefix(1).lowercased() + part.dropFirst()
  }

  /// Names begun with a capital that are Swift's own or Lockstep's, or that the generated code or its reader needs for something
  /// else.
  static let taken: Set<String> = [
    "Activation", "Any", "AnyClass", "AnyObject", "Array", "ArraySlice", "AutomaticBackend",
    "BackendCandidate", "BackendChoice", "BackendError", "BackendKind", "BackendVariant", "BackendWork",
    "Backends", "BestNetwork", "Bool", "Character", "CheckpointFile", "ClosedRange", "Codable", "Collection",
    "CollectionOfOne", "Comparable", "ComputeBackend", "ConfusionMatrix", "Decodable", "Decoder",
    "DenseLayer", "DenseLayerViews", "Dictionary", "Digest", "Double", "DoubleVector", "DropoutRule",
    "Duration", "Element", "Elementary", "EmbeddedNetwork", "Encodable", "Encoder", "Equatable", "Error",
    "Float", "GradientCheck", "Gradients", "Hashable", "Hasher", "HyperparameterError", "Identifiable",
    "Initializer", "InlineArray", "Input", "InstructionSet", "Int", "Iterator", "KernelElement",
    "KernelVector", "Key", "KeyPath", "KeyValuePairs", "Keys", "LazySequence", "LearningRateSchedule",
    "Lockstep", "Loss", "Main", "Matrix", "MatrixElement", "MatrixStorage", "MatrixView", "MemoryUse",
    "Metrics", "Mirror", "ModelDescription", "ModelFileError", "MutableMatrixView", "MutableSpan", "Network",
    "NetworkElement", "NetworkError", "NetworkFile", "NetworkFileError", "Never", "Numeric", "Optimizer",
    "OptimizerState", "OptimizerStateError", "Optional", "OrderOfArithmetic", "Output", "PassRecord",
    "Philox", "Precision", "Predictor", "Protocol", "RandomStream", "Range", "RawSpan", "Recipe",
    "RecipeError", "Result", "RowBlocks", "RowSplit", "RunningDigest", "SIMD", "SafetensorsFile", "Self",
    "Sendable", "Sequence", "Set", "Slice", "Span", "StaticString", "String", "Substring", "SumOfSquares",
    "Swift", "TargetError", "Task", "Trainer", "TrainingData", "TrainingError", "TrainingMethod",
    "TrainingProgress", "TrainingSchedule", "TrainingSession", "TrainingState", "Type", "Unicode",
    "Unmanaged", "UpdateFormula", "UpdateRule", "Value", "Values", "Void",
  ]
}

extension Unicode.Scalar.Properties {
  /// True for what stands on a letter.
  fileprivate var isMark: Bool { generalCategory == .nonspacingMark || generalCategory == .spacingMark }

  /// True for letters, digits and marks.
  fileprivate var isPartOfWord: Bool {
    switch generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .letterNumber,
      .decimalNumber:
      true
    default: isMark
    }
  }
}
