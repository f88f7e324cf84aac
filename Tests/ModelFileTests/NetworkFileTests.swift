// Networks in model files: there and back bit for bit, from and to PyTorch, and a sentence for whatever is no network.

import ComputeBackend
import Foundation
import Testing

@testable import Lockstep

/// A network of three layers whose parameters are all different.
private func sampleNetwork<Element: KernelElement>(
  _ activations: [Activation] = [.relu, .tanh, .identity], as _: Element.Type = Element.self
) throws -> Network<Element> {
  let shapes = [(3, 4), (4, 2), (2, 2)]
  return try Network(
    layers: zip(shapes, activations).enumerated().map { index, layer in
      let ((inputs, outputs), activation) = layer
      let weights = (0..<inputs * outputs).map { Element(0.1) * Element($0 + 100 * index) - 1 }
      return DenseLayer(
        weights: Matrix(rows: inputs, columns: outputs, elements: weights),
        bias: Matrix(rows: 1, columns: outputs, elements: (0..<outputs).map { Element($0) / 3 }),
        activation: activation)
    })
}

private let description = ModelDescription(
  loss: .meanSquaredError, inputColumns: ["a,b", "say \"c\"", "[d]\n"], targetColumns: ["é", "y/2"])

/// Tensors `[name: shape]` of zeros, as the content of a file.
private func file(
  _ shapes: KeyValuePairs<String, [Int]>, metadata: [String: String] = [:]
) -> SafetensorsFile {
  SafetensorsFile(
    metadata: metadata,
    tensors: shapes.map {
      .init(name: $0.key, shape: $0.value, elements: [Float](repeating: 0, count: $0.value.reduce(1, *)))
    })
}

@Suite struct NetworkFileTests {
  @Test(arguments: Precision.allCases)
  func networkAndDescriptionComeBack(precision: Precision) throws {
    func check<Element: KernelElement>(_: Element.Type) throws {
      let network = try sampleNetwork(as: Element.self)
      try withTemporaryPath { path in
        try network.write(to: path, description: description)
        let file = try NetworkFile(contentsOf: path)
        #expect(file.precision == precision)
        #expect(file.description == description)
        #expect(file.sizes == [3, 4, 2, 2])
        #expect(file.activations == [.relu, .tanh, .identity])
        #expect(try file.network(as: Element.self) == network)
      }
    }
    switch precision {
    case .f32: try check(Float.self)
    case .f64: try check(Double.self)
    }
  }

