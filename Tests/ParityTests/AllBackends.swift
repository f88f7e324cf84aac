// The list of backends under test: none is missing, each is what it says.

import BackendMatrix
import CLockstepCPU
import ComputeBackend
import Foundation
import Lockstep
import Testing

@Suite("The backends under test")
struct AllBackendsTests {
  static let environment = ProcessInfo.processInfo.environment
  static let expectedVariants = (environment["LOCKSTEP_EXPECT_BACKENDS"] ?? "").split(separator: ",").map(String.init)
  static let isCapped = !(environment["LOCKSTEP_MAX_ISA"] ?? "").isEmpty

  /// A parity test over fewer backends than intended passes all the same, so what must run is named from outside:
  /// `LOCKSTEP_EXPECT_BACKENDS=scalar,simd/avx2,openmp/avx2`.
  @Test(
    "Each backend that LOCKSTEP_EXPECT_BACKENDS names runs, for both element types",
    .enabled(if: !expectedVariants.isEmpty, "LOCKSTEP_EXPECT_BACKENDS names none"))
  func expected() throws {
    let (float, double) = (try allBackends(Float.self), try allBackends(Double.self))
    for name in Self.expectedVariants {
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

  @Test(
    "A backend with kernels for AVX-512 runs them where the CPU has it",
    .enabled(if: lockstep_cpu_supports_avx512() && !isCapped, "this CPU lacks AVX-512, or LOCKSTEP_MAX_ISA is set"))
  func widest() throws {
    let variants = Set(try allBackends(Float.self).map(\.variant))
    let isAvailable = try Backends.unavailability(of: .openmp) == nil
    #expect(variants.contains("openmp/avx512") == isAvailable)
  }

  @Test("OpenMP is the only one with threads, and has as many as asked for")
  func threads() throws {
    for variant in try Backends.available() {
      for threads in threadCounts {
        let backend = try Backends.make(variant, threads: threads, as: Float.self)
        #expect(backend.threads == (variant.kind == .openmp ? threads : 1), "\(variant)")
      }
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
