// `lockstep benchmark baseline`: keeps what rows reached, and compares. The files lie in BaselineFolder.swift.

import Lockstep
import LockstepBenchmark

/// What can be done with baselines.
enum BaselineAction: String, CaseIterable {
  case update, compare, list, delete
}

extension Invocation {
  /// Does what the words after `baseline` say.
  ///
  /// - Throws: ``UsageError``, ``ToolError``, `FileError`, `BackendError`.
  func runBaseline(_ words: [String]) throws {
    let actions = BaselineAction.allCases.map(\.rawValue).joined(separator: ", ")
    guard let word = words.first else {
      throw UsageError(description: "what to do with the baseline is missing; it must be one of \(actions)")
    }
    guard let action = BaselineAction(rawValue: word) else {
      throw UsageError(description: "the word after 'baseline' is '\(word)'; it must be one of \(actions)")
    }
    if isGiven(BenchmarkOptions.threshold), action != .compare {
      throw UsageError(description: "--threshold is of `baseline compare`")
    }
    let folder = BaselineFolder(path: self[BenchmarkOptions.baselineFolder])
    guard action == .list || words.count > 1 else {
      throw UsageError(
        description: "the baseline's name is missing: `lockstep benchmark baseline \(action.rawValue) NAME`")
    }
    let (name, names) = (words.dropFirst().first ?? "", Array(words.dropFirst(2)))
    if action != .list { try BaselineFolder.check(name) }
    switch action {
    case .list:
      try refuse(words.dropFirst())
      try listBaselines(in: folder)
    case .update: try updateBaseline(name, in: folder, rows: benchmarkRows(named: names))
    case .compare: try compareBaseline(name, in: folder, names: names)
    case .delete:
      try refuse(names[...])
      try folder.delete(name)
    }
  }

  private func refuse(_ words: ArraySlice<String>) throws {
    guard let word = words.first else { return }
    throw UsageError(description: "the word '\(word)' is one too many", isAboutSyntax: true)
  }

  private func listBaselines(in folder: BaselineFolder) throws {
    for name in folder.names {
      let rows = (try? folder.read(name))?.entries.count
      if isJSON {
        try output.json(["baseline": .string(name), "rows": rows.map { .integer($0) } ?? .string(nil)])
      } else {
        try output.line("\(name)  \(rows.map { counted($0, "row") } ?? "not a baseline")")
      }
    }
  }

  private func updateBaseline(_ name: String, in folder: BaselineFolder, rows: [BenchmarkRow]) throws {
    try folder.prepare(for: name)
    let results = try measure(rows)
    try refuseImpossible(results)
    try folder.write(Baseline(results), as: name)
    if !isJSON && self[BenchmarkOptions.format] == .text {
      try output.line("kept \(counted(results.count, "row")) in \(folder.file(name))")
    }
  }

  private func compareBaseline(_ name: String, in folder: BaselineFolder, names: [String]) throws {
    let entries = try folder.read(name).entries
    let available = try Backends.available()
    let wanted = try wantedRows(named: names)
    var rows: [(row: BenchmarkRow, before: Double)] = []
    var elsewhere = 0
    for entry in entries {
      guard let row = entry.row else {
        throw ToolError(description: "the baseline '\(name)' holds a row that cannot be")
      }
      guard wanted(row) else { continue }
      if available.contains(row.variant) { rows.append((row, entry.partOfLimit)) } else { elsewhere += 1 }
    }
    if elsewhere > 0 { warn("\(counted(elsewhere, "row")) of the baseline cannot run here") }
    guard !rows.isEmpty else { throw ToolError(description: "no row of the baseline '\(name)' can be compared") }

    try refuseImpossible(measure(rows.map(\.row), against: rows.map(\.before)))
  }

  /// A part of a limit that was measured too low is no figure to keep, or to compare with one.
  private func refuseImpossible(_ results: [BenchmarkResult]) throws {
    guard let warning = BenchmarkConditions.warning(aboveLimit: results) else { return }
    throw ToolError(description: warning)
  }

  /// Which rows of a baseline are asked for: those of the workloads that are named, on the backends, threads and
  /// precisions that are given, and that pass the filter.
  private func wantedRows(named names: [String]) throws -> (BenchmarkRow) -> Bool {
    for option in BenchmarkOptions.ofNetwork + [BenchmarkOptions.network] where isGiven(option) {
      throw UsageError(description: "--\(option.name) cannot be given here: the baseline says what is measured")
    }
    let workloads = try names.isEmpty ? nil : benchmarkWorkloads(named: names)
    let variants = try isGiven(BenchmarkOptions.backends) ? benchmarkVariants() : nil
    let threads = self[BenchmarkOptions.threads] ?? (self[BenchmarkOptions.clock] == .cpu ? [1] : nil)
    let precisions = isGiven(BenchmarkOptions.precision) ? self[BenchmarkOptions.precision].precisions : nil
    let filter = self[BenchmarkOptions.filter]
    return { row in
      workloads?.contains(row.workload) ?? true && variants?.contains(row.variant) ?? true
        && threads?.contains(row.threads) ?? true && precisions?.contains(row.precision) ?? true
        && filter?.allows(row.name) ?? true
    }
  }
}
