// The options of `lockstep benchmark`, and the rows that they ask for.

import ComputeBackend
import Foundation
import Lockstep
import LockstepBenchmark
import LockstepData

/// How the results of `benchmark` are written.
enum BenchmarkFormat: String, CaseIterable {
  case text, json, markdown
}

/// `f32`, `f64`, or both.
enum BenchmarkPrecision: String, CaseIterable {
  case f32, f64, both

  var precisions: [Precision] {
    switch self {
    case .f32: [.f32]
    case .f64: [.f64]
    case .both: [.f32, .f64]
    }
  }
}

/// The options of `benchmark`.
enum BenchmarkOptions {
  static let network = CommandOption<[Int]?>(
    "network", valueName: "SIZES", summary: "measure a network of these widths instead of a named workload",
    default: nil, defaultText: nil, allowed: "two or more widths from 1 to 1048576, such as 784-512-10",
    parse: { text in
      let sizes = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
      guard sizes.count > 1, sizes.allSatisfy({ 1...1 << 20 ~= $0 }) else { return nil }
      return .some(sizes)
    })

  static let batch = CommandOption.integer(
    "batch", summary: "rows in a step of --network", in: 1...100_000_000, default: 128)

  static let activation = CommandOption<Activation>.choice(
    "activation", summary: "the activation of the hidden layers of --network", default: .relu)

  static let loss = CommandOption<Loss>.choice("loss", summary: "the loss of --network", default: .meanSquaredError)

  static let inference = CommandOption.flag("inference", summary: "measure forward alone of --network, not training")

  static let filter = CommandOption<BenchmarkFilter?>(
    "filter", valueName: "PATTERN",
    summary: "only rows whose name, as in mnist/openmp/avx2/1/f32, holds this text or regular expression",
    default: nil, defaultText: nil, allowed: "a text or a regular expression",
    parse: { text in BenchmarkFilter(text).map { .some($0) } })

  static let backends = CommandOption<[BackendName]?>(
    "backend", valueName: "NAME[,NAME...]", summary: "backends, or variants such as openmp/avx2",
    default: nil, defaultText: "all that can run here",
    allowed: "a list of " + BackendKind.allCases.map(\.rawValue).joined(separator: ", ")
      + ", each alone or with an instruction set as in openmp/avx2",
    parse: { list($0, of: BackendName.init).map { .some($0) } })

  static let threads = CommandOption<[Int]?>(
    "threads", valueName: "N[,N...]", summary: "numbers of threads; scalar and simd use one",
    default: nil, defaultText: "1, and one a core",
    allowed: "a list of whole numbers between 1 and \(Backends.maximumThreads)",
    parse: { text in
      list(text) { word in Int(word).flatMap { 1...Backends.maximumThreads ~= $0 ? $0 : nil } }.map { .some($0) }
    })

  static let precision = CommandOption<BenchmarkPrecision>.choice(
    "precision", summary: "the arithmetic: 32-bit or 64-bit floating point", default: .f32)

  static let format = CommandOption<BenchmarkFormat>.choice(
    "format", summary: "a table, a JSON object for each row, or a table in Markdown", default: .text)

  static let quick = CommandOption.flag(
    "quick", summary: "measure shortly, and leave out what takes long unless it is named")

  static let list = CommandOption.flag("list", summary: "show the names of workloads and measure nothing")

  static let clock = CommandOption<BenchmarkClock>.choice(
    "clock", summary: "the time that passes, or the processor time of a single thread, for a busy machine",
    default: .wall)

  static let plot = CommandOption<PictureTarget?>(
    "plot", valueName: "FILE",
    summary: "draw the rows under the roofline of this machine, into a file that ends in .svg, .png or .pdf",
    default: nil, defaultText: nil, allowed: "the name of a file that ends in .svg, .png or .pdf",
    parse: { text in
      guard let target = PictureTarget(name: text), target != .text else { return nil }
      return .some(target)
    })

  static let threshold = CommandOption<Double>(
    "threshold", valueName: "RATIO", summary: "the least part of the baseline's figure that is fast enough",
    default: 0.9, defaultText: "0.9", allowed: "a number above 0, up to 10",
    parse: { Double($0).flatMap { $0 > 0 && $0 <= 10 ? $0 : nil } })

  static let baselineFolder = CommandOption<String>(
    "baseline-directory", valueName: "DIRECTORY", summary: "where baselines are kept", default: ".lockstep/baselines",
    defaultText: ".lockstep/baselines", allowed: "the name of a directory", parse: { $0.isEmpty ? nil : $0 })

  /// What describes a network, and means nothing without one.
  static let ofNetwork: [any OptionDeclaration] = [batch, activation, loss, inference]

  /// What is about baselines alone.
  static let ofBaseline: [any OptionDeclaration] = [threshold, baselineFolder]

  private static func list<Value>(_ text: String, of value: (String) -> Value?) -> [Value]? {
    let words = text.split(separator: ",", omittingEmptySubsequences: false)
    let values = words.compactMap { value(String($0)) }
    return values.count == words.count ? values : nil
  }
}

/// What a row's name must hold.
struct BenchmarkFilter: Sendable {
  let pattern: String

  init?(_ pattern: String) {
    if pattern.isEmpty { return nil }
    self.pattern = pattern
  }

  /// Whether the pattern is no regular expression.
  var isTextAlone: Bool { (try? Regex(pattern)) == nil }

  /// Whether the name holds the pattern as it stands, or something that it matches as a regular expression.
  func allows(_ name: String) -> Bool {
    if name.contains(pattern) { return true }
    guard let expression = try? Regex(pattern) else { return false }
    return name.contains(expression)
  }
}

