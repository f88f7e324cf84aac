// The backends that tests run over: every variant that the list in code has for this build and CPU, on several numbers
// of threads. What is tested lies in the test targets.

import ComputeBackend
import Lockstep

/// How many threads a backend that takes a number runs on. Seven is more than most test machines have cores.
public let threadCounts = [1, 2, 3, 7]

extension BackendKind {
  /// The numbers of threads that a backend of this kind is tested on.
  public var testedThreadCounts: [Int] { self == .openmp ? threadCounts : [1] }
}

/// Every backend that runs here, on each number of threads that it can use.
public func allBackends<Element: NetworkElement>(
  _: Element.Type = Element.self
) throws -> [any ComputeBackend<Element>] {
  try Backends.available().flatMap { variant in
    try variant.kind.testedThreadCounts.map { try Backends.make(variant, threads: $0, as: Element.self) }
  }
}

extension ComputeBackend {
  /// `kind/instruction set`, as in `openmp/avx2`; `scalar` alone for the scalar backend.
  public var variant: String { BackendVariant(kind: kind, instructionSet: instructionSet).description }

  /// The variant and its threads, for messages.
  public var name: String { "\(variant) on \(threads) threads" }
}
