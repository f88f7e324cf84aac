// Which columns of a table are the inputs of a network, and which its targets.

import ComputeBackend
import Lockstep
import LockstepData

/// The columns of a table that a network takes and is compared with, in its own order.
struct ColumnChoice {
  let inputs: [String]
  let targets: [String]

  /// The choice for a new network: every column that is no target is an input, in the order of the file.
  ///
  /// - Throws: ``ToolError`` where no column is left.
  init(table: CSVTable, targets: [String]) throws {
    inputs = table.columnNames.filter { !targets.contains($0) }
    self.targets = targets
    guard !inputs.isEmpty else {
      throw ToolError(description: "\(table.file): every column is a target, so no input is left")
    }
  }

  /// The choice for the network of a model file: inputs by the names that it gives, or all columns but the targets
  /// where it gives none.
  ///
  /// - Parameters:
  ///   - model: the file.
  ///   - table: the data.
  ///   - targets: the targets, where they matter.
  /// - Throws: ``ToolError`` where the table lacks inputs or the numbers of columns disagree.
  init(model: NetworkFile, table: CSVTable, targets: [String] = []) throws {
    self.targets = targets
    if let names = model.description.inputColumns {
      inputs = names
      let missing = names.filter { !table.columnNames.contains($0) }
      guard missing.isEmpty else {
        throw ToolError(
          description: "\(table.file): \(columns(missing)) missing, which \(model.path) takes as input; "
            + "the file has \(quotedList(table.columnNames))")
      }
      if let target = targets.first(where: names.contains) {
        throw ToolError(
          description: "\(model.path) takes the column \(target.debugDescription) as input, so it cannot be a target")
      }
    } else {
      inputs = table.columnNames.filter { !targets.contains($0) }
      guard inputs.count == model.sizes[0] else {
        throw ToolError(
          description: "\(table.file): the file has \(counted(inputs.count, "column"))"
            + "\(targets.isEmpty ? "" : " beside the targets"), but \(model.path) takes "
            + "\(counted(model.sizes[0], "input")) and does not name them")
      }
    }
  }

  /// The inputs as numbers: `[rows × inputs]`.
  func input<Element: KernelElement>(of table: CSVTable, as _: Element.Type = Element.self) throws -> Matrix<Element> {
    try table.matrix(columns: inputs)
  }

  /// The targets as numbers: `[rows × targets]`.
  ///
  /// - Throws: `CSVError`, or ``ToolError`` for numbers that are no targets of `loss`.
  func target<Element: KernelElement>(of table: CSVTable, for loss: Loss) throws -> Matrix<Element> {
    let target: Matrix<Element> = try table.matrix(columns: targets)
    do throws(TargetError) {
      try loss.check(targets: target)
    } catch {
      let place = error.column.map { [targets[$0]] } ?? targets
      throw ToolError(
        description: "\(table.file), line \(table.line(ofRow: error.row)), column\(place.count == 1 ? "" : "s") "
          + "\(quotedList(place)): \(error.problem)")
    }
    return target
  }
}

extension Invocation {
  /// The targets of a model's network: those of `--target`, or else those that the file names.
  ///
  /// Where both name the same columns, the order is the file's, since that is the order of the outputs.
  ///
  /// - Throws: ``UsageError`` where neither names any, ``ToolError`` where their number is not that of the outputs.
  func targets(of model: NetworkFile) throws -> [String] {
    let named = model.description.targetColumns
    guard let targets = try targetOption() ?? named else {
      throw UsageError(description: "--target is missing, and \(model.path) does not name its targets")
    }
    let outputs = model.sizes[model.sizes.count - 1]
    guard targets.count == outputs else {
      throw ToolError(
        description: "--target names \(counted(targets.count, "column")), but the network of \(model.path) has "
          + counted(outputs, "output"))
    }
    if let named, Set(named) == Set(targets) { return named }
    return targets
  }
}

/// `"a", "b" and 3 more`.
func quotedList(_ names: [String]) -> String {
  let limit = 20
  let shown = names.prefix(limit).map(\.debugDescription).joined(separator: ", ")
  return names.count > limit ? "\(shown) and \(names.count - limit) more" : shown
}

private func columns(_ names: [String]) -> String {
  names.count == 1 ? "the column \(quotedList(names)) is" : "the columns \(quotedList(names)) are"
}
