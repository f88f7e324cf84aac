// `lockstep benchmark`: how fast, and how near to what this machine can do. What is measured and how lies in the module
// LockstepBenchmark, the options in BenchmarkOptions.swift, the tables in BenchmarkReport.swift.

import Foundation
import Lockstep
import LockstepBenchmark

/// The command `benchmark`.
let benchmarkCommand = Command(
  name: "benchmark",
  summary: "measure how fast training and inference run, beside what this machine can do",
  details: """
    Measures workloads on every backend: the median of repeated timed batches of steps after a warm-up, and beside it \
    the limit of this machine, measured in the same run. A step of training is forward, loss gradient, backward and \
    update, on data in memory. Before a row is timed, its results are compared with the reference order of arithmetic, \
    bit for bit; where any bit differs, the exit code is 1.

    The limit is the time that the products of a step take at the peak of fused multiply-adds (fma), or that its \
    parameters and data take from the cache or memory that holds them (l1, l2, l3, memory), whichever is longer. The \
    spread is the interquartile range over the median.
    """,
  moreOperands: "[WORKLOAD...]",
  options: [
    BenchmarkOptions.network, BenchmarkOptions.batch, BenchmarkOptions.activation, BenchmarkOptions.loss,
    BenchmarkOptions.inference, BenchmarkOptions.filter, BenchmarkOptions.backends, BenchmarkOptions.threads,
    BenchmarkOptions.precision, BenchmarkOptions.format, CommonOptions.json, BenchmarkOptions.quick,
    BenchmarkOptions.list, BenchmarkOptions.clock,
  ],
  examples: [
    ("lockstep benchmark --quick", "the smaller networks of the table, in a few seconds"),
    ("lockstep benchmark mnist wide --backend openmp --json", "two workloads, a JSON object for each row"),
    ("lockstep benchmark --network 784-512-256-10 --batch 128 --loss cross-entropy", "a network of your own"),
    ("lockstep benchmark products --filter 1023 --clock cpu", "one product, on a machine that has other work to do"),
  ],
  run: { invocation in
    if invocation[BenchmarkOptions.list] { return try listWorkloads(invocation) }
    let rows = try invocation.benchmarkRows(named: invocation.operands)
    _ = try measure(rows, invocation)
  })

/// Measures rows and reports each as soon as it is known.
///
/// - Throws: ``ToolError`` in the end, where the bits of a row are not the reference's.
private func measure(_ rows: [BenchmarkRow], _ invocation: Invocation) throws -> [BenchmarkResult] {
  for warning in BenchmarkConditions.warningsBefore { invocation.warn(warning) }
  let run = try BenchmarkRun(
    clock: invocation[BenchmarkOptions.clock], isQuick: invocation[BenchmarkOptions.quick])
  let progress = Progress()
  progress.show("measuring the limits of this machine")
  run.measureLimits(for: rows)
  let report = BenchmarkReport(invocation: invocation, rows: rows)
  progress.clear()
  try report.begin()
  var measurements: [BenchmarkResult] = []
  for (index, row) in rows.enumerated() {
    progress.show("\(index + 1) of \(rows.count): \(row.name)")
    let measurement = try run.measure(row)
    progress.clear()
    measurements.append(measurement)
    try report.add(measurement)
  }
  if let warning = BenchmarkConditions.warning(after: measurements) { invocation.warn(warning) }
  let different = measurements.filter { !$0.bits.isEqual }
  guard different.isEmpty else {
    throw ToolError(
      description: "\(different.count) of \(counted(rows.count, "row")) differ from the reference order of arithmetic")
  }
  return measurements
}

private func listWorkloads(_ invocation: Invocation) throws {
  for family in WorkloadFamily.allCases {
    try invocation.output.line("\(family.rawValue): \(family.summary)")
    let rows = family.workloads.map { workload in
      [
        "  \(workload.name)", workload.network, workload.activation.rawValue, workload.loss.rawValue,
        workload.kind.rawValue, counted(workload.batch, "row"),
      ]
    }
    for line in TextTable(rows: rows, leadingColumns: [0, 1, 2, 3, 4]).lines { try invocation.output.line(line) }
  }
}
