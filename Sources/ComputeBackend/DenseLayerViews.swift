// A dense layer as kernels see it that take more than one layer at a time. What a layer is to users lies in the module
// Lockstep.

/// The parameters of a dense layer and where their gradients go, in memory that somebody else keeps alive.
@frozen
public struct DenseLayerViews<Element: MatrixElement>: Sendable {
  /// `[inputs × outputs]`.
  public let weights: MatrixView<Element>
  /// `[1 × outputs]`.
  public let bias: MatrixView<Element>
  /// What is applied to each output.
  public let activation: Activation
  /// `[inputs × outputs]`.
  public let weightGradient: MutableMatrixView<Element>
  /// `[1 × outputs]`.
  public let biasGradient: MutableMatrixView<Element>

  /// A layer of these operands.
  @inlinable
  public init(
    weights: MatrixView<Element>, bias: MatrixView<Element>, activation: Activation,
    weightGradient: MutableMatrixView<Element>, biasGradient: MutableMatrixView<Element>
  ) {
    self.weights = weights
    self.bias = bias
    self.activation = activation
    self.weightGradient = weightGradient
    self.biasGradient = biasGradient
  }
}
