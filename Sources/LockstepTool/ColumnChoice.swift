// Which columns of a table are the inputs of a network, and which its targets. How columns are encoded lies in LockstepData.

import ComputeBackend
import Lockstep
import LockstepData

/// The columns of a table that a network takes and is compared with, in its own order.
struct ColumnChoice {
  /// What a network's outputs are compared with.
  enum Target: Equatable {
    /// Columns of numbers, one for each output; none is of categories.
    case columns([ColumnEncoding])
    /// A column of classes, of which there is an output each.
    case classes([String], column: String)

    /// The columns of the table.
    var columns: [String] {
      switch self {
      case .columns(let encodings): encodings.map(\.column)
      case .classes(_, let column): [column]
      }
    }

    /// The names of the outputs.
    var outputNames: [String] {
      switch self {
      case .columns(let encodings): encodings.map(\.column)
      case .classes(let names, _): names
      }
    }

    /// How the columns are scaled, where any is.
    var scales: [ColumnEncoding]? {
      guard case .columns(let encodings) = self, !encodings.allSatisfy(\.isPlain) else { return nil }
      return encodings
    }

    /// Outputs or targets of the network in the columns' own units, which classes have none of.
    func decoded<Element: KernelElement>(_ numbers: Matrix<Element>) -> Matrix<Element> {
      scales.map { numbers.decoded(by: $0) } ?? numbers
    }

    /// For people: `"price"`, `"price", standardized`, or `"species": "setosa", "versicolor", "virginica"`.
    var summary: String {
      switch self {
      case .columns: quotedList(columns) + (scales == nil ? "" : ", standardized")
      case .classes(let names, let column): "\(column.debugDescription): \(quotedList(names))"
      }
    }
  }

  let inputs: [ColumnEncoding]
  let target: Target

  /// The names of the network's inputs.
  var inputNames: [String] { inputs.flatMap(\.inputNames) }

  /// What a model file tells of the columns.
  func description(loss: Loss) -> ModelDescription {
    var description = ModelDescription(loss: loss, inputColumns: inputNames, targetColumns: target.outputNames)
    if !inputs.allSatisfy(\.isPlain) { description.inputEncodings = inputs }
    description.targetEncodings = target.scales
    if case .classes(_, let column) = target { description.classColumn = column }
    return description
  }

  /// The inputs as numbers: `[rows × inputs]`.
  func input<Element: KernelElement>(of table: DataTable, as _: Element.Type = Element.self) throws -> Matrix<Element> {
    try table.matrix(encodedBy: inputs)
  }

  /// The targets as the network is compared with them: `[rows × targets]`.
  ///
  /// - Throws: `DataError`, or ``ToolError`` for numbers that are no targets of `loss`.
  func target<Element: KernelElement>(of table: DataTable, for loss: Loss) throws -> Matrix<Element> {
    switch target {
    case .classes(let names, let column): return try table.matrix(ofColumn: column, classes: names)
    case .columns(let encodings):
      let columns = encodings.map(\.column)
      let target: Matrix<Element> = try table.matrix(encodedBy: encodings)
      // What is too large for the precision is so, however small it is in training: the error names its cell.
      if !self.target.decoded(target).elements.allSatisfy(\.isFinite) {
        _ = try table.matrix(columns: columns, as: Element.self)
      }
      do throws(TargetError) {
        try loss.check(targets: target)
      } catch {
        let place = error.column.map { [columns[$0]] } ?? columns
        throw ToolError(
          description: "\(try table.place(ofRow: error.row, column: place[0])), column\(place.count == 1 ? "" : "s") "
            + "\(quotedList(place)): \(error.problem)")
      }
      return target
    }
  }
}

// MARK: - New networks

