// Figures to compare later ones with: parts of the measured limit, so that they hold on another machine.

import ComputeBackend
import Lockstep

/// What rows reached once.
public struct Baseline: Codable, Sendable, Equatable {
  /// A row and what it reached.
  public struct Entry: Codable, Sendable, Equatable {
    let workload: String
    let kind: String
    let sizes: [Int]
    let activation: String
    let loss: String
    let batch: Int
    let backend: String
    let isa: String
    let threads: Int
    let precision: String
    /// What bound it.
    public let limit: String
    /// The part of the limit that it reached.
    public let partOfLimit: Double
  }

  /// The version of this form.
  let format: Int
  /// The rows, in the order in which they were measured.
  public let entries: [Entry]

  private static let currentFormat = 1

  /// What these rows reached.
  public init(_ results: [BenchmarkResult]) {
    format = Self.currentFormat
    entries = results.map { Entry($0) }
  }

  /// Whether this program understands it.
  public var isOfKnownFormat: Bool { format == Self.currentFormat }
}

extension Baseline.Entry {
  init(_ result: BenchmarkResult) {
    let (row, workload) = (result.row, result.row.workload)
    self.init(
      workload: workload.name, kind: workload.kind.rawValue, sizes: workload.sizes,
      activation: workload.activation.rawValue, loss: workload.loss.rawValue, batch: workload.batch,
      backend: row.variant.kind.rawValue, isa: row.variant.instructionSet.rawValue, threads: row.threads,
      precision: row.precision.rawValue, limit: result.limit.kind.rawValue, partOfLimit: result.partOfLimit)
  }

  /// The row, or `nil` where the file says what no row can be.
  public var row: BenchmarkRow? {
    guard let kind = Workload.Kind(rawValue: kind), let activation = Activation(rawValue: activation),
      let loss = Loss(rawValue: loss), let backend = BackendKind(rawValue: backend),
      let instructionSet = InstructionSet(rawValue: isa), let precision = Precision(rawValue: precision),
      sizes.count > 1, sizes.allSatisfy({ 1...1 << 20 ~= $0 }), 1...100_000_000 ~= batch,
      1...Backends.maximumThreads ~= threads, partOfLimit.isFinite, partOfLimit > 0
    else { return nil }
    return BenchmarkRow(
      workload: Workload(
        name: workload, kind: kind, sizes: sizes, activation: activation, loss: loss, batch: batch),
      variant: BackendVariant(kind: backend, instructionSet: instructionSet), threads: threads, precision: precision)
  }
}

/// A row now, beside what it reached once.
public struct BaselineComparison: Sendable {
  /// The row now.
  public let result: BenchmarkResult
  /// The part of the limit that it reached once.
  public let before: Double
  /// The least of ``ratio`` that is not called slower.
  public let threshold: Double

  /// A comparison.
  public init(result: BenchmarkResult, before: Double, threshold: Double) {
    self.result = result
    self.before = before
    self.threshold = threshold
  }

  /// What it reaches now over what it reached once: below 1 is slower.
  public var ratio: Double { result.partOfLimit / before }
  /// Whether it is slower by more than is allowed.
  public var isSlower: Bool { !(ratio >= threshold) }
}
