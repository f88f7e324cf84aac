// Data of every format from the command line: classes in words, encodings that a model keeps, images with their labels.

import Foundation
import Lockstep
import Testing

/// Numbers as IDX files hold them.
private func idx(_ sizes: [Int], _ values: [UInt8]) -> [UInt8] {
  [0, 0, 8, UInt8(sizes.count)] + sizes.flatMap { [0, 0, UInt8($0 >> 8), UInt8($0 & 255)] } + values
}

/// Two kinds of flowers that a line parts.
private let flowers = """
  species,length,colour,note
  "iris, tall",10,blue,a
  rose,2,red,b
  "iris, tall",12,blue,c
  rose,1,red,d
  "iris, tall",11,red,e
  rose,3,blue,f

  """

@Suite struct DataTests {
  @Test func labelsBesideImagesAreNotOverwritten() throws {
    let folder = try TemporaryFolder()
    let images = try folder.write("t-images-idx3-ubyte", idx([4, 2, 2], [UInt8](0..<16)))
    let labels = try folder.write("t-labels-idx1-ubyte", idx([4], [0, 1, 0, 1]))
    let model = folder.file("m.safetensors")
    let before = try bytes(labels)
    for words in [
      ["train", images, "--hidden", "none", "--epochs", "1", "--model", labels],
      ["train", images, "--hidden", "none", "--epochs", "1", "--model", model],
      ["predict", model, images, "-o", labels],
      ["train", images, "--validation-data", images, "--hidden", "none", "--epochs", "1", "--model", labels],
    ] {
      let result = try Tool.run(words)
      #expect(result.exitCode == (words.last == labels ? 2 : 0), "\(words): \(result.errors)")
      #expect(try bytes(labels) == before)
    }
  }

  @Test func classesInWordsComeBackInWords() throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("flowers.csv", flowers)
    let model = folder.file("m.safetensors")
    let trained = try Tool.run([
      "train", data, "--target", "species", "--features", "colour,length", "--standardize", "--epochs", "100",
      "--learning-rate", "0.1", "--model", model, "--json",
    ]).object()
    #expect(trained["loss_function"] as? String == "cross-entropy")
    #expect(trained["sizes"] as? [Int] == [3, 64, 32, 2])

