// The backends under test: every variant that the list in code has for this build and CPU, on several numbers of threads, and
// the test that none is missing.

import CLockstepCPU
import ComputeBackend
import Foundation
import Lockstep
import Testing

/// How many threads a backend that takes a number runs on. Seven is more than most test machines have cores.
let threadCounts = [1, 2, 3, 7]

/// Every backend that runs here, on each number of threads that it can use.
func allBackends<Element: NetworkElement>(_: Element.Type) throws -> [any ComputeBackend<Element>] {
  try Backends.available().flatMap { variant in
    try threadCounts
      .map { try Backends.make(variant, threads: $0, as: Element.self) }
      .enumerated().filter { index, backend in index == 0 || backend.threads > 1 }
      .map { $0.element }
  }
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

  /// A parity test over fewer backends than intended passes all the same, so what must run is named from outside:
  /// `LOCKSTEP_EXPECT_BACKENDS=scalar,simd/avx2,openmp/avx2`.
  @Test("Each backend that LOCKSTEP_EXPECT_BACKENDS names runs, for both element types")
  func expected() throws {
    let (float, double) = (try allBackends(Float.self), try allBackends(Double.self))
    for name in (Self.environment["LOCKSTEP_EXPECT_BACKENDS"] ?? "").split(separator: ",").map(String.init) {
      #expect(float.contains { $0.variant == name }, "\(name) does not run for Float")
      #expect(double.contains { $0.variant == name }, "\(name) does not run for Double")
    }
  }

  @Test("Where the CPU has the minimum, scalar and SIMD run; elsewhere nothing does")
  func minimum() throws {
    let kinds = Set(try allBackends(Float.self).map(\.kind))
    guard lockstep_cpu_missing_feature() == nil else {
      #expect(kinds.isEmpty)
      return
    }
    #expect(kinds.contains(.scalar))
    #expect(kinds.contains(.simd) || Self.environment["LOCKSTEP_MAX_ISA"] == "scalar")
  }

  @Test("A backend with kernels for AVX-512 runs them where the CPU has it")
  func widest() throws {
    guard lockstep_cpu_supports_avx512(), (Self.environment["LOCKSTEP_MAX_ISA"] ?? "").isEmpty else { return }
    let variants = Set(try allBackends(Float.self).map(\.variant))
    let isAvailable = try Backends.unavailability(of: .openmp) == nil
    #expect(variants.contains("openmp/avx512") == isAvailable)
  }

  @Test("OpenMP is the only one with threads, and has as many as asked for")
  func threads() throws {
    let backends = try allBackends(Float.self)
    for variant in try Backends.available() {
      let threads = backends.filter { $0.variant == variant.description }.map(\.threads)
      #expect(threads == (variant.kind == .openmp ? threadCounts : [1]), "\(variant)")
    }
  }

  @Test("One list for both element types, each variant once for each number of threads")
  func list() throws {
    let names = try allBackends(Float.self).map(\.name)
    #expect(names == (try allBackends(Double.self).map(\.name)))
    #expect(Set(names).count == names.count)
  }

  @Test("A backend on one thread is the same backend")
  func singleThreaded() throws {
    for backend in try allBackends(Float.self) {
      let single = backend.singleThreaded
      #expect(single.threads == 1, "\(backend.name)")
      #expect(single.variant == backend.variant, "\(backend.name)")
    }
  }
}
