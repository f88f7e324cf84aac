// A backend that computes wrongly on purpose.

import ComputeBackend

/// Another backend whose outputs and gradients are changed after they have been computed.
struct TamperedBackend: ComputeBackend {
  typealias Element = Float

  let base: any ComputeBackend<Float>
  var kind = BackendKind.scalar
  /// What is done to each result.
  let tamper: @Sendable (MutableMatrixView<Float>) -> Void

  var instructionSet: InstructionSet { base.instructionSet }
  var threads: Int { 1 }
  var singleThreaded: TamperedBackend { self }

  func forward(
    input: MatrixView<Float>, weights: MatrixView<Float>, bias: MatrixView<Float>, activation: Activation,
    output: MutableMatrixView<Float>
  ) {
    base.forward(input: input, weights: weights, bias: bias, activation: activation, output: output)
    tamper(output)
  }

  func activate(_ activation: Activation, sums: MatrixView<Float>, output: MutableMatrixView<Float>) {
    base.activate(activation, sums: sums, output: output)
  }

  func activateBackward(_ activation: Activation, value: MatrixView<Float>, gradient: MutableMatrixView<Float>) {
    base.activateBackward(activation, value: value, gradient: gradient)
  }

  func parameterGradients(
    input: MatrixView<Float>, outputGradient: MatrixView<Float>,
    weightGradient: MutableMatrixView<Float>, biasGradient: MutableMatrixView<Float>
  ) {
    base.parameterGradients(
      input: input, outputGradient: outputGradient, weightGradient: weightGradient, biasGradient: biasGradient)
    tamper(weightGradient)
  }

  func inputGradient(
    outputGradient: MatrixView<Float>, weights: MatrixView<Float>, input: MatrixView<Float>,
    activation: Activation, inputGradient: MutableMatrixView<Float>
  ) {
    base.inputGradient(
      outputGradient: outputGradient, weights: weights, input: input, activation: activation,
      inputGradient: inputGradient)
  }

  func loss(
    _ loss: Loss, output: MatrixView<Float>, target: MatrixView<Float>, weights: MatrixView<Float>?, scale: Float,
    gradient: MutableMatrixView<Float>
  ) -> Float {
    base.loss(loss, output: output, target: target, weights: weights, scale: scale, gradient: gradient)
  }

  func add(_ other: MatrixView<Float>, to sum: MutableMatrixView<Float>) { base.add(other, to: sum) }

  func descend(_ parameters: MutableMatrixView<Float>, gradient: MatrixView<Float>, learningRate: Float) {
    base.descend(parameters, gradient: gradient, learningRate: learningRate)
  }
}
