// The protocol: few primitives, each a whole matrix operation with its epilogue. Networks and training lie above it, in
// the module Lockstep; loops lie below it, in the backends.

/// A set of kernels that computes by the order of arithmetic, for one element type.
///
/// All backends give the same bits for the same operands; they differ in speed alone. A backend knows nothing of
/// networks. Its primitives take checked views and assume that the shapes agree as each primitive says; the public
/// entry points above check them once. Operands that are written must not overlap the others, except where said.
///
/// In the formulas, `fma(a, b, c)` is `a b + c` rounded once, every other operation is rounded on its own, a chain
/// starts from +0 and runs in ascending order, and a sum over rows runs by leaves, stripes and the pairwise tree of
/// ``OrderOfArithmetic``.
public protocol ComputeBackend<Element>: Sendable {
  /// The type that it computes in.
  associatedtype Element: KernelElement

  /// What kind of backend it is.
  var kind: BackendKind { get }

  /// The instruction set of the kernels that run.
  var instructionSet: InstructionSet { get }

  /// How many threads its primitives may use: 1 or more.
  var threads: Int { get }

  /// The same backend on one thread: what runs inside ``parallelFor(_:_:)``.
  var singleThreaded: Self { get }

  /// A dense layer: `output[r, j] = activation(Σ_k fma(input[r, k], weights[k, j]) + bias[j])`, the sum a chain over k.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`.
  ///   - weights: `[inputs × outputs]`.
  ///   - bias: `[1 × outputs]`.
  ///   - activation: what is applied after the bias has been added.
  ///   - output: `[rows × outputs]`, written.
  func forward(
    input: MatrixView<Element>, weights: MatrixView<Element>, bias: MatrixView<Element>, activation: Activation,
    output: MutableMatrixView<Element>)

  /// The activation of sums, apart: `output[i] = activation(sums[i])`. With the identity in the layer before it, it is the
  /// second half of ``forward(input:weights:bias:activation:output:)`` for layers whose sums are kept
  /// (``Activation/keepsSums``).
  ///
  /// - Parameters:
  ///   - activation: what is applied to each element.
  ///   - sums: any shape.
  ///   - output: of the same shape, written. It may be the memory of `sums`.
  func activate(_ activation: Activation, sums: MatrixView<Element>, output: MutableMatrixView<Element>)

  /// The derivative of an activation, apart: `gradient[i] = activation.backward(gradient[i], value: value[i])`. It takes the
  /// gradient with respect to the outputs of the last layer to that with respect to its sums; the layers below get theirs from
  /// ``inputGradient(outputGradient:weights:input:activation:inputGradient:)``.
  ///
  /// - Parameters:
  ///   - activation: what was applied to each element.
  ///   - value: any shape: the activated values, or the sums, where the activation ``Activation/keepsSums``.
  ///   - gradient: of the same shape, replaced.
  func activateBackward(_ activation: Activation, value: MatrixView<Element>, gradient: MutableMatrixView<Element>)

  /// The gradients of a dense layer's parameters:
  /// `weightGradient[k, j] = Σ_r fma(input[r, k], outputGradient[r, j])` and
  /// `biasGradient[j] = Σ_r outputGradient[r, j]`, sums over rows; in stripes where the layer is narrow.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`, what the layer was given.
  ///   - outputGradient: `[rows × outputs]`, the gradient of the loss with respect to the layer's sums, before the
  ///     activation.
  ///   - weightGradient: `[inputs × outputs]`, written.
  ///   - biasGradient: `[1 × outputs]`, written.
  func parameterGradients(
    input: MatrixView<Element>, outputGradient: MatrixView<Element>,
    weightGradient: MutableMatrixView<Element>, biasGradient: MutableMatrixView<Element>)

  /// The gradient of the loss with respect to the sums of the layer below:
  /// `inputGradient[r, k] = activation.backward(Σ_j fma(outputGradient[r, j], weights[k, j]), value: input[r, k])`,
  /// the sum a chain over j.
  ///
  /// - Parameters:
  ///   - outputGradient: `[rows × outputs]`, the gradient with respect to this layer's sums.
  ///   - weights: `[inputs × outputs]`, this layer's.
  ///   - input: `[rows × inputs]`, what the layer below has kept: its activated outputs, which this layer was given; or
  ///     its sums, where its activation ``Activation/keepsSums``.
  ///   - activation: the activation of the layer below.
  ///   - inputGradient: `[rows × inputs]`, written.
  func inputGradient(
    outputGradient: MatrixView<Element>, weights: MatrixView<Element>, input: MatrixView<Element>,
    activation: Activation, inputGradient: MutableMatrixView<Element>)

