// `lockstep reproduce` and `inspect`: recipes are followed on any backend, and whatever was changed is noticed.

import BackendMatrix
import ComputeBackend
import Foundation
import Testing

@testable import Lockstep

/// Runs `train` into a model file with these options more.
private func train(_ folder: TemporaryFolder, _ options: [String] = [], backend: String = "scalar") throws -> String {
  let model = folder.file("m.safetensors")
  _ = try Tool.run(trainingArguments(.relu, .f32).with(options) + ["--model", model, "--backend", backend]).object()
  return model
}

@Suite struct ReproduceTests {
  static let trainings: [[String]] = [
    [], ["--hidden", "none"], ["--precision", "f64", "--optimizer", "rmsprop", "--activation", "tanh"],
    ["--optimizer", "nesterov", "--momentum", "0.5", "--shuffle", "false", "--epochs", "0"],
    ["--validation", "0.25", "--patience", "2", "--epochs", "30", "--learning-rate", "0.5"],
    ["--dropout", "0.5", "--schedule", "step:1:0.5", "--weight-decay", "0.1", "--initializer", "xavier"],
    ["--clip-norm", "0.01"],
  ]

  @Test(arguments: trainings) func everyBackendReproducesATraining(options: [String]) throws {
    let folder = try TemporaryFolder()
    let data = try fixture("table.csv")
    let model = folder.file("m.safetensors")
    let words = try trainingArguments(.relu, .f32).with(options) + ["--model", model, "--backend", "scalar"]
    _ = try Tool.run(words).object()
    for kind in BackendKind.allCases where try Backends.unavailability(of: kind) == nil {
      let run = try Tool.run("reproduce", model, "--data", data, "--backend", kind.rawValue, "--json")
      let object = try run.object()
      #expect(object["reproduced"] as? Bool == true)
      #expect(object["backend"] as? String == kind.rawValue)
      #expect(object["first_difference"] is NSNull)
    }
    let text = try Tool.run("reproduce", model, "--data", data)
    #expect(text.exitCode == 0, "\(text.errors)")
    #expect(text.output.contains("reproduced: all parameters agree, bit for bit"))
  }

  @Test func parametersInAnotherPrecisionAreNotThoseOfTheTraining() throws {
    let folder = try TemporaryFolder()
    let model = try train(folder)
    let file = try NetworkFile(contentsOf: model)
    try file.network(as: Double.self).write(to: model, description: file.description)
    let result = try Tool.run("reproduce", model, "--data", fixture("table.csv"))
    #expect(result.exitCode == 1)
    #expect(result.errors.contains("its parameters are in f64, but training was in f32"))
  }

  @Test func moreTrainingOfAModelIsReproducedFromThatModel() throws {
    let folder = try TemporaryFolder()
    let first = folder.file("first")
    _ = try Tool.run(trainingArguments(.tanh, .f32) + ["--model", first]).object()
    let second = folder.file("second")
    _ = try Tool.run(
      "train", fixture("table.csv"), "--initial-model", first, "--validation-data", fixture("table.csv"), "--epochs",
      "2", "--model", second, "--json"
    ).object()
    let words = ["reproduce", second, "--data", try fixture("table.csv")]
    let files = ["--initial-model", first, "--validation-data", try fixture("table.csv")]
    #expect(try Tool.run(words + files).exitCode == 0)
    let missing = try Tool.run(words + files.prefix(2))
    #expect(missing.exitCode == 2)
    #expect(missing.errors.contains("--validation-data is missing"))
    let other = try Tool.run(words + ["--initial-model", second] + files.suffix(2))
    #expect(other.exitCode == 1)
    #expect(other.errors.contains("SHA-256"))
    let extra = try Tool.run("reproduce", first, "--data", fixture("table.csv"), "--initial-model", second)
    #expect(extra.exitCode == 2)
    #expect(extra.errors.contains("one too many"))
  }

  /// A model file of PyTorch's, say, does not tell its activation.
  @Test func moreTrainingOfAModelWithoutAnActivationIsReproduced() throws {
    let folder = try TemporaryFolder()
    let bare = try tampered(train(folder), in: folder) { $0.metadata["lockstep.activations"] = nil }
    let model = folder.file("second")
    let words = ["train", try fixture("table.csv"), "--initial-model", bare, "--activation", "relu", "--epochs", "1"]
    #expect(try Tool.run(words + ["--model", model]).exitCode == 0)
    let run = try Tool.run("reproduce", model, "--data", fixture("table.csv"), "--initial-model", bare)
    #expect(run.exitCode == 0, "\(run.errors)")
  }

