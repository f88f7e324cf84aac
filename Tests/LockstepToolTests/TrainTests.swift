// `lockstep train`: one result on every backend, what it prints and writes, and how it ends early.

import BackendMatrix
import ComputeBackend
import Foundation
import Testing

@testable import Lockstep

/// Two hidden layers on the table of 1,000 rows and 13 columns.
func trainingArguments(_ activation: Activation, _ precision: Precision) throws -> [String] {
  [
    "train", try fixture("table.csv"), "--target", "y", "--hidden", "24,10", "--activation", activation.rawValue,
    "--epochs", "3", "--batch-size", "300", "--learning-rate", "0.05", "--seed", "7", "--precision",
    precision.rawValue, "--json",
  ]
}

/// A way of computing that must change nothing.
private struct Way: CustomStringConvertible {
  let options: [String]
  let cap: String

  var description: String { (options + ["below", cap]).joined(separator: " ") }

  /// All ways that this machine has: backends, threads, and caps on the instruction set.
  static func all() throws -> [Way] {
    try InstructionSetCap.names.flatMap { cap in
      var ways = [Way(options: ["--backend", "auto"], cap: cap)]
      for kind in BackendKind.allCases where try Backends.unavailability(of: kind) == nil {
        for threads in kind.testedThreadCounts {
          ways.append(Way(options: ["--backend", kind.rawValue, "--threads", "\(threads)"], cap: cap))
        }
      }
      return ways
    }
  }
}

@Suite struct TrainDeterminismTests {
  /// The digests of three trainings in both precisions: they must never change, on no machine.
  @Test(
    arguments: [
      (.relu, .f32, "3c342d15a39dfe9c"), (.relu, .f64, "e10b243b49fd0bf3"),
      (.tanh, .f32, "c5b58d8732574135"), (.tanh, .f64, "becf7bbc35114ebe"),
      (.sigmoid, .f32, "f33bb36b7500ce2d"), (.sigmoid, .f64, "e11d6c540ed5888e"),
    ] as [(Activation, Precision, String)])
  func everyWayGivesTheGoldenDigestAndTheSameFile(
    activation: Activation, precision: Precision, digest: String
  ) throws {
    let folder = try TemporaryFolder()
    var first: Data?
    var instructionSets: Set<String> = []
    for way in try Way.all() {
      let model = folder.file("model.safetensors")
      let run = try Tool.run(
        trainingArguments(activation, precision) + way.options + ["--model", model],
        environment: ["LOCKSTEP_MAX_ISA": way.cap])
      if run.exitCode == 1, run.errors.contains("LOCKSTEP_MAX_ISA allows none") { continue }
      let object = try run.object()
      #expect(object["parameters_digest"] as? String == digest, "\(way)")
      let content = try bytes(model)
      first = first ?? content
      #expect(content == first, "\(way)")
      instructionSets.insert(try #require(object["isa"] as? String))
    }
    #expect(instructionSets.count > 1, "only \(instructionSets) ran")
  }

  @Test func anotherSeedOrOrderGivesAnotherDigest() throws {
    let arguments = try trainingArguments(.relu, .f32)
    let digests = try [[], ["--seed", "8"], ["--shuffle", "false"], ["--batch-size", "299"], ["--epochs", "2"]].map {
      try Tool.run(arguments.with($0)).object()["parameters_digest"] as? String
    }
    #expect(Set(digests).count == digests.count)
  }

  @Test func moreTrainingOfAModelGoesOnWhereItStopped() throws {
    let folder = try TemporaryFolder()
    let arguments = try trainingArguments(.tanh, .f64) + ["--shuffle", "false"]
    let whole = try Tool.run(arguments.with(["--epochs", "5"])).object()
    let model = folder.file("m.safetensors")
    _ = try Tool.run(arguments.with(["--epochs", "2", "--model", model])).object()
    let rest = try Tool.run([
      "train", fixture("table.csv"), "--initial-model", model, "--shuffle", "false", "--epochs", "3", "--batch-size",
      "300", "--learning-rate", "0.05", "--json",
    ]).object()
    #expect(rest["precision"] as? String == "f64")
    #expect(rest["parameters_digest"] as? String == whole["parameters_digest"] as? String)
  }
}

@Suite struct TrainTests {
  @Test func whoStopsReadingGetsTheModelAllTheSame() throws {
    let folder = try TemporaryFolder()
    let (model, same) = (folder.file("m.safetensors"), folder.file("n.safetensors"))
    let words = try trainingArguments(.relu, .f32)
    let result = try Tool.run(words + ["--model", model], to: .closedPipe)
    #expect(result.exitCode == 0, "\(result.errors)")
    _ = try Tool.run(words + ["--model", same])
    #expect(try bytes(model) == bytes(same))
  }

