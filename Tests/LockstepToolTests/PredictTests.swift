// `lockstep predict` and `lockstep evaluate`: the numbers of the library, whatever the order of the columns.

import ComputeBackend
import Foundation
import Testing

@testable import Lockstep

/// A model of the inputs a, b and the outputs "y" and "z, 2": linear, with parameters that are not round.
private func writeModel(_ folder: TemporaryFolder, named: Bool = true) throws -> (path: String, network: Network<Float>)
{
  let network = try Network<Float>(sizes: [2, 3, 2], hidden: .relu, seed: 3)
  let path = folder.file("model.safetensors")
  let description = ModelDescription(
    loss: .meanSquaredError, inputColumns: ["a", "b"], targetColumns: ["y", "z, 2"])
  let file = network.modelFile(description: named ? description : ModelDescription())
  try SafetensorsFile(metadata: named ? file.metadata : [:], tensors: file.tensors).write(to: path)
  return (path, network)
}

private let rows: [[Float]] = [[0.5, -1], [1e-3, 7], [-2.25, 0.1]]

private func predictions(_ network: Network<Float>) throws -> Matrix<Float> {
  try network.predict(Matrix(rows: 3, columns: 2, elements: Array(rows.joined())), on: Backends.make(.scalar))
}

@Suite struct PredictTests {
  @Test func numbersReadBackToTheSameBits() throws {
    let folder = try TemporaryFolder()
    let (model, network) = try writeModel(folder)
    let data = try folder.write("d.csv", "a,b\n" + rows.map { "\($0[0]),\($0[1])\n" }.joined())
    let run = try Tool.run(["predict", model, data])
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(run.lines.first == "y,\"z, 2\"")
    let numbers = run.lines.dropFirst().flatMap { $0.split(separator: ",").compactMap { Float($0) } }
    #expect(numbers == (try predictions(network)).elements)
    let shortest = run.lines.dropFirst().flatMap { $0.split(separator: ",").map(String.init) }
    #expect(shortest == numbers.map(\.description))
  }

  @Test func inputsAreFoundByNameAndOthersPassedOver() throws {
    let folder = try TemporaryFolder()
    let (model, _) = try writeModel(folder)
    let plain = try folder.write("d.csv", "a,b\n" + rows.map { "\($0[0]),\($0[1])\n" }.joined())
    let other = try folder.write("e.csv", "note,b,y,a\n" + rows.map { "word,\($0[1]),0,\($0[0])\n" }.joined())
    #expect(try Tool.run(["predict", model, plain]).output == Tool.run(["predict", model, other]).output)
  }

  @Test func fileGetsWhatStandardOutputWouldGet() throws {
    let folder = try TemporaryFolder()
    let (model, network) = try writeModel(folder)
    let data = try folder.write("d.csv", "a,b\n1,2\n")
    let path = folder.file("out.csv")
    let run = try Tool.run(["predict", model, data, "-o", path])
    #expect(run.exitCode == 0)
    #expect(run.output == "" && run.errors == "")
    #expect(try Tool.run(["predict", model, data, "-o", "-"]).output == Tool.run(["predict", model, data]).output)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == Tool.run(["predict", model, data]).output)
    let object = try Tool.run(["predict", model, data, "-o", path, "--json"]).object()
    #expect(object["rows"] as? Int == 1)
    #expect(object["output"] as? String == path)
    let outputs = try network.predict(Matrix(rows: 1, columns: 2, elements: [1, 2]), on: Backends.make())
    #expect(object["outputs_digest"] as? String == Digest.fnv1a(outputs.elements))
  }

  @Test func whoStopsReadingIsNoError() throws {
    let folder = try TemporaryFolder()
    let (model, _) = try writeModel(folder)
    let data = try folder.write("d.csv", "a,b\n" + String(repeating: "1,2\n", count: 50_000))
    for options in [[], ["-o", "-"], ["--json"]] {
      let run = try Tool.run(["predict", model, data] + options, to: .closedPipe)
      #expect(run.exitCode == 0 && run.errors == "", "\(run.errors)")
    }
  }

  @Test func jsonIsOneObjectARow() throws {
    let folder = try TemporaryFolder()
    let (model, network) = try writeModel(folder)
    let data = try folder.write("d.csv", "a,b\n" + rows.map { "\($0[0]),\($0[1])\n" }.joined())
    let objects = try Tool.run(["predict", model, data, "--json"]).objects()
    let expected = try predictions(network)
    #expect(objects.count == 3)
    for (row, object) in objects.enumerated() {
      #expect((object["y"] as? Double).map { Float($0) } == expected[row, 0])
      #expect((object["z, 2"] as? Double).map { Float($0) } == expected[row, 1])
      #expect(object.count == 2)
    }
  }

