// The one pass over a narrow network, of every backend that has it, against the reference's networks, bit for bit.

import BackendMatrix
import ComputeBackend
import Lockstep
import LockstepReference
import Testing

@Suite("Networks of narrow layers in one pass have the reference's bits", .serialized)
struct NarrowParityTests {
  /// Widths from input to output; each layer has fewer than 16 weights.
  static let networks: [[Int]] = [
    [1, 1], [2, 1], [1, 2], [3, 5], [15, 1], [1, 15], [1, 2, 1], [1, 3, 1], [1, 8, 1], [2, 3, 2], [3, 4, 3, 5, 1],
    [1, 2, 3, 4, 3, 2, 1],
  ]
  /// Small regressions, whose sums a kernel may keep in registers, and neighbours of theirs.
  static let regressions: [[Int]] = [1, 2, 3].flatMap { inputs in
    [[inputs, 1]] + (1...5).map { [inputs, $0, 1] }
  }
  static let batches = [1, 2, 7, 15, 16, 17, 31, 33, 100, 255, 256, 257, 271, 512, 513, 1000, 4097]

  @Test("Gradients and loss", arguments: ParityCase.all)
  func gradients(_ parityCase: ParityCase) throws {
    try parityCase.run({ $0.narrowNetworks() }, { $0.narrowNetworks() })
  }

  /// Every backend may answer that it has no such pass; those that are meant to be fast must have it.
  @Test("The fast backends have the pass for the smallest networks", arguments: [[1, 1], [1, 2, 1], [2, 3, 2]])
  func availability(_ sizes: [Int]) throws {
    var run = try ParityRun<Float>(profile: .ordinary)
    for backend in run.backends where backend.kind != .scalar {
      let layers = run.narrowLayers(sizes, activations: [.identity])
      let (input, target) = (
        run.memory(rows: 5, columns: sizes[0]), run.memory(rows: 5, columns: sizes[sizes.count - 1])
      )
      let sum = withExtendedLifetime(layers) {
        backend.narrowGradients(
          layers: layers.map(\.views), input: input.view, target: target.view, loss: .meanSquaredError, scale: 1)
      }
      #expect(sum != nil, "\(backend.name)")
    }
  }

  @Test(
    "A network with a layer that is not narrow, or keeps its sums, has no such pass, and nothing is written",
    arguments: zip(
      [[1, 15, 2]] + Activation.allCases.filter(\.keepsSums).map { _ in [1, 5, 2] },
      [.relu] + Activation.allCases.filter(\.keepsSums)))
  func notNarrow(_ sizes: [Int], _ activation: Activation) throws {
    var run = try ParityRun<Float>(profile: .ordinary)
    for backend in run.backends {
      let layers = run.narrowLayers(sizes, activations: [activation])
      let (input, target) = (run.memory(rows: 5, columns: 1), run.memory(rows: 5, columns: 2))
      let sum = withExtendedLifetime(layers) {
        backend.narrowGradients(
          layers: layers.map(\.views), input: input.view, target: target.view, loss: .meanSquaredError, scale: 1)
      }
      #expect(sum == nil, "\(backend.name)")
      for layer in layers {
        #expect(layer.weightGradient.contents().elements.allSatisfy { $0.isNaN }, "\(backend.name)")
      }
    }
  }
}

/// A layer in guarded memory.
struct GuardedLayer<Element: NetworkElement> {
  let layer: ReferenceLayer<Element>
  let weights, bias, weightGradient, biasGradient: GuardedMatrix<Element>

  var views: DenseLayerViews<Element> {
    DenseLayerViews(
      weights: weights.view, bias: bias.view, activation: layer.activation,
      weightGradient: weightGradient.mutableView, biasGradient: biasGradient.mutableView)
  }
}

extension ParityRun {
  /// A network of random parameters, whose layers take the activations in turn.
  mutating func narrowLayers(_ sizes: [Int], activations: [Activation]) -> [GuardedLayer<Element>] {
    zip(sizes, sizes.dropFirst()).enumerated().map { index, size in
      let (inputs, outputs) = size
      let layer = ReferenceLayer(
        weights: random(rows: inputs, columns: outputs), bias: random(rows: 1, columns: outputs),
        activation: activations[index % activations.count])
      return GuardedLayer(
        layer: layer, weights: memory(layer.weights), bias: memory(layer.bias),
        weightGradient: memory(rows: inputs, columns: outputs), biasGradient: memory(rows: 1, columns: outputs))
    }
  }

  mutating func narrowNetworks() {
    var choice = 0
    for sizes in NarrowParityTests.networks {
      for rows in NarrowParityTests.batches {
        choice += 1
        let losses = rows < 40 ? Loss.allCases : [Loss.allCases[choice % Loss.allCases.count]]
        for loss in losses {
          let activations =
            rows < 20 ? Activation.allCases : [Activation.allCases[choice / 3 % Activation.allCases.count]]
          for activation in activations { compareNarrow(sizes, rows: rows, activations: [activation], loss: loss) }
        }
      }
    }
    for sizes in NarrowParityTests.regressions {
      for rows in sizes == [1, 2, 1] ? NarrowParityTests.batches : [15, 16, 100, 257, 1000] {
        compareNarrow(sizes, rows: rows, activations: [.identity], loss: .meanSquaredError)
      }
      compareNarrow(sizes, rows: 100, activations: [.relu, .identity], loss: .meanSquaredError)
      compareNarrow(sizes, rows: 100, activations: [.identity, .relu], loss: .meanSquaredError)
    }
  }

  private mutating func compareNarrow(_ sizes: [Int], rows: Int, activations: [Activation], loss: Loss) {
    let outputs = sizes[sizes.count - 1]
    let shape = Shape(rows: rows, inputs: sizes[0], outputs: outputs)
    let what = "\(sizes) \(activations.map(\.rawValue)) \(loss.rawValue)"
    let layers = narrowLayers(sizes, activations: activations)
    let (input, target) = (random(rows: rows, columns: sizes[0]), random(rows: rows, columns: outputs))
    let (x, t) = (memory(input), memory(target))
    let network = ReferenceNetwork(layers: layers.map(\.layer))
    let expected = network.pass(over: (input, target), loss: loss)
    let scale: Element = loss.gradientScale(rows: rows, outputs: outputs)
    let terms = Element(loss.termCount(rows: rows, outputs: outputs))
    let expectedLoss = Matrix(rows: 1, columns: 1, elements: [expected.loss])
    for backend in backends {
      guard
        let sum = backend.narrowGradients(
          layers: layers.map(\.views), input: x.view, target: t.view, loss: loss, scale: scale)
      else { continue }
      check(
        memory(Matrix(rows: 1, columns: 1, elements: [sum / terms])), expectedLoss, "\(what), loss", shape: shape,
        backend: backend)
      for (index, layer) in layers.enumerated() {
        check(
          layer.weightGradient, expected.weightGradients[index], "\(what), weights \(index)", shape: shape,
          backend: backend)
        check(
          layer.biasGradient, expected.biasGradients[index], "\(what), bias \(index)", shape: shape,
          backend: backend)
      }
    }
  }
}