  @Test func jsonTellsEverything() throws {
    let folder = try TemporaryFolder()
    let model = folder.file("m.safetensors")
    let run = try Tool.run(trainingArguments(.relu, .f32) + ["--model", model, "--backend", "scalar"])
    for member in [
      #""backend": "scalar""#, #""threads": 1"#, #""isa": "scalar""#, #""precision": "f32""#, #""seed": 7"#,
      #""rows": 1000"#, #""sizes": [12, 24, 10, 1]"#, #""activations": ["relu", "relu", "identity"]"#,
      #""loss_function": "mse""#, #""epochs": 3"#, #""batch_size": 300"#, #""learning_rate": 0.05"#,
      #""shuffle": true"#, #""steps": 12"#, #""interrupted": false"#, #""model": "\#(model)""#,
    ] { #expect(run.output.contains(member), "\(member)") }
    let object = try run.object()
    let before = try #require(object["loss_before"] as? Double)
    let after = try #require(object["loss_after"] as? Double)
    #expect(after < before)
    #expect(try #require(object["seconds"] as? Double) > 0)
    #expect(object["kind"] as? String == "result")
    let epochs = try run.objects().dropLast()
    #expect(epochs.allSatisfy { $0["kind"] as? String == "epoch" })
    #expect(epochs.map { $0["epoch"] as? Int } == [1, 2, 3])
    #expect(epochs.map { $0["steps"] as? Int } == [4, 8, 12])
    #expect(epochs.allSatisfy { $0["loss"] is Double && $0["learning_rate"] as? Double == 0.05 })
  }

  @Test func textTellsWhatWasDone() throws {
    let run = try Tool.run(trainingArguments(.relu, .f32).dropLast())
    let object = try Tool.run(trainingArguments(.relu, .f32)).object()
    #expect(run.exitCode == 0)
    #expect(run.errors == "")
    #expect(run.output.contains("12-24-10-1, relu, 573 parameters"))
    #expect(run.output.contains(try #require(object["parameters_digest"] as? String)))
    #expect(run.output.contains("12 steps in"))
  }

  @Test(arguments: [(0, 0), (1, 1), (3, 3), (30, 30), (100, 100), (101, 10), (1234, 10)])
  func eachEpochHasALineWhereTheyAreFew(epochs: Int, lines: Int) throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("d.csv", "x,y\n1,2\n2,3\n")
    let run = try Tool.run("train", data, "--target", "y", "--hidden", "none", "--epochs", "\(epochs)")
    #expect(run.exitCode == 0, "\(run.errors)")
    let found = run.lines.filter { $0.hasPrefix("epoch ") }
    #expect(found.count == lines)
    #expect(found.allSatisfy { $0.contains(" of \(epochs): loss ") })
    if lines > 0 { #expect(found.last?.hasPrefix("epoch \(epochs) of") == true) }
  }

  @Test func validationIsTold() throws {
    let options = ["--validation", "0.25", "--patience", "2", "--epochs", "200", "--learning-rate", "0.5"]
    let words = try trainingArguments(.relu, .f64).with(options)
    let object = try Tool.run(words).object()
    #expect(object["rows"] as? Int == 750)
    #expect(object["validation_rows"] as? Int == 250)
    let best = try #require(object["best_epoch"] as? Int)
    #expect(object["steps"] as? Int == (best + 2) * 3)
    let epochs = try Tool.run(words).objects().dropLast()
    #expect(epochs[best - 1]["validation_loss"] as? Double == object["validation_loss"] as? Double)
    let metrics = try #require(epochs[best - 1]["validation_metrics"] as? [String: Any])
    #expect(metrics.keys.sorted() == ["mean_absolute_error", "r2", "root_mean_squared_error"])
  }

  /// Measures say what they are of, to the digits that people compare; JSON has all.
  @Test func measuresAreThoseOfTheValidation() throws {
    let folder = try TemporaryFolder()
    let rows = (0..<30).map { "\($0 % 7),\($0 % 3 == 0 ? "low" : "high"),\(Double($0 % 7) / 3)\n" }.joined()
    let data = try folder.write("d.csv", "x,kind,y\n" + rows)
    let words = ["train", data, "--features", "x", "--epochs", "10", "--validation", "0.3"]
    let classes = words + ["--target", "kind"]
    let object = try Tool.run(classes + ["--json"]).object()
    let lines = try Tool.run(classes).lines
    let metrics = try #require(object["validation_metrics"] as? [String: Double])
    func number(_ name: String) -> Substring? {
      lines.first { $0.hasPrefix(name + " ") }?.split(separator: " ").last
    }
    #expect(lines.contains { $0.hasPrefix("validation ") && $0.hasSuffix(" 9 rows held back") }, "\(lines)")
    #expect(number("validation loss").flatMap { Double($0) } == object["validation_loss"] as? Double)
    #expect(number("validation accuracy") == "\(String(format: "%.4f", metrics["accuracy"] ?? .nan))")
    #expect(number("validation macro F1") == "\(String(format: "%.4f", metrics["macro_f1"] ?? .nan))")
    #expect(lines.filter { $0.hasPrefix("epoch ") }.allSatisfy { $0.contains(", validation accuracy ") })
    let fitted = try Tool.run(words.dropLast(2) + ["--target", "y", "--validation-data", data]).lines
    #expect(fitted.contains { $0.hasPrefix("validation ") && $0.hasSuffix("d.csv, 30 rows") })
    for name in ["R²", "mean absolute error", "root mean squared error"] {
      let text = fitted.first { $0.hasPrefix("validation \(name) ") }?.split(separator: " ").last
      #expect(text.map { $0.count <= 12 } == true, "\(name): \(text ?? "")")
    }
  }

  /// What is broken over two lines of the terminal could not be taken away.
  @Test func theBarOfProgressStaysOnItsLine() throws {
    let (main, user) = try Tool.pseudoterminal()
    let process = Process()
    process.executableURL = Tool.executable
    process.arguments =
      try trainingArguments(.relu, .f64).filter { $0 != "--json" }
      .with(["--epochs", "200", "--validation", "0.2"])
    process.environment = ProcessInfo.processInfo.environment.merging(["COLUMNS": "40", "TERM": "xterm"]) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = user
    try process.run()
    try user.close()
    let shown = Tool.readAll(main).components(separatedBy: "\r\u{1B}[K").filter { !$0.isEmpty }
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(!shown.isEmpty)
    #expect(shown.allSatisfy { $0.hasPrefix("epoch ") && $0.count < 40 }, "\(shown)")
  }

  @Test func modelTellsItsColumnsActivationsAndLoss() throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("d.csv", "\"p, q\",u,\"say \"\"r\"\"\",v\n1,0,0,0\n0,1,1,0\n0.5,0,0,1\n")
    let model = folder.file("m.safetensors")
    _ = try Tool.run([
      "train", data, "--target", "\"say \"\"r\"\"\",\"p, q\"", "--hidden", "none", "--loss", "bce", "--model", model,
      "--epochs", "1", "--json",
    ]).object()
    let file = try NetworkFile(contentsOf: model)
    var description = file.description
    description.recipe = nil
    #expect(
      description
        == ModelDescription(loss: .binaryCrossEntropy, inputColumns: ["u", "v"], targetColumns: ["say \"r\"", "p, q"]))
    #expect(file.activations == [.identity])
    #expect(file.sizes == [2, 2])
  }