  @Test func everyActivationTakesAnIndexButTheIdentity() throws {
    func names(_ activations: [Activation]) throws -> [String] {
      try sampleNetwork(activations, as: Float.self).modelFile(description: description).tensors.map(\.name)
    }
    #expect(
      try names([.relu, .sigmoid, .identity])
        == ["0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"])
    #expect(
      try names([.identity, .leakyReLU, .tanh]) == ["0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"])
  }

  @Test func tensorsAreTransposedAndInFileOrder() throws {
    let network = try sampleNetwork(as: Double.self)
    let tensors = network.modelFile(description: description).tensors
    #expect(tensors.map(\.shape) == [[4, 3], [4], [2, 4], [2], [2, 2], [2]])
    #expect(try tensors.flatMap { try $0.elements(as: Double.self) } == network.parametersInFileOrder)
    #expect(try tensors[0].elements(as: Double.self)[1] == network.layers[0].weights[1, 0])
  }

  @Test func sameNetworkGivesTheSameBytes() throws {
    let network = try sampleNetwork(as: Float.self)
    try withTemporaryPath { first in
      try withTemporaryPath { second in
        try network.write(to: first, description: description)
        try network.write(to: second, description: description)
        #expect(try bytes(first) == bytes(second))
      }
    }
  }

  @Test func precisionIsConvertedOnLoading() throws {
    let network = try sampleNetwork(as: Double.self)
    let file = try NetworkFile(network.modelFile(description: description), path: "m")
    #expect(try file.network(as: Float.self) == network.converted(to: Float.self))
    let narrow = try NetworkFile(network.converted(to: Float.self).modelFile(description: description), path: "m")
    #expect(try narrow.network(as: Double.self) == network.converted(to: Float.self).converted(to: Double.self))
  }

  @Test func numbersTooLargeForTheirNewPrecisionAreRefused() throws {
    let file = SafetensorsFile(tensors: [
      .init(name: "0.weight", shape: [1, 1], elements: [1e300]),
      .init(name: "0.bias", shape: [1], elements: [Double.infinity]),
    ])
    let network = try NetworkFile(file, path: "m")
    #expect(throws: NetworkFileError.network(file: "m", tensor: "0.weight", .tooLarge(1e300, precision: .f32))) {
      try network.network(as: Float.self)
    }
    #expect(try network.network(as: Double.self).layers[0].bias[0, 0] == .infinity)
  }

  @Test func gradientsAreNoModel() throws {
    let network = try sampleNetwork(as: Float.self)
    let gradients = Gradients(loss: 1, layers: network.layers)
    try withTemporaryPath { path in
      try gradients.write(to: path, description: description)
      #expect(try SafetensorsFile(contentsOf: path).tensors == network.modelFile(description: description).tensors)
      #expect(throws: NetworkFileError.network(file: path, tensor: nil, .gradients)) {
        try NetworkFile(contentsOf: path)
      }
    }
  }

  @Test func missingFileIsToldAsSuch() {
    #expect(throws: NetworkFileError.file(ModelFileError(file: "/nowhere/m", problem: .missing))) {
      try NetworkFile(contentsOf: "/nowhere/m")
    }
  }
}

@Suite struct UnsuitableNetworkFileTests {
  private static let layer0: KeyValuePairs = ["0.weight": [4, 3], "0.bias": [4]]

  @Test(
    arguments: [
      ([:], nil, .noLayers),
      (["0.weight": [4, 3]], "0.weight", .missingBias("0.bias")),
      (["0.bias": [4]], "0.bias", .missingWeight("0.weight")),
      (["0.weight": [4, 3], "0.bias": [4], "2.bias": [1]], "2.bias", .missingWeight("2.weight")),
      (["0.weight": [4, 3], "0.bias": [4], "steps": []], "steps", .unexpectedName),
      (["00.weight": [4, 3], "00.bias": [4]], "00.weight", .unexpectedName),
      (["-1.weight": [4, 3], "-1.bias": [4]], "-1.weight", .unexpectedName),
      (["net.0.weight": [4, 3], "net.0.bias": [4]], "net.0.weight", .unexpectedName),
      (["99999999999999999999.bias": [4]], "99999999999999999999.bias", .unexpectedName),
      (["1.weight": [4, 3], "1.bias": [4]], "1.weight", .indexGap(index: 1, expected: 0)),
      (
        ["0.weight": [4, 3], "0.bias": [4], "3.weight": [1, 4], "3.bias": [1]], "3.weight",
        .indexGap(index: 3, expected: 1)
      ),
      (["0.weight": [4, 3, 2], "0.bias": [4]], "0.weight", .rank(expected: 2, shape: [4, 3, 2])),
      (["0.weight": [4, 3], "0.bias": [4, 1]], "0.bias", .rank(expected: 1, shape: [4, 1])),
      (["0.weight": [4, 0], "0.bias": [4]], "0.weight", .empty(shape: [4, 0])),
      (["0.weight": [4, 3], "0.bias": [3]], "0.bias", .biasSize(expected: 4, found: 3, weight: "0.weight")),
      (
        ["0.weight": [4, 3], "0.bias": [4], "1.weight": [1, 3], "1.bias": [1]], "1.weight",
        .inputSize(expected: 4, found: 3, below: "0.weight")
      ),
    ] as [(KeyValuePairs<String, [Int]>, String?, NetworkFileError.Problem)])
  func tensorsThatMakeNoNetwork(
    shapes: KeyValuePairs<String, [Int]>, tensor: String?, problem: NetworkFileError.Problem
  ) {
    let error = NetworkFileError.network(file: "m", tensor: tensor, problem)
    #expect(throws: error) { try NetworkFile(file(shapes), path: "m", activation: .relu) }
    #expect(error.description.hasPrefix(tensor.map { "m, tensor \"\($0)\": " } ?? "m: "))
  }