  @Test func modelWithoutNamesTakesColumnsByPosition() throws {
    let folder = try TemporaryFolder()
    let (model, network) = try writeModel(folder, named: false)
    let data = try folder.write("d.csv", "q,p\n" + rows.map { "\($0[0]),\($0[1])\n" }.joined())
    let run = try Tool.run(["predict", model, data, "--activation", "relu"])
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(run.lines.first == "output1,output2")
    let numbers = run.lines.dropFirst().flatMap { $0.split(separator: ",").compactMap { Float($0) } }
    #expect(numbers == (try predictions(network)).elements)
  }

  @Test func resultsThatAreNotFiniteAreWarnedOf() throws {
    let folder = try TemporaryFolder()
    let layer = DenseLayer<Float>(
      weights: Matrix(rows: 1, columns: 1, elements: [10]), bias: Matrix(rows: 1, columns: 1), activation: .identity)
    let model = folder.file("m.safetensors")
    try Network(layers: [layer]).write(
      to: model,
      description: ModelDescription(loss: .meanSquaredError, inputColumns: ["a"], targetColumns: ["y"]))
    let data = try folder.write("d.csv", "a,y\n3e38,1\n1,1\n")
    for words in [["predict"], ["predict", "--json"], ["evaluate"], ["gradients", "-o", folder.file("g")]] {
      let run = try Tool.run([words[0], model, data] + words.dropFirst())
      #expect(run.exitCode == 0)
      #expect(run.errors.hasSuffix("NaN or infinite\n") && run.errors.count { $0 == "\n" } == 1, "\(run.errors)")
    }
  }

  @Test func precisionConvertsTheTensors() throws {
    let folder = try TemporaryFolder()
    let (model, network) = try writeModel(folder)
    let data = try folder.write("d.csv", "a,b\n0.1,0.7\n")
    let run = try Tool.run(["predict", model, data, "--precision", "f64"])
    let expected = try network.converted(to: Double.self)
      .predict(Matrix(rows: 1, columns: 2, elements: [0.1, 0.7]), on: Backends.make(.scalar))
    #expect(run.lines.last == expected.elements.map(\.description).joined(separator: ","))
  }
}

@Suite struct PredictedProbabilityTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A model whose logits are its inputs.
  private func model<Element: NetworkElement>(_: Element.Type, columns: Int, _ description: ModelDescription) throws
    -> String
  {
    var weights = Matrix<Element>(rows: columns, columns: columns)
    for index in 0..<columns { weights[index, index] = 1 }
    let layer = DenseLayer(
      weights: weights, bias: Matrix<Element>(rows: 1, columns: columns), activation: .identity)
    let path = folder.file("m.safetensors")
    try Network(layers: [layer]).write(to: path, description: description)
    return path
  }

  private func flowers<Element: NetworkElement>(_ element: Element.Type) throws -> (model: String, data: String) {
    var description = ModelDescription(
      loss: .softmaxCrossEntropy, inputColumns: ["a", "b"], targetColumns: ["iris", "rose"])
    description.classColumn = "species"
    return (
      try model(element, columns: 2, description), try folder.write("d.csv", "a,b\n1,3\n2.5,-0.25\n-9,-9\n")
    )
  }

  private func checkBits<Element: NetworkElement>(_ element: Element.Type) throws {
    let (model, data) = try flowers(element)
    let logits = Matrix<Element>(rows: 3, columns: 2, elements: [1, 3, 2.5, -0.25, -9, -9])
    let expected = try #require(Loss.softmaxCrossEntropy.probabilities(of: logits))
    let rows = (0..<3).map { "\(expected[$0, 0]),\(expected[$0, 1])" }
    for variant in try Backends.available() {
      let run = try Tool.run("predict", model, data, "--probabilities", "--backend", variant.description)
      #expect(run.lines == ["iris,rose"] + rows, "\(variant): \(run.errors)")
    }
    #expect(rows[2] == "0.5,0.5")
  }

  @Test func everyBackendWritesTheSoftmax() throws {
    try checkBits(Float.self)
    try checkBits(Double.self)
  }

  @Test func classesComeBeforeTheirProbabilities() throws {
    let (model, data) = try flowers(Double.self)
    let alone = try Tool.run("predict", model, data, "--probabilities").lines
    let run = try Tool.run("predict", model, data, "--classes", "--probabilities")
    #expect(run.lines.first == "species,probability of iris,probability of rose", "\(run.errors)")
    let expected = zip(["rose", "iris", "iris"], alone.dropFirst()).map { "\($0),\($1)" }
    #expect(Array(run.lines.dropFirst()) == expected)
    let objects = try Tool.run("predict", model, data, "--classes", "--probabilities", "--json").objects()
    #expect(objects.map { $0["species"] as? String } == ["rose", "iris", "iris"])
    #expect(objects.map { $0.count } == [3, 3, 3])
    #expect(objects[2]["probability of rose"] as? Double == 0.5)
    let file = folder.file("out.csv")
    #expect(try Tool.run("predict", model, data, "--classes", "--probabilities", "-o", file).exitCode == 0)
    #expect(try String(contentsOfFile: file, encoding: .utf8) == run.output)
  }

  @Test func aSingleYesOrNoHasTwoClasses() throws {
    let path = try model(
      Float.self, columns: 1,
      ModelDescription(loss: .binaryCrossEntropy, inputColumns: ["a"], targetColumns: ["inside"]))
    let data = try folder.write("e.csv", "a\n2\n-3\n0\n")
    #expect(try Tool.run("predict", path, data, "--classes").output == "inside\n1\n0\n0\n")
    let logits = Matrix<Float>(rows: 3, columns: 1, elements: [2, -3, 0])
    let yes = try #require(Loss.binaryCrossEntropy.probabilities(of: logits)).elements
    #expect(try Tool.run("predict", path, data, "--probabilities").lines == ["inside"] + yes.map(\.description))
    let both = try Tool.run("predict", path, data, "--classes", "--probabilities").lines
    #expect(both == ["inside,probability of inside", "1,\(yes[0])", "0,\(yes[1])", "0,0.5"])
  }

  @Test func lossMayBeTold() throws {
    let path = try model(Float.self, columns: 2, ModelDescription())
    let data = try folder.write("e.csv", "a,b\n2,-3\n")
    let unknown = try Tool.run("predict", path, data, "--probabilities")
    #expect(unknown.exitCode == 2 && unknown.errors.contains("does not tell its loss, as --loss can"))
    #expect(try Tool.run("predict", path, data, "--classes").output == "class\noutput1\n")
    let run = try Tool.run("predict", path, data, "--probabilities", "--loss", "bce")
    let logits = Matrix<Float>(rows: 1, columns: 2, elements: [2, -3])
    let yes = try #require(Loss.binaryCrossEntropy.probabilities(of: logits)).elements
    #expect(run.lines == ["output1,output2", "\(yes[0]),\(yes[1])"], "\(run.errors)")
  }
}

