// What `lockstep benchmark` writes: a line for each row, as soon as it is known.

import Foundation
import Lockstep
import LockstepBenchmark

/// Writes rows in the format that was asked for.
struct BenchmarkReport {
  private let invocation: Invocation
  private let format: BenchmarkFormat
  private let columns: [Column]

  /// What a line of the tables is about.
  struct Line {
    let result: BenchmarkResult
    /// Where there is a baseline.
    let comparison: BaselineComparison?

    var row: BenchmarkRow { result.row }
  }

  /// A column of the tables.
  private struct Column {
    let header: String
    /// How wide its cells can be; rows are written one by one, so that nobody knows them all.
    var width = 0
    var isLeading = false
    /// Whether the table for terminals leaves it out.
    var isInMarkdownOnly = false
    let cell: (Line) -> String

    func padded(_ cell: String) -> String {
      let space = String(repeating: " ", count: max(0, width - cell.count))
      return isLeading ? cell + space : space + cell
    }
  }

  /// - Parameters:
  ///   - invocation: where the results go, and in which format.
  ///   - rows: what will be reported.
  ///   - comparesWithBaseline: whether each line has a comparison.
  init(invocation: Invocation, rows: [BenchmarkRow], comparesWithBaseline: Bool) {
    self.invocation = invocation
    format = invocation.isJSON ? .json : invocation[BenchmarkOptions.format]
    let nameWidth = rows.map(\.workload.name.count).max() ?? 0
    let backendWidth = rows.map { Self.backend(of: $0).count }.max() ?? 0
    let ofRow = [
      Column(header: "workload", width: max(8, nameWidth), isLeading: true) { $0.row.workload.name },
      Column(header: "network", isLeading: true, isInMarkdownOnly: true) { $0.row.workload.network },
      Column(header: "batch", isInMarkdownOnly: true) { "\($0.row.workload.batch)" },
      Column(header: "backend", width: max(7, backendWidth), isLeading: true) { Self.backend(of: $0.row) },
      Column(header: "type", width: 4, isLeading: true) { $0.row.precision.rawValue },
      Column(header: "step", width: 7) { engineering($0.result.time.median, "s") },
      Column(header: "spread", width: 6) { percent($0.result.time.spread) },
    ]
    let rates = [
      Column(header: "samples/s", width: 9) { engineering($0.result.samplesPerSecond, "") },
      Column(header: "GFLOP/s", width: 7) { threeDigits($0.result.operationsPerSecond / 1e9) },
      Column(header: "FMA peak", isInMarkdownOnly: true) { threeDigits($0.result.limit.peak / 1e9) },
    ]
    let ofLimit = [
      Column(header: "limit", width: 6, isLeading: true) { $0.result.limit.kind.rawValue },
      Column(header: "reached", width: 7) { percent($0.result.partOfLimit) },
    ]
    let compared = [
      Column(header: "before", width: 7) { $0.comparison.map { percent($0.before) } ?? "" },
      Column(header: "ratio", width: 5) { $0.comparison.map { fixed($0.ratio, digits: 2) } ?? "" },
      Column(header: "speed", width: 6, isLeading: true) { ($0.comparison?.isSlower ?? false) ? "SLOWER" : "kept" },
    ]
    let bits = Column(header: "bits", isLeading: true) { $0.result.bits.isEqual ? "equal" : "DIFFERENT" }
    columns = ofRow + (comparesWithBaseline ? ofLimit + compared : rates + ofLimit) + [bits]
  }

  /// Writes what comes before the rows.
  func begin() throws {
    switch format {
    case .json: break
    case .text: try textLine { $0.header }
    case .markdown:
      try markdownLine(columns.map(\.header))
      try markdownLine(columns.map { $0.isLeading ? "---" : "---:" })
    }
  }

