// ONNX models as protobuf-c reads them back: operators, names and every bit of the parameters. What runtimes compute with
// them is compared in check_onnx.py.

import ComputeBackend
import FileWriting
import Foundation
import Lockstep
import Testing

@testable import LockstepONNX

@Suite struct ONNXModelTests {
  /// Networks of one layer and of several, with sizes of 1, odd and prime.
  static let sizes = [[1, 1], [3, 2], [2, 13, 1], [7, 31, 17, 5]]

  @Test(arguments: sizes, Activation.allCases) func parametersKeepTheirBits(sizes: [Int], activation: Activation) throws
  {
    try checkParameters(Network<Float>(sizes: sizes, hidden: activation, seed: 1), type: 1)
    try checkParameters(Network<Double>(sizes: sizes, hidden: activation, seed: 2), type: 11)
  }

  private func checkParameters<Element: KernelElement>(_ network: Network<Element>, type: Int32) throws {
    let model = try ParsedModel(ONNXModel(network, producerVersion: "1").bytes)
    for (index, layer) in network.layers.enumerated() {
      let weights = try #require(model.tensors["layer\(index + 1).weights"])
      #expect(weights.type == type)
      #expect(weights.shape == [layer.inputs, layer.outputs])
      #expect(weights.elements(as: Element.self).map(\.bitPattern) == layer.weights.elements.map(\.bitPattern))
      let bias = try #require(model.tensors["layer\(index + 1).bias"])
      #expect(bias.type == type)
      #expect(bias.shape == [layer.outputs])
      #expect(bias.elements(as: Element.self).map(\.bitPattern) == layer.bias.elements.map(\.bitPattern))
    }
    #expect(model.input == .init(name: "input", type: type, rows: "rows", columns: network.inputs))
    #expect(model.output == .init(name: "output", type: type, rows: "rows", columns: network.outputs))
  }

  @Test func bitsThatAreNoOrdinaryNumbersStay() throws {
    let bits: [UInt32] = [0x8000_0000, 0x0000_0001, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 0x7F7F_FFFF]
    let weights = Matrix<Float>(rows: 2, columns: 3, elements: bits.map { Float(bitPattern: $0) })
    let network = try Network(layers: [
      DenseLayer(weights: weights, bias: Matrix(rows: 1, columns: 3), activation: .identity)
    ])
    let model = try ParsedModel(ONNXModel(network, producerVersion: "1").bytes)
    #expect(model.tensors["layer1.weights"]?.elements(as: UInt32.self) == bits)
  }

  @Test func eachActivationHasItsOperators() throws {
    let operators: [Activation: [String]] = [
      .identity: [], .relu: ["Relu"], .leakyReLU: ["LeakyRelu"], .tanh: ["Tanh"], .sigmoid: ["Sigmoid"],
      .elu: ["Elu"], .softplus: ["Softplus"], .silu: ["Sigmoid", "Mul"],
      .gelu: ["Mul", "Erf", "Add", "Mul", "Mul"],
    ]
    let inDouble: [Activation: [String]] = [
      .leakyReLU: ["Mul", "Max"], .elu: ["Relu", "Min", "Exp", "Sub", "Add"],
      .softplus: ["Relu", "Abs", "Neg", "Exp", "Add", "Log", "Add"],
    ]
    for activation in Activation.allCases {
      let expected = try #require(operators[activation])
      let single = try model(activation, as: Float.self)
      #expect(single.nodes.map(\.operation) == ["Gemm"] + expected + ["Gemm"])
      let double = try model(activation, as: Double.self)
      #expect(
        double.nodes.map(\.operation) == ["MatMul", "Add"] + (inDouble[activation] ?? expected) + ["MatMul", "Add"])
    }
  }

  @Test func theLeakySlopeIsExact() throws {
    let single = try model(.leakyReLU, as: Float.self)
    #expect(single.nodes[1].alpha == Float(Activation.leakySlope))
    #expect(single.tensors["leaky_slope"] == nil)
    let double = try model(.leakyReLU, as: Double.self)
    let slope = try #require(double.tensors["leaky_slope"])
    #expect(slope.shape == [])
    #expect(slope.elements(as: Double.self) == [Activation.leakySlope])
  }

  @Test func everyNameIsDefinedOnceBeforeItIsUsed() throws {
    for activation in Activation.allCases {
      let network = try Network<Double>(sizes: [2, 3, 5, 1], hidden: activation, seed: 1)
      let model = try ParsedModel(ONNXModel(network, producerVersion: "1").bytes)
      var defined = Set(model.tensors.keys).union(["input"])
      for node in model.nodes {
        #expect(defined.isSuperset(of: node.inputs))
        #expect(defined.insert(node.output).inserted)
      }
      #expect(model.nodes.last?.output == "output")
      #expect(Set(model.nodes.map(\.name)).count == model.nodes.count)
    }
  }

  @Test func theHeadSaysWhatItIs() throws {
    let network = try Network<Double>(sizes: [2, 1], hidden: .relu, seed: 1)
    let description = ModelDescription(
      loss: .binaryCrossEntropy, inputColumns: ["a \"quoted\", \u{0} name", "é"], targetColumns: ["y"])
    let bytes = try ONNXModel(network, description: description, producerVersion: "1.2.3").bytes
    let model = try ParsedModel(bytes)
    #expect(model.formatVersion == 4)
    #expect(model.operatorSets == [.init(domain: "", version: 9)])
    #expect(model.producer == "lockstep 1.2.3")
    #expect(
      model.metadata == [
        "lockstep.precision": "f64", "lockstep.digest": network.parametersDigest, "lockstep.loss": "bce",
        "lockstep.inputs": #"["a \"quoted\", \u0000 name","é"]"#, "lockstep.targets": #"["y"]"#,
      ])
    #expect(try ONNXModel(network, description: description, producerVersion: "1.2.3").bytes == bytes)
  }

  @Test func theSizeHasALimit() throws {
    let network = try Network<Float>(sizes: [30, 10], hidden: .relu, seed: 1)
    func size(limit: Int) throws(ONNXError) -> Int {
      try ONNXModel(network, description: ModelDescription(), producerVersion: "1", maximumSize: limit).bytes.count
    }
    let full = try size(limit: .max)
    #expect(try size(limit: full) == full)
    #expect(throws: ONNXError.tooLarge(size: full, limit: full - 1)) { try size(limit: full - 1) }
    // Too large already without names and shapes.
    #expect(throws: ONNXError.tooLarge(size: 1240, limit: 1239)) { try size(limit: 1239) }
    #expect(ONNXModel.maximumSize == 2_147_483_647)
  }

  @Test func aFolderIsNotReplaced() throws {
    let network = try Network<Float>(sizes: [1, 1], hidden: .relu, seed: 1)
    let model = try ONNXModel(network, producerVersion: "1")
    #expect(throws: FileError(path: "/tmp", reason: "it is a folder", errorNumber: EISDIR)) {
      try model.write(to: "/tmp")
    }
  }

  private func model<Element: KernelElement>(_ activation: Activation, as _: Element.Type) throws -> ParsedModel {
    let layers = [(3, 5, activation), (5, 2, Activation.identity)].map { inputs, outputs, activation in
      DenseLayer<Element>(
        weights: Matrix(rows: inputs, columns: outputs), bias: Matrix(rows: 1, columns: outputs),
        activation: activation)
    }
    return try ParsedModel(ONNXModel(Network(layers: layers), producerVersion: "1").bytes)
  }
}