  @Test(
    arguments: [
      (["lockstep.format": "2"], .unknownFormat("2")),
      (["lockstep.content": "poems"], .badMetadata(key: "lockstep.content", value: "poems")),
      (["lockstep.loss": "l1"], .badMetadata(key: "lockstep.loss", value: "l1")),
      (["lockstep.activations": "relu"], .badMetadata(key: "lockstep.activations", value: "relu")),
      (["lockstep.activations": "[\"mish\"]"], .badMetadata(key: "lockstep.activations", value: "[\"mish\"]")),
      (["lockstep.inputs": "{}"], .badMetadata(key: "lockstep.inputs", value: "{}")),
      (["lockstep.inputs": "[\"a\"]"], .namesDisagree(key: "lockstep.inputs", names: 1, size: 3)),
      (["lockstep.targets": "[]"], .namesDisagree(key: "lockstep.targets", names: 0, size: 4)),
      (["lockstep.activations": "[]"], .activationsDisagree([], indices: [0])),
      (["lockstep.class": "c"], .badMetadata(key: "lockstep.class", value: "c")),
    ] as [([String: String], NetworkFileError.Problem)])
  func metadataThatDisagrees(metadata: [String: String], problem: NetworkFileError.Problem) {
    #expect(throws: NetworkFileError.network(file: "m", tensor: nil, problem)) {
      try NetworkFile(file(Self.layer0, metadata: metadata), path: "m")
    }
  }

  @Test func encodingsComeBack() throws {
    var encoded = description
    encoded.inputEncodings = [
      .categories(column: "a \"b\"", values: ["x=\n", "é"]), .scaled(column: "c/d", mean: -0.1, deviation: 1e-300),
    ]
    encoded.inputColumns = ["a \"b\"=x=\n", "a \"b\"=é", "c/d"]
    encoded.classColumn = "species"
    let network: Network<Float> = try sampleNetwork()
    let file = network.modelFile(description: encoded)
    #expect(
      file.metadata["lockstep.encodings"]
        == #"[{"categories":["x=\n","é"],"column":"a \"b\""},{"column":"c/d","deviation":1e-300,"mean":-0.1}]"#)
    #expect(try NetworkFile(file, path: "m").description == encoded)
    // Where nothing is encoded, nothing is said.
    #expect(network.modelFile(description: description).metadata["lockstep.encodings"] == nil)
  }

  @Test(arguments: [
    "", "{}", "[]", #"[{"column":"a"}]"#, #"[{"column":"a"},{"column":"b"},{"column":"b"}]"#,
    #"[{"column":"a"},{"column":"b"},{"column":"d"}]"#, #"[{"column":"a"},{"column":"b"},{"column":"c","mean":1}]"#,
    #"[{"column":"a"},{"column":"b"},{"column":"c","mean":1,"deviation":0}]"#,
    #"[{"column":"a"},{"column":"b"},{"column":"c","mean":1,"deviation":-1}]"#,
    #"[{"column":"a"},{"column":"b"},{"column":"c","mean":1,"deviation":1e999}]"#,
    #"[{"column":"a"},{"column":"b"},{"column":"c","categories":["q"]}]"#,
    #"[{"column":"a"},{"column":"b"},{"column":"c"},{"column":"d","categories":[]}]"#,
  ])
  func encodingsThatMeanNothingAreRefused(json: String) throws {
    let metadata = ["lockstep.inputs": "[\"a\",\"b\",\"c\"]", "lockstep.encodings": json]
    #expect(
      throws: NetworkFileError.network(
        file: "m", tensor: nil, .badMetadata(key: "lockstep.encodings", value: json))
    ) { try NetworkFile(file(Self.layer0, metadata: metadata), path: "m") }
  }

  @Test(arguments: [
    #"[{"column":"a","mean":1,"deviation":0}]"#, #"[{"column":"b","mean":1,"deviation":2}]"#,
    #"[{"column":"a","categories":["q"]}]"#, "[]",
  ])
  func scalesOfTargetsThatMeanNothingAreRefused(json: String) throws {
    let network = file(
      ["0.weight": [1, 1], "0.bias": [1]],
      metadata: ["lockstep.targets": "[\"a\"]", "lockstep.target_encodings": json])
    #expect(
      throws: NetworkFileError.network(
        file: "m", tensor: nil, .badMetadata(key: "lockstep.target_encodings", value: json))
    ) { try NetworkFile(network, path: "m") }
  }

  @Test func outputsAreDecodedByScales() throws {
    let outputs = Matrix<Float>(rows: 2, columns: 2, elements: [0.1, 0.1, -3, -3])
    let encodings: [ColumnEncoding] = [.number(column: "a"), .scaled(column: "b", mean: 1e6, deviation: 0.3)]
    #expect(
      outputs.decoded(by: encodings).elements
        == [0.1, Float(1e6 + 0.3 * Double(0.1 as Float)), -3, Float(1e6 + 0.3 * -3)])
    var description = ModelDescription(targetColumns: ["a", "b"], targetEncodings: encodings)
    description.inputColumns = ["x"]
    let network = try Network<Float>(sizes: [1, 2], hidden: .relu, seed: 1)
    #expect(try NetworkFile(network.modelFile(description: description), path: "m").description == description)
  }

  @Test func metadataOfOthersIsPassedOver() throws {
    let network = try NetworkFile(file(Self.layer0, metadata: ["format": "pt"]), path: "m")
    #expect(network.description == ModelDescription())
  }

  @Test func tensorsOfTwoTypesAreRefused() {
    let mixed = SafetensorsFile(tensors: [
      .init(name: "0.weight", shape: [1, 1], elements: [1 as Float]),
      .init(name: "0.bias", shape: [1], elements: [1.0]),
    ])
    #expect(
      throws: NetworkFileError.network(
        file: "m", tensor: "0.bias", .mixedDataTypes(.f64, first: .f32, of: "0.weight"))
    ) { try NetworkFile(mixed, path: "m") }
  }

  @Test func anActivationThatNobodyNamesIsAskedForWithoutTheToolsWords() {
    let sentence = NetworkFileError.network(file: "m", tensor: nil, .unknownActivation).description
    #expect(sentence.contains("activation has to be named") && !sentence.contains("--"))
  }

  @Test func activationsMustFitTheIndices() {
    let adjacent = file(
      ["0.weight": [4, 3], "0.bias": [4], "1.weight": [1, 4], "1.bias": [1]],
      metadata: ["lockstep.activations": "[\"relu\",\"identity\"]"])
    #expect(
      throws: NetworkFileError.network(
        file: "m", tensor: nil, .activationsDisagree([.relu, .identity], indices: [0, 1]))
    ) { try NetworkFile(adjacent, path: "m") }
  }

  @Test func activationAskedForMustBeThatOfTheFile() throws {
    let model = try sampleNetwork([.relu, .relu, .identity], as: Float.self).modelFile(description: description)
    #expect(try NetworkFile(model, path: "m", activation: .relu).activations == [.relu, .relu, .identity])
    #expect(
      throws: NetworkFileError.network(file: "m", tensor: nil, .otherActivation(file: .relu, option: .tanh))
    ) { try NetworkFile(model, path: "m", activation: .tanh) }
  }
}

