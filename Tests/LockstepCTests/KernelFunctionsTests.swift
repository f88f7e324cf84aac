// The kernels through the C interface give the bits of the scalar backend, and digests those of the tool.

import CLockstep
import ComputeBackend
import Lockstep
import Testing

@Suite("Kernels in C")
struct KernelFunctionsTests {
  /// Rows, inputs, outputs.
  static let shapes = [[0, 3, 2], [1, 1, 1], [5, 0, 3], [1, 784, 10], [7, 5, 13], [300, 3, 3], [257, 31, 65]]

  @Test("Forward and gradients, on every backend", arguments: shapes)
  func kernels(_ shape: [Int]) throws {
    let (rows, inputs, outputs) = (shape[0], shape[1], shape[2])
    let (r, k, j) = (Int64(rows), Int64(inputs), Int64(outputs))
    let input: [Float] = numbers(rows * inputs, seed: 1)
    let weights: [Float] = numbers(inputs * outputs, seed: 2)
    let bias: [Float] = numbers(outputs, seed: 3)
    let gradient: [Float] = numbers(rows * outputs, seed: 4)
    let expected = try Results<Float>(rows, inputs, outputs, input, weights, bias, gradient)

    for kind in try backendConstants() {
      let backend = try CBackend(kind, threads: 3)
      var output = [Float](repeating: 9, count: rows * outputs)
      #expect(
        lockstep_dense_forward_f32(
          backend.handle, r, k, j, input, k, weights, j, bias, Int32(LOCKSTEP_ACTIVATION_SIGMOID), &output, j)
          == LOCKSTEP_OK)
      #expect(bits(output) == bits(expected.output))
      var weightGradient = [Float](repeating: 9, count: inputs * outputs)
      var biasGradient = [Float](repeating: 9, count: outputs)
      #expect(
        lockstep_dense_parameter_gradients_f32(
          backend.handle, r, k, j, input, k, gradient, j, &weightGradient, j, &biasGradient) == LOCKSTEP_OK)
      #expect(bits(weightGradient) == bits(expected.weightGradient))
      #expect(bits(biasGradient) == bits(expected.biasGradient))
      var inputGradient = [Float](repeating: 9, count: rows * inputs)
      #expect(
        lockstep_dense_input_gradient_f32(
          backend.handle, r, k, j, gradient, j, weights, j, input, k, Int32(LOCKSTEP_ACTIVATION_RELU), &inputGradient, k
        ) == LOCKSTEP_OK)
      #expect(bits(inputGradient) == bits(expected.inputGradient))
    }
  }

  @Test("In double, and on the backend of who names none")
  func double() throws {
    let input: [Double] = numbers(35, seed: 1)
    let weights: [Double] = numbers(65, seed: 2)
    let bias: [Double] = numbers(13, seed: 3)
    let gradient: [Double] = numbers(91, seed: 4)
    let expected = try Results<Double>(7, 5, 13, input, weights, bias, gradient)
    var output = [Double](repeating: 9, count: 91)
    #expect(
      lockstep_dense_forward_f64(
        nil, 7, 5, 13, input, 5, weights, 13, bias, Int32(LOCKSTEP_ACTIVATION_SIGMOID), &output, 13) == LOCKSTEP_OK)
    #expect(bits(output) == bits(expected.output))
    var weightGradient = [Double](repeating: 9, count: 65)
    var biasGradient = [Double](repeating: 9, count: 13)
    #expect(
      lockstep_dense_parameter_gradients_f64(nil, 7, 5, 13, input, 5, gradient, 13, &weightGradient, 13, &biasGradient)
        == LOCKSTEP_OK)
    #expect(bits(weightGradient + biasGradient) == bits(expected.weightGradient + expected.biasGradient))
    var inputGradient = [Double](repeating: 9, count: 35)
    #expect(
      lockstep_dense_input_gradient_f64(
        nil, 7, 5, 13, gradient, 13, weights, 13, input, 5, Int32(LOCKSTEP_ACTIVATION_RELU), &inputGradient, 5)
        == LOCKSTEP_OK)
    #expect(bits(inputGradient) == bits(expected.inputGradient))
  }

  @Test("A digest is that of the elements, row after row")
  func digest() throws {
    let (floats, doubles): ([Float], [Double]) = ([1, 2, 7, 3, 4], [1, .nan])
    var digest = [CChar](repeating: 1, count: 17)
    #expect(lockstep_digest_f32(2, 2, floats, 3, &digest, 17) == LOCKSTEP_OK)
    #expect(text(digest) == Digest.fnv1a([1, 2, 3, 4] as [Float]))
    #expect(lockstep_digest_f64(1, 2, doubles, 2, &digest, 17) == LOCKSTEP_OK)
    #expect(text(digest) == Digest.fnv1a(doubles))
    #expect(lockstep_digest_f64(0, 2, nil, 2, &digest, 17) == LOCKSTEP_OK)
    #expect(text(digest) == Digest.fnv1a([] as [Double]))
  }

  @Test("A backend tells what it is")
  func backends() throws {
    var (kind, threads) = (Int32(), Int32())
    var name: UnsafePointer<CChar>?
    let simd = try CBackend(LOCKSTEP_BACKEND_SIMD, threads: 5)
    #expect(lockstep_backend_describe(simd.handle, &kind, &threads, &name) == LOCKSTEP_OK)
    #expect(kind == LOCKSTEP_BACKEND_SIMD && threads == 1)
    #expect(String(cString: try #require(name)).hasPrefix("simd/"))
    #expect(lockstep_backend_describe(nil, &kind, nil, &name) == LOCKSTEP_OK)
    let isAlone = try Backends.available().count == 1
    #expect(kind == LOCKSTEP_BACKEND_AUTO || isAlone)
    #expect(String(cString: try #require(name)) == (kind == LOCKSTEP_BACKEND_AUTO ? "auto" : "scalar"))
    let automatic = try CBackend(LOCKSTEP_BACKEND_AUTO, threads: 3)
    #expect(lockstep_backend_describe(automatic.handle, nil, &threads, nil) == LOCKSTEP_OK)
    #expect(threads == Int32(try Backends.make(threads: 3, as: Float.self).threads))
  }
}

