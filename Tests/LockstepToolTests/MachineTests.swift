// `lockstep info` and `lockstep verify`: what they say of the machine that the tests run on.

import ComputeBackend
import Foundation
import Lockstep
import Testing

@Suite struct InfoTests {
  @Test func everyBackendIsListed() throws {
    let objects = try Tool.run("info", "--json").objects()
    #expect(objects.count == 1)
    let backends = try #require(objects.first?["backends"] as? [[String: Any]])
    #expect(backends.map { $0["backend"] as? String } == BackendKind.allCases.map(\.rawValue))
    for (backend, kind) in zip(backends, BackendKind.allCases) {
      let sets = try Backends.available().filter { $0.kind == kind }.map(\.instructionSet.rawValue)
      #expect(backend["isas"] as? [String] == sets)
      #expect(backend["unavailable"] as? String == (try Backends.unavailability(of: kind)))
    }
    #expect(objects.first?["auto_backend"] as? String == (try Backends.available().first?.kind.rawValue))
  }

  @Test(.enabled(if: Backends.openMPVersion != nil))
  func threadsAreThoseThatOpenMPIsToldToTake() throws {
    func threads(_ value: String) throws -> Int? {
      try Tool.run("info", "--json", environment: ["OMP_NUM_THREADS": value]).object()["auto_threads"] as? Int
    }
    #expect(try threads("1") == 1)
    #expect(try threads("5,2") == 5)
    #expect(try threads("100000") == Backends.maximumThreads)
    for withoutSense in ["none", "", "0", "-3", "4x", "2,", "2 3", "99999999999999999999"] {
      #expect(try threads(withoutSense) == 1, "\(withoutSense)")
    }
    // The OpenMP library itself ends the process over such a value.
    let result = try Tool.run("verify", "--quick", environment: ["OMP_NUM_THREADS": "none"])
    #expect(result.exitCode == 0 && result.errors.isEmpty)
  }

  @Test func theTextNamesWhatMatters() throws {
    let result = try Tool.run("info", environment: ["LOCKSTEP_MAX_ISA": "scalar"])
    #expect(result.exitCode == 0 && result.errors.isEmpty)
    let parts = ["CPU", "features", "cores", "backend scalar", "backend auto", "LOCKSTEP_MAX_ISA", "version of"]
    for part in parts { #expect(result.output.contains(part)) }
  }
}

@Suite struct VerifyTests {
  @Test func everyRowIsEqual() throws {
    let result = try Tool.run("verify", "--quick", "--json")
    #expect(result.exitCode == 0)
    #expect(result.errors.isEmpty)
    let rows = try result.objects()
    #expect(rows.count >= 20)
    for row in rows {
      #expect(row["equal"] as? Bool == true, "\(row)")
      #expect((row["comparisons"] as? Int ?? 0) >= (try Backends.available().count))
    }
    #expect(Set(rows.compactMap { $0["digest"] as? String }).count == rows.count, "two rows have the same results")
    #expect(Set(rows.compactMap { $0["activation"] as? String }) == Set(Activation.allCases.map(\.rawValue)))
    #expect(Set(rows.compactMap { $0["loss"] as? String }) == Set(Loss.allCases.map(\.rawValue)))
    #expect(Set(rows.compactMap { $0["precision"] as? String }) == Set(Precision.allCases.map(\.rawValue)))
  }
}
