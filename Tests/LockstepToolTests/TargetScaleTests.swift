// Targets brought to mean 0 and deviation 1 for training, and back in predictions.

import ComputeBackend
import Foundation
import Lockstep
import Testing

/// Prices far from 1, along a line, and a second target near them.
private let houses =
  "area,price,tax\n"
  + prices.enumerated().map { "\(40 + 5 * $0),\(Int($1)),\(900 - 25 * $0)\n" }.joined()

private let prices: [Double] = (0..<24).map { (house: Int) in Double(90_000 + 12_500 * house + 700 * (house * 7 % 5)) }

private let options = [
  "--standardize", "--hidden", "8", "--epochs", "300", "--batch-size", "8", "--learning-rate", "0.05", "--json",
]

@Suite struct TargetScaleTests {
  @Test func predictionsComeInTheTargetsOwnUnits() throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("houses.csv", houses)
    let model = folder.file("m.safetensors")
    let words = ["train", data, "--target", "price,tax", "--model", model] + options
    // Without scales, steps of that length diverge, and the message says what helps.
    let diverged = try Tool.run(words)
    #expect(diverged.exitCode == 1)
    #expect(diverged.errors.contains("targets reach") && diverged.errors.contains("--standardize-targets"))

    let lines = try Tool.run(words + ["--standardize-targets", "--validation", "0.25"]).objects()
    let trained = try #require(lines.last)
    let file = try NetworkFile(contentsOf: model)
    let learned = try RowSplit(rows: 24, validation: 0.25, seed: 1).training.map { prices[$0] }
    let mean = learned.reduce(0, +) / Double(learned.count)
    let variance = learned.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(learned.count)
    let deviation = variance.squareRoot()
    let encodings = try #require(file.description.targetEncodings)
    #expect(encodings.first == .scaled(column: "price", mean: mean, deviation: deviation))
    #expect(encodings.map(\.column) == ["price", "tax"])

    // What the bare network computes, scaled by hand, is what `predict` writes.
    let bare = folder.file("bare.safetensors")
    var content = try SafetensorsFile(contentsOf: model)
    content.metadata["lockstep.target_encodings"] = nil
    try content.write(to: bare)
    let (scaled, plain) = try (Tool.run("predict", model, data).lines, Tool.run("predict", bare, data).lines)
    #expect(scaled.count == 25 && scaled[0] == "price,tax")
    for (scaled, plain) in zip(scaled, plain).dropFirst().prefix(24) {
      let outputs = plain.split(separator: ",").compactMap { Float($0) }
      let expected = Float(mean + deviation * Double(outputs[0]))
      #expect(scaled.split(separator: ",").first.flatMap { Float($0) } == expected)
    }

    // Errors are in units of the targets, too; the loss is what training made small.
    let evaluated = try Tool.run("evaluate", model, data, "--json").object()
    #expect(try #require(evaluated["r2"] as? Double) > 0.99)
    #expect(try #require(evaluated["mean_absolute_error"] as? Double) > 10)
    #expect(try #require(evaluated["loss"] as? Double) < 0.05)
    let measured = try #require(trained["validation_metrics"] as? [String: Any])
    #expect(try #require(measured["mean_absolute_error"] as? Double) > 10)
    let lastEpoch = try #require(lines.dropLast().last?["validation_metrics"] as? [String: Any])
    #expect(lastEpoch["mean_absolute_error"] as? Double == measured["mean_absolute_error"] as? Double)
    #expect(try Tool.run("evaluate", model, data).output.contains("\"price\", \"tax\", standardized"))
    #expect(try Tool.run("inspect", model).output.contains("\(mean) + \(deviation) × output"))

    let reproduced = try Tool.run("reproduce", model, "--data", data, "--backend", "scalar", "--json").object()
    #expect(reproduced["reproduced"] as? Bool == true)
    // A scale that someone changed makes other predictions of the same parameters.
    content.metadata["lockstep.target_encodings"] =
      #"[{"column":"price","deviation":1,"mean":0},{"column":"tax","deviation":1,"mean":0}]"#
    try content.write(to: bare)
    let changed = try Tool.run("reproduce", bare, "--data", data)
    #expect(changed.exitCode == 1 && changed.errors.contains("lockstep.target_encodings"))
  }

  @Test func moreTrainingKeepsTheScale() throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("houses.csv", houses)
    let (first, second) = (folder.file("1"), folder.file("2"))
    let words = ["train", data, "--target", "price", "--features", "area"] + options
    _ = try Tool.run(words + ["--standardize-targets", "--model", first]).objects()
    let more = [
      "train", data, "--target", "price", "--features", "area", "--initial-model", first, "--epochs", "1",
      "--learning-rate", "0.01", "--model", second,
    ]
    #expect(try Tool.run(more + ["--standardize-targets"]).exitCode == 2)
    #expect(try Tool.run(more).exitCode == 0)
    let files = try [first, second].map { try NetworkFile(contentsOf: $0).description.targetEncodings }
    #expect(files[0] != nil && files[0] == files[1])
    // The scale is the output's, whatever its column is called.
    let renamed = try folder.write("r.csv", houses.replacingOccurrences(of: "price", with: "cost"))
    let evaluated = try Tool.run("evaluate", first, renamed, "--target", "cost", "--json").object()
    #expect(try #require(evaluated["r2"] as? Double) > 0.99)
  }

  @Test(arguments: [
    ["--target", "kind"], ["--target", "price", "--loss", "cross-entropy"], ["--target", "flag", "--loss", "bce"],
  ])
  func classesHaveNoScale(target: [String]) throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("d.csv", "area,price,kind,flag\n1,2,a,0\n2,3,b,1\n")
    let run = try Tool.run(["train", data, "--standardize-targets"] + target)
    #expect(
      run.exitCode == 2 && run.errors.contains("--standardize-targets is for targets of numbers"), "\(run.errors)")
  }

  @Test func scalesAtTheEdgesOfPrecision() throws {
    let folder = try TemporaryFolder()
    // Small once they are standardized, but no numbers of f32 before.
    let large = try folder.write("large.csv", "x,y\n1,1e39\n2,-1e39\n3,1e38\n")
    let refused = try Tool.run("train", large, "--target", "y", "--standardize-targets", "--precision", "f32")
    #expect(refused.exitCode == 1 && refused.errors.contains("line 2, column \"y\""), "\(refused.errors)")
    // Squares of their differences are 0.
    let small = try folder.write("small.csv", "x,y\n1,1e-170\n2,2e-170\n3,3e-170\n")
    let model = folder.file("m")
    _ = try Tool.run(
      "train", small, "--target", "y", "--standardize-targets", "--precision", "f64", "--epochs", "0", "--model", model)
    let encodings = try #require(try NetworkFile(contentsOf: model).description.targetEncodings)
    guard case .scaled(_, let mean, let deviation) = encodings[0] else { throw CancellationError() }
    #expect(abs(mean / 2e-170 - 1) < 1e-15)
    #expect(abs(deviation / 1e-170 - (2.0 / 3).squareRoot()) < 1e-15)
  }
}
