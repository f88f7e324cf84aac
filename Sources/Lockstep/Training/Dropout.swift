// Dropout in the pass: which layers have it, and where what is left of their outputs lies. What is dropped is said in
// ComputeBackend, DropoutRule.swift.

import ComputeBackend

/// Dropout in one step: the same for every block of the batch.
struct Dropout: Sendable {
  let rate: Double
  let seed: UInt64
  /// The step's number, from 0.
  let step: Int
}

/// Dropout in a block of rows.
struct BlockDropout<Element: KernelElement> {
  let dropout: Dropout
  /// The first row's number within the whole batch.
  let firstRow: Int
  /// `[rows × outputs]` of each hidden layer: what is left of its outputs, and feeds the next layer.
  let outputs: [MutableMatrixView<Element>]

  /// Drops elements of a hidden layer's outputs, or of the gradients with respect to its sums, which may be done in place.
  ///
  /// - Parameters:
  ///   - values: `[rows × outputs]`.
  ///   - layer: the layer's number, from 0.
  ///   - output: of the same shape, written.
  ///   - backend: what computes.
  /// - Returns: `output`.
  @discardableResult
  func drop(
    _ values: MatrixView<Element>, layer: Int, output: MutableMatrixView<Element>,
    on backend: any ComputeBackend<Element>
  ) -> MatrixView<Element> {
    let rule = DropoutRule<Element>(rate: dropout.rate, seed: dropout.seed, step: dropout.step, layer: layer)
    backend.dropOut(values, by: rule, firstRow: firstRow, output: output)
    return output.readOnly
  }
}
