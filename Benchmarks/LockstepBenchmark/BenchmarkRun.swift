// A row of a benchmark and its measurement: check, time, relate to the machine's limits.

import ComputeBackend
import Lockstep

/// A workload on a backend.
public struct BenchmarkRow: Sendable, Equatable {
  /// What is computed.
  public let workload: Workload
  /// By what.
  public let variant: BackendVariant
  /// On as many threads.
  public let threads: Int
  /// In what.
  public let precision: Precision

  /// A row.
  public init(workload: Workload, variant: BackendVariant, threads: Int, precision: Precision) {
    self.workload = workload
    self.variant = variant
    self.threads = threads
    self.precision = precision
  }

  /// The row in one word, as in `mnist/openmp/avx2/2/f32`: what filters look at.
  public var name: String {
    "\(workload.name)/\(variant.kind.rawValue)/\(variant.instructionSet.rawValue)/\(threads)/\(precision.rawValue)"
  }

  /// Every combination of workloads, variants, threads and precisions, threads innermost; variants that use one thread
  /// appear once.
  public static func all(
    _ workloads: [Workload], variants: [BackendVariant], threads: [Int], precisions: [Precision]
  ) -> [BenchmarkRow] {
    workloads.flatMap { workload in
      precisions.flatMap { precision in
        variants.flatMap { variant in
          (variant.kind == .openmp ? threads : [1]).map { threads in
            BenchmarkRow(workload: workload, variant: variant, threads: threads, precision: precision)
          }
        }
      }
    }
  }
}

/// What a row was measured to be.
public struct BenchmarkResult: Sendable {
  /// What was measured.
  public let row: BenchmarkRow
  /// Seconds of a step.
  public let time: SampledTime
  /// The limit of the workload on this machine.
  public let limit: Limit
  /// Whether its results are the reference's.
  public let bits: BitCheckOutcome
  /// Bytes that training is said to take, by `Trainer.memoryUse`; `nil` for other work.
  public let statedMemory: Int?
  /// Bytes by which the memory of this process grew at most; `nil` where the system does not tell.
  public let peakMemory: Int?

  /// A result.
  public init(
    row: BenchmarkRow, time: SampledTime, limit: Limit, bits: BitCheckOutcome, statedMemory: Int? = nil,
    peakMemory: Int? = nil
  ) {
    self.statedMemory = statedMemory
    self.peakMemory = peakMemory
    self.row = row
    self.time = time
    self.limit = limit
    self.bits = bits
  }

  /// Steps in a second.
  public var stepsPerSecond: Double { 1 / time.median }
  /// Rows in a second.
  public var samplesPerSecond: Double { Double(row.workload.batch) / time.median }
  /// Floating-point operations in a second, those of the matrix products.
  public var operationsPerSecond: Double { row.workload.operations / time.median }
  /// The part of the limit that is reached: 1 where a step takes no longer than it must.
  public var partOfLimit: Double { limit.seconds / time.median }
}

/// Measures rows, one after the other; what several rows have in common is made once.
public final class BenchmarkRun {
  /// The limits of this machine.
  public let limits: MachineLimits
  let sampler: Sampler
  private let isQuick: Bool
  private let variants: [BackendVariant]
  private var floatCheck: BitCheck<Float>?
  private var doubleCheck: BitCheck<Double>?
  private var checkedWorkload: Workload?
  private var floatData: WorkloadData<Float>?
  private var doubleData: WorkloadData<Double>?

  /// - Parameters:
  ///   - clock: what measures.
  ///   - isQuick: shorter, and therefore less sure.
  /// - Throws: `BackendError`.
  public init(clock: BenchmarkClock = .wall, isQuick: Bool = false) throws {
    limits = MachineLimits(clock: clock, isQuick: isQuick)
    sampler = Sampler(clock: clock, isQuick: isQuick)
    self.isQuick = isQuick
    variants = try Backends.available()
  }

  /// Measures the limits that these rows will be compared with, before any of them runs: threads that wait for work
  /// would disturb it.
  ///
  /// - Parameters:
  ///   - rows: what will be measured.
  ///   - isOfEveryLevel: also the bandwidth of levels that bind none of them.
  public func measureLimits(for rows: [BenchmarkRow], ofEveryLevel isOfEveryLevel: Bool = false) {
    for row in rows {
      _ = limit(of: row)
      for level in MemoryLevel.allCases where isOfEveryLevel {
        _ = limits.bandwidth(level, row.variant.instructionSet, threads: row.threads)
      }
    }
  }

  /// Checks a row and times it.
  ///
  /// - Throws: `BackendError`.
  public func measure(_ row: BenchmarkRow) throws -> BenchmarkResult {
    switch row.precision {
    case .f32: try measure(row, data: \.floatData, check: \.floatCheck)
    case .f64: try measure(row, data: \.doubleData, check: \.doubleCheck)
    }
  }

  private func limit(of row: BenchmarkRow) -> Limit {
    Limit(
      of: row.workload, precision: row.precision, instructionSet: row.variant.instructionSet, threads: row.threads,
      limits: limits)
  }

  private func measure<Element: NetworkElement>(
    _ row: BenchmarkRow, data dataPath: ReferenceWritableKeyPath<BenchmarkRun, WorkloadData<Element>?>,
    check checkPath: ReferenceWritableKeyPath<BenchmarkRun, BitCheck<Element>?>
  ) throws -> BenchmarkResult {
    if checkedWorkload != row.workload {
      (floatCheck, doubleCheck, floatData, doubleData) = (nil, nil, nil, nil)
      checkedWorkload = row.workload
    }
    let data = try self[keyPath: dataPath] ?? WorkloadData<Element>(row.workload)
    self[keyPath: dataPath] = data
    let check = try self[keyPath: checkPath] ?? makeCheck(data)
    self[keyPath: checkPath] = check

    let backend: any ComputeBackend<Element> = try Backends.make(row.variant, threads: row.threads)
    let bits = try check.outcome(on: backend)
    let memory = PeakMemory()
    let work = data.work(on: backend)
    let time = try sampler.time(work)
    return BenchmarkResult(
      row: row, time: time, limit: limit(of: row), bits: bits, statedMemory: work.statedMemory,
      peakMemory: memory.growth)
  }

  private func makeCheck<Element>(_ data: WorkloadData<Element>) throws -> BitCheck<Element> {
    BitCheck(
      data, witnesses: try variants.reversed().map { try Backends.make($0, threads: 1) },
      operations: isQuick ? 2e7 : 2e8, operationsForWitness: isQuick ? 1e9 : 1e10)
  }
}
