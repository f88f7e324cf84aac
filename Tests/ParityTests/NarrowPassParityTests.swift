// The one pass over a narrow network, on every backend that has it, against the reference, bit for bit.

import BackendMatrix
import ComputeBackend
import Lockstep
import LockstepReference
import Testing

/// A network of narrow layers, and its loss.
struct NarrowNetwork: Sendable, CustomStringConvertible {
  let widths: [Int]
  let activations: [Activation]
  let loss: Loss

  var description: String {
    "\(widths.map(String.init).joined(separator: "-")) \(activations.map(\.rawValue)) \(loss.rawValue)"
  }

  /// Small regressions, whose sums a kernel may keep in registers, and the same shapes with what sets them apart.
  static let regressions: [NarrowNetwork] = [1, 2, 3].flatMap { inputs in
    [0, 1, 2, 3, 4, 5].flatMap { hidden in
      let widths = hidden == 0 ? [inputs, 1] : [inputs, hidden, 1]
      let plain = [Activation](repeating: .identity, count: widths.count - 1)
      return [
        NarrowNetwork(widths: widths, activations: plain, loss: .meanSquaredError),
        NarrowNetwork(widths: widths, activations: plain.dropLast() + [.relu], loss: .meanSquaredError),
        NarrowNetwork(widths: widths, activations: [.relu] + plain.dropFirst(), loss: .meanSquaredError),
        NarrowNetwork(widths: widths, activations: plain, loss: .binaryCrossEntropy),
      ]
    }
  }

  static let others: [NarrowNetwork] = [
    NarrowNetwork(widths: [1, 15], activations: [.tanh], loss: .softmaxCrossEntropy),
    NarrowNetwork(widths: [15, 1], activations: [.sigmoid], loss: .meanSquaredError),
    NarrowNetwork(widths: [3, 5, 3], activations: [.leakyReLU, .identity], loss: .softmaxCrossEntropy),
    NarrowNetwork(widths: [5, 3, 5, 2], activations: [.tanh, .relu, .leakyReLU], loss: .meanSquaredError),
    NarrowNetwork(widths: [1, 2, 2], activations: [.identity, .identity], loss: .meanSquaredError),
    NarrowNetwork(
      widths: [2, 7, 2, 3, 4, 1], activations: [.sigmoid, .leakyReLU, .identity, .tanh, .identity],
      loss: .binaryCrossEntropy),
  ]
}

@Suite("The one pass over a narrow network has the reference's bits", .serialized)
struct NarrowPassParityTests {
  @Test("Loss and gradients", arguments: ParityCase.all)
  func gradients(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.narrowGradients() }, { $0.narrowGradients() })
  }

  @Test("A network with a layer that is not narrow has none, and nothing is written")
  func notNarrow() throws {
    for backend in try allBackends(Float.self) {
      var run = try ParityRun<Float>(profile: .ordinary)
      let network = NarrowNetwork(widths: [1, 15, 2], activations: [.relu, .identity], loss: .meanSquaredError)
      let operands = run.narrowOperands(network, rows: 20)
      let gradients = run.narrowGradientMemory(network)
      let lossSum = backend.narrowGradients(
        layers: operands.views(gradients), input: operands.input.view, target: operands.target.view, loss: network.loss,
        scale: 1)
      #expect(lossSum == nil, "\(backend.name)")
      #expect(gradients.allSatisfy { $0.weights.contents().elements.allSatisfy(\.isNaN) }, "\(backend.name)")
    }
  }
}

/// Parameters, or gradients, of a layer in guarded memory.
typealias GuardedLayer<Element: NetworkElement> = (weights: GuardedMatrix<Element>, bias: GuardedMatrix<Element>)

/// The operands of a pass.
struct NarrowOperands<Element: NetworkElement> {
  let reference: ReferenceNetwork<Element>
  let batch: ReferenceBatch<Element>
  let input: GuardedMatrix<Element>
  let target: GuardedMatrix<Element>
  let parameters: [GuardedLayer<Element>]

  func views(_ gradients: [GuardedLayer<Element>]) -> [DenseLayerViews<Element>] {
    reference.layers.indices.map {
      DenseLayerViews(
        weights: parameters[$0].weights.view, bias: parameters[$0].bias.view,
        activation: reference.layers[$0].activation, weightGradient: gradients[$0].weights.mutableView,
        biasGradient: gradients[$0].bias.mutableView)
    }
  }
}

extension ParityRun {
  mutating func narrowOperands(_ network: NarrowNetwork, rows: Int) -> NarrowOperands<Element> {
    let input = random(rows: rows, columns: network.widths[0])
    let target = random(rows: rows, columns: network.widths[network.widths.count - 1])
    let layers = network.activations.indices.map { index in
      ReferenceLayer(
        weights: random(rows: network.widths[index], columns: network.widths[index + 1]),
        bias: random(rows: 1, columns: network.widths[index + 1]), activation: network.activations[index])
    }
    return NarrowOperands(
      reference: ReferenceNetwork(layers: layers), batch: (input, target), input: memory(input),
      target: memory(target), parameters: layers.map { (memory($0.weights), memory($0.bias)) })
  }

  mutating func narrowGradientMemory(_ network: NarrowNetwork) -> [GuardedLayer<Element>] {
    network.activations.indices.map {
      (
        memory(rows: network.widths[$0], columns: network.widths[$0 + 1]),
        memory(rows: 1, columns: network.widths[$0 + 1])
      )
    }
  }

  mutating func narrowGradients() {
    let batches = [1, 2, 15, 16, 17, 31, 100, 255, 256, 257, 513, 1000]
    for (index, network) in (NarrowNetwork.regressions + NarrowNetwork.others).enumerated() {
      // Every batch where that is quick, else some that change from network to network.
      let isFirst = network.widths.first == 1 && network.activations.allSatisfy { $0 == .identity }
      for rows in isFirst ? batches : (0..<4).map({ batches[(index * 5 + $0 * 3) % batches.count] }) {
        narrowGradients(network, rows: rows)
      }
    }
    narrowGradients(NarrowNetwork.regressions[2 * 4], rows: 4097)
    narrowGradients(NarrowNetwork.others[2], rows: 1300)
  }

  private mutating func narrowGradients(_ network: NarrowNetwork, rows: Int) {
    let last = network.widths.count - 1
    let shape = Shape(rows: rows, inputs: network.widths[0], outputs: network.widths[last])
    let what = "pass over \(network)"
    let operands = narrowOperands(network, rows: rows)
    let expected = operands.reference.pass(over: operands.batch, loss: network.loss)
    let scale: Element = network.loss.gradientScale(rows: rows, outputs: network.widths[last])
    let terms = Element(network.loss.termCount(rows: rows, outputs: network.widths[last]))
    for backend in backends {
      let gradients = narrowGradientMemory(network)
      guard
        let lossSum = backend.narrowGradients(
          layers: operands.views(gradients), input: operands.input.view, target: operands.target.view,
          loss: network.loss, scale: scale)
      else {
        if backend.kind != .scalar { Issue.record("\(what), \(shape), \(backend.name): has no kernel") }
        continue
      }
      let mean = memory(Matrix(rows: 1, columns: 1, elements: [lossSum / terms]))
      check(mean, Matrix(rows: 1, columns: 1, elements: [expected.loss]), what, shape: shape, backend: backend)
      for (index, gradient) in gradients.enumerated() {
        let layer = "\(what), layer \(index + 1)"
        check(gradient.weights, expected.weightGradients[index], layer, shape: shape, backend: backend)
        check(gradient.bias, expected.biasGradients[index], layer, shape: shape, backend: backend)
      }
    }
  }
}
