// `lockstep benchmark`: how fast, and how near to what this machine can do. What is measured and how lies in the module
// LockstepBenchmark, the options in BenchmarkOptions.swift, the tables in BenchmarkReport.swift.

import FileWriting
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
    bit for bit: the whole batch where that is quick, else some of its rows, and the whole batch with another backend's \
    (--json says how many rows, and which backend). Where any bit differs, the exit code is 1.

    The limit is the time that the products of a step take at the peak of fused multiply-adds (fma), or that its \
    parameters and data take from the cache or memory that holds them (l1, l2, l3, memory), whichever is longer. The \
    spread is the interquartile range over the median, and `reached` the limit over the time.

    `benchmark baseline update NAME` keeps what rows reached, in place of an older baseline of that name; `compare NAME` \
    measures the same rows again and fails (exit code 1) where one reached less than --threshold of it; `list` shows \
    baselines, `delete NAME` deletes one. `benchmark price` takes about a minute and compares products in the order that \
    gives the same bits everywhere with the same products in a free one; it takes --quick, --clock and --format alone.
    """,
  moreOperands: "[WORKLOAD...]",
  options: [
    BenchmarkOptions.network, BenchmarkOptions.batch, BenchmarkOptions.activation, BenchmarkOptions.loss,
    BenchmarkOptions.inference, BenchmarkOptions.filter, BenchmarkOptions.backends, BenchmarkOptions.threads,
    BenchmarkOptions.precision, BenchmarkOptions.format, CommonOptions.json, BenchmarkOptions.quick,
    BenchmarkOptions.list, BenchmarkOptions.clock, BenchmarkOptions.plot, BenchmarkOptions.threshold,
    BenchmarkOptions.baselineFolder,
  ],
  examples: [
    ("lockstep benchmark --quick", "the smaller networks of the table, in a few seconds"),
    ("lockstep benchmark mnist wide --backend openmp --json", "two workloads, a JSON object for each row"),
    ("lockstep benchmark --network 784-512-256-10 --batch 128 --loss cross-entropy", "a network of your own"),
    ("lockstep benchmark --plot roofline.svg", "the table, and a picture of it"),
    ("lockstep benchmark baseline update before", "keep the figures of today"),
    ("lockstep benchmark baseline compare before --threshold 0.95", "find what has become more than 5 % slower"),
    ("lockstep benchmark price", "what the same bits everywhere cost"),
    ("lockstep benchmark products --filter 1023 --clock cpu", "one product, on a machine that has other work to do"),
  ],
  run: { invocation in
    if invocation[BenchmarkOptions.list] { return try listWorkloads(invocation) }
    if invocation.operands.first == "baseline" {
      return try invocation.runBaseline(Array(invocation.operands.dropFirst()))
    }
    if invocation.operands.first == "price" { return try invocation.measurePrice() }
    for option in BenchmarkOptions.ofBaseline where invocation.isGiven(option) {
      throw UsageError(description: "--\(option.name) is of `lockstep benchmark baseline`")
    }
    let results = try invocation.measure(invocation.benchmarkRows(named: invocation.operands))
    if let warning = BenchmarkConditions.warning(aboveLimit: results) { invocation.warn(warning) }
  })

extension Invocation {
  /// Measures rows and reports each as soon as it is known.
  ///
  /// - Parameters:
  ///   - rows: what to measure.
  ///   - before: the part of its limit that each row reached once, where there is a baseline.
  /// - Returns: the results.
  /// - Throws: ``ToolError`` in the end, where the bits of a row are not the reference's or a row has become slower.
  @discardableResult
  func measure(_ rows: [BenchmarkRow], against before: [Double]? = nil) throws -> [BenchmarkResult] {
    Interruption.endBenchmark()
    let plot = self[BenchmarkOptions.plot]
    if case .file(let name, _) = plot {
      if let reason = Gnuplot.unavailability { throw ToolError(description: reason) }
      try OutputFile.check(name)
    }
    for warning in BenchmarkConditions.warningsBefore { warn(warning) }
    let run = try BenchmarkRun(clock: self[BenchmarkOptions.clock], isQuick: self[BenchmarkOptions.quick])
    let progress = Progress()
    progress.show("measuring the limits of this machine")
    run.measureLimits(for: rows, ofEveryLevel: plot != nil)
    progress.clear()

    let report = BenchmarkReport(invocation: self, rows: rows, comparesWithBaseline: before != nil)
    try report.begin()
    var results: [BenchmarkResult] = []
    var slower = 0
    for (index, row) in rows.enumerated() {
      progress.show("\(index + 1) of \(rows.count): \(row.name)")
      let result = try run.measure(row)
      progress.clear()
      let comparison = before.map {
        BaselineComparison(result: result, before: $0[index], threshold: self[BenchmarkOptions.threshold])
      }
      results.append(result)
      if comparison?.isSlower ?? false { slower += 1 }
      try report.add(result, comparison: comparison)
    }
    if let warning = BenchmarkConditions.warning(after: results) { warn(warning) }
    if case .file(let name, let format) = plot {
      try RooflinePlot(results, limits: run.limits).write(to: name, format: format)
    }

    let different = results.count { !$0.bits.isEqual }
    if different > 0 {
      throw ToolError(
        description: "\(different) of \(counted(rows.count, "row")) differ from the reference order of arithmetic")
    }
    if slower > 0 {
      throw ToolError(
        description: "\(slower) of \(counted(rows.count, "row")) reached less than "
          + "\(self[BenchmarkOptions.threshold]) of the baseline")
    }
    return results
  }
}

private func listWorkloads(_ invocation: Invocation) throws {
  guard !invocation[CommonOptions.json] else { throw UsageError(description: "--list writes text; leave --json out") }
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
