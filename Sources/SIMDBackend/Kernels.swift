// The primitives over one vector type: which operands each hands to the matrix product and which shapes take another
// kernel. The loops lie in the files of the kernels.

import ComputeBackend

/// The primitives of the backend, computed in `Vector`.
enum Kernels<Vector: LaneVector> where Vector.Element: SIMDElement {
  typealias Element = Vector.Element

  static func forward(
    input: MatrixView<Element>, weights: MatrixView<Element>, bias: MatrixView<Element>, activation: Activation,
    output: MutableMatrixView<Element>, in pool: ScratchPool
  ) {
    guard activation.isFused else {
      forward(input: input, weights: weights, bias: bias, activation: .identity, output: output, in: pool)
      return activate(activation, sums: output.readOnly, output: output)
    }
    if input.rows == 1 && SingleRow<Vector>.suits(weights) {
      return SingleRow<Vector>(
        input: input.base, weights: weights, bias: bias.base, activation: activation, output: output.base
      ).compute()
    }
    MatrixProduct<Vector>(
      rows: input.rows, columns: weights.columns, depth: input.columns, sums: .chain,
      left: Operand(input.base, outer: input.stride, depth: 1),
      right: Operand(weights.base, outer: 1, depth: weights.stride),
      result: Destination(output.base, row: output.stride, column: 1),
      epilogue: .activate(activation, bias: Grid(bias.base, row: 0, column: 1))
    ).compute(in: pool)
  }

  static func inputGradient(
    outputGradient: MatrixView<Element>, weights: MatrixView<Element>, input: MatrixView<Element>,
    activation: Activation, inputGradient: MutableMatrixView<Element>, in pool: ScratchPool
  ) {
    guard activation.isFused else {
      Self.inputGradient(
        outputGradient: outputGradient, weights: weights, input: input, activation: .identity,
        inputGradient: inputGradient, in: pool)
      return activateBackward(activation, value: input, gradient: inputGradient)
    }
    MatrixProduct<Vector>(
      rows: input.rows, columns: weights.rows, depth: weights.columns, sums: .chain,
      left: Operand(outputGradient.base, outer: outputGradient.stride, depth: 1),
      right: Operand(weights.base, outer: weights.stride, depth: 1),
      result: Destination(inputGradient.base, row: inputGradient.stride, column: 1),
      epilogue: .differentiate(activation, value: Grid(input.base, row: input.stride, column: 1))
    ).compute(in: pool)
  }

  static func parameterGradients(
    input: MatrixView<Element>, outputGradient: MatrixView<Element>,
    weightGradient: MutableMatrixView<Element>, biasGradient: MutableMatrixView<Element>, in pool: ScratchPool
  ) {
    if OrderOfArithmetic.isNarrow(inputs: input.columns, outputs: outputGradient.columns) {
      stripedGradients(
        input: input, outputGradient: outputGradient, weightGradient: weightGradient, biasGradient: biasGradient,
        in: pool)
    } else {
      sumOverRows(
        input: input, outputGradient: outputGradient, weights: weightGradient, bias: biasGradient, epilogue: .none,
        in: pool)
    }
  }

  static func updateParameters(
    weights: MutableMatrixView<Element>, bias: MutableMatrixView<Element>,
    input: MatrixView<Element>, outputGradient: MatrixView<Element>, learningRate: Element, in pool: ScratchPool
  ) {
    guard OrderOfArithmetic.isNarrow(inputs: input.columns, outputs: outputGradient.columns) else {
      sumOverRows(
        input: input, outputGradient: outputGradient, weights: weights, bias: bias,
        epilogue: .descend(rate: learningRate), in: pool)
      return
    }
    // Fewer than 16 weights, and no more than 15 biases.
    var memory = InlineArray<32, Element>(repeating: 0)
    withUnsafeMutableBytes(of: &memory) { bytes in
      let elements = bytes.bindMemory(to: Element.self)
      let count = weights.rows &* weights.columns
      let weightGradient = MutableMatrixView(
        UnsafeMutableBufferPointer(rebasing: elements[..<count]), rows: weights.rows, columns: weights.columns)
      let biasGradient = MutableMatrixView(
        UnsafeMutableBufferPointer(rebasing: elements[count...]), rows: 1, columns: bias.columns)
      stripedGradients(
        input: input, outputGradient: outputGradient, weightGradient: weightGradient, biasGradient: biasGradient,
        in: pool)
      descend(weights, gradient: weightGradient.readOnly, learningRate: learningRate)
      descend(bias, gradient: biasGradient.readOnly, learningRate: learningRate)
    }
  }

  /// The sums over rows of a layer that is not narrow: into, or off, `weights` and `bias`.
  private static func sumOverRows(
    input: MatrixView<Element>, outputGradient: MatrixView<Element>,
    weights: MutableMatrixView<Element>, bias: MutableMatrixView<Element>, epilogue: Epilogue<Element>,
    in pool: ScratchPool
  ) {
    MatrixProduct<Vector>(
      rows: input.columns &+ 1, columns: outputGradient.columns, depth: input.rows, sums: .leaves,
      left: Operand(input.base, outer: 1, depth: input.stride),
      right: Operand(outputGradient.base, outer: 1, depth: outputGradient.stride),
      result: Destination(weights.base, row: weights.stride, column: 1),
      epilogue: epilogue, lastRow: bias.base
    ).compute(in: pool)
  }
}
