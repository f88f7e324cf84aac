// Networks as values: shapes, file order, digests.

import ComputeBackend
import Testing

@testable import Lockstep

@Suite struct NetworkTests {
  func layer(_ inputs: Int, _ outputs: Int, biasColumns: Int? = nil) -> DenseLayer<Float> {
    DenseLayer(
      weights: Matrix(rows: inputs, columns: outputs), bias: Matrix(rows: 1, columns: biasColumns ?? outputs),
      activation: .relu)
  }

  @Test func shapesThatDoNotFitAreRefused() {
    #expect(throws: NetworkError.noLayers) { try Network<Float>(layers: []) }
    #expect(throws: NetworkError.emptyLayer(layer: 2)) { try Network(layers: [layer(3, 2), layer(2, 0)]) }
    #expect(throws: NetworkError.biasShape(layer: 1, expected: 2, rows: 1, columns: 3)) {
      try Network(layers: [layer(3, 2, biasColumns: 3)])
    }
    #expect(throws: NetworkError.layersDisagree(layer: 2, inputs: 4, given: 2)) {
      try Network(layers: [layer(3, 2), layer(4, 1)])
    }
    #expect(throws: NetworkError.noLayers) { try Network<Float>(sizes: [3], hidden: .relu, seed: 0) }
    #expect(throws: NetworkError.emptyLayer(layer: 2)) {
      try Network<Float>(sizes: [3, 4, 0], hidden: .relu, seed: 0)
    }
  }

  @Test func aMatrixOfAnotherNumberOfElementsSaysWhatItTakes() async {
    func words(_ result: ExitTest.Result?) -> String {
      String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    }
    let tooFew = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Matrix<Float>(rows: 2, columns: 3, elements: [1, 2, 3, 4, 5])
    }
    #expect(words(tooFew).contains("A matrix [2 × 3] takes 6 elements, not 5"))
    let negative = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Matrix<Double>(rows: -1, columns: -1, elements: [1])
    }
    #expect(words(negative).contains("A matrix cannot be [-1 × -1]"))
    let tooLarge = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Matrix<Double>(rows: .max, columns: .max, elements: [1])
    }
    #expect(words(tooLarge).contains("takes more than 2^64 elements, not 1"))
  }

  @Test func dataThatDoesNotFitIsRefused() throws {
    let network = try Network<Float>(sizes: [3, 2], hidden: .relu, seed: 0)
    let backend = try Backends.make(.scalar, as: Float.self)
    let trainer = Trainer(network, loss: .meanSquaredError, backend: backend)
    #expect(throws: NetworkError.inputColumns(expected: 3, found: 4)) {
      try network.predict(Matrix(rows: 1, columns: 4), on: backend)
    }
    #expect(throws: NetworkError.noRows) {
      try trainer.gradients(input: Matrix(rows: 0, columns: 3), target: Matrix(rows: 0, columns: 2))
    }
    #expect(throws: NetworkError.targetShape(expectedRows: 5, expectedColumns: 2, rows: 4, columns: 2)) {
      try trainer.step(
        input: Matrix(rows: 5, columns: 3), target: Matrix(rows: 4, columns: 2), learningRate: 1)
    }
    #expect(try network.predict(Matrix(rows: 0, columns: 3), on: backend).rows == 0)
  }

  @Test func fileOrderIsOutputsByInputsThenBias() throws {
    let layer = DenseLayer<Double>(
      weights: Matrix(rows: 2, columns: 3, elements: [1, 2, 3, 4, 5, 6]),
      bias: Matrix(rows: 1, columns: 3, elements: [7, 8, 9]), activation: .identity)
    let network = try Network(layers: [layer])
    #expect(network.parametersInFileOrder == [1, 4, 2, 5, 3, 6, 7, 8, 9])
    #expect(Network(shapedAs: network, parametersInFileOrder: network.parametersInFileOrder) == network)
    #expect(network.parameterCount == 9)
    #expect(network.sizes == [2, 3])
  }

  /// The first two are the vectors of the FNV specification for no bytes and, as the low byte of a number, for "a".
  @Test func digestIsFNV1a() {
    #expect(Digest.fnv1a([Float]()) == "cbf29ce484222325")
    var hash: UInt64 = 0xAF63_DC4C_8601_EC8C  // FNV-1a of "a"
    for byte: UInt64 in [0, 0, 0] { hash = (hash ^ byte) &* 0x100_0000_01B3 }
    #expect(Digest.fnv1a([Float(bitPattern: 0x61)]) == String(hash, radix: 16))
    #expect(Digest.fnv1a([Float.nan]) == Digest.fnv1a([-Float.signalingNaN]))
    #expect(Digest.fnv1a([Float(0)]) != Digest.fnv1a([-Float(0)]))
  }

  @Test func parametersOfFloatAreThoseOfDoubleRounded() throws {
    for initializer in Initializer.allCases {
      let double = try Network<Double>(sizes: [5, 7, 2], hidden: .tanh, initializer: initializer, seed: 9)
      let single = try Network<Float>(sizes: [5, 7, 2], hidden: .tanh, initializer: initializer, seed: 9)
      #expect(double.converted(to: Float.self) == single)
      #expect(double.layers.allSatisfy { $0.bias.elements.allSatisfy { $0 == 0 } } == initializer.hasZeroBiases)
      let drawn = Set(double.parametersInFileOrder.filter { $0 != 0 })
      let weights = double.layers.reduce(0) { $0 + $1.weights.elements.count }
      #expect(drawn.count == (initializer == .zeros ? 0 : initializer.hasZeroBiases ? weights : double.parameterCount))
    }
  }

  /// The parameters of each, from the draws of the stream and the formula.
  @Test func initializersFollowTheirFormulas() throws {
    let (inputs, outputs) = (3, 2)
    for initializer in Initializer.allCases {
      let network = try Network<Double>(
        sizes: [inputs, outputs], hidden: .relu, initializer: initializer, seed: 4)
      var stream = RandomStream(seed: 4, purpose: .parameters)
      let expected = (0..<6).map { _ -> Double in
        return switch initializer {
        case .standardNormal: stream.normal()
        case .uniform: (stream.uniform() * 2 - 1) / 3.0.squareRoot()
        case .he: stream.normal() * (2.0 / 3).squareRoot()
        case .xavier: (stream.uniform() * 2 - 1) * (6.0 / 5).squareRoot()
        case .lecun: stream.normal() * (1.0 / 3).squareRoot()
        case .zeros: 0
        }
      }
      #expect(Array(network.parametersInFileOrder.prefix(6)) == expected)
    }
  }

  @Test func uniformParametersStayWithinTheirBound() throws {
    let network = try Network<Double>(sizes: [16, 100, 4], hidden: .relu, seed: 1)
    let (first, second) = (network.layers[0], network.layers[1])
    #expect(first.weights.elements.allSatisfy { abs($0) < 0.25 })
    #expect(second.weights.elements.allSatisfy { abs($0) < 0.1 })
    #expect((first.weights.elements.max() ?? 0) > 0.24)
  }
}

extension Initializer {
  fileprivate var hasZeroBiases: Bool { self != .standardNormal && self != .uniform }
}