extension ColumnChoice {
  /// The choice for a new network, and the loss that it is for.
  ///
  /// Without `--features` every column that is no target is an input, in the order of the file; without `--target` the columns
  /// of the labels are the targets. A single target of text is a column of classes, and so is any other for the loss
  /// cross-entropy, and one of whole numbers in a file of labels where no loss is named.
  ///
  /// - Parameters:
  ///   - invocation: the options.
  ///   - table: the data.
  ///   - trainingRows: the rows that are learned from, which means and deviations are taken over; `nil` for all.
  /// - Throws: `DataError`, ``UsageError``, ``ToolError`` where no input is left or there is only one class.
  static func new(
    _ invocation: Invocation, table: DataTable, trainingRows: [Int]?
  ) throws -> (columns: ColumnChoice, loss: Loss) {
    let asked = invocation[TrainOptions.loss]
    guard let targets = try invocation.targetOption() ?? (table.labelColumns.isEmpty ? nil : table.labelColumns) else {
      throw UsageError(
        description: "--target \(TrainOptions.targets.valueName ?? "") is missing; \(table.targetsThereAre)",
        isAboutSyntax: true)
    }
    let target = try Target.new(
      targets, table: table, loss: asked, isStandardized: invocation[EncodingOptions.standardizeTargets],
      rows: trainingRows)
    let features = try invocation.names(ModelOptions.features)
    if let both = features?.first(where: targets.contains) {
      throw UsageError(description: "--features names the column \(both.debugDescription), which is a target")
    }
    let weights = invocation[ValidationOptions.sampleWeights]
    if let weights, (targets + (features ?? [])).contains(weights) {
      throw UsageError(
        description: "--sample-weights names the column \(weights.debugDescription), which is an input or a target")
    }
    let inputs = features ?? table.columnNames.filter { !targets.contains($0) && $0 != weights }
    guard !inputs.isEmpty else {
      throw ToolError(description: "\(table.file): every column is a target, so no input is left")
    }
    let categories = try invocation.names(EncodingOptions.categories) ?? []
    if let unknown = categories.first(where: { !inputs.contains($0) }) {
      let meant = nearestName(to: unknown, among: inputs).map { "; did you mean \($0.debugDescription)?" } ?? ""
      throw UsageError(
        description: "--categories names the column \(unknown.debugDescription), which is no input\(meant)")
    }
    let encodings = try table.encodings(
      of: inputs, categories: categories, scaling: invocation.scaling(), rows: trainingRows)
    if case .columns = target {
      return (ColumnChoice(inputs: encodings, target: target), asked ?? .meanSquaredError)
    }
    return (ColumnChoice(inputs: encodings, target: target), asked ?? .softmaxCrossEntropy)
  }
}

extension ColumnChoice.Target {
  fileprivate static func new(
    _ names: [String], table: DataTable, loss: Loss?, isStandardized: Bool, rows: [Int]?
  ) throws -> ColumnChoice.Target {
    if names.count > 1, let text = try table.textColumns(among: names).first {
      throw ToolError(
        description:
          "\(table.file), column \(text.debugDescription): a target of text must be the only one, for it tells "
          + "classes apart; train a network for each")
    }
    let isClasses =
      switch loss {
      case _ where names.count > 1: false
      case nil: try table.holdsClasses(inColumn: names[0])
      case .softmaxCrossEntropy: true
      default: try table.textColumns(among: names) == names
      }
    if isStandardized, isClasses || loss == .binaryCrossEntropy || loss == .softmaxCrossEntropy {
      throw UsageError(
        description: "--standardize-targets is for targets of numbers; those of "
          + (loss.map { "--loss \($0.rawValue)" } ?? "the column \(names[0].debugDescription)") + " tell classes apart")
    }
    guard isClasses else {
      guard isStandardized else { return .columns(names.map { .number(column: $0) }) }
      return .columns(try table.encodings(of: names, scaling: .standardized, rows: rows))
    }
    let classes = try table.categories(ofColumn: names[0])
    guard classes.count >= 2 else {
      throw ToolError(
        description: "\(table.file), column \(names[0].debugDescription): every row is of the class "
          + "\(quotedList(classes)), and a network tells at least 2 classes apart")
    }
    return .classes(classes, column: names[0])
  }
}

// MARK: - Networks of model files

extension ColumnChoice {
  /// The choice for the network of a model file: inputs by the names that it gives. Where it gives none, or none that the table
  /// has, they are those of `--features` in their order; or else all columns but the targets where it gives none, and those that
  /// have numbers for names where it gives others.
  ///
  /// - Parameters:
  ///   - model: the file.
  ///   - table: the data.
  ///   - target: the target, where it matters.
  ///   - features: what `--features` names.
  ///   - weights: the column of the rows' weights, which is no input.
  /// - Throws: ``ToolError`` where the table lacks inputs or the numbers of columns disagree.
  init(
    model: NetworkFile, table: DataTable, target: Target = .columns([]), features: [String]? = nil,
    weights: String? = nil
  ) throws {
    self.target = target
    let targets = target.columns
    // The labels of images are no inputs, even where they do not matter.
    func isInput(_ column: String) -> Bool {
      !targets.contains(column) && !table.labelColumns.contains(column) && column != weights
    }
    if let names = model.description.inputColumns {
      let encodings = model.description.inputEncodings ?? names.map { .number(column: $0) }
      let columns = encodings.map(\.column)
      // Nothing but the order tells which is which.
      let others = features ?? table.numberedColumns.filter(isInput)
      let areOthers =
        others.count == columns.count
        && Set(columns).isDisjoint(with: features ?? table.columnNames)
      inputs = areOthers ? zip(encodings, others).map { $0.renamed(to: $1) } : encodings
      let missing = areOthers ? [] : columns.filter { !table.columnNames.contains($0) }
      guard missing.isEmpty else {
        throw ToolError(
          description: "\(table.file): \(listed(missing)) missing, which \(model.path) takes as input; "
            + "the file has \(columnList(table.columnNames))\(otherSpelling(of: missing, in: table)); --features may name \(columns.count) others in their place"
        )
      }
      if let target = targets.first(where: inputs.map(\.column).contains) {
        throw ToolError(
          description: "\(model.path) takes the column \(target.debugDescription) as input, so it cannot be a target")
      }
      if let features, !areOthers, Set(features) != Set(columns) {
        throw ToolError(
          description:
            "--features names \(columnList(features)), but \(model.path) takes \(columnList(columns)); name these, "
            + "or as many others in their place")
      }
    } else {
      let columns = features ?? table.columnNames.filter(isInput)
      guard columns.count == model.sizes[0] else {
        throw ToolError(
          description: "\(table.file): the file has \(counted(columns.count, "column"))"
            + "\(targets.isEmpty ? "" : " beside the targets"), but \(model.path) takes "
            + "\(counted(model.sizes[0], "input")) and does not name them")
      }
      inputs = columns.map { .number(column: $0) }
    }
  }
}