  /// The loss of a block of rows, ``Loss/rows(outputs:scale:output:target:store:stored:)`` row by row: its sum over
  /// rows, always in stripes, and the gradient with respect to the outputs. Where rows have weights, `weight * loss` takes
  /// the place of a row's loss in the sum, and `scale * weight` that of the scale in its gradient.
  ///
  /// - Parameters:
  ///   - loss: which loss.
  ///   - output: `[rows × outputs]`.
  ///   - target: `[rows × outputs]`.
  ///   - weights: `[rows × 1]`, how much each row counts; `nil` where all count alike, with the bits that weights of 1 give.
  ///   - scale: the factor of the gradient, ``Loss/gradientScale(divisor:)`` of the whole batch.
  ///   - gradient: `[rows × outputs]`, written.
  /// - Returns: the sum of the rows' losses, not divided.
  func loss(
    _ loss: Loss, output: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>?,
    scale: Element, gradient: MutableMatrixView<Element>
  ) -> Element

  /// A node of the pairwise tree from its children: `sum[i] = sum[i] + other[i]`.
  ///
  /// - Parameters:
  ///   - other: the child of the later rows.
  ///   - sum: the child of the earlier rows, replaced by the node; of the same shape.
  func add(_ other: MatrixView<Element>, to sum: MutableMatrixView<Element>)

  /// A step of gradient descent: `parameters[i] = parameters[i] - learningRate * gradient[i]`, product and difference
  /// each rounded.
  ///
  /// - Parameters:
  ///   - parameters: any shape, updated.
  ///   - gradient: of the same shape.
  ///   - learningRate: the factor of the gradient.
  func descend(
    _ parameters: MutableMatrixView<Element>, gradient: MatrixView<Element>, learningRate: Element)

  /// A step of an optimiser, ``UpdateRule/step(_:gradient:first:second:)`` element by element.
  ///
  /// - Parameters:
  ///   - parameters: any shape, updated.
  ///   - rule: the formula and its coefficients.
  ///   - gradient: of the same shape.
  ///   - first: the first moments, of the same shape, updated; `nil` where the formula keeps none.
  ///   - second: the second moments, of the same shape, updated; `nil` where the formula keeps none.
  /// - Precondition: the moments that the formula keeps are given.
  func update(
    _ parameters: MutableMatrixView<Element>, by rule: UpdateRule<Element>, gradient: MatrixView<Element>,
    first: MutableMatrixView<Element>?, second: MutableMatrixView<Element>?)

  /// The sum of the squares of all elements, in `Double`: the elements, row by row, are one sequence, whose leaves of 256
  /// elements are sums in stripes, `fma(x, x, stripe)`, and whose leaves fold in the pairwise tree.
  ///
  /// - Parameter matrix: any shape.
  /// - Returns: the sum; +0 where there is no element.
  func sumOfSquares(_ matrix: MatrixView<Element>) -> Double

  /// Dropout: ``DropoutRule/value(_:word:)`` of each element by the word of its row and column.
  ///
  /// - Parameters:
  ///   - values: `[rows × columns]`.
  ///   - rule: what is dropped.
  ///   - firstRow: the number of the first row within the whole batch.
  ///   - output: `[rows × columns]`, written; it may be `values` themselves.
  func dropOut(
    _ values: MatrixView<Element>, by rule: DropoutRule<Element>, firstRow: Int, output: MutableMatrixView<Element>)

  /// A step of gradient descent on a dense layer: ``parameterGradients(input:outputGradient:weightGradient:biasGradient:)``
  /// and ``descend(_:gradient:learningRate:)`` in one, with the same bits. A backend may update each parameter as soon as
  /// its sum over all rows is there, so that the gradient of a large layer is never stored.
  ///
  /// - Parameters:
  ///   - weights: `[inputs × outputs]`, updated.
  ///   - bias: `[1 × outputs]`, updated.
  ///   - input: `[rows × inputs]`, what the layer was given.
  ///   - outputGradient: `[rows × outputs]`, the gradient of the loss with respect to the layer's sums.
  ///   - learningRate: the factor of the gradient.
  func updateParameters(
    weights: MutableMatrixView<Element>, bias: MutableMatrixView<Element>,
    input: MatrixView<Element>, outputGradient: MatrixView<Element>, learningRate: Element)