extension Invocation {
  /// The rows to measure.
  ///
  /// - Parameter names: the workloads and families that are named; the whole table where there are none.
  /// - Throws: ``UsageError``, `BackendError`.
  func benchmarkRows(named names: [String]) throws -> [BenchmarkRow] {
    let isSingleThreaded = self[BenchmarkOptions.clock] == .cpu
    let cores = max(1, ProcessInfo.processInfo.activeProcessorCount)
    var threads: [Int] = []
    for count in self[BenchmarkOptions.threads] ?? (isSingleThreaded ? [1] : [1, cores]) where !threads.contains(count)
    {
      threads.append(count)
    }
    if isSingleThreaded, threads != [1] {
      throw UsageError(description: "--clock cpu measures the time of one thread; it needs --threads 1")
    }
    var rows = BenchmarkRow.all(
      try benchmarkWorkloads(named: names), variants: try benchmarkVariants(), threads: threads,
      precisions: self[BenchmarkOptions.precision].precisions)
    if let filter = self[BenchmarkOptions.filter] { rows = rows.filter { filter.allows($0.name) } }
    guard !rows.isEmpty else {
      let isText = self[BenchmarkOptions.filter]?.isTextAlone ?? false
      throw UsageError(
        description: "no row's name holds '\(self[BenchmarkOptions.filter]?.pattern ?? "")', which --filter asks for"
          + (isText ? ", which is no regular expression and was taken as a text" : ""))
    }
    return rows
  }

  /// The workloads that are named, or the network that is given, or the table.
  func benchmarkWorkloads(named names: [String]) throws -> [Workload] {
    let ofNetwork = try networkWorkload(
      self[BenchmarkOptions.inference] ? .inference : .training, described: BenchmarkOptions.ofNetwork,
      in: self[BenchmarkOptions.precision] == .f32 ? .f32 : .f64)
    if let ofNetwork {
      if let name = names.first {
        throw UsageError(description: "--network is given, and the workload '\(name)' too; only one can be measured")
      }
      return [ofNetwork]
    }
    if names.isEmpty {
      let workloads = isGiven(BenchmarkOptions.filter) ? Workload.all : WorkloadFamily.table.workloads
      return workloads.filter { !self[BenchmarkOptions.quick] || $0.operations <= 1e9 }
    }
    var found: [Workload] = []
    for name in names {
      let workloads = Workload.named(name).filter { !found.contains($0) }
      found += workloads
      guard workloads.isEmpty, Workload.named(name).isEmpty else { continue }
      if ["baseline", "price"].contains(name) {
        throw UsageError(description: "'\(name)' must be the first word after `benchmark`")
      }
      let known = Workload.all.map(\.name) + WorkloadFamily.allCases.map(\.rawValue) + ["curves", "baseline", "price"]
      let suggestion = nearestName(to: name, among: known).map { "; did you mean \($0)?" }
      throw UsageError(
        description: "unknown workload '\(name)'\(suggestion ?? "; `lockstep benchmark --list` shows them")")
    }
    return found
  }

  /// The network that `--network` gives, with its batch; nothing where it is not given, nor any of the options that
  /// describe it.
  ///
  /// - Throws: ``UsageError`` where it does not fit its loss or this machine.
  func networkWorkload(
    _ kind: Workload.Kind, described options: [any OptionDeclaration], in precision: Precision
  ) throws -> Workload? {
    guard let sizes = self[BenchmarkOptions.network] else {
      guard let option = options.first(where: isGiven) else { return nil }
      throw UsageError(description: "--\(option.name) is of a network; it needs --network")
    }
    let loss = self[BenchmarkOptions.loss]
    if loss == .softmaxCrossEntropy, sizes[sizes.count - 1] < 2 {
      throw UsageError(description: "--loss cross-entropy needs a network of at least 2 outputs")
    }
    let workload = Workload(
      name: "network", kind: kind, sizes: sizes, activation: self[BenchmarkOptions.activation], loss: loss,
      batch: self[BenchmarkOptions.batch])
    try checkMemory(of: workload, in: precision)
    return workload
  }

  /// Refuses a network that this machine's memory does not hold, before anything is allocated for it.
  private func checkMemory(of workload: Workload, in precision: Precision) throws {
    let sizes = workload.sizes.map(Double.init)
    let parameters = zip(sizes, sizes.dropFirst()).reduce(0) { $0 + ($1.0 + 1) * $1.1 }
    let numbersOfARow = sizes[0] + sizes[sizes.count - 1] + 2 * sizes.dropFirst().reduce(0, +)
    // The network as a value, in the trainer, in its witness, and with the reference's gradients.
    let numbers = 4 * parameters + 2 * Double(workload.batch) * numbersOfARow
    let bytes = numbers * (precision == .f32 ? 4 : 8)
    let memory = Double(ProcessInfo.processInfo.physicalMemory)
    guard bytes > 0.8 * memory else { return }
    throw UsageError(
      description: "--network and --batch need about \(Int((bytes / 1e9).rounded(.up))) GB to be measured and checked, "
        + "and this machine has \(Int(memory / 1e9)) GB; choose smaller ones")
  }

  /// The variants that `--backend` asks for; all where it does not.
  func benchmarkVariants() throws -> [BackendVariant] {
    let available = try Backends.available()
    guard let wanted = self[BenchmarkOptions.backends] else { return available }
    return try wanted.flatMap { wanted in
      let found = available.filter {
        $0.kind == wanted.kind && (wanted.instructionSet == nil || $0.instructionSet == wanted.instructionSet)
      }
      if found.isEmpty {
        let set = wanted.instructionSet.map { "this CPU or build has no \($0.rawValue) for it" }
        throw BackendError.unavailable(
          wanted.kind, reason: try Backends.unavailability(of: wanted.kind) ?? set ?? "no variant of it runs here")
      }
      return found
    }
  }
}