@Suite struct PyTorchTests {
  private struct Expected: Decodable {
    let input: [[Double]]
    let output: [[Double]]
  }

  /// The file that check_with_pytorch.py wrote with `state_dict`, its activation, and how far Lockstep's outputs may lie
  /// from PyTorch's: a few roundings of sums of at most six products of numbers near 1.
  @Test(
    arguments: [
      ("pytorch-linear", nil, .f32, [.identity]),
      ("pytorch-relu", .relu, .f32, [.relu, .identity]),
      ("pytorch-leaky-relu", .leakyReLU, .f64, [.leakyReLU, .identity]),
      ("pytorch-tanh", .tanh, .f64, [.tanh, .identity, .identity]),
      ("pytorch-sigmoid", .sigmoid, .f32, [.sigmoid, .sigmoid, .identity]),
    ] as [(String, Activation?, Precision, [Activation])])
  func stateDictGivesItsOutputs(
    name: String, activation: Activation?, precision: Precision, activations: [Activation]
  ) throws {
    let file = try NetworkFile(contentsOf: fixture(name), activation: activation)
    #expect(file.precision == precision)
    #expect(file.activations == activations)
    let path = try #require(Bundle.module.path(forResource: "Fixtures/pytorch", ofType: "json"))
    let all = try JSONDecoder().decode([String: Expected].self, from: Data(bytes(path)))
    let expected = try #require(all[name])
    switch precision {
    case .f32: try compare(file.network(as: Float.self), expected, within: 4e-6)
    case .f64: try compare(file.network(as: Double.self), expected, within: 1e-14)
    }
  }