  /// The gradients of a network of narrow layers, in one pass over the rows: forward, loss and backward of a few rows at
  /// a time, whose activations never leave registers and the nearest cache. The same bits as the other primitives give.
  ///
  /// - Parameters:
  ///   - layers: from input to output, each narrow by ``OrderOfArithmetic/isNarrow(inputs:outputs:)`` and with an
  ///     activation that does not keep sums; their gradients are written.
  ///   - input: `[rows × inputs]`.
  ///   - target: `[rows × outputs]`.
  ///   - loss: which loss.
  ///   - scale: the factor of the gradient, ``Loss/gradientScale(rows:outputs:)`` of the whole batch.
  /// - Returns: the sum of the rows' losses, not divided; `nil`, with nothing written, where the backend has no such
  ///   kernel for this network.
  func narrowGradients(
    layers: [DenseLayerViews<Element>], input: MatrixView<Element>, target: MatrixView<Element>, loss: Loss,
    scale: Element
  ) -> Element?

  /// Calls `body` once for each index below `count`, on up to ``threads`` threads, and returns when all have returned.
  ///
  /// `body` uses ``singleThreaded`` for what it computes. No result may depend on the order of the calls.
  func parallelFor(_ count: Int, _ body: @Sendable (Int) -> Void)
}

/// The kinds of backend, in the order of preference from last to first.
public enum BackendKind: String, Sendable, CaseIterable {
  /// Plain Swift loops.
  case scalar
  /// Swift SIMD vector types, one thread.
  case simd
  /// C with OpenMP.
  case openmp
}

extension ComputeBackend {
  /// The loss of rows that all count alike.
  public func loss(
    _ loss: Loss, output: MatrixView<Element>, target: MatrixView<Element>, scale: Element,
    gradient: MutableMatrixView<Element>
  ) -> Element {
    self.loss(loss, output: output, target: target, weights: nil, scale: scale, gradient: gradient)
  }

  /// The gradient in memory of its own, then the step.
  public func updateParameters(
    weights: MutableMatrixView<Element>, bias: MutableMatrixView<Element>,
    input: MatrixView<Element>, outputGradient: MatrixView<Element>, learningRate: Element
  ) {
    let weightGradient = MatrixStorage<Element>(rows: weights.rows, columns: weights.columns)
    let biasGradient = MatrixStorage<Element>(rows: bias.rows, columns: bias.columns)
    withExtendedLifetime((weightGradient, biasGradient)) {
      parameterGradients(
        input: input, outputGradient: outputGradient, weightGradient: weightGradient.mutableView,
        biasGradient: biasGradient.mutableView)
      descend(weights, gradient: weightGradient.view, learningRate: learningRate)
      descend(bias, gradient: biasGradient.view, learningRate: learningRate)
    }
  }

  /// One element after the other.
  @inlinable
  public func update(
    _ parameters: MutableMatrixView<Element>, by rule: UpdateRule<Element>, gradient: MatrixView<Element>,
    first: MutableMatrixView<Element>?, second: MutableMatrixView<Element>?
  ) {
    rule.apply(to: parameters, gradient: gradient, first: first, second: second)
  }

  /// One element after the other.
  @inlinable
  public func sumOfSquares(_ matrix: MatrixView<Element>) -> Double { SumOfSquares.of(matrix) }

  /// One element after the other.
  @inlinable
  public func dropOut(
    _ values: MatrixView<Element>, by rule: DropoutRule<Element>, firstRow: Int, output: MutableMatrixView<Element>
  ) {
    rule.apply(values, firstRow: firstRow, output: output)
  }

  /// None: what a backend does that has no kernel of this kind.
  public func narrowGradients(
    layers: [DenseLayerViews<Element>], input: MatrixView<Element>, target: MatrixView<Element>, loss: Loss,
    scale: Element
  ) -> Element? {
    nil
  }

  /// One call after the other: what a backend of one thread does.
  public func parallelFor(_ count: Int, _ body: @Sendable (Int) -> Void) {
    for index in 0..<count { body(index) }
  }
}
