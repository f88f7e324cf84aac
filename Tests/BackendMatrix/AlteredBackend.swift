// A backend that computes wrongly on purpose: what compares results must find it out.

import ComputeBackend

/// Another backend whose weight gradients are changed after they have been computed.
public struct AlteredBackend<Element: KernelElement>: ComputeBackend {
  private let base: any ComputeBackend<Element>
  private let alterWeightGradient: @Sendable (MutableMatrixView<Element>) -> Void

  /// `base`, and what is done to each weight gradient, `[inputs × outputs]`.
  public init(
    _ base: any ComputeBackend<Element>,
    alterWeightGradient: @escaping @Sendable (MutableMatrixView<Element>) -> Void
  ) {
    self.base = base
    self.alterWeightGradient = alterWeightGradient
  }

  public var kind: BackendKind { base.kind }
  public var instructionSet: InstructionSet { base.instructionSet }
  public var threads: Int { base.threads }
  public var singleThreaded: Self {
    Self(Self.singleThreaded(base), alterWeightGradient: alterWeightGradient)
  }

  private static func singleThreaded(_ backend: some ComputeBackend<Element>) -> any ComputeBackend<Element> {
    backend.singleThreaded
  }

  public func forward(
    input: MatrixView<Element>, weights: MatrixView<Element>, bias: MatrixView<Element>, activation: Activation,
    output: MutableMatrixView<Element>
  ) {
    base.forward(input: input, weights: weights, bias: bias, activation: activation, output: output)
  }

  public func activate(_ activation: Activation, sums: MatrixView<Element>, output: MutableMatrixView<Element>) {
    base.activate(activation, sums: sums, output: output)
  }

  public func activateBackward(
    _ activation: Activation, value: MatrixView<Element>, gradient: MutableMatrixView<Element>
  ) {
    base.activateBackward(activation, value: value, gradient: gradient)
  }

  public func parameterGradients(
    input: MatrixView<Element>, outputGradient: MatrixView<Element>, weightGradient: MutableMatrixView<Element>,
    biasGradient: MutableMatrixView<Element>
  ) {
    base.parameterGradients(
      input: input, outputGradient: outputGradient, weightGradient: weightGradient, biasGradient: biasGradient)
    alterWeightGradient(weightGradient)
  }

  public func inputGradient(
    outputGradient: MatrixView<Element>, weights: MatrixView<Element>, input: MatrixView<Element>,
    activation: Activation, inputGradient: MutableMatrixView<Element>
  ) {
    base.inputGradient(
      outputGradient: outputGradient, weights: weights, input: input, activation: activation,
      inputGradient: inputGradient)
  }

  public func loss(
    _ loss: Loss, output: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>?,
    scale: Element, gradient: MutableMatrixView<Element>
  ) -> Element {
    base.loss(loss, output: output, target: target, weights: weights, scale: scale, gradient: gradient)
  }

  public func add(_ other: MatrixView<Element>, to sum: MutableMatrixView<Element>) { base.add(other, to: sum) }

  public func descend(
    _ parameters: MutableMatrixView<Element>, gradient: MatrixView<Element>, learningRate: Element
  ) {
    base.descend(parameters, gradient: gradient, learningRate: learningRate)
  }

  public func parallelFor(_ count: Int, _ body: @Sendable (Int) -> Void) { base.parallelFor(count, body) }
}
