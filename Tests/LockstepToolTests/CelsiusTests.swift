// `lockstep celsius`: the same parameters everywhere, results, trace and picture.

import ComputeBackend
import Foundation
import Lockstep
import Testing

@Suite struct CelsiusTests {
  /// Every backend that can run here by its name, and `auto`, on several numbers of threads.
  private static func runs() throws -> [[String]] {
    let kinds = Set(try Backends.available().map(\.kind.rawValue)).sorted() + ["auto"]
    return kinds.flatMap { kind in ["1", "2", "7"].map { ["--backend", kind, "--threads", $0] } }
  }

  private static func digest(_ words: [String], environment: [String: String] = [:]) throws -> String? {
    let result = try Tool.run(["celsius", "--json"] + words, environment: environment)
    #expect(result.exitCode == 0 && result.errors.isEmpty)
    return try result.objects().last?["parameters_digest"] as? String
  }

  @Test func theDigestIsTheSameOnEveryBackend() throws {
    for precision in Precision.allCases.map(\.rawValue) {
      let common = ["--seed", "1", "--precision", precision]
      let expected = try #require(try Self.digest(common + ["--backend", "scalar"]))
      for run in try Self.runs() { #expect(try Self.digest(common + run) == expected, "\(precision) \(run)") }
      for cap in ["scalar", "avx2"] where precision == "f32" {
        #if arch(x86_64)
          #expect(try Self.digest(common, environment: ["LOCKSTEP_MAX_ISA": cap]) == expected, "capped to \(cap)")
        #endif
      }
    }
  }

  @Test func theDigestIsTheSameOnEveryMachine() throws {
    #expect(try Self.digest(["--seed", "1"]) == "893d29d981e70549")
  }

  @Test func theObjectSaysWhatRan() throws {
    let words = ["--seed", "3", "--iterations", "50", "--samples", "11", "--learning-rate", "1e-5"]
    let object = try #require(try Tool.run(["celsius", "--json", "--backend", "scalar"] + words).objects().first)
    #expect(object["backend"] as? String == "scalar")
    #expect(object["isa"] as? String == "scalar")
    #expect(object["threads"] as? Int == 1)
    #expect(object["precision"] as? String == "f32")
    #expect(object["seed"] as? Int == 3)
    #expect(object["steps"] as? Int == 50)
    #expect(object["samples"] as? Int == 11)
    #expect(object["learning_rate"] as? Double == 1e-5)
    let before = try #require(object["loss_before"] as? Double)
    let after = try #require(object["loss_after"] as? Double)
    #expect(after < before)
    for key in ["slope", "intercept", "seconds"] { #expect(object[key] is Double, "\(key) is missing") }
  }

  @Test func theDefaultRunLearns() throws {
    let object = try #require(try Tool.run("celsius", "--json").objects().first)
    let slope = try #require(object["slope"] as? Double)
    let intercept = try #require(object["intercept"] as? Double)
    #expect(abs(slope - 1.8) < 0.06)
    #expect(abs(intercept - 32) < 1)
    let text = try Tool.run("celsius")
    for part in ["learned line", "loss before", "loss after", "parameters digest", "-40.00"] {
      #expect(text.output.contains(part))
    }
    #expect(!text.output.contains("before training"), "no plot was asked for, and this is no terminal")
  }

  @Test func noStepsLeaveTheFirstParameters() throws {
    let object = try #require(try Tool.run("celsius", "--json", "--iterations", "0").objects().first)
    #expect(object["loss_before"] as? Double == object["loss_after"] as? Double)
    #expect(object["steps"] as? Int == 0)
  }

  @Test func divergenceIsAFailureAtAStep() throws {
    for words in [["celsius", "--learning-rate", "10"], ["celsius", "--learning-rate", "10", "--json"]] {
      let result = try Tool.run(words)
      #expect(result.exitCode == 1)
      #expect(!result.output.contains("digest"))
      #expect(result.errors.contains("training failed at step "))
    }
  }
}

@Suite struct TraceTests {
  /// The names and shapes of what a step computes, in the order in which it does.
  static let quantities = [
    "celsius [5 × 1]", "fahrenheit [5 × 1]", "weights1 [1 × 2]", "biases1 [1 × 2]", "weights2 [2 × 1]",
    "biases2 [1 × 1]", "output1 [5 × 2]", "output2 [5 × 1]", "loss [1 × 1]", "grad_output2 [5 × 1]",
    "grad_weights2 [2 × 1]", "grad_biases2 [1 × 1]", "grad_output1 [5 × 2]", "grad_weights1 [1 × 2]",
    "grad_biases1 [1 × 2]", "weights1 [1 × 2]", "biases1 [1 × 2]", "weights2 [2 × 1]", "biases2 [1 × 1]",
  ]

  @Test func everyQuantityHasNameShapeAndFormula() throws {
    let result = try Tool.run("celsius", "--trace", "--samples", "5")
    let headings = result.lines.filter { $0.contains(" × ") }.map { $0.trimmingCharacters(in: .whitespaces) }
    #expect(headings.map { $0.components(separatedBy: " = ").first } == Self.quantities)
    #expect(headings.allSatisfy { $0.components(separatedBy: " = ").count == 2 })
  }

  @Test(arguments: [["--trace=3"], ["--trace", "3"]]) func severalStepsCanBeFollowed(trace: [String]) throws {
    let objects = try Tool.run(["celsius", "--json", "--samples", "5"] + trace).objects()
    #expect(objects.count == 3 * Self.quantities.count + 1)
    for step in 1...3 {
      let ofStep = objects.filter { $0["trace_step"] as? Int == step }
      let headings = ofStep.map { object in
        let shape = (object["shape"] as? [Int] ?? []).map { "\($0)" }.joined(separator: " × ")
        return "\(object["quantity"] as? String ?? "") [\(shape)]"
      }
      #expect(headings == Self.quantities)
    }
  }

  @Test func theNumbersFollowTheirFormulas() throws {
    let words = ["celsius", "--json", "--trace", "--samples", "5", "--precision", "f64", "--learning-rate", "0.001"]
    var values: [String: [[Double]]] = [:]
    var updated: [String: [[Double]]] = [:]
    for object in try Tool.run(words).objects() {
      guard let name = object["quantity"] as? String, let numbers = object["values"] as? [[Double]] else { continue }
      if object["phase"] as? String == "update" { updated[name] = numbers } else { values[name] = numbers }
    }
    func value(_ name: String, _ row: Int, _ column: Int) throws -> Double { try #require(values[name])[row][column] }
    func isNear(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-12 * max(1, abs(a), abs(b)) }

    for row in 0..<5 {
      let output = try (0..<2).reduce(try value("biases2", 0, 0)) { sum, unit in
        sum + (try value("output1", row, unit)) * (try value("weights2", unit, 0))
      }
      #expect(isNear(try value("output2", row, 0), output))
      let difference = try value("output2", row, 0) - value("fahrenheit", row, 0)
      #expect(isNear(try value("grad_output2", row, 0), 2 * difference / 5))
      for unit in 0..<2 {
        let hidden = try value("celsius", row, 0) * value("weights1", 0, unit) + value("biases1", 0, unit)
        #expect(isNear(try value("output1", row, unit), hidden))
        let gradient = try value("grad_output2", row, 0) * value("weights2", unit, 0)
        #expect(isNear(try value("grad_output1", row, unit), gradient))
      }
    }
    for unit in 0..<2 {
      let weight2 = try (0..<5).reduce(0) { try $0 + value("output1", $1, unit) * value("grad_output2", $1, 0) }
      let weight1 = try (0..<5).reduce(0) { try $0 + value("celsius", $1, 0) * value("grad_output1", $1, unit) }
      let bias1 = try (0..<5).reduce(0) { try $0 + value("grad_output1", $1, unit) }
      #expect(isNear(try value("grad_weights2", unit, 0), weight2))
      #expect(isNear(try value("grad_weights1", 0, unit), weight1))
      #expect(isNear(try value("grad_biases1", 0, unit), bias1))
      let after = try #require(updated["weights1"])[0][unit]
      #expect(isNear(after, try value("weights1", 0, unit) - 0.001 * value("grad_weights1", 0, unit)))
    }
  }
}

@Suite struct PictureTests {
  /// A PATH without gnuplot.
  private static let nowhere = ["PATH": "/nonexistent"]

  @Test(.enabled(if: Tool.hasGnuplot, "gnuplot is not installed"))
  func picturesAreOfTheirKind() throws {
    let folder = try TemporaryFolder()
    for (ending, start) in [("svg", "<?xml"), ("png", "\u{FFFD}PNG"), ("pdf", "%PDF"), ("PNG", "\u{FFFD}PNG")] {
      let name = folder.file("it's \"a\" picture.\(ending)")
      let result = try Tool.run("celsius", "--iterations", "20", "--plot", name)
      #expect(result.exitCode == 0 && result.errors.isEmpty)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: name))
      #expect(String(decoding: bytes.prefix(16), as: UTF8.self).hasPrefix(start))
      if ending == "svg" {
        let text = String(decoding: bytes, as: UTF8.self)
        for part in ["Celsius", "Fahrenheit", "true", "before training", "after training"] {
          #expect(text.contains(part))
        }
      }
    }
    #expect(folder.names.count == 4, "something is left beside the pictures")
  }

  @Test(.enabled(if: Tool.hasGnuplot, "gnuplot is not installed"))
  func textIsDrawnOnATerminalOrWhereAskedFor() throws {
    for (words, destination) in [([], Tool.Destination.terminal), (["--plot", "-"], .captured)] {
      let result = try Tool.run(["celsius", "--iterations", "20"] + words, to: destination)
      #expect(result.exitCode == 0 && result.errors.isEmpty)
      for part in ["Celsius", "Fahrenheit", "before training", "learned line"] { #expect(result.output.contains(part)) }
    }
    for columns in [20, 60, 500] {
      let result = try Tool.run("celsius", environment: ["COLUMNS": "\(columns)"], to: .terminal)
      #expect(!result.output.contains("\u{0C}"), "a form feed clears the screen of some terminals")
      let picture = result.output.replacing(/\u{1B}\[[0-9;]*m/, with: "").split(whereSeparator: \.isNewline)
      #expect(picture.map(\.count).max() ?? 0 <= max(columns, 80))
      // The three lines can be told apart without their colours.
      for letter in ["*", "o", "+"] { #expect(picture.contains { $0.contains("\(letter)   ") }) }
    }
    let object = try Tool.run("celsius", "--iterations", "20", "--json", to: .terminal)
    #expect(try object.objects().count == 1)
  }

  @Test func withoutGnuplotTrainingStillPrintsItsResults() throws {
    let onTerminal = try Tool.run("celsius", "--iterations", "20", environment: Self.nowhere, to: .terminal)
    #expect(onTerminal.exitCode == 0)
    #expect(onTerminal.output.contains("parameters digest"))
    #expect(onTerminal.errors.contains("install the Debian package gnuplot-nox"))

    let elsewhere = try Tool.run("celsius", "--iterations", "20", environment: Self.nowhere)
    #expect(elsewhere.exitCode == 0 && elsewhere.errors.isEmpty)

    let folder = try TemporaryFolder()
    let asked = try Tool.run(
      "celsius", "--iterations", "20", "--plot", folder.file("picture.png"), environment: Self.nowhere)
    #expect(asked.exitCode == 1)
    #expect(asked.output.contains("parameters digest"))
    #expect(asked.errors.contains("install the Debian package gnuplot-nox"))
    #expect(folder.names.isEmpty)
  }

  @Test func aPictureThatCannotBeWrittenIsRefusedBeforeTraining() throws {
    let folder = try TemporaryFolder()
    let result = try Tool.run("celsius", "--iterations", "20", "--plot", folder.file("missing/picture.png"))
    #expect(result.exitCode == 1)
    #expect(result.output.isEmpty)
    #expect(result.errors.contains("missing/picture.png"))
    #expect(folder.names.isEmpty)
  }
}
