// The reference's layers and updates against small cases computed by hand, and against sums with twice the precision.

import ComputeBackend
import Foundation
import LockstepReference
import Testing

@Suite("Layers and updates")
struct LayerTests {
  static let input = Matrix<Double>(rows: 2, columns: 3, elements: [1, 2, 3, -1, 0, 4])
  static let weights = Matrix<Double>(rows: 3, columns: 2, elements: [1, 0.5, -1, 2, 0.25, -2])
  static let bias = Matrix<Double>(rows: 1, columns: 2, elements: [10, -1])

  @Test("Forward, by hand")
  func forward() {
    func output(_ activation: Activation) -> [Double] {
      Reference.forward(input: Self.input, weights: Self.weights, bias: Self.bias, activation: activation).elements
    }
    // 1 - 2 + 0.75 + 10, 0.5 + 4 - 6 - 1; -1 + 0 + 1 + 10, -0.5 + 0 - 8 - 1.
    #expect(output(.identity) == [9.75, -2.5, 10, -9.5])
    #expect(output(.relu) == [9.75, 0, 10, 0])
    #expect(output(.leakyReLU) == [9.75, -2.5 * 0.01, 10, -9.5 * 0.01])
  }

  @Test("Gradients of parameters, by hand")
  func parameterGradients() {
    let outputGradient = Matrix<Double>(rows: 2, columns: 2, elements: [1, -1, 0.5, 2])
    let gradients = Reference.parameterGradients(input: Self.input, outputGradient: outputGradient)
    #expect(gradients.weights.elements == [0.5, -3, 2, -2, 5, 5])
    #expect(gradients.bias.elements == [1.5, 1])
  }

  @Test("Gradient of the input, by hand")
  func inputGradient() {
    let outputGradient = Matrix<Double>(rows: 2, columns: 2, elements: [1, -1, 0.5, 2])
    func gradient(_ activation: Activation) -> [Double] {
      Reference.inputGradient(
        outputGradient: outputGradient, weights: Self.weights, input: Self.input, activation: activation
      ).elements
    }
    // Rows of weights times (1, -1), then times (0.5, 2).
    #expect(gradient(.identity) == [0.5, -3, 2.25, 1.5, 3.5, -3.875])
    // The inputs are 1, 2, 3 and -1, 0, 4: where they are not positive, relu lets nothing pass.
    #expect(gradient(.relu) == [0.5, -3, 2.25, 0, 0, -3.875])
    #expect(gradient(.leakyReLU) == [0.5, -3, 2.25, 1.5 * 0.01, 3.5 * 0.01, -3.875])
    // 1 - y^2 and y (1 - y), exact here.
    #expect(gradient(.tanh) == [0, 9, -18, 0, 3.5, 58.125])
    #expect(gradient(.sigmoid) == [0, 6, -13.5, -3, 0, 46.5])
  }

  @Test("Activations beyond tanh and sigmoid, against the C library")
  func smoothRectifiers() {
    func isClose(_ a: Double, _ b: Double) -> Bool { (a - b).magnitude <= 4 * .ulpOfOne * max(1, b.magnitude) }
    let sums = Matrix<Double>(rows: 1, columns: 9, elements: [-800, -40, -3, -0.5, 0, 1e-9, 0.75, 5, 800])
    let ones = Matrix(rows: 1, columns: 9, elements: [Double](repeating: 1, count: 9))
    func value(_ activation: Activation) -> [Double] { Reference.activate(activation, sums: sums).elements }
    func slope(_ activation: Activation) -> [Double] {
      Reference.gradient(of: activation, ones, value: sums).elements
    }
    for (index, z) in sums.elements.enumerated() {
      let sigmoid = 1 / (1 + Foundation.exp(-z))
      #expect(isClose(value(.elu)[index], z <= 0 ? Foundation.expm1(z) : z))
      #expect(isClose(value(.softplus)[index], z > 30 ? z : Foundation.log1p(Foundation.exp(z))))
      #expect(isClose(slope(.softplus)[index], sigmoid))
      #expect(isClose(value(.silu)[index], z * sigmoid))
      #expect(isClose(slope(.silu)[index], sigmoid + z * sigmoid * (1 - sigmoid)))
      let normal = Foundation.erfc(-z / 2.0.squareRoot()) / 2
      #expect(isClose(value(.gelu)[index], z * normal))
      #expect(isClose(slope(.gelu)[index], normal + z * Foundation.exp(-z * z / 2) / (2 * Double.pi).squareRoot()))
    }
    // Its derivative takes the output.
    let outputs = Reference.activate(.elu, sums: sums)
    for (z, slope) in zip(sums.elements, Reference.gradient(of: .elu, ones, value: outputs).elements) {
      #expect(isClose(slope, z <= 0 ? Foundation.exp(z) : 1))
    }
  }

