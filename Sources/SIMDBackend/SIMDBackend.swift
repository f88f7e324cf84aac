// The public face of the SIMD backend. The kernels lie in the other files of the module, generic over the vector.

import CLockstepCPU
import ComputeBackend

/// An element type that the SIMD backend computes in: `Float` or `Double`.
///
/// It is `Codable` because the storage of SIMD vectors asks that of its scalars; nothing here is encoded.
public protocol SIMDElement: KernelElement, SIMDScalar, Codable {
  /// The vector that kernels of this element work on.
  associatedtype Vector: LaneVector where Vector.Element == Self
}

extension Float: SIMDElement {
  /// Eight lanes: one 256-bit register, or a pair of 128-bit ones.
  public typealias Vector = FloatLanes<SIMD8<Float>>
}

extension Double: SIMDElement {
  /// Four lanes: one 256-bit register, or a pair of 128-bit ones.
  public typealias Vector = DoubleLanes<SIMD4<Double>>
}

/// The backend of Swift's SIMD vector types, on one thread.
public struct SIMDBackend<Element: SIMDElement>: ComputeBackend {
  private let pool = ScratchPool()

  /// Makes the backend, or `nil` where the CPU lacks a feature that the kernels use.
  public init?() {
    guard lockstep_cpu_missing_feature() == nil else { return nil }
  }

  /// ``BackendKind/simd``.
  public var kind: BackendKind { .simd }

  /// What the kernels were compiled for: ``InstructionSet/avx2`` or ``InstructionSet/neon``.
  public var instructionSet: InstructionSet {
    #if arch(x86_64)
      .avx2
    #else
      .neon
    #endif
  }

  /// One.
  public var threads: Int { 1 }
  /// This backend.
  public var singleThreaded: Self { self }

  // A caller that holds `any ComputeBackend` reaches the generic code, so each primitive names its two specialisations.

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func forward(
    input: MatrixView<Element>, weights: MatrixView<Element>, bias: MatrixView<Element>, activation: Activation,
    output: MutableMatrixView<Element>
  ) {
    Kernels<Element.Vector>.forward(
      input: input, weights: weights, bias: bias, activation: activation, output: output, in: pool)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func activate(_ activation: Activation, sums: MatrixView<Element>, output: MutableMatrixView<Element>) {
    Kernels<Element.Vector>.activate(activation, sums: sums, output: output)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func activateBackward(
    _ activation: Activation, value: MatrixView<Element>, gradient: MutableMatrixView<Element>
  ) {
    Kernels<Element.Vector>.activateBackward(activation, value: value, gradient: gradient)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func parameterGradients(
    input: MatrixView<Element>, outputGradient: MatrixView<Element>,
    weightGradient: MutableMatrixView<Element>, biasGradient: MutableMatrixView<Element>
  ) {
    Kernels<Element.Vector>.parameterGradients(
      input: input, outputGradient: outputGradient, weightGradient: weightGradient, biasGradient: biasGradient,
      in: pool)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func updateParameters(
    weights: MutableMatrixView<Element>, bias: MutableMatrixView<Element>,
    input: MatrixView<Element>, outputGradient: MatrixView<Element>, learningRate: Element
  ) {
    Kernels<Element.Vector>.updateParameters(
      weights: weights, bias: bias, input: input, outputGradient: outputGradient, learningRate: learningRate, in: pool)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func inputGradient(
    outputGradient: MatrixView<Element>, weights: MatrixView<Element>, input: MatrixView<Element>,
    activation: Activation, inputGradient: MutableMatrixView<Element>
  ) {
    Kernels<Element.Vector>.inputGradient(
      outputGradient: outputGradient, weights: weights, input: input, activation: activation,
      inputGradient: inputGradient, in: pool)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func loss(
    _ loss: Loss, output: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>?,
    scale: Element, gradient: MutableMatrixView<Element>
  ) -> Element {
    Kernels<Element.Vector>.loss(
      loss, output: output, target: target, weights: weights, scale: scale, gradient: gradient, in: pool)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func narrowGradients(
    layers: [DenseLayerViews<Element>], input: MatrixView<Element>, target: MatrixView<Element>, loss: Loss,
    scale: Element
  ) -> Element? {
    Kernels<Element.Vector>.narrowGradients(
      layers: layers, input: input, target: target, loss: loss, scale: scale, in: pool)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func add(_ other: MatrixView<Element>, to sum: MutableMatrixView<Element>) {
    Kernels<Element.Vector>.add(other, to: sum)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func descend(
    _ parameters: MutableMatrixView<Element>, gradient: MatrixView<Element>, learningRate: Element
  ) {
    Kernels<Element.Vector>.descend(parameters, gradient: gradient, learningRate: learningRate)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func update(
    _ parameters: MutableMatrixView<Element>, by rule: UpdateRule<Element>, gradient: MatrixView<Element>,
    first: MutableMatrixView<Element>?, second: MutableMatrixView<Element>?
  ) {
    Kernels<Element.Vector>.update(parameters, by: rule, gradient: gradient, first: first, second: second)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func sumOfSquares(_ matrix: MatrixView<Element>) -> Double {
    Kernels<Element.Vector>.sumOfSquares(matrix, in: pool)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func dropOut(
    _ values: MatrixView<Element>, by rule: DropoutRule<Element>, firstRow: Int, output: MutableMatrixView<Element>
  ) {
    Kernels<Element.Vector>.dropOut(values, by: rule, firstRow: firstRow, output: output)
  }
}