  /// The model with something changed, under the name `t`.
  func tampered(
    _ model: String, in folder: TemporaryFolder, _ change: (inout SafetensorsFile) throws -> Void
  ) throws -> String {
    var file = try SafetensorsFile(contentsOf: model)
    try change(&file)
    try file.write(to: folder.file("t"))
    return folder.file("t")
  }

  func changeRecipe(_ file: inout SafetensorsFile, _ change: (inout Recipe) throws -> Void) throws {
    var recipe = try Recipe(text: try #require(file.metadata["lockstep.recipe"]))
    try change(&recipe)
    file.metadata["lockstep.recipe"] = recipe.text
  }

  @Test func changedParametersAreNoticed() throws {
    let folder = try TemporaryFolder()
    let model = try tampered(train(folder), in: folder) { file in
      var elements = try file.tensors[2].elements(as: Float.self)
      elements[5] = elements[5].nextUp
      file.tensors[2] = .init(name: file.tensors[2].name, shape: file.tensors[2].shape, elements: elements)
    }
    let run = try Tool.run("reproduce", model, "--data", fixture("table.csv"))
    #expect(run.exitCode == 1)
    #expect(run.errors.contains("the parameters of layer 2"), "\(run.errors)")
  }

  /// What decides predictions beside the parameters: entries of the metadata, with something else in its place.
  static let metadata: [(entry: String, original: String, changed: String)] = [
    ("encodings", "\"mean\":2", "\"mean\":3"), ("class", "species", "kind"), ("targets", "\"a\",\"b\"", "\"b\",\"a\""),
    ("inputs", "\"x\",\"y\"", "\"y\",\"x\""), ("activations", "relu", "tanh"), ("loss", "cross-entropy", "mse"),
  ]

  @Test(arguments: metadata) func changedMetadataAreNoticed(entry: String, original: String, changed: String) throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("d.csv", "x,y,species\n1,2,a\n2,0,b\n3,1,a\n")
    let trained = folder.file("m.safetensors")
    let words = ["train", data, "--target", "species", "--standardize", "--epochs", "2", "--model", trained]
    #expect(try Tool.run(words).exitCode == 0)
    #expect(try Tool.run("reproduce", trained, "--data", data).exitCode == 0)
    let model = try tampered(trained, in: folder) { file in
      let text = try #require(file.metadata["lockstep.\(entry)"])
      file.metadata["lockstep.\(entry)"] = text.replacingOccurrences(of: original, with: changed)
      #expect(file.metadata["lockstep.\(entry)"] != text, "\(text)")
    }
    let run = try Tool.run("reproduce", model, "--data", data)
    #expect(run.exitCode == 1)
    #expect(run.errors.contains(entry == "inputs" ? model : "lockstep.\(entry)"), "\(run.errors)")
  }

  @Test func theFirstStepThatDiffersIsTold() throws {
    let folder = try TemporaryFolder()
    let model = try tampered(train(folder, ["--epochs", "6"]), in: folder) { file in
      try changeRecipe(&file) { recipe in
        #expect(recipe.digests.map(\.step) == [4, 8, 12, 16, 20, 24])
        for index in [3, 4] {
          recipe.digests[index] = RunningDigest(step: recipe.digests[index].step, parameters: "0123456789abcdef")
        }
      }
    }
    let run = try Tool.run("reproduce", model, "--data", fixture("table.csv"), "--backend", "simd", "--json")
    #expect(run.exitCode == 1)
    #expect(run.errors.contains("after step 16"), "\(run.errors)")
    let object = try #require(try run.objects().first)
    #expect(object["reproduced"] as? Bool == false)
    #expect(object["first_difference"] as? Int == 16)
  }

