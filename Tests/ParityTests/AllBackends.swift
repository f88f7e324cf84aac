// The backends under test: every variant that the list in code has for this build and CPU, on several numbers of threads, and
// the test that none is missing.

import CLockstepCPU
import ComputeBackend
import Foundation
import Lockstep
import ScalarBackend
import Testing

/// How many threads backends that take a number run on. Seven is more than most test machines have cores.
let threadCounts = [1, 2, 3, 7]

/// Every backend that runs here, and on each number of threads.
func allBackends<Element: KernelElement>(_: Element.Type) -> [any ComputeBackend<Element>] {
  ScalarBackend<Element>().map { [$0] } ?? []
}

extension ComputeBackend {
  /// `kind/instruction set`, as in `openmp/avx2`; `scalar` alone for the scalar backend.
  var variant: String {
    kind == .scalar ? kind.rawValue : "\(kind.rawValue)/\(instructionSet.rawValue)"
  }

  /// The variant and its threads, for messages.
  var name: String { "\(variant) on \(threads) threads" }
}

@Suite("The backends under test")
struct AllBackendsTests {
  static let environment = ProcessInfo.processInfo.environment

  /// A parity test over fewer backends than intended passes all the same, so what should run is named from outside.
  @Test("Each backend that LOCKSTEP_EXPECT_BACKENDS names runs, for both element types")
  func expected() {
    let expected = (Self.environment["LOCKSTEP_EXPECT_BACKENDS"] ?? "").split(separator: ",").map(String.init)
    for name in expected {
      #expect(allBackends(Float.self).contains { $0.variant == name }, "\(name) does not run for Float")
      #expect(allBackends(Double.self).contains { $0.variant == name }, "\(name) does not run for Double")
    }
  }

  @Test("Where the CPU has the minimum, scalar and SIMD run")
  func minimum() {
    guard lockstep_cpu_missing_feature() == nil else {
      #expect(allBackends(Float.self).isEmpty)
      return
    }
    #expect(allBackends(Float.self).contains { $0.kind == .scalar })
  }

  @Test("One list for both element types, each variant once for each number of threads")
  func list() {
    let names = allBackends(Float.self).map(\.name)
    #expect(names == allBackends(Double.self).map(\.name))
    #expect(Set(names).count == names.count)
  }

  @Test("A backend on one thread is the same backend")
  func singleThreaded() {
    for backend in allBackends(Float.self) {
      let (single, kind) = (backend.singleThreaded, backend.kind)
      #expect(single.threads == 1, "\(backend.name)")
      #expect(single.kind == kind, "\(backend.name)")
      #expect(single.variant == backend.variant, "\(backend.name)")
      #expect(kind == .openmp || backend.threads == 1, "\(backend.name)")
    }
  }
}
