// `lockstep benchmark` as a user runs it: what it writes, refuses and keeps. Nothing here asks how fast anything is.

import Foundation
import Testing

@Suite struct BenchmarkTests {
  /// A network that takes no time.
  private static let small = ["benchmark", "--network", "3-5-2", "--batch", "8", "--quick", "--backend", "scalar"]

  @Test func jsonHasEveryMember() throws {
    let result = try Tool.run(Self.small + ["--json", "--precision", "both"])
    #expect(result.exitCode == 0)
    let rows = try result.objects()
    #expect(rows.map { $0["precision"] as? String } == ["f32", "f64"])
    for row in rows {
      #expect(row["workload"] as? String == "network")
      #expect(row["network"] as? String == "3-5-2")
      #expect(row["batch"] as? Int == 8)
      #expect(row["backend"] as? String == "scalar")
      #expect(row["isa"] as? String == "scalar")
      #expect(row["threads"] as? Int == 1)
      #expect(row["bits"] as? String == "equal")
      #expect(["fma", "l1", "l2", "l3", "memory"].contains(row["limit"] as? String))
      // Two products of each layer, and a third of the second.
      #expect(row["flop_per_step"] as? Double == Double(2 * 8 * (2 * 15 + 3 * 10)))
      for key in [
        "seconds_per_step", "spread", "gflops", "peak_gflops", "percent_of_limit", "samples_per_second",
        "steps_per_second",
      ] {
        let value = try #require(row[key] as? Double, "\(key)")
        #expect(value >= 0, "\(key)")
      }
    }
  }

  @Test func whatCannotBeMeasuredIsRefused() throws {
    let cases = [
      (["--network", "100000-100000", "--batch", "100000"], "GB"),
      (["--list", "--json"], "--json"),
      (["--filter", "("], "no regular expression"),
    ]
    for (options, words) in cases {
      let result = try Tool.run(["benchmark", "--quick"] + options)
      #expect(result.exitCode == 2)
      #expect(result.errors.contains(words), "\(result.errors)")
    }
  }

  @Test func aNumberOfThreadsIsMeasuredOnce() throws {
    let result = try Tool.run([
      "benchmark", "--network", "3-5-2", "--quick", "--threads", "1,1,2,1", "--json",
    ])
    // The machine's own rows have no threads.
    let measured = try result.objects().filter { $0["threads"] != nil }
      .map { "\($0["backend"] ?? "") \($0["isa"] ?? "") \($0["threads"] ?? "")" }
    #expect(!measured.isEmpty)
    #expect(Set(measured).count == measured.count, "\(measured)")
  }

  /// The stated memory is an upper bound, and one that says something: not far above what is there in any case.
  @Test func trainingTakesTheMemoryThatIsStated() throws {
    let networks = [
      ("1024-2048-2048-10", 256, "openmp,simd"), ("16-64-1", 20_000, "openmp,simd"), ("1-2-1", 300_000, "openmp,simd"),
      ("64-1024-1024-8", 1500, "openmp,simd"), ("300-700-10", 40, "openmp,simd,scalar"),
    ]
    for (network, batch, backends) in networks {
      let result = try Tool.run([
        "benchmark", "--network", network, "--batch", "\(batch)", "--quick", "--backend", backends, "--threads", "1,2",
        "--json",
      ])
      for row in try result.objects() {
        let stated = try #require(row["memory_bytes"] as? Int)
        let parameters = zip(network.split(separator: "-"), network.split(separator: "-").dropFirst()).reduce(0) {
          $0 + (Int($1.0)! + 1) * Int($1.1)! * 4
        }
        #expect(stated >= parameters)
        #expect(stated < 3 * parameters + (40 << 20) * (row["threads"] as? Int ?? 0))
        // Elsewhere than on Linux nothing is measured.
        guard let measured = row["peak_memory_bytes"] as? Int else { continue }
        #expect(measured <= stated + (1 << 20), "\(row["network"] ?? ""), \(row["backend"] ?? ""), \(measured)")
      }
    }
  }

  @Test func textAndMarkdownHaveARowForEach() throws {
    let text = try Tool.run(Self.small + ["--precision", "both"])
    #expect(text.exitCode == 0)
    #expect(text.lines.count == 3)
    #expect(text.lines.allSatisfy { $0.count <= 100 })
    let markdown = try Tool.run(Self.small + ["--format", "markdown"])
    #expect(markdown.lines.count == 3)
    #expect(Set(markdown.lines.map { $0.split(separator: "|").count }).count == 1)
  }

  @Test func aDebugBuildIsWarnedOf() throws {
    let result = try Tool.run(Self.small)
    #if DEBUG
      #expect(result.errors.contains("debug build"))
    #else
      #expect(!result.errors.contains("debug build"))
    #endif
  }

  @Test func aFilterPicksRows() throws {
    let words = ["benchmark", "--quick", "--json", "--filter"]
    let rows = try Tool.run(words + ["^celsius/(scalar|simd)/.*f32$"]).objects()
    #expect(Set(rows.compactMap { $0["backend"] as? String }) == ["scalar", "simd"])
    #expect(rows.allSatisfy { $0["workload"] as? String == "celsius" })
    let none = try Tool.run(words + ["nothing"])
    #expect(none.exitCode == 2)
    #expect(none.output.isEmpty)
  }