extension Invocation {
  /// The targets of a model's network: those of `--target`, or else those that the file names, or else the labels.
  ///
  /// Where `--target` and the file name the same columns, the order is the file's, since that is the order of the outputs. A
  /// single column for a network of several outputs is one of classes, which the file names or which count from 0.
  ///
  /// - Throws: ``UsageError`` where nobody names any, ``ToolError`` where their number is not that of the outputs.
  func target(of model: NetworkFile, table: DataTable) throws -> ColumnChoice.Target {
    let outputs = model.sizes[model.sizes.count - 1]
    let named = model.description.targetColumns
    let asked = try targetOption()
    if asked == nil, let missing = model.description.missingTarget(in: table) {
      throw ToolError(
        description:
          "\(table.file): there is no column \(missing.debugDescription), which \(model.path) names as target; "
          + "name another by --target: \(table.targetsThereAre)")
    }
    if let column = model.description.classColumn, let classes = named {
      let columns = asked ?? [column]
      guard columns.count == 1 else {
        throw ToolError(
          description: "--target names \(counted(columns.count, "column")), but the classes of \(model.path) are in one"
        )
      }
      return .classes(classes, column: columns[0])
    }
    guard let targets = asked ?? named ?? (table.labelColumns.isEmpty ? nil : table.labelColumns) else {
      throw UsageError(
        description: "--target is missing, and \(model.path) does not name its targets; \(table.targetsThereAre)")
    }
    if targets.count == 1, outputs > 1, self[ModelOptions.loss] ?? model.description.loss == .softmaxCrossEntropy {
      return .classes(named ?? (0..<outputs).map { "\($0)" }, column: targets[0])
    }
    guard targets.count == outputs else {
      throw ToolError(
        description: "--target names \(counted(targets.count, "column")), but the network of \(model.path) has "
          + counted(outputs, "output"))
    }
    // A scale belongs to an output, whatever the column is called that it is compared with.
    let encodings = model.description.targetEncodings
    let columns = if let named, Set(named) == Set(targets) { named } else { targets }
    return .columns(columns.enumerated().map { encodings?[$0].renamed(to: $1) ?? .number(column: $1) })
  }
}

extension ModelDescription {
  /// A column that the targets are in and that a table lacks.
  fileprivate func missingTarget(in table: DataTable) -> String? {
    (classColumn.map { [$0] } ?? targetColumns)?.first { !table.columnNames.contains($0) }
  }
}

extension DataTable {
  /// What could be a target, for a sentence that asks for one: columns, or the labels of images.
  fileprivate var targetsThereAre: String {
    let labels = DataTable.labelsFiles(beside: file)
    if let name = labels.first, labelsFile == nil {
      return "the labels of such images are in \(name), which is not there; name their file by --labels"
    }
    return "the columns are \(columnList(columnNames)), and a file of labels is named by --labels"
  }
}

/// `"a", "b" and 3 more`.
func quotedList(_ names: [String]) -> String { shortList(names.lazy.map(\.debugDescription)) }

/// The first 20 of some parts, and how many there are more.
func shortList(_ parts: some Collection<String>) -> String {
  let shown = parts.prefix(20)
  return shown.joined(separator: ", ") + (shown.count < parts.count ? " and \(parts.count - shown.count) more" : "")
}

extension ColumnEncoding {
  /// For people: `"price"`, or `"colour" (3 values)` for a column that becomes several inputs.
  var summary: String {
    guard case .categories(let column, let values) = self else { return column.debugDescription }
    return "\(column.debugDescription) (\(counted(values.count, "value")))"
  }
}

/// What one of some names probably stands for in a table, as a part of a sentence; empty where nothing is near.
private func otherSpelling(of names: [String], in table: DataTable) -> String {
  for name in names {
    guard let other = nearestName(to: name, among: table.columnNames) else { continue }
    return ", where \(other.debugDescription) may be \(name.debugDescription) in another spelling"
  }
  return ""
}

private func listed(_ names: [String]) -> String {
  names.count == 1 ? "the column \(columnList(names)) is" : "the columns \(columnList(names)) are"
}