@Suite struct EvaluateTests {
  @Test func lossIsThatOfTraining() throws {
    let folder = try TemporaryFolder()
    let model = folder.file("m.safetensors")
    let trained = try Tool.run([
      "train", fixture("table.csv"), "--target", "y", "--epochs", "5", "--learning-rate", "0.05", "--model", model,
      "--json",
    ]).object()
    let evaluated = try Tool.run(["evaluate", model, fixture("table.csv"), "--json"]).object()
    #expect(evaluated["loss"] as? Double == trained["loss_after"] as? Double)
    #expect(evaluated["loss_function"] as? String == "mse")
    #expect(evaluated["rows"] as? Int == 1000)
    let loss = try #require(evaluated["loss"] as? Double)
    let root = try #require(evaluated["root_mean_squared_error"] as? Double)
    #expect(abs(root - loss.squareRoot()) < 1e-6)
    let explained = try #require(evaluated["r2"] as? Double)
    #expect(explained > 0 && explained < 1)
  }

  @Test func metricsOfAnObviousNetwork() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("m.safetensors")
    // The identity: logits are the inputs.
    let layer = DenseLayer<Double>(
      weights: Matrix(rows: 2, columns: 2, elements: [1, 0, 0, 1]), bias: Matrix(rows: 1, columns: 2),
      activation: .identity)
    try Network(layers: [layer]).write(
      to: path, description: ModelDescription(inputColumns: ["a", "b"], targetColumns: ["p", "q"]))
    let data = try folder.write("d.csv", "a,b,p,q\n3,1,1,0\n-1,2,0,1\n5,4,0,1\n-7,-8,1,0\n")
    func evaluate(_ loss: String) throws -> [String: Any] {
      try Tool.run(["evaluate", path, data, "--loss", loss, "--json"]).object()
    }
    #expect(try evaluate("cross-entropy")["accuracy"] as? Double == 0.75)
    #expect(try evaluate("bce")["accuracy"] as? Double == 0.625)
    let regression = try evaluate("mse")
    #expect(regression["mean_absolute_error"] as? Double == 3.625)
    #expect(regression["loss"] as? Double == 21.125)
  }

  @Test func optionsSayWhatTheFileDoesNot() throws {
    let folder = try TemporaryFolder()
    let (model, _) = try writeModel(folder, named: false)
    let data = try folder.write("d.csv", "q,p,u,v\n1,2,3,4\n0,1,2,3\n")
    let run = try Tool.run([
      "evaluate", model, data, "--target", "u,v", "--loss", "mse", "--activation", "relu", "--json",
    ])
    #expect(try run.object()["rows"] as? Int == 2)
  }
}