  @Test func theListNamesWorkloads() throws {
    let result = try Tool.run("benchmark", "--list")
    #expect(result.exitCode == 0)
    for name in ["celsius", "tiny-large-batch", "products/1023x1023x1023", "width/4096", "batch/1000000", "depth/64"] {
      #expect(result.lines.contains { $0.hasPrefix("  \(name) ") }, "\(name)")
    }
  }

  @Test(arguments: [
    (["nix"], "unknown workload 'nix'"),
    (["mnis"], "did you mean mnist?"),
    (["--network", "784"], "--network is '784'"),
    (["--network", "784-0-10"], "--network is '784-0-10'"),
    (["--batch", "5"], "it needs --network"),
    (["--network", "3-2", "celsius"], "'celsius' too"),
    (["--network", "3-1", "--loss", "cross-entropy"], "at least 2 outputs"),
    (["--backend", "gpu"], "--backend is 'gpu'"),
    (["--threads", "1,0"], "--threads is '1,0'"),
    (["--clock", "cpu", "--threads", "2"], "--threads 1"),
    (["--plot", "roofline.txt"], "--plot is 'roofline.txt'"),
    (["--threshold", "0.5"], "baseline"),
    (["baseline"], "is missing"),
    (["baseline", "keep"], "'keep'"),
    (["baseline", "update"], "NAME"),
    (["baseline", "update", "../up"], "letters"),
    (["baseline", "update", String(repeating: "a", count: 300)], "has 300 letters; it must have 200 at most"),
    (["baseline", "list", "more"], "'more' is one too many"),
    (["baseline", "compare", "x", "--batch", "3"], "--batch cannot be given here"),
    (["price", "--threads", "2"], "--threads is not for"),
  ])
  func whatCannotBeFollowedIsRefused(words: [String], says: String) throws {
    let folder = try TemporaryFolder()
    let needsFolder = words.first == "baseline"
    if words.contains("compare") {
      try Data(#"{"format":1,"entries":[]}"#.utf8).write(to: URL(fileURLWithPath: folder.path + "/x.json"))
    }
    let result = try Tool.run(
      ["benchmark"] + words + (needsFolder ? ["--baseline-directory", folder.path] : []))
    #expect(result.exitCode == 2)
    #expect(result.errors.contains(says), "\(result.errors)")
    #expect(result.output.isEmpty)
  }

  @Test func baselinesAreKeptComparedListedAndDeleted() throws {
    let folder = try TemporaryFolder()
    let kept = ["--baseline-directory", folder.path + "/kept"]
    let rows = Array(Self.small.dropFirst()) + kept
    #expect(try Tool.run(["benchmark", "baseline", "update", "one"] + rows).exitCode == 0)
    #expect(try Tool.run(["benchmark", "baseline", "list"] + kept).output == "one  1 row\n")

    // Far slower, then far faster than today.
    let file = URL(fileURLWithPath: folder.path + "/kept/one.json")
    for (part, exitCode, isSlower) in [(0x1p-30, 0, false), (1024, 1, true)] as [(Double, Int32, Bool)] {
      let text = try String(contentsOf: file, encoding: .utf8)
      let changed = text.replacing(/"partOfLimit" : [^,]+,/, with: "\"partOfLimit\" : \(part),")
      #expect(changed != text)
      try Data(changed.utf8).write(to: file)
      let result = try Tool.run(["benchmark", "baseline", "compare", "one", "--quick", "--json"] + kept)
      #expect(result.exitCode == exitCode)
      let row = try #require(result.objects().first)
      #expect(row["slower"] as? Bool == isSlower)
      #expect(row["baseline_percent_of_limit"] as? Double == 100 * part)
    }
    let other = try Tool.run(["benchmark", "baseline", "compare", "two"] + kept)
    #expect(other.exitCode == 1)
    #expect(other.errors.contains("there are one"))

    #expect(try Tool.run(["benchmark", "baseline", "delete", "one"] + kept).exitCode == 0)
    #expect(try Tool.run(["benchmark", "baseline", "delete", "one"] + kept).exitCode == 1)
    #expect(try Tool.run(["benchmark", "baseline", "list"] + kept).output.isEmpty)
  }

  @Test func whatIsNoBaselineIsToldOf() throws {
    let folder = try TemporaryFolder()
    try Data("{}".utf8).write(to: URL(fileURLWithPath: folder.path + "/odd.json"))
    let result = try Tool.run("benchmark", "baseline", "compare", "odd", "--baseline-directory", folder.path)
    #expect(result.exitCode == 1)
    #expect(result.errors.contains("no baseline that this version understands"))
  }

  @Test(.enabled(if: Tool.hasGnuplot, "gnuplot is not installed"))
  func theRooflineIsDrawn() throws {
    let folder = try TemporaryFolder()
    let picture = folder.path + "/roofline.svg"
    #expect(try Tool.run(Self.small + ["--plot", picture]).exitCode == 0)
    let text = try String(contentsOfFile: picture, encoding: .utf8)
    #expect(text.hasPrefix("<?xml"))
    for part in ["FMA peak", "memory", "network", "scalar, 1 thread, f32"] { #expect(text.contains(part), "\(part)") }
  }

  @Test func aPictureThatCannotBeWrittenIsToldBeforeAnythingIsMeasured() throws {
    let result = try Tool.run(Self.small + ["--plot", "/nowhere/at/all.svg"])
    #expect(result.exitCode == 1)
    #expect(result.output.isEmpty)
  }
}