  @Test("Activations pass NaN, and relu passes -0")
  func specials() {
    func output(_ z: Float, _ activation: Activation) -> Float {
      let one = Matrix<Float>(rows: 1, columns: 1, elements: [1])
      let z = Matrix<Float>(rows: 1, columns: 1, elements: [z])
      // No inputs: the sum is the bias alone.
      return Reference.forward(
        input: Matrix(rows: 1, columns: 0), weights: Matrix(rows: 0, columns: one.columns), bias: z,
        activation: activation)[0, 0]
    }
    for activation in Activation.allCases { #expect(output(.nan, activation).isNaN, "\(activation)") }
    #expect(output(-.infinity, .relu).bitPattern == 0)
    #expect(output(-.leastNonzeroMagnitude, .leakyReLU).bitPattern == (-0.0 as Float).bitPattern)
    // +0 + -0 is +0: a sum never reaches the activation as -0 by its bias alone.
    #expect(output(-0.0, .identity).bitPattern == 0)
  }

  @Test("A dot product fuses and starts from +0; the bias is added after it")
  func fused() {
    let x: Float = 1 + 0x1p-12
    func output(_ a: [Float], _ b: [Float], bias: Float) -> Float {
      Reference.forward(
        input: Matrix(rows: 1, columns: a.count, elements: a), weights: Matrix(rows: b.count, columns: 1, elements: b),
        bias: Matrix(rows: 1, columns: 1, elements: [bias]), activation: .identity)[0, 0]
    }
    #expect(output([-1 - 0x1p-11, x], [1, x], bias: 0) == 0x1p-24)
    // Descending order would lose it: the square is rounded first.
    #expect(output([x, -1 - 0x1p-11], [x, 1], bias: 0) == 0)
    // A chain that started from the bias would keep it.
    #expect(output([x], [x], bias: -1 - 0x1p-11) == 0)
  }

  @Test("Descent rounds product and difference apart")
  func descend() {
    func one(_ value: Float) -> Matrix<Float> { Matrix(rows: 1, columns: 1, elements: [value]) }
    let x: Float = 1 + 0x1p-12
    #expect(Reference.descend(one(1 + 0x1p-11), gradient: one(x), learningRate: x)[0, 0].bitPattern == 0)
    #expect(Reference.descend(one(3), gradient: one(-2), learningRate: 0.25)[0, 0] == 3.5)
    #expect(Reference.add(one(2), to: one(-5))[0, 0] == -3)
  }

  /// The sum of products in twice the working precision: Ogita, Rump and Oishi, "Accurate sum and dot product" (2005),
  /// with the products' errors by fused multiply-add. Also the sum of magnitudes, for the error bound.
  static func compensated(_ a: [Double], _ b: [Double]) -> (sum: Double, magnitude: Double) {
    var (sum, error, magnitude) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      let product = x * y
      let productError = (-product).addingProduct(x, y)
      let next = sum + product
      let part = next - sum
      let sumError = (sum - (next - part)) + (product - part)
      sum = next
      error += sumError + productError
      magnitude += product.magnitude
    }
    return (sum + error, magnitude)
  }

  static func numbers(_ count: Int, factor: Int, modulus: Int) -> [Double] {
    (0..<count).map { index in
      let whole = (index * factor + 13) % modulus - modulus / 2
      return Double(whole) / 7
    }
  }

  @Test("Double results lie as close to the exact ones as rounding allows", arguments: [1, 17, 300, 1500])
  func closeness(_ count: Int) {
    let a = Self.numbers(count, factor: 7919, modulus: 1009)
    let b = Self.numbers(count, factor: 104_729, modulus: 997)
    let (exact, magnitude) = Self.compensated(a, b)
    // n rounded operations err by at most n u / (1 - n u) times the sum of magnitudes, u half an ulp of one.
    let bound = Double(count + 1) * .ulpOfOne / 2 * magnitude * 1.01
    let dot = Reference.forward(
      input: Matrix(rows: 1, columns: count, elements: a), weights: Matrix(rows: count, columns: 1, elements: b),
      bias: Matrix(rows: 1, columns: 1), activation: .identity)[0, 0]
    #expect((dot - exact).magnitude <= bound)
    let overRows = Reference.parameterGradients(
      input: Matrix(rows: count, columns: 1, elements: a), outputGradient: Matrix(rows: count, columns: 1, elements: b))
    #expect((overRows.weights[0, 0] - exact).magnitude <= bound)
    #expect(exact.magnitude > 1000 * bound)
  }
}