  /// Writes a row.
  func add(_ result: BenchmarkResult, comparison: BaselineComparison?) throws {
    let line = Line(result: result, comparison: comparison)
    switch format {
    case .json:
      let members = result.jsonMembers + (comparison?.jsonMembers ?? [])
      try invocation.output.line(JSONValue.object(members).text)
    case .text: try textLine { $0.cell(line) }
    case .markdown: try markdownLine(columns.map { $0.cell(line) })
    }
    try invocation.output.flush()
    if let difference = result.bits.difference { invocation.warn("\(result.row.name): \(difference)") }
  }

  /// `openmp/avx2 x2`.
  private static func backend(of row: BenchmarkRow) -> String {
    row.threads == 1 ? "\(row.variant)" : "\(row.variant) x\(row.threads)"
  }

  private func textLine(_ cell: (Column) -> String) throws {
    let cells = columns.filter { !$0.isInMarkdownOnly }.map { $0.padded(cell($0)) }
    try invocation.output.line(cells.joined(separator: "  "))
  }

  private func markdownLine(_ cells: [String]) throws {
    try invocation.output.line("| " + cells.joined(separator: " | ") + " |")
  }
}

/// A part as a percentage.
func percent(_ part: Double) -> String {
  threeDigits(100 * part) + " %"
}

/// A number with its unit and an SI prefix, to three or four digits: `1.23 µs`, `456 M`.
func engineering(_ value: Double, _ unit: String) -> String {
  let prefixes = [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n")]
  let (factor, prefix) = prefixes.first { value >= 0.9995 * $0.0 } ?? (1e-9, "n")
  let suffix = prefix + unit
  return threeDigits(value / factor) + (suffix.isEmpty ? "" : " \(suffix)")
}

/// A number to three digits or to the whole, whichever is more.
func threeDigits(_ value: Double) -> String {
  fixed(value, digits: value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)
}

extension BenchmarkResult {
  /// What `--json` writes of a row.
  var jsonMembers: [(key: String, value: JSONValue)] {
    let workload = row.workload
    return [
      ("workload", .string(workload.name)), ("kind", .string(workload.kind.rawValue)),
      ("network", .string(workload.network)), ("batch", .integer(workload.batch)),
      ("activation", .string(workload.activation.rawValue)), ("loss", .string(workload.loss.rawValue)),
      ("backend", .string(row.variant.kind.rawValue)), ("isa", .string(row.variant.instructionSet.rawValue)),
      ("threads", .integer(row.threads)), ("precision", .string(row.precision.rawValue)),
      ("seconds_per_step", .number(time.median)), ("spread", .number(time.spread)),
      ("fastest_seconds_per_step", .number(time.fastest)),
      ("steps_per_second", .number(stepsPerSecond)), ("samples_per_second", .number(samplesPerSecond)),
      ("gflops", .number(operationsPerSecond / 1e9)), ("peak_gflops", .number(limit.peak / 1e9)),
      ("limit", .string(limit.kind.rawValue)), ("percent_of_limit", .number(100 * partOfLimit)),
      ("flop_per_step", .number(workload.operations)), ("bytes_per_step", .number(limit.bytes)),
      ("data_in", .string(limit.level.rawValue)), ("bandwidth_gb_per_second", .number(limit.bandwidth / 1e9)),
      ("memory_bytes", statedMemory.map { .integer($0) } ?? .null),
      ("peak_memory_bytes", peakMemory.map { .integer($0) } ?? .null),
      ("timed_batches", .integer(time.samples)), ("steps_per_batch", .integer(time.stepsPerSample)),
      ("bits", .string(bits.isEqual ? "equal" : "different")), ("checked_rows", .integer(bits.rows)),
      ("witness", .string(bits.witness)), ("difference", .string(bits.difference)),
    ]
  }
}

extension BaselineComparison {
  /// What `--json` adds to a row.
  var jsonMembers: [(key: String, value: JSONValue)] {
    [
      ("baseline_percent_of_limit", .number(100 * before)), ("ratio_to_baseline", .number(ratio)),
      ("slower", .bool(isSlower)),
    ]
  }
}
