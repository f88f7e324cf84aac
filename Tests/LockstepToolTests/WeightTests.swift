// Weights of classes and rows from the command line.

import Foundation
import Testing

@Suite struct WeightTests {
  /// Twelve rows of one class, four of another, and a column of weights that balances them.
  func table(_ folder: TemporaryFolder) throws -> String {
    let rows = (0..<16).map { row in
      "\(Double(row * 7 % 16) / 8 - 1),\(row % 4 == 0 ? "rare" : "usual"),\(row % 4 == 0 ? 2 : 16.0 / 24)"
    }
    return try folder.write("d.csv", "x,kind,w\n" + rows.joined(separator: "\n") + "\n")
  }

  func digest(_ data: String, _ options: [String]) throws -> String {
    let object = try Tool.run(
      ["train", data, "--target", "kind", "--features", "x", "--epochs", "3", "--precision", "f64", "--json"] + options
    ).object()
    return try #require(object["parameters_digest"] as? String)
  }

  @Test func balancedIsWhatScikitLearnMakesOfIt() throws {
    let folder = try TemporaryFolder()
    let data = try table(folder)
    let balanced = try digest(data, ["--class-weights", "balanced"])
    #expect(try digest(data, ["--class-weights", "rare=2,usual=0.6666666666666666"]) == balanced)
    #expect(try digest(data, ["--sample-weights", "w"]) == balanced)
    #expect(try digest(data, []) != balanced)
    #expect(try digest(data, ["--class-weights", "rare=1"]) == digest(data, []))
    #expect(try digest(data, ["--class-weights", "rare=3", "--sample-weights", "w"]) != balanced)
  }

  @Test func anUnknownClassIsNamed() throws {
    let folder = try TemporaryFolder()
    let run = try Tool.run(
      "train", table(folder), "--target", "kind", "--class-weights", "often=2")
    #expect(run.exitCode == 2)
    #expect(run.errors.contains("\"often\"") && run.errors.contains("\"usual\""))
  }

  @Test func whereNoRowCountsNothingIsLearned() throws {
    let folder = try TemporaryFolder()
    let data = try table(folder)
    let zeros = try folder.write("z.csv", "x,kind,w\n1,a,0\n2,b,0\n3,a,0\n")
    let tiny = try folder.write("t.csv", "x,kind,w\n1,a,1e-30\n2,b,1e-30\n3,a,1e-30\n")
    let model = folder.file("m")
    let cases: [(data: String, options: [String], says: String)] = [
      (data, ["--class-weights", "rare=0,usual=0"], "--class-weights gives each row"),
      (zeros, ["--sample-weights", "w"], "--sample-weights gives each row"),
      (tiny, ["--sample-weights", "w", "--class-weights", "a=1e-30,b=0"], "--class-weights and --sample-weights give"),
      (tiny, ["--sample-weights", "w", "--class-weights", "a=1e-9,b=1e-9"], "the sum of the weights is too small"),
    ]
    for (data, options, says) in cases {
      let run = try Tool.run(
        ["train", data, "--target", "kind", "--features", "x", "--model", model, "--json"] + options)
      #expect(run.exitCode == 1)
      #expect(run.output == "" && run.errors.contains(says), "\(options): \(run.errors)")
      #expect(!folder.names.contains("m"))
    }
    let exact = ["--sample-weights", "w", "--class-weights", "a=1e-30,b=0", "--precision", "f64"]
    #expect(try Tool.run(["train", tiny, "--target", "kind", "--features", "x"] + exact).exitCode == 0)
  }

  @Test func weightsAreReproduced() throws {
    let folder = try TemporaryFolder()
    let (data, model) = (try table(folder), folder.file("weighted"))
    _ = try digest(data, ["--class-weights", "balanced", "--sample-weights", "w", "--model", model])
    let run = try Tool.run("reproduce", model, "--data", data, "--backend", "scalar")
    #expect(run.exitCode == 0, "\(run.errors)")
  }
}