/// What the scalar backend makes of a layer: sigmoid of its sums, and relu below it.
private struct Results<Element: NetworkElement> {
  var output: [Element]
  var weightGradient: [Element]
  var biasGradient: [Element]
  var inputGradient: [Element]

  init(
    _ rows: Int, _ inputs: Int, _ outputs: Int, _ input: [Element], _ weights: [Element], _ bias: [Element],
    _ gradient: [Element]
  ) throws {
    let scalar = try Backends.make(.scalar, as: Element.self)
    var output = Matrix<Element>(rows: rows, columns: outputs)
    var weightGradient = Matrix<Element>(rows: inputs, columns: outputs)
    var biasGradient = Matrix<Element>(rows: 1, columns: outputs)
    var inputGradient = Matrix<Element>(rows: rows, columns: inputs)
    Matrix(rows: rows, columns: inputs, elements: input).withView { input in
      Matrix(rows: inputs, columns: outputs, elements: weights).withView { weights in
        Matrix(rows: rows, columns: outputs, elements: gradient).withView { gradient in
          Matrix(rows: 1, columns: outputs, elements: bias).withView { bias in
            output.withMutableView {
              scalar.forward(input: input, weights: weights, bias: bias, activation: .sigmoid, output: $0)
            }
          }
          weightGradient.withMutableView { weightGradient in
            biasGradient.withMutableView {
              scalar.parameterGradients(
                input: input, outputGradient: gradient, weightGradient: weightGradient, biasGradient: $0)
            }
          }
          inputGradient.withMutableView {
            scalar.inputGradient(
              outputGradient: gradient, weights: weights, input: input, activation: .relu, inputGradient: $0)
          }
        }
      }
    }
    self.output = output.elements
    self.weightGradient = weightGradient.elements
    self.biasGradient = biasGradient.elements
    self.inputGradient = inputGradient.elements
  }
}
