// The reference's losses against small cases by hand, and its whole network against differences of the loss.

import ComputeBackend
import Foundation
import LockstepReference
import Testing

@Suite("Losses")
struct LossTests {
  static let output = Matrix<Double>(rows: 2, columns: 2, elements: [1, 2, -3, 0.5])
  static let target = Matrix<Double>(rows: 2, columns: 2, elements: [0, 4, -3, 0])

  static func isClose(_ a: Double, _ b: Double) -> Bool { (a - b).magnitude <= 1e-14 * max(1, b.magnitude) }

  @Test("Mean squared error")
  func meanSquaredError() {
    let (sum, gradient) = Reference.loss(.meanSquaredError, output: Self.output, target: Self.target, scale: 0.5)
    #expect(sum == 1 + 4 + 0 + 0.25)
    #expect(gradient.elements == [0.5, -1, 0, 0.25])
  }

  @Test("Binary cross-entropy")
  func binaryCrossEntropy() {
    let (sum, gradient) = Reference.loss(.binaryCrossEntropy, output: Self.output, target: Self.target, scale: 1)
    func term(_ z: Double, _ t: Double) -> Double {
      let p = 1 / (1 + Foundation.exp(-z))
      return -(t * Foundation.log(p) + (1 - t) * Foundation.log(1 - p))
    }
    let pairs = zip(Self.output.elements, Self.target.elements)
    #expect(Self.isClose(sum, pairs.reduce(0) { $0 + term($1.0, $1.1) }))
    for (value, (z, t)) in zip(gradient.elements, pairs) {
      #expect(Self.isClose(value, 1 / (1 + Foundation.exp(-z)) - t))
    }
  }

  @Test("Cross-entropy with softmax, also with targets that do not sum to one")
  func softmaxCrossEntropy() {
    let (sum, gradient) = Reference.loss(.softmaxCrossEntropy, output: Self.output, target: Self.target, scale: 2)
    var expectedSum = 0.0
    for r in 0..<2 {
      let total = Foundation.exp(Self.output[r, 0]) + Foundation.exp(Self.output[r, 1])
      let targets = Self.target[r, 0] + Self.target[r, 1]
      for j in 0..<2 {
        let probability = Foundation.exp(Self.output[r, j]) / total
        expectedSum -= Self.target[r, j] * Foundation.log(probability)
        #expect(Self.isClose(gradient[r, j], 2 * (probability * targets - Self.target[r, j])))
      }
    }
    #expect(Self.isClose(sum, expectedSum))
  }

  @Test("Mean absolute error: where nothing is wrong, the gradient is +0")
  func meanAbsoluteError() {
    let (sum, gradient) = Reference.loss(.meanAbsoluteError, output: Self.output, target: Self.target, scale: 0.25)
    #expect(sum == 1 + 2 + 0 + 0.5)
    #expect(gradient.elements == [0.25, -0.25, 0, 0.25])
    func slope(_ output: Float, _ target: Float) -> Float {
      func one(_ value: Float) -> Matrix<Float> { Matrix(rows: 1, columns: 1, elements: [value]) }
      return Reference.loss(.meanAbsoluteError, output: one(output), target: one(target), scale: 1).gradient[0, 0]
    }
    for (output, target): (Float, Float) in [(0, 0), (-0.0, 0), (0, -0.0), (-0.0, -0.0), (-3, -3)] {
      #expect(slope(output, target).bitPattern == 0)
    }
    #expect(slope(.nan, 1).isNaN)
    #expect(slope(-.infinity, 1) == -1)
  }

  @Test("Huber's loss is half the square up to 1, and a line beyond")
  func huber() {
    let (sum, gradient) = Reference.loss(.huber, output: Self.output, target: Self.target, scale: 0.5)
    #expect(sum == 0.5 + 1.5 + 0 + 0.125)
    #expect(gradient.elements == [0.5, -0.5, 0, 0.25])
    let far = Reference.loss(
      .huber, output: Matrix<Double>(rows: 1, columns: 2, elements: [-.infinity, .nan]),
      target: Matrix(rows: 1, columns: 2), scale: 0.5)
    #expect(far.sum.isNaN)
    #expect(far.gradient[0, 0] == -0.5)
    #expect(far.gradient[0, 1].isNaN)
  }

  @Test("Large logits do not overflow", arguments: [Loss.binaryCrossEntropy, .softmaxCrossEntropy])
  func large(_ loss: Loss) {
    let output = Matrix<Float>(rows: 1, columns: 2, elements: [1000, -1000])
    let target = Matrix<Float>(rows: 1, columns: 2, elements: [0, 1])
    let (sum, gradient) = Reference.loss(loss, output: output, target: target, scale: 1)
    #expect(sum == 2000)
    #expect(gradient.elements == [1, -1])
  }

