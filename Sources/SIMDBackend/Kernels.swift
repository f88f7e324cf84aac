// The primitives over one vector type: which operands each hands to the matrix product and which shapes take another
// kernel. The loops lie in the files of the kernels.

import ComputeBackend

/// The primitives of the backend, computed in `Vector`.
enum Kernels<Vector: LaneVector> where Vector.Element: SIMDElement {
  typealias Element = Vector.Element

  static func forward(
    input: MatrixView<Element>, weights: MatrixView<Element>, bias: MatrixView<Element>, activation: Activation,
    output: MutableMatrixView<Element>
  ) {
    MatrixProduct<Vector>(
      rows: input.rows, columns: weights.columns, depth: input.columns, sums: .chain,
      left: Operand(input.base, outer: input.stride, depth: 1),
      right: Operand(weights.base, outer: 1, depth: weights.stride),
      result: Destination(output.base, row: output.stride, column: 1),
      epilogue: .activate(activation, bias: Grid(bias.base, row: 0, column: 1))
    ).compute()
  }

  static func inputGradient(
    outputGradient: MatrixView<Element>, weights: MatrixView<Element>, input: MatrixView<Element>,
    activation: Activation, inputGradient: MutableMatrixView<Element>
  ) {
    MatrixProduct<Vector>(
      rows: input.rows, columns: weights.rows, depth: weights.columns, sums: .chain,
      left: Operand(outputGradient.base, outer: outputGradient.stride, depth: 1),
      right: Operand(weights.base, outer: weights.stride, depth: 1),
      result: Destination(inputGradient.base, row: inputGradient.stride, column: 1),
      epilogue: .differentiate(activation, value: Grid(input.base, row: input.stride, column: 1))
    ).compute()
  }

  static func parameterGradients(
    input: MatrixView<Element>, outputGradient: MatrixView<Element>,
    weightGradient: MutableMatrixView<Element>, biasGradient: MutableMatrixView<Element>
  ) {
    if OrderOfArithmetic.isNarrow(inputs: input.columns, outputs: outputGradient.columns) {
      stripedGradients(
        input: input, outputGradient: outputGradient, weightGradient: weightGradient, biasGradient: biasGradient)
      return
    }
    let gradients = Operand(outputGradient.base, outer: 1, depth: outputGradient.stride)
    MatrixProduct<Vector>(
      rows: input.columns, columns: outputGradient.columns, depth: input.rows, sums: .leaves,
      left: Operand(input.base, outer: 1, depth: input.stride),
      right: gradients,
      result: Destination(weightGradient.base, row: weightGradient.stride, column: 1),
      epilogue: .none
    ).compute()
    // fma(1, g, sum) is sum + g: the bias is a weight whose input is always 1.
    withUnsafePointer(to: 1 as Element) { one in
      MatrixProduct<Vector>(
        rows: 1, columns: outputGradient.columns, depth: input.rows, sums: .leaves,
        left: Operand(one, outer: 0, depth: 0),
        right: gradients,
        result: Destination(biasGradient.base, row: biasGradient.stride, column: 1),
        epilogue: .none
      ).compute()
    }
  }
}
