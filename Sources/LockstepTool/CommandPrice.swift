// `lockstep benchmark price`: what the order of arithmetic costs. What is measured lies in PriceOfOrder.swift of the
// module LockstepBenchmark.

import ComputeBackend
import Lockstep
import LockstepBenchmark

extension Invocation {
  /// Measures every priced product and reports it.
  ///
  /// - Throws: ``ToolError``, ``UsageError``, `BackendError`.
  func measurePrice() throws {
    guard operands.count == 1 else {
      throw UsageError(description: "the word '\(operands[1])' is one too many: `benchmark price` takes no workloads")
    }
    let allowed = [
      BenchmarkOptions.format.name, CommonOptions.json.name, BenchmarkOptions.quick.name, BenchmarkOptions.clock.name,
    ]
    if let option = command.options.first(where: { isGiven($0) && !allowed.contains($0.name) }) {
      throw UsageError(description: "--\(option.name) is not for `lockstep benchmark price`")
    }
    guard let set = try Backends.available().map(\.instructionSet).first(where: { $0 != .scalar }) else {
      throw ToolError(description: "LOCKSTEP_MAX_ISA allows no vectors, which the kernels need")
    }
    Interruption.endBenchmark()
    for warning in BenchmarkConditions.warningsBefore { warn(warning) }
    let run = try BenchmarkRun(clock: self[BenchmarkOptions.clock], isQuick: self[BenchmarkOptions.quick])
    let peak = run.limits.peak(set, .f32, threads: 1)
    let progress = Progress()
    var results: [PriceResult] = []
    for product in PricedProduct.all {
      progress.show(product.name)
      guard let result = run.price(of: product, instructionSet: set) else {
        throw ToolError(description: "there is not enough memory for \(product.name)")
      }
      results.append(result)
    }
    progress.clear()
    if isJSON || self[BenchmarkOptions.format] == .json {
      for result in results { try output.line(JSONValue.object(result.jsonMembers(peak: peak, set: set)).text) }
    } else {
      try writeTable(results, peak: peak)
    }
    if let result = results.first(where: { $0.difference != nil }) {
      throw ToolError(description: "\(result.product.name): \(result.difference ?? "")")
    }
  }

  private func writeTable(_ results: [PriceResult], peak: Double) throws {
    let header = ["product", "sums over", "contract", "free", "price", "of FMA peak", "other bits"]
    let rows = results.map { result in
      let product = result.product
      return [
        product.name, product.sum == .rows ? "rows" : "features", engineering(result.contract.median, "s"),
        engineering(result.free.median, "s"), fixed(100 * result.price, digits: 1) + " %",
        percent(product.operations / result.contract.median / peak), percent(result.differentElements),
      ]
    }
    if self[BenchmarkOptions.format] == .markdown {
      let rule = ["---", "---"] + Array(repeating: "---:", count: header.count - 2)
      for line in [header, rule] + rows { try output.line("| " + line.joined(separator: " | ") + " |") }
    } else {
      for line in TextTable(header: header, rows: rows, leadingColumns: [0, 1]).lines { try output.line(line) }
    }
  }
}

extension PriceResult {
  /// What `--json` writes.
  fileprivate func jsonMembers(peak: Double, set: InstructionSet) -> [(key: String, value: JSONValue)] {
    [
      ("workload", .string(product.name)), ("sums_over", .string(product.sum.rawValue)),
      ("rows", .integer(product.rows)), ("columns", .integer(product.columns)), ("depth", .integer(product.depth)),
      ("isa", .string(set.rawValue)), ("threads", 1), ("precision", "f32"),
      ("contract_seconds", .number(contract.median)), ("contract_spread", .number(contract.spread)),
      ("free_seconds", .number(free.median)), ("free_spread", .number(free.spread)),
      ("price_percent", .number(100 * price)), ("gflops", .number(product.operations / contract.median / 1e9)),
      ("peak_gflops", .number(peak / 1e9)), ("other_bits_percent", .number(100 * differentElements)),
      ("bits", .string(difference == nil ? "equal" : "different")),
    ]
  }
}
