// A dense layer of one's own, forward and backward, on the kernels alone: no networks, no Foundation, no unsafe code.

import ComputeBackend
import OpenMPBackend
import SIMDBackend
import ScalarBackend

/// 64-bit FNV-1a over the bit patterns of the numbers.
func digest(_ numbers: [Float]) -> String {
  var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  for number in numbers {
    for place in stride(from: 0, to: 32, by: 8) {
      hash = (hash ^ UInt64(number.bitPattern >> place & 0xFF)) &* 0x100_0000_01B3
    }
  }
  return String(hash, radix: 16)
}

/// Numbers between -1 and 1 that look random.
func numbers(_ count: Int, seed: UInt32) -> [Float] {
  var state = seed
  return (0..<count).map { _ in
    state = state &* 1_664_525 &+ 1_013_904_223
    return Float(state >> 8) / 0x1p23 - 1
  }
}

func layer(on backend: some ComputeBackend<Float>) {
  let (rows, inputs, outputs) = (37, 53, 19)
  let input = numbers(rows * inputs, seed: 1)
  let weights = numbers(inputs * outputs, seed: 2)
  let bias = numbers(outputs, seed: 3)
  let target = Matrix(rows: rows, columns: outputs, elements: numbers(rows * outputs, seed: 4))
  var output = [Float](repeating: 0, count: rows * outputs)
  var gradient = Matrix<Float>(rows: rows, columns: outputs)
  var (weightGradient, biasGradient, inputGradient) = (
    Matrix<Float>(rows: inputs, columns: outputs), Matrix<Float>(rows: 1, columns: outputs),
    Matrix<Float>(rows: rows, columns: inputs)
  )
  var outputSpan = output.mutableSpan
  MatrixView.withView(of: input.span, rows: rows, columns: inputs) { input in
    MatrixView.withView(of: weights.span, rows: inputs, columns: outputs) { weights in
      MatrixView.withView(of: bias.span, rows: 1, columns: outputs) { bias in
        MutableMatrixView.withView(of: &outputSpan, rows: rows, columns: outputs) { output in
          backend.forward(input: input, weights: weights, bias: bias, activation: .identity, output: output)
          let sum = target.withView { target in
            gradient.withMutableView { gradient in
              backend.loss(
                .meanSquaredError, output: output.readOnly, target: target,
                scale: Loss.meanSquaredError.gradientScale(rows: rows, outputs: outputs), gradient: gradient)
            }
          }
          gradient.withView { gradient in
            weightGradient.withMutableView { weightGradient in
              biasGradient.withMutableView { biasGradient in
                backend.parameterGradients(
                  input: input, outputGradient: gradient, weightGradient: weightGradient, biasGradient: biasGradient)
              }
            }
            inputGradient.withMutableView { inputGradient in
              backend.inputGradient(
                outputGradient: gradient, weights: weights, input: input, activation: .identity,
                inputGradient: inputGradient)
            }
          }
          let results = weightGradient.elements + biasGradient.elements + inputGradient.elements
          print(backend.kind.rawValue, sum, digest(results))
        }
      }
    }
  }
  precondition(output.contains { $0 != 0 })
}

if let backend = ScalarBackend<Float>() { layer(on: backend) }
if let backend = SIMDBackend<Float>() { layer(on: backend) }
if let backend = OpenMPBackend<Float>(threads: 2) {
  layer(on: backend)
} else if let reason = OpenMPSupport.unavailability {
  print("no openmp:", reason)
}
