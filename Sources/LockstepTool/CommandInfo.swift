// `lockstep info`: what this machine and this build can do. What `info --network` tells lies in InfoNetwork.swift.

import CLockstepCPU
import ComputeBackend
import Foundation
import Lockstep

/// The command `info`.
let infoCommand = Command(
  name: "info",
  summary: "show the CPU, the backends and versions, or what runs a network best",
  details: """
    With --network, shows what `--backend auto` chooses for a network and a batch: every backend, instruction set and \
    number of threads that may pay computes predictions, gradients and steps of training on made-up numbers, until the choice is \
    made, by the rule that any run of a network follows. The bits of the results do not depend on it.
    """,
  options: InfoNetworkOptions.all + [CommonOptions.json],
  examples: [
    ("lockstep info", "what `--backend auto` chooses from here"),
    ("lockstep info --network 784-512-256-10 --batch 128", "what it chooses for a network, and why"),
    ("LOCKSTEP_MAX_ISA=avx2 lockstep info", "the same under a cap on instruction sets"),
  ],
  run: { invocation in
    if try invocation.showChoices() { return }
    let info = try MachineInfo()
    if invocation.isJSON {
      try invocation.output.json(info.jsonMembers)
    } else {
      for line in TextTable(rows: info.rows, leadingColumns: [0, 1]).lines { try invocation.output.line(line) }
    }
  })

/// What `info` tells.
private struct MachineInfo {
  /// A backend with the instruction sets that it can use, or why it has none.
  struct Backend {
    let kind: BackendKind
    let instructionSets: [InstructionSet]
    let unavailability: String?
  }

  let cpu = processorName()
  /// Every feature that Lockstep knows of, and whether this CPU has it.
  let features = (0..<lockstep_cpu_feature_count()).map { index in
    (name: String(cString: lockstep_cpu_feature_name(index)), isPresent: lockstep_cpu_has_feature(index))
  }
  let cores = ProcessInfo.processInfo.activeProcessorCount
  let cap = ProcessInfo.processInfo.environment["LOCKSTEP_MAX_ISA"].flatMap { $0.isEmpty ? nil : $0 }
  let backends: [Backend]
  /// What `--backend auto` is before a race: the first of what it races.
  let automatic: any ComputeBackend<Float>
  /// What it races.
  let raced: [BackendVariant]
  let gnuplot = Gnuplot()?.version

  init() throws {
    let variants = try Backends.available()
    backends = try BackendKind.allCases.map { kind in
      Backend(
        kind: kind, instructionSets: variants.filter { $0.kind == kind }.map(\.instructionSet),
        unavailability: try Backends.unavailability(of: kind))
    }
    automatic = try Backends.make()
    let candidates = (automatic as? AutomaticBackend<Float>)?.raced.map(\.variant) ?? []
    raced = variants.filter(candidates.contains)
  }

  /// The names and values that `info` prints.
  var rows: [[String]] {
    let present = features.filter(\.isPresent).map(\.name)
    let missing = features.filter { !$0.isPresent }.map(\.name)
    var rows = [
      ["CPU", cpu ?? "unknown"],
      ["features", present.joined(separator: " ")],
    ]
    if !missing.isEmpty { rows.append(["features it lacks", missing.joined(separator: " ")]) }
    rows.append(["cores", "\(cores)"])
    for backend in backends {
      let state = backend.unavailability.map { "not available: \($0)" }
      rows.append([
        "backend \(backend.kind.rawValue)",
        state ?? backend.instructionSets.map(\.rawValue).joined(separator: ", "),
      ])
    }
    rows.append([
      "backend auto",
      (raced.count == 1 ? "" : "a race of ") + raced.map(\.description).joined(separator: ", ")
        + ", up to \(counted(automatic.threads, "thread"))",
    ])
    if let cap { rows.append(["LOCKSTEP_MAX_ISA", cap]) }
    rows += versions.map { ["version of \($0.name)", $0.text ?? "not there"] }
    return rows
  }

  var jsonMembers: KeyValuePairs<String, JSONValue> {
    [
      "cpu": .string(cpu),
      "features": .array(features.filter(\.isPresent).map { .string($0.name) }),
      "missing_features": .array(features.filter { !$0.isPresent }.map { .string($0.name) }),
      "cores": .integer(cores),
      "backends": .array(
        backends.map { backend in
          .object([
            ("backend", .string(backend.kind.rawValue)),
            ("isas", .array(backend.instructionSets.map { .string($0.rawValue) })),
            ("unavailable", .string(backend.unavailability)),
          ])
        }),
      "auto_backend": .string(automatic.kind.rawValue),
      "auto_isa": .string(automatic.instructionSet.rawValue),
      "auto_threads": .integer(automatic.threads),
      "max_isa": .string(cap),
      "versions": .object(versions.map { ($0.key, .string($0.text)) }),
    ]
  }

  private var versions: [(name: String, key: String, text: String?)] {
    [
      ("lockstep", "lockstep", toolVersion),
      ("the order of arithmetic", "order_of_arithmetic", "\(OrderOfArithmetic.version)"),
      ("Swift's standard library", "swift", "\(_SwiftStdlibVersion.current)"),
      ("OpenMP", "openmp", Backends.openMPVersion.map { "\($0)" }),
      ("gnuplot", "gnuplot", gnuplot),
    ]
  }
}
