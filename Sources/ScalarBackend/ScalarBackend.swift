// The scalar backend: every primitive as plain loops, the order of arithmetic spelled out. Vectors, tiles and packing belong
// to the other backends. All in one file, so that builds without whole-module optimisation specialise it, too.

import CLockstepCPU
import ComputeBackend

/// The backend of plain loops, on one thread.
///
/// It is the one to read: each line that computes is the formula that ``ComputeBackend`` promises. Loops are nested for
/// the sake of the cache, which changes no bit, because each result element still meets its operands in ascending
/// order.
public struct ScalarBackend<Element: KernelElement>: ComputeBackend {
  /// Makes the backend, or `nil` where the CPU lacks a feature that the kernels use.
  public init?() {
    guard lockstep_cpu_missing_feature() == nil else { return nil }
  }

  /// ``BackendKind/scalar``.
  public var kind: BackendKind { .scalar }
  /// ``InstructionSet/scalar``.
  public var instructionSet: InstructionSet { .scalar }
  /// One.
  public var threads: Int { 1 }
  /// This backend.
  public var singleThreaded: Self { self }

  // A caller that holds `any ComputeBackend` reaches the generic code, so each primitive names its two specialisations:
  // in generic code, a fused multiply-add would be a call.

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func forward(
    input: MatrixView<Element>, weights: MatrixView<Element>, bias: MatrixView<Element>, activation: Activation,
    output: MutableMatrixView<Element>
  ) {
    for r in 0..<input.rows {
      let z = output.row(r)
      chainProducts(input.row(r), weights, to: z)
      for j in 0..<weights.columns {
        z[j] = activation.value(z[j] + bias.base[j])
      }
    }
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func activate(_ activation: Activation, sums: MatrixView<Element>, output: MutableMatrixView<Element>) {
    for r in 0..<sums.rows {
      let (z, y) = (sums.row(r), output.row(r))
      for c in 0..<sums.columns { y[c] = activation.value(z[c]) }
    }
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func activateBackward(
    _ activation: Activation, value: MatrixView<Element>, gradient: MutableMatrixView<Element>
  ) {
    for r in 0..<value.rows {
      let (y, g) = (value.row(r), gradient.row(r))
      for c in 0..<value.columns { g[c] = activation.backward(g[c], value: y[c]) }
    }
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func parameterGradients(
    input: MatrixView<Element>, outputGradient: MatrixView<Element>,
    weightGradient: MutableMatrixView<Element>, biasGradient: MutableMatrixView<Element>
  ) {
    let inStripes = OrderOfArithmetic.isNarrow(inputs: input.columns, outputs: outputGradient.columns)
    sumOverRows(input.rows, into: weightGradient, inStripes: inStripes) { r, sum in
      for k in 0..<input.columns {
        let x = input.row(r)[k]
        let g = sum.row(k)
        for j in 0..<outputGradient.columns {
          g[j] = .fma(x, outputGradient.row(r)[j], g[j])
        }
      }
    }
    sumOverRows(input.rows, into: biasGradient, inStripes: inStripes) { r, sum in
      for j in 0..<outputGradient.columns {
        sum.base[j] = sum.base[j] + outputGradient.row(r)[j]
      }
    }
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func inputGradient(
    outputGradient: MatrixView<Element>, weights: MatrixView<Element>, input: MatrixView<Element>,
    activation: Activation, inputGradient: MutableMatrixView<Element>
  ) {
    // Along a row of the transpose lie the weights that one output's gradient meets, as in the forward loop.
    withTemporaryMatrix(rows: weights.columns, columns: weights.rows) { transposed in
      for k in 0..<weights.rows {
        for j in 0..<weights.columns { transposed.row(j)[k] = weights.row(k)[j] }
      }
      for r in 0..<input.rows {
        let g = inputGradient.row(r)
        chainProducts(outputGradient.row(r), transposed.readOnly, to: g)
        for k in 0..<input.columns {
          g[k] = activation.backward(g[k], value: input.row(r)[k])
        }
      }
    }
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func loss(
    _ loss: Loss, output: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>?,
    scale: Element, gradient: MutableMatrixView<Element>
  ) -> Element {
    withTemporaryMatrix(rows: 1, columns: 1) { total in
      sumOverRows(output.rows, into: total, inStripes: true) { r, sum in
        let (y, t, g) = (output.row(r), target.row(r), gradient.row(r))
        let weight = weights.map { $0.row(r)[0] } ?? 1
        let row = loss.rows(
          outputs: output.columns, scale: scale * weight,
          output: { y[$0] }, target: { t[$0] }, store: { g[$0] = $1 }, stored: { g[$0] })
        sum.base[0] = sum.base[0] + weight * row
      }
      return total.base[0]
    }
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func add(_ other: MatrixView<Element>, to sum: MutableMatrixView<Element>) {
    addElements(of: other, to: sum)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func descend(
    _ parameters: MutableMatrixView<Element>, gradient: MatrixView<Element>, learningRate: Element
  ) {
    for r in 0..<parameters.rows {
      let p = parameters.row(r)
      for c in 0..<parameters.columns {
        p[c] = p[c] - learningRate * gradient.row(r)[c]
      }
    }
  }

  // The plain loops of these three stand beside their formulas in ComputeBackend, for any backend to use.

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func update(
    _ parameters: MutableMatrixView<Element>, by rule: UpdateRule<Element>, gradient: MatrixView<Element>,
    first: MutableMatrixView<Element>?, second: MutableMatrixView<Element>?
  ) {
    rule.apply(to: parameters, gradient: gradient, first: first, second: second)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func sumOfSquares(_ matrix: MatrixView<Element>) -> Double { SumOfSquares.of(matrix) }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func dropOut(
    _ values: MatrixView<Element>, by rule: DropoutRule<Element>, firstRow: Int, output: MutableMatrixView<Element>
  ) {
    rule.apply(values, firstRow: firstRow, output: output)
  }
}

// MARK: - Chains

/// `sums[j] = Σ_k fma(factors[k], matrix[k, j])` for every j: each sum a chain over k, from +0.
@inline(__always)
private func chainProducts<Element: KernelElement>(
  _ factors: UnsafePointer<Element>, _ matrix: MatrixView<Element>, to sums: UnsafeMutablePointer<Element>
) {
  for j in 0..<matrix.columns { sums[j] = 0 }
  for k in 0..<matrix.rows {
    for j in 0..<matrix.columns {
      sums[j] = .fma(factors[k], matrix.row(k)[j], sums[j])
    }
  }
}

// MARK: - Sums over rows

/// Sums what each row adds to a matrix of sums, by the order of arithmetic.
///
/// - Parameters:
///   - rows: how many rows there are.
///   - sum: receives the sum; +0 everywhere where there are no rows.
///   - inStripes: true for the sums of a narrow layer and of a loss.
///   - addRow: adds a row's contribution to one chain of sums, a matrix of the shape of `sum`.
@inline(__always)
private func sumOverRows<Element: KernelElement>(
  _ rows: Int, into sum: MutableMatrixView<Element>, inStripes: Bool,
  addRow: (_ row: Int, _ chain: MutableMatrixView<Element>) -> Void
) {
  setZero(sum)
  guard rows > 0 else { return }

  func leaf(_ index: Int, into sum: MutableMatrixView<Element>) {
    let first = index * OrderOfArithmetic.leafRows
    let range = first..<min(first + OrderOfArithmetic.leafRows, rows)
    guard inStripes else {
      setZero(sum)
      for row in range { addRow(row, sum) }
      return
    }
    // Stripe s is the matrix at rows s n ..< (s + 1) n. Stripes that get no row stay +0 and take part in the fold.
    let n = sum.rows
    withTemporaryMatrix(rows: OrderOfArithmetic.stripes * n, columns: sum.columns) { stripes in
      for row in range {
        let s = (row - first) % OrderOfArithmetic.stripes
        addRow(row, stripes.rows(s * n..<(s + 1) * n))
      }
      var half = OrderOfArithmetic.stripes / 2
      while half > 0 {
        addElements(of: stripes.rows(half * n..<2 * half * n).readOnly, to: stripes.rows(0..<half * n))
        half /= 2
      }
      sum.copy(from: stripes.rows(0..<n).readOnly)
    }
  }

  /// `fold(lo, hi) = fold(lo, mid) + fold(mid, hi)`.
  func fold(_ leaves: Range<Int>, into sum: MutableMatrixView<Element>) {
    guard leaves.count > 1 else { return leaf(leaves.lowerBound, into: sum) }
    let middle = leaves.lowerBound + OrderOfArithmetic.leftLeaves(of: leaves.count)
    fold(leaves.lowerBound..<middle, into: sum)
    withTemporaryMatrix(rows: sum.rows, columns: sum.columns) { right in
      fold(middle..<leaves.upperBound, into: right)
      addElements(of: right.readOnly, to: sum)
    }
  }

  fold(0..<OrderOfArithmetic.leafCount(rows: rows), into: sum)
}

/// `sum[i] = sum[i] + other[i]`.
@inline(__always)
private func addElements<Element: KernelElement>(of other: MatrixView<Element>, to sum: MutableMatrixView<Element>) {
  for r in 0..<sum.rows {
    let s = sum.row(r)
    for c in 0..<sum.columns { s[c] = s[c] + other.row(r)[c] }
  }
}

@inline(__always)
private func setZero<Element: KernelElement>(_ matrix: MutableMatrixView<Element>) {
  for r in 0..<matrix.rows {
    for c in 0..<matrix.columns { matrix.row(r)[c] = 0 }
  }
}

// MARK: - Matrices

/// Calls `body` with a zero matrix that lives during the call.
@inline(__always)
private func withTemporaryMatrix<Element: KernelElement, Result>(
  rows: Int, columns: Int, _ body: (MutableMatrixView<Element>) -> Result
) -> Result {
  let storage = MatrixStorage<Element>(rows: rows, columns: columns)
  return withExtendedLifetime(storage) { body(storage.mutableView) }
}

extension MatrixView {
  /// The first element of row `r`.
  @inline(__always)
  fileprivate func row(_ r: Int) -> UnsafePointer<Element> { base + r * stride }
}

extension MutableMatrixView {
  /// The first element of row `r`.
  @inline(__always)
  fileprivate func row(_ r: Int) -> UnsafeMutablePointer<Element> { base + r * stride }
}
