// The order of arithmetic, said as plainly as it can be: one formula per result element. Independent of every backend; the
// network over these primitives lies in ReferenceNetwork.swift, activations and losses in ReferenceFormulas.swift.

import ComputeBackend

/// The primitives of a backend, on matrices as values, for comparison: each result element is computed by itself, in
/// the order that the contract gives, with no thought of speed.
///
/// Shapes must agree as the primitives of `ComputeBackend` say.
public enum Reference {
  /// A dense layer: `output[r, j] = activation(Σ_k fma(input[r, k], weights[k, j]) + bias[j])`.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`.
  ///   - weights: `[inputs × outputs]`.
  ///   - bias: `[1 × outputs]`.
  ///   - activation: what is applied after the bias has been added.
  /// - Returns: `[rows × outputs]`.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public static func forward<Element: KernelElement>(
    input: Matrix<Element>, weights: Matrix<Element>, bias: Matrix<Element>, activation: Activation
  ) -> Matrix<Element> {
    matrix(rows: input.rows, columns: weights.columns) { r, j in
      let sum = dot(input.columns, { k in at(input, r, k) }, { k in at(weights, k, j) })
      return value(of: activation, at: sum + at(bias, 0, j))
    }
  }

  /// The activation of a layer's sums, elementwise.
  ///
  /// - Parameters:
  ///   - activation: what is applied to each sum.
  ///   - sums: any shape.
  /// - Returns: a matrix of the same shape.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public static func activate<Element: KernelElement>(
    _ activation: Activation, sums: Matrix<Element>
  ) -> Matrix<Element> {
    matrix(rows: sums.rows, columns: sums.columns) { r, c in value(of: activation, at: at(sums, r, c)) }
  }

  /// The gradients of a dense layer's parameters: `weights[k, j] = Σ_r fma(input[r, k], outputGradient[r, j])`,
  /// `bias[j] = Σ_r outputGradient[r, j]`.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`, what the layer was given.
  ///   - outputGradient: `[rows × outputs]`, with respect to the layer's sums, before the activation.
  /// - Returns: `[inputs × outputs]` and `[1 × outputs]`.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public static func parameterGradients<Element: KernelElement>(
    input: Matrix<Element>, outputGradient: Matrix<Element>
  ) -> (weights: Matrix<Element>, bias: Matrix<Element>) {
    let (inputs, outputs) = (input.columns, outputGradient.columns)
    let stripes = inputs < 16 && outputs < 16 && inputs * outputs < 16 ? 16 : 1
    let weights: Matrix<Element> = matrix(rows: inputs, columns: outputs) { k, j in
      sumOverRows(input.rows, stripes: stripes) { r, sum in
        sum.addingProduct(at(input, r, k), at(outputGradient, r, j))
      }
    }
    let bias: Matrix<Element> = matrix(rows: 1, columns: outputs) { _, j in
      sumOverRows(input.rows, stripes: stripes) { r, sum in sum + at(outputGradient, r, j) }
    }
    return (weights, bias)
  }

  /// The gradient with respect to the sums of the layer below:
  /// `result[r, k] = activation.backward(Σ_j fma(outputGradient[r, j], weights[k, j]), value: input[r, k])`.
  ///
  /// - Parameters:
  ///   - outputGradient: `[rows × outputs]`, with respect to this layer's sums.
  ///   - weights: `[inputs × outputs]`, this layer's.
  ///   - input: `[rows × inputs]`, the activated outputs of the layer below, or its sums where the derivative of its
  ///     activation takes those.
  ///   - activation: the activation of the layer below.
  /// - Returns: `[rows × inputs]`.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public static func inputGradient<Element: KernelElement>(
    outputGradient: Matrix<Element>, weights: Matrix<Element>, input: Matrix<Element>, activation: Activation
  ) -> Matrix<Element> {
    matrix(rows: outputGradient.rows, columns: weights.rows) { r, k in
      let sum = dot(weights.columns, { j in at(outputGradient, r, j) }, { j in at(weights, k, j) })
      return gradient(of: activation, sum, value: at(input, r, k))
    }
  }

  /// The gradient with respect to a layer's sums, elementwise, from that with respect to its outputs.
  ///
  /// - Parameters:
  ///   - activation: the layer's.
  ///   - gradient: `[rows × outputs]`, with respect to the activated outputs.
  ///   - value: `[rows × outputs]`, the activated outputs, or the sums where the derivative takes those.
  /// - Returns: `[rows × outputs]`.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public static func gradient<Element: KernelElement>(
    of activation: Activation, _ gradient: Matrix<Element>, value: Matrix<Element>
  ) -> Matrix<Element> {
    matrix(rows: value.rows, columns: value.columns) { r, c in
      self.gradient(of: activation, at(gradient, r, c), value: at(value, r, c))
    }
  }

  /// The loss of a block of rows: its sum over rows, not divided, and its gradient.
  ///
  /// - Parameters:
  ///   - loss: which loss.
  ///   - output: `[rows × outputs]`.
  ///   - target: `[rows × outputs]`.
  ///   - weights: `[rows × 1]`, the factor of each row's loss and scale; `nil` for none.
  ///   - scale: the factor of the gradient.
  /// - Returns: the sum, and the gradient with respect to the outputs, `[rows × outputs]`.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public static func loss<Element: KernelElement>(
    _ loss: Loss, output: Matrix<Element>, target: Matrix<Element>, weights: Matrix<Element>? = nil, scale: Element
  ) -> (sum: Element, gradient: Matrix<Element>) {
    let rows = (0..<output.rows).map { r in
      row(
        of: loss, output: (0..<output.columns).map { j in at(output, r, j) },
        target: (0..<output.columns).map { j in at(target, r, j) },
        scale: weights.map { weights in scale * at(weights, r, 0) } ?? scale)
    }
    let sum = sumOverRows(output.rows, stripes: 16) { r, sum in
      sum + (weights.map { weights in at(weights, r, 0) * rows[r].loss } ?? rows[r].loss)
    }
    return (sum, matrix(rows: output.rows, columns: output.columns) { r, j in rows[r].gradient[j] })
  }

  /// A node of the pairwise tree from its children, elementwise.
  ///
  /// - Parameters:
  ///   - other: the child of the later rows.
  ///   - sum: the child of the earlier rows, of the same shape.
  /// - Returns: `sum + other`.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public static func add<Element: KernelElement>(
    _ other: Matrix<Element>, to sum: Matrix<Element>
  ) -> Matrix<Element> {
    matrix(rows: sum.rows, columns: sum.columns) { r, c in at(sum, r, c) + at(other, r, c) }
  }

  /// A step of gradient descent, elementwise.
  ///
  /// - Parameters:
  ///   - parameters: any shape.
  ///   - gradient: of the same shape.
  ///   - learningRate: the factor of the gradient.
  /// - Returns: `parameters - learningRate * gradient`, product and difference each rounded.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public static func descend<Element: KernelElement>(
    _ parameters: Matrix<Element>, gradient: Matrix<Element>, learningRate: Element
  ) -> Matrix<Element> {
    matrix(rows: parameters.rows, columns: parameters.columns) { r, c in
      at(parameters, r, c) - learningRate * at(gradient, r, c)
    }
  }

  // MARK: - Sums

  /// One chain: `fma(a[0], b[0], +0)`, then `fma(a[1], b[1], ...)` of that, and so on.
  @inline(__always)
  static func dot<Element: KernelElement>(_ count: Int, _ a: (Int) -> Element, _ b: (Int) -> Element) -> Element {
    var sum: Element = 0
    for i in 0..<count { sum = sum.addingProduct(a(i), b(i)) }
    return sum
  }

  /// A sum over rows: leaves of 256 rows, folded in a pairwise tree.
  ///
  /// - Parameters:
  ///   - rows: how many rows there are.
  ///   - stripes: 16 in narrow layers and losses, else 1.
  ///   - addRow: the given chain's next value, with the given row in it.
  @inline(__always)
  static func sumOverRows<Element: KernelElement>(
    _ rows: Int, stripes: Int, addRow: (_ row: Int, _ chain: Element) -> Element
  ) -> Element {
    var leaves: [Element] = []
    for first in stride(from: 0, to: rows, by: 256) {
      leaves.append(leaf(first..<min(first + 256, rows), stripes: stripes, addRow: addRow))
    }
    return leaves.isEmpty ? 0 : fold(leaves, 0, leaves.count)
  }

  /// A leaf: one chain, or 16 stripes of every sixteenth row each, where stripe s takes stripe s + 8, then s + 4, s + 2
  /// and s + 1. Stripes that get no row are +0 and take part.
  @inline(__always)
  static func leaf<Element: KernelElement>(
    _ rows: Range<Int>, stripes: Int, addRow: (_ row: Int, _ chain: Element) -> Element
  ) -> Element {
    var chains = [Element](repeating: 0, count: stripes)
    for row in rows {
      let s = (row - rows.lowerBound) % stripes
      chains[s] = addRow(row, chains[s])
    }
    while chains.count > 1 {
      let half = chains.count / 2
      chains = (0..<half).map { s in chains[s] + chains[s + half] }
    }
    return chains[0]
  }

  /// `fold(lo, hi) = fold(lo, mid) + fold(mid, hi)`, where `mid - lo` is the largest power of two below `hi - lo`.
  static func fold<Element: KernelElement>(_ leaves: [Element], _ lo: Int, _ hi: Int) -> Element {
    if hi - lo == 1 { return leaves[lo] }
    var half = 1
    while half * 2 < hi - lo { half *= 2 }
    return fold(leaves, lo, lo + half) + fold(leaves, lo + half, hi)
  }

  // MARK: - Elements

  /// The element at row `r`, column `c`.
  @inline(__always)
  static func at<Element: KernelElement>(_ matrix: Matrix<Element>, _ r: Int, _ c: Int) -> Element {
    matrix.elements[r * matrix.columns + c]
  }

  /// The matrix of these elements.
  @inline(__always)
  static func matrix<Element: KernelElement>(
    rows: Int, columns: Int, _ element: (_ row: Int, _ column: Int) -> Element
  ) -> Matrix<Element> {
    var elements: [Element] = []
    elements.reserveCapacity(rows * columns)
    for r in 0..<rows {
      for c in 0..<columns { elements.append(element(r, c)) }
    }
    return Matrix(rows: rows, columns: columns, elements: elements)
  }
}