    let description = try NetworkFile(contentsOf: model).description
    #expect(description.classColumn == "species")
    #expect(description.targetColumns == ["iris, tall", "rose"])
    #expect(description.inputColumns == ["colour=blue", "colour=red", "length"])
    #expect(
      description.inputEncodings == [
        .categories(column: "colour", values: ["blue", "red"]),
        .scaled(column: "length", mean: 6.5, deviation: (125.5 / 6).squareRoot()),
      ])

    #expect(try Tool.run("predict", model, data).lines.first == "\"iris, tall\",rose")
    let classes = try Tool.run("predict", model, data, "--classes")
    #expect(classes.output == "species\n\"iris, tall\"\nrose\n\"iris, tall\"\nrose\n\"iris, tall\"\nrose\n")
    let objects = try Tool.run("predict", model, data, "--classes", "--json").objects()
    #expect(objects.compactMap { $0["species"] as? String }.first == "iris, tall")
    let path = folder.file("out.csv")
    #expect(try Tool.run("predict", model, data, "--classes", "-o", path).exitCode == 0)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == classes.output)

    let evaluated = try Tool.run("evaluate", model, data, "--json").object()
    #expect(evaluated["accuracy"] as? Double == 1)
    #expect(evaluated["loss"] as? Double == trained["loss_after"] as? Double)
    let gradients = folder.file("g.safetensors")
    #expect(try Tool.run("gradients", model, data, "-o", gradients).exitCode == 0)

    let unknown = try folder.write("new.csv", "length,colour\n1,blue\n2,green\n")
    let refused = try Tool.run("predict", model, unknown)
    #expect(refused.exitCode == 1 && refused.output == "")
    #expect(refused.errors.contains("new.csv, line 3, column \"colour\": \"green\" is not among the known values"))
    let other = try folder.write("other.csv", "length,colour,species\n1,blue,tulip\n")
    #expect(try Tool.run("evaluate", model, other).errors.contains("column \"species\": \"tulip\" is not among"))
  }

  @Test func moreTrainingGoesOnWithTheSameEncoding() throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("flowers.csv", flowers)
    let (first, second) = (folder.file("1"), folder.file("2"))
    _ = try Tool.run([
      "train", data, "--target", "species", "--features", "colour,length", "--scale", "10", "--epochs", "0", "--model",
      first, "--json",
    ]).object()
    // The column that the model does not know must be passed over knowingly.
    let others = try Tool.run("train", data, "--initial-model", first, "--model", second)
    #expect(others.exitCode == 1 && others.errors.contains("\"note\""))
    _ = try Tool.run([
      "train", data, "--initial-model", first, "--features", "colour,length", "--epochs", "0", "--model", second,
      "--json",
    ]).object()
    // The recipes differ: one starts from a file.
    var files = try [first, second].map { try SafetensorsFile(contentsOf: $0) }
    for index in files.indices { files[index].metadata["lockstep.recipe"] = nil }
    #expect(files[0] == files[1])
  }

  @Test func imagesHaveTheirLabelsBesideThem() throws {
    let folder = try TemporaryFolder()
    let values = (0..<8).flatMap { row in [UInt8](repeating: row % 2 == 0 ? 255 : 0, count: 4) }
    let images = try folder.write("t-images-idx3-ubyte", idx([8, 2, 2], values))
    let labels = idx([8], (0..<8).map { $0 % 2 == 0 ? 7 : 10 })
    let model = folder.file("m.safetensors")
    let missing = try Tool.run("train", images, "--model", model)
    #expect(missing.exitCode == 2 && missing.errors.contains("--target"))
    #expect(missing.errors.contains("t-labels-idx1-ubyte, which is not there; name their file by --labels"))

    let named = try folder.write("labels", labels)
    let words = [
      "--scale", "255", "--hidden", "4", "--epochs", "50", "--learning-rate", "0.5", "--model", model, "--json",
    ]
    let first = try Tool.run(["train", images, "--labels", named] + words).object()
    try folder.write("t-labels-idx1-ubyte", labels)
    let second = try Tool.run(["train", images] + words).object()
    #expect(first["parameters_digest"] as? String == second["parameters_digest"] as? String)
    #expect(try NetworkFile(contentsOf: model).description.targetColumns == ["7", "10"])
    #expect(try Tool.run("evaluate", model, images, "--json").object()["accuracy"] as? Double == 1)
    #expect(try Tool.run("predict", model, images, "--classes").lines.prefix(3) == ["label", "7", "10"])
    // What is read must not be replaced.
    #expect(try Tool.run("train", images, "--labels", named, "--model", named).exitCode == 2)
  }

  @Test func aNumberIsAClassForCrossEntropy() throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("d.csv", "a,y\n1,2\n2,10\n3,2\n")
    let model = folder.file("m.safetensors")
    for (options, targets) in [([], ["y"]), (["--loss", "cross-entropy"], ["2", "10"])] {
      _ = try Tool.run(["train", data, "--target", "y", "--epochs", "1", "--model", model, "--json"] + options).object()
      #expect(try NetworkFile(contentsOf: model).description.targetColumns == targets)
    }
  }

  @Test func classesOfAModelThatNamesNoneCountFromZero() throws {
    let folder = try TemporaryFolder()
    let network = try Network<Float>(sizes: [2, 3], hidden: .relu, seed: 1)
    let model = folder.file("m.safetensors")
    try SafetensorsFile(tensors: network.modelFile(description: ModelDescription()).tensors).write(to: model)
    let data = try folder.write("d.csv", "a,b,y,z\n1,2,0,5\n2,1,2,6\n")
    let run = try Tool.run([
      "evaluate", model, data, "--target", "y", "--features", "b,a", "--loss", "cross-entropy", "--json",
    ])
    #expect(try run.object()["rows"] as? Int == 2)
    #expect(try Tool.run("predict", model, data, "--features", "b,a", "--classes").lines.first == "class")
  }

  @Test(arguments: ["mse", "mae", "huber"]) func outputsOfARegressionAreNoClasses(loss: String) throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("d.csv", "a,y,z\n1,2,0\n2,1,2\n3,1,5\n")
    let model = folder.file("m.safetensors")
    #expect(try Tool.run("train", data, "--target", "y,z", "--loss", loss, "--model", model).exitCode == 0)
    let run = try Tool.run("predict", model, data, "--classes")
    #expect(run.exitCode == 2)
    #expect(run.errors.contains("2 outputs, trained with \(loss)"), "\(run.errors)")
  }

  @Test func aDashIsStandardInput() throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("d.csv", "a,y\n1,2\n2,10\n3,2\n")
    let labels = try folder.write("l.csv", "label\n0\n1\n0\n")
    let model = folder.file("m.safetensors")
    func digest(_ words: [String], input: String? = nil) throws -> String? {
      try Tool.run(["train"] + words + ["--epochs", "2", "--json"], input: input).object()["parameters_digest"]
        as? String
    }
    let words = ["--target", "y", "--model", model]
    #expect(try digest(["-"] + words, input: data) == digest([data] + words))
    #expect(
      try digest([data, "--features", "a", "--labels", "-"], input: labels)
        == digest([data, "--features", "a", "--labels", labels]))
    let predictions = try Tool.run("predict", model, data).output
    #expect(try Tool.run("predict", model, "-", input: data).output == predictions)
    #expect(try Tool.run("reproduce", model, "--data", "-", input: data).exitCode == 0)
  }

  @Test func separatorsAreTakenAtTheirWord() throws {
    let folder = try TemporaryFolder()
    let commas = try folder.write("d.csv", "a,y\n1,2\n2,10\n3,2\n")
    let digest = try Tool.run("train", commas, "--target", "y", "--json").object()["parameters_digest"] as? String
    for (name, separator, option) in [("d.tsv", "\t", nil), ("d", "\t", "tab"), ("d", "|", "|"), ("d", ";", ";")] {
      let text = try String(contentsOfFile: commas, encoding: .utf8).replacingOccurrences(of: ",", with: separator)
      let data = try folder.write(name, text)
      let run = try Tool.run(
        ["train", data, "--target", "y", "--json"] + (option.map { ["--delimiter", $0] } ?? []))
      #expect(try run.object()["parameters_digest"] as? String == digest)
    }
  }
}
