// `lockstep verify`: the promise, tried on the user's own CPU. The table of networks lies in VerifyCases.swift, what is
// computed and compared in Verification.swift.

import ComputeBackend
import Lockstep

/// The command `verify`.
let verifyCommand = Command(
  name: "verify",
  summary: "compare every backend with the reference order of arithmetic, bit for bit",
  details: """
    Runs forward, backward and training over a table of networks in both precisions, with every backend and \
    instruction set that can run here, on several numbers of threads and several cuts of the batch into blocks, and \
    compares every bit with the reference. The digests are of the reference's results: they are the same on every \
    machine. Exits with 1 where anything differs.
    """,
  options: [VerifyOptions.quick, CommonOptions.json],
  examples: [
    ("lockstep verify --quick", "a few seconds"),
    ("lockstep verify --json", "one line for each row of the table"),
    ("LOCKSTEP_MAX_ISA=avx2 lockstep verify", "without the kernels for wider vectors"),
  ],
  run: { invocation in
    let cases = VerifyCase.table(quick: invocation[VerifyOptions.quick])
    var report = VerifyReport(invocation: invocation, rowCount: cases.count * Precision.allCases.count)
    try report.begin()
    for testCase in cases {
      for precision in Precision.allCases {
        report.show(testCase, precision)
        switch precision {
        case .f32: try report.add(Verification<Float>(testCase).outcome(), of: testCase, precision)
        case .f64: try report.add(Verification<Double>(testCase).outcome(), of: testCase, precision)
        }
      }
    }
    try report.end()
  })

/// The options of `verify`.
enum VerifyOptions {
  static let quick = CommandOption.flag("quick", summary: "fewer and smaller networks: a few seconds")
}

/// Writes the table, a line as soon as it is known.
private struct VerifyReport {
  let invocation: Invocation
  let rowCount: Int
  private var rowsDone = 0
  private var failedRows = 0
  private var comparisons = 0
  private var digests = ""
  private let progress = Progress()

  init(invocation: Invocation, rowCount: Int) {
    self.invocation = invocation
    self.rowCount = rowCount
  }

  func begin() throws {
    guard !invocation.isJSON else { return }
    let variants = try Backends.available().map(\.description).joined(separator: ", ")
    try invocation.output.line("Compared with the reference order, version \(OrderOfArithmetic.version): \(variants)\n")
    try invocation.output.line(
      Self.line("network", "rows", "hidden", "loss", "type", "digest of results", "compared", "result"))
  }

  func show(_ testCase: VerifyCase, _ precision: Precision) {
    progress.show(
      "\(rowsDone + 1) of \(rowCount): \(testCase.network), \(counted(testCase.rows, "row")), \(precision.rawValue)")
  }

  mutating func add(_ outcome: VerifyOutcome, of testCase: VerifyCase, _ precision: Precision) throws {
    rowsDone += 1
    comparisons += outcome.comparisons
    digests += outcome.digest
    if !outcome.isEqual { failedRows += 1 }
    progress.clear()
    let loss = testCase.loss.rawValue
    let output = invocation.output
    if invocation.isJSON {
      try output.json([
        "network": .string(testCase.network), "rows": .integer(testCase.rows),
        "activation": .string(testCase.hidden.rawValue), "loss": .string(loss),
        "precision": .string(precision.rawValue), "digest": .string(outcome.digest),
        "comparisons": .integer(outcome.comparisons), "equal": .bool(outcome.isEqual),
        "failures": .array(outcome.failures.map { .string($0) }),
      ])
    } else {
      try output.line(
        Self.line(
          testCase.network, "\(testCase.rows)", testCase.hidden.rawValue, loss, precision.rawValue, outcome.digest,
          "\(outcome.comparisons)", outcome.verdict))
      for failure in outcome.failures { try output.line("    \(failure)") }
    }
    try output.flush()
  }

  func end() throws {
    if !invocation.isJSON {
      try invocation.output.line(
        """

        \(rowsDone) rows, \(comparisons) runs compared with the reference, \
        \(failedRows == 0 ? "all equal, bit for bit" : "\(counted(failedRows, "row")) different")
        digest of all rows  \(Digest.fnv1a(bytes: digests.utf8))
        """)
    }
    guard failedRows == 0 else {
      throw ToolError(
        description:
          "\(failedRows) of \(rowsDone) rows \(failedRows == 1 ? "differs" : "differ") from the reference order")
    }
  }

  /// A line of the table; columns are as wide as their widest cell can be, since rows are written one by one.
  private static func line(_ cells: String...) -> String {
    let widths = [22, 5, 10, 13, 4, 17, 8, 0]
    let leading: Set = [0, 2, 3, 4, 5, 7]
    let padded = zip(cells, widths).enumerated().map { index, cell in
      let space = String(repeating: " ", count: max(0, cell.1 - cell.0.count))
      return leading.contains(index) ? cell.0 + space : space + cell.0
    }
    return padded.joined(separator: "  ")
  }
}