  private func compare<Element: NetworkElement>(
    _ network: Network<Element>, _ expected: Expected, within tolerance: Double
  ) throws {
    let input = Matrix(
      rows: expected.input.count, columns: 3, elements: expected.input.joined().map { Element($0) })
    let output = try network.predict(input, on: Backends.make(.scalar))
    #expect(output.rows == expected.output.count && output.columns == expected.output[0].count)
    for (ours, theirs) in zip(output.elements, expected.output.joined()) {
      #expect(abs(Double(ours) - theirs) <= tolerance * max(1, abs(theirs)))
    }
  }

  @Test func activationMustBeNamed() throws {
    let path = try fixture("pytorch-relu")
    #expect(throws: NetworkFileError.network(file: path, tensor: nil, .unknownActivation)) {
      try NetworkFile(contentsOf: path)
    }
  }

  @Test func activationWithoutRoomIsRefused() throws {
    let deep = file(["0.weight": [4, 3], "0.bias": [4], "1.weight": [1, 4], "1.bias": [1]])
    #expect(throws: NetworkFileError.network(file: "m", tensor: "1.weight", .noRoomForActivation(.relu))) {
      try NetworkFile(deep, path: "m", activation: .relu)
    }
    #expect(try NetworkFile(deep, path: "m").activations == [.identity, .identity])
  }

  @Test(
    arguments: [
      ("pytorch-no-bias", "0.weight", .missingBias("0.bias")),
      ("pytorch-batch-norm", "1.num_batches_tracked", .unexpectedName),
      ("pytorch-convolution", "0.weight", .rank(expected: 2, shape: [4, 3, 2])),
    ] as [(String, String, NetworkFileError.Problem)])
  func networksOfOtherKindsAreRefused(name: String, tensor: String, problem: NetworkFileError.Problem) throws {
    let path = try fixture(name)
    #expect(throws: NetworkFileError.network(file: path, tensor: tensor, problem)) {
      try NetworkFile(contentsOf: path, activation: .relu)
    }
  }

  @Test func halfPrecisionIsRefused() throws {
    let path = try fixture("pytorch-half")
    let error = #expect(throws: NetworkFileError.self) { try NetworkFile(contentsOf: path) }
    #expect(error?.description.contains("F16") == true)
  }
}