  @Test("The sum over rows runs in stripes")
  func stripes() {
    let errors = (0..<40).map { Float($0 % 7) / 3 }
    let output = Matrix(rows: 40, columns: 1, elements: errors)
    let sum = Reference.loss(.meanSquaredError, output: output, target: Matrix(rows: 40, columns: 1), scale: 1).sum
    let bias = Reference.parameterGradients(
      input: Matrix<Float>(rows: 40, columns: 1),
      outputGradient: Matrix(rows: 40, columns: 1, elements: errors.map { $0 * $0 }))
    #expect(sum == bias.bias[0, 0])
  }
}

@Suite("Whole networks")
struct ReferenceNetworkTests {
  /// A network of 1, 2 and 1 units, linear, with weights that make everything exact.
  static let linear = ReferenceNetwork<Float>(layers: [
    ReferenceLayer(
      weights: Matrix(rows: 1, columns: 2, elements: [1, -2]), bias: Matrix(rows: 1, columns: 2, elements: [0, 1]),
      activation: .identity),
    ReferenceLayer(
      weights: Matrix(rows: 2, columns: 1, elements: [2, 0.5]), bias: Matrix(rows: 1, columns: 1, elements: [-1]),
      activation: .identity),
  ])
  static let batch: ReferenceBatch<Float> = (
    Matrix(rows: 2, columns: 1, elements: [1, 3]), Matrix(rows: 2, columns: 1, elements: [0.5, 1])
  )

  @Test("Outputs, loss and gradients by hand")
  func byHand() {
    let pass = Self.linear.pass(over: Self.batch, loss: .meanSquaredError)
    // Hidden: (1, -1), (3, -5). Output: 2 - 0.5 - 1, 6 - 2.5 - 1. Errors: 0, 1.5, times 2 / 2.
    #expect(pass.outputs.map(\.elements) == [[1, -1, 3, -5], [0.5, 2.5]])
    #expect(pass.loss == 2.25 / 2)
    #expect(pass.weightGradients[1].elements == [4.5, -7.5])
    #expect(pass.biasGradients[1].elements == [1.5])
    // Hidden gradients of the second row: 1.5 times (2, 0.5).
    #expect(pass.weightGradients[0].elements == [9, 2.25])
    #expect(pass.biasGradients[0].elements == [3, 0.75])
  }

  @Test("A step of descent moves each parameter by the learning rate times its gradient")
  func step() {
    var network = Self.linear
    let losses = network.train(on: [Self.batch, Self.batch], loss: .meanSquaredError, learningRate: 0.125)
    #expect(losses[0] == 1.125)
    var once = Self.linear
    once.train(on: [Self.batch], loss: .meanSquaredError, learningRate: 0.125)
    #expect(once.layers[0].weights.elements == [-0.125, -2.28125])
    #expect(once.layers[1].bias.elements == [-1.1875])
    #expect(losses[1] == once.pass(over: Self.batch, loss: .meanSquaredError).loss)
  }

  @Test(
    "Gradients are the slopes of the loss", arguments: Activation.allCases, Loss.allCases)
  func slopes(_ activation: Activation, _ loss: Loss) {
    var seed: UInt32 = 1
    func random(_ rows: Int, _ columns: Int) -> Matrix<Double> {
      Matrix(
        rows: rows, columns: columns,
        elements: (0..<rows * columns).map { _ in
          seed = seed &* 1_664_525 &+ 1_013_904_223
          return Double(seed >> 8) / 0x1p24 * 2 - 1
        })
    }
    let network = ReferenceNetwork(layers: [
      ReferenceLayer(weights: random(3, 4), bias: random(1, 4), activation: activation),
      ReferenceLayer(weights: random(4, 5), bias: random(1, 5), activation: .tanh),
      ReferenceLayer(weights: random(5, 2), bias: random(1, 2), activation: activation),
    ])
    let batch = (input: random(7, 3), target: random(7, 2))
    let pass = network.pass(over: batch, loss: loss)
    let step = 1e-6
    func slope(_ change: (inout ReferenceNetwork<Double>, Double) -> Void) -> Double {
      var (up, down) = (network, network)
      change(&up, step)
      change(&down, -step)
      return (up.pass(over: batch, loss: loss).loss - down.pass(over: batch, loss: loss).loss) / (2 * step)
    }
    for index in network.layers.indices {
      let weights = pass.weightGradients[index]
      for r in 0..<weights.rows {
        for c in 0..<weights.columns {
          let expected = slope { $0.layers[index].weights[r, c] += $1 }
          #expect((weights[r, c] - expected).magnitude < 1e-7, "weights of layer \(index), [\(r), \(c)]")
        }
      }
      for c in 0..<weights.columns {
        let expected = slope { $0.layers[index].bias[0, c] += $1 }
        #expect((pass.biasGradients[index][0, c] - expected).magnitude < 1e-7, "bias of layer \(index), [\(c)]")
      }
    }
    #expect(!Reference.isAllZero(pass.weightGradients[0]))
  }
}