  @Test func noEpochsLeaveTheFirstParameters() throws {
    let folder = try TemporaryFolder()
    let (first, second) = (folder.file("1"), folder.file("2"))
    let object = try Tool.run(trainingArguments(.relu, .f32).with(["--epochs", "0", "--model", first])).object()
    #expect(object["steps"] as? Int == 0)
    #expect(object["loss_before"] as? Double == object["loss_after"] as? Double)
    let expected = try Network<Float>(sizes: [12, 24, 10, 1], hidden: .relu, seed: 7)
    #expect(object["parameters_digest"] as? String == expected.parametersDigest)
    _ = try Tool.run([
      "train", fixture("table.csv"), "--initial-model", first, "--epochs", "0", "--model", second, "--json",
    ]).object()
    // The recipes differ: one starts from a file.
    let networks: [Network<Float>] = try [first, second].map { try NetworkFile(contentsOf: $0).network() }
    #expect(networks[0] == networks[1])
  }

  /// What was found out is shown although the model cannot be written, and a checkpoint keeps the parameters.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func aFullDiskInTheEndLosesNoResults() throws {
    let folder = try TemporaryFolder()
    let words = try trainingArguments(.relu, .f32)
    let lost = try Tool.run(words + ["--model", "/dev/full"])
    #expect(lost.exitCode == 1)
    #expect(lost.errors.contains("(No space left on device); the parameters are lost"))
    let results = try #require(try lost.objects().last)
    #expect(results["loss_after"] is Double && results["model"] is NSNull)

    let (checkpoint, model, same) = (folder.file("c"), folder.file("m"), folder.file("n"))
    let kept = try Tool.run(words + ["--model", "/dev/full", "--checkpoint", checkpoint])
    #expect(kept.exitCode == 1)
    #expect(kept.errors.contains("--resume takes the parameters from \(checkpoint)"), "\(kept.errors)")
    _ = try Tool.run(words + ["--model", model, "--checkpoint", checkpoint, "--resume"]).object()
    _ = try Tool.run(words + ["--model", same]).object()
    #expect(try bytes(model) == bytes(same))
  }

  @Test func divergenceKeepsTheLastFiniteModel() throws {
    let folder = try TemporaryFolder()
    let model = folder.file("m.safetensors")
    let run = try Tool.run(trainingArguments(.relu, .f32).with(["--learning-rate", "1e6", "--model", model]))
    #expect(run.exitCode == 1)
    #expect(run.output == "")
    #expect(run.errors.contains("training failed at step "))
    #expect(run.errors.contains("the last finite model is in \(model)"))
    let network: Network<Float> = try NetworkFile(contentsOf: model).network()
    #expect(network.isFinite)
    #expect(folder.names == ["m.safetensors"])
  }
}
