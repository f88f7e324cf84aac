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

@Suite struct InfoNetworkTests {
  private static let words = ["info", "--network", "13-64-32-1", "--batch", "200", "--activation", "tanh"]

  @Test func theJSONTellsWhatWasChosenAmongWhat() throws {
    let result = try Tool.run(Self.words + ["--precision", "f64", "--threads", "2", "--json"])
    #expect(result.exitCode == 0 && result.errors.isEmpty)
    let objects = try result.objects()
    #expect(objects.map { $0["work"] as? String } == ["predict", "gradients", "step"])
    let variants = try Backends.available()
    for choice in objects {
      #expect(choice["sizes"] as? [Int] == [13, 64, 32, 1])
      #expect(choice["activations"] as? [String] == ["tanh", "tanh", "identity"])
      #expect(choice["precision"] as? String == "f64")
      #expect(choice["batch"] as? Int == 200)
      #expect((choice["least_rows"] as? Int ?? 201) <= 200 && (choice["most_rows"] as? Int ?? 0) >= 200)
      let candidates = try #require(choice["candidates"] as? [[String: Any]])
      #expect(
        candidates.count
          == variants.reduce(0) { $0 + ($1.kind == .openmp ? 2 : $1.kind == .simd || variants.count == 1 ? 1 : 0) })
      let chosen = candidates.filter { $0["result"] as? String == "chosen" }
      #expect(chosen.count == 1)
      for member in ["backend", "isa"] {
        #expect(chosen.first?[member] as? String == choice[member] as? String)
      }
      #expect(chosen.first?["threads"] as? Int == choice["threads"] as? Int)
      #expect(candidates.reduce(0) { $0 + ($1["calls"] as? Int ?? 0) } == choice["calls"] as? Int)
      #expect((choice["reason"] as? String)?.isEmpty == false)
    }
  }

  @Test func theTextHasATableForEachKindOfWork() throws {
    let result = try Tool.run(Self.words)
    #expect(result.exitCode == 0 && result.errors.isEmpty)
    for part in ["13-64-32-1, tanh", "200 rows, f32", "predict: ", "gradients: ", "step: ", "chosen", "calls"] {
      #expect(result.output.contains(part), "\(part)")
    }
    // One candidate needs no race.
    let alone = try Tool.run(Self.words, environment: ["LOCKSTEP_MAX_ISA": "scalar"])
    #expect(alone.output.contains("step: scalar on 1 thread; nothing else can run"))
  }

  @Test(arguments: [
    (["--batch", "5"], "--batch is of a network; it needs --network"),
    (["--threads", "2"], "--threads is of a network; it needs --network"),
    (["--network", "784"], "--network is '784'"),
    (["--network", "3-1", "--loss", "cross-entropy"], "at least 2 outputs"),
    (["--network", "100000-100000", "--batch", "10000000"], "GB"),
    (["--network", "3-1", "--batch", "0"], "--batch is '0'"),
    (["--network", "3-1", "--threads", "0"], "--threads is '0'"),
  ])
  func whatMakesNoSenseIsRefused(options: [String], sentence: String) throws {
    let result = try Tool.run(["info"] + options)
    #expect(result.exitCode == 2)
    #expect(result.output.isEmpty)
    #expect(result.errors.contains(sentence))
  }

  @Test func whatTheToolPrintsIsWhatWasChosen() throws {
    let words = ["celsius", "--iterations", "500", "--json"]
    let chosen = try Tool.run(words).object()
    let variants = try Backends.available()
    #expect(variants.contains { $0.kind.rawValue == chosen["backend"] as? String })
    #expect(chosen["threads"] as? Int == 1, "100 rows of four parameters and three are no work for two threads")
    let pinned = try Tool.run(words + ["--backend", "scalar"]).object()
    #expect(pinned["backend"] as? String == "scalar")
    #expect(pinned["parameters_digest"] as? String == chosen["parameters_digest"] as? String)
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
