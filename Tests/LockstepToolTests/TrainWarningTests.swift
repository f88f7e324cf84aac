// What `train` warns of: data that are probably meant otherwise, and training that has taught nothing.

import Foundation
import Testing

@Suite struct TrainWarningTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The only warning of a run that goes well; `nil` where there is none.
  private func warning(_ words: [String]) throws -> String? {
    let run = try Tool.run(["train"] + words + ["--json"])
    #expect(run.exitCode == 0, "\(run.errors)")
    // Standard output is as without.
    _ = try run.object()
    let lines = run.errors.split(separator: "\n").map(String.init)
    #expect(lines.count <= 1, "\(lines)")
    #expect(lines.allSatisfy { $0.hasPrefix("lockstep train: warning: ") }, "\(lines)")
    return lines.first
  }

  /// A table of `rows` rows under `header`.
  private func table(_ header: String, rows: Int, _ row: (Int) -> String) throws -> String {
    try folder.write("d.csv", "\(header)\n" + (0..<rows).map { row($0) + "\n" }.joined())
  }

  /// Enough for the loss to fall below that of any constant.
  private let learning = ["--epochs", "60", "--standardize", "--optimizer", "adam", "--learning-rate", "0.01"]

  @Test func textThatHardlyRepeats() throws {
    let data = try table("date,colour,x,y", rows: 60) {
      "2024-\($0),\(["red", "blue"][$0 % 2]),\($0 % 10),\(Double($0 % 10) + 0.5)"
    }
    let words = [data, "--target", "y"] + learning
    let found = try #require(try warning(words))
    #expect(found.contains("\"date\" (60 values) hardly repeats in 60 rows") && found.contains("--features"))
    #expect(try warning(words + ["--features", "colour,x"]) == nil)
    // Who names it means it.
    #expect(try warning(words + ["--categories", "date"]) == nil)
    let run = try Tool.run(["train"] + words)
    #expect(
      run.lines.contains {
        $0.hasPrefix("inputs ") && $0.hasSuffix("\"date\" (60 values), \"colour\" (2 values), \"x\"")
      })
  }

  @Test func classesOfARow() throws {
    let data = try table("name,x,y", rows: 60) { "n\($0),\($0 % 10),\($0 % 29).25" }
    let words = [data, "--features", "x"] + learning
    let names = try #require(try warning(words + ["--target", "name"]))
    #expect(names.contains("the target \"name\" has 60 classes in 60 rows"))
    // The same for numbers that are no classes.
    let numbers = try #require(try warning(words + ["--target", "y", "--loss", "cross-entropy"]))
    #expect(numbers.contains("the target \"y\" has 29 classes") && numbers.contains("--loss mse"))
  }

  @Test func wholeNumbersThatMayBeClasses() throws {
    let data = try table("x,y,many,half", rows: 70) { "\($0 % 7),\($0 % 7 % 3),\($0 % 35),\(Double($0 % 7) / 2)" }
    let words = [data, "--features", "x"] + learning
    let found = try #require(try warning(words + ["--target", "y"]))
    #expect(found.contains("\"y\" has 3 values, whole numbers from 0 to 2") && found.contains("--loss cross-entropy"))
    for options in [["y", "--loss", "mse"], ["y", "--loss", "cross-entropy"], ["half"], ["y,half"]] {
      #expect(try warning(words + ["--target"] + options) == nil, "\(options)")
    }
    #expect(try warning(words + ["--target", "many"])?.contains("whole numbers") != true)
  }

  @Test func classesThatAreAllHeldBack() throws {
    let data = try table("x,y", rows: 40) { "\(Double($0) / 40),\($0 == 0 ? "rare" : $0 % 2 == 0 ? "a" : "b")" }
    let found = try (1...8).map { seed in
      let words = [data, "--target", "y", "--validation", "0.5", "--epochs", "0", "--seed", "\(seed)"]
      return try warning(words)?.contains("no row of the class \"rare\" is learned from") == true
    }
    #expect(Set(found) == [true, false])
  }

  @Test func trainingThatHasTaughtNothing() throws {
    let data = try table("x,y", rows: 40) { "\(1000 * ($0 % 8) + $0),\(Double($0 % 8) + 0.25)" }
    let words = [data, "--target", "y", "--epochs", "2"]
    let still = try #require(try warning(words + ["--learning-rate", "1e-30"]))
    #expect(still.contains("is not below that before") && still.contains("inputs reach 7039.0, which --standardize"))
    let scaled = try #require(try warning(words + ["--standardize", "--learning-rate", "1e-5"]))
    #expect(scaled.contains("ignores its inputs") && !scaled.contains("--standardize"), "\(scaled)")
    #expect(try warning([data, "--target", "y", "--epochs", "0"]) == nil)
    let classes = try table("x,y", rows: 40) { "\($0 % 8),\(["a", "b"][$0 % 2])" }
    let unlearned = [classes, "--target", "y", "--hidden", "none", "--epochs", "1", "--learning-rate", "1e-5"]
    #expect(try warning(unlearned) != nil)
    // All targets alike: nothing is to be learned.
    let constant = try table("x,y", rows: 40) { "\($0 % 8),7.5" }
    #expect(try warning([constant, "--target", "y", "--standardize", "--epochs", "20"]) == nil)
  }

  @Test func aWarmUpThatDoesNotEnd() throws {
    let data = try table("x,y", rows: 40) { "\(Double($0) / 40),\(Double($0) / 20)" }
    let words = [data, "--target", "y"] + learning
    #expect(try warning(words + ["--schedule", "cosine:60"])?.contains("for 60 epochs, and training has 60") == true)
    #expect(try warning(words + ["--schedule", "cosine:59"]) == nil)
  }

  /// Without rows that are held back, those that were learned from are measured, and are called so.
  @Test func measuresOfTrainingAreNamed() throws {
    let data = try table("x,y,kind", rows: 40) {
      "\($0 % 8),\(Double($0 % 8) / 4 + 0.1),\($0 % 8 < 4 ? "low" : "high")"
    }
    for (target, name, key) in [("y", "training R²", "r2"), ("kind", "training accuracy", "accuracy")] {
      let words = ["train", data, "--features", "x", "--target", target] + learning
      let lines = try Tool.run(words).lines
      let object = try Tool.run(words + ["--json"]).object()
      #expect(object["kind"] as? String == "result")
      let metrics = try #require(object["training_metrics"] as? [String: Double])
      let text = lines.first { $0.hasPrefix(name + " ") }?.split(separator: " ").last
      #expect(text.map(String.init) == metrics[key].map { String(format: "%.4f", $0) })
      let validated = try Tool.run(words + ["--validation", "0.25"]).lines
      #expect(!validated.contains { $0.hasPrefix("training ") && !$0.hasPrefix("training  ") })
    }
  }
}