  @Test func changedOptionsAreNoticed() throws {
    let folder = try TemporaryFolder()
    let model = try train(folder)
    let schedule = try TrainingSchedule(epochs: 3, batchSize: 300, learningRate: 0.05, seed: 8)
    for change in [
      { (recipe: inout Recipe) in recipe.schedule = schedule },
      { (recipe: inout Recipe) in recipe.steps = 13 },
      { (recipe: inout Recipe) in recipe.rows = 999 },
      { (recipe: inout Recipe) in recipe.orderOfArithmetic = 0 },
      { (recipe: inout Recipe) in recipe.preparation["target"] = "x1" },
      // Nothing in a file that somebody else wrote makes the tool write files.
      { (recipe: inout Recipe) in recipe.preparation["model"] = folder.file("stolen") },
    ] {
      let path = try tampered(model, in: folder) { file in try changeRecipe(&file, change) }
      let run = try Tool.run("reproduce", path, "--data", fixture("table.csv"))
      #expect(run.exitCode == 1, "\(run.errors)")
      #expect(run.errors.contains(path), "\(run.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: folder.file("stolen")))
  }

  @Test func otherDataAreNoticedBeforeAnythingIsTrained() throws {
    let folder = try TemporaryFolder()
    let model = try train(folder)
    let data = try folder.write("d.csv", bytes(fixture("table.csv")) + Data("\n".utf8))
    let run = try Tool.run("reproduce", model, "--data", data)
    #expect(run.exitCode == 1)
    #expect(run.errors.contains("SHA-256"), "\(run.errors)")
    #expect(try Tool.run("reproduce", model).exitCode == 2)
    let bare = try tampered(model, in: folder) { $0.metadata["lockstep.recipe"] = nil }
    let none = try Tool.run("reproduce", bare, "--data", fixture("table.csv"))
    #expect(none.exitCode == 1)
    #expect(none.errors.contains("holds no recipe"))
  }
}

@Suite struct InspectTests {
  @Test func aModelTellsWhatItIs() throws {
    let folder = try TemporaryFolder()
    let model = try train(folder)
    let network: Network<Float> = try NetworkFile(contentsOf: model).network()
    let text = try Tool.run("inspect", model)
    #expect(text.exitCode == 0)
    for part in [
      "12-24-10-1, 573 parameters, f32", network.parametersDigest, "\"y\"", "SHA-256 of data", "steps taken",
    ] {
      #expect(text.output.contains(part), "\(part) in \(text.output)")
    }
    let object = try Tool.run("inspect", model, "--json").object()
    #expect(object["content"] as? String == "model")
    #expect(object["parameters_digest"] as? String == network.parametersDigest)
    let recipe = try #require(object["recipe"] as? [String: Any])
    #expect(recipe["steps"] as? Int == 12)
    #expect((recipe["digests"] as? [[Any]])?.count == 3)
  }

  @Test func aCheckpointTellsHowFarItIs() throws {
    let folder = try TemporaryFolder()
    let checkpoint = folder.file("c")
    _ = try Tool.run(
      trainingArguments(.relu, .f64) + ["--checkpoint", checkpoint, "--validation", "0.1", "--patience", "9"]
    ).object()
    let object = try Tool.run("inspect", checkpoint, "--json").object()
    #expect(object["content"] as? String == "checkpoint")
    #expect((object["history"] as? [Any])?.count == 3)
    #expect(object["best_epoch"] is Int)
    #expect(try Tool.run("inspect", checkpoint).output.contains("latest epoch"))
    let predicted = try Tool.run("predict", checkpoint, fixture("table.csv"))
    #expect(predicted.exitCode == 1)
    #expect(predicted.errors.contains("checkpoint"))
  }

  @Test func lossesHaveTheDigitsOfTheirPrecision() throws {
    let folder = try TemporaryFolder()
    let checkpoint = folder.file("c")
    _ = try Tool.run(trainingArguments(.relu, .f32) + ["--checkpoint", checkpoint]).object()
    let history = try #require(Tool.run("inspect", checkpoint, "--json").object()["history"] as? [[String: Any]])
    let loss = try #require(history.last?["loss"] as? Double)
    let line = try Tool.run("inspect", checkpoint).lines.first { $0.hasPrefix("latest epoch") }
    #expect(line?.hasSuffix(" 3, loss \(Float(loss))") == true, "\(line ?? "")")
  }

  @Test func theBestEpochIsToldFromTheLast() throws {
    let folder = try TemporaryFolder()
    let model = folder.file("m.safetensors")
    let words = try trainingArguments(.relu, .f64).filter { $0 != "--json" }
    let options = [
      "--validation", "0.25", "--patience", "2", "--epochs", "200", "--learning-rate", "0.5", "--model", model,
    ]
    let trained = try Tool.run(words.with(options))
    let line = try #require(trained.lines.first { $0.hasPrefix("best epoch") })
    let numbers = line.split(separator: " ").compactMap { Int($0.filter(\.isNumber)) }
    #expect(numbers.count == 2 && numbers[0] + 2 == numbers[1], "\(line)")
    #expect(
      try Tool.run("inspect", model).lines.contains { $0.hasPrefix("digest") && $0.hasSuffix(", the best epoch's") })
  }

  @Test func aFileWithoutRecipeIsShownToo() throws {
    let folder = try TemporaryFolder()
    let network = try Network<Float>(sizes: [2, 3, 1], hidden: .tanh, seed: 1)
    try network.write(to: folder.file("m"), description: ModelDescription())
    let run = try Tool.run("inspect", folder.file("m"))
    #expect(run.exitCode == 0)
    #expect(run.output.contains("none in the file"))
    let damaged = try folder.write("d", Data([1, 2, 3]))
    #expect(try Tool.run("inspect", damaged).exitCode == 1)
  }
}
