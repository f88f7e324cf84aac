// The steps of optimisers, the sum of squares and dropout on matrices as values, written down a second time. The words of Philox
// are the project's own: they are tested against published vectors.

import ComputeBackend

extension Reference {
  /// Parameters, and what an optimiser keeps of each.
  public typealias Moments<Element: KernelElement> = (
    parameters: Matrix<Element>, first: Matrix<Element>, second: Matrix<Element>
  )

  /// A step of an optimiser, elementwise.
  ///
  /// - Parameters:
  ///   - before: parameters and moments, all of one shape; moments that the formula does not keep stay as they are.
  ///   - rule: the formula and its coefficients.
  ///   - gradient: of the same shape.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public static func update<Element: KernelElement>(
    _ before: Moments<Element>, by rule: UpdateRule<Element>, gradient: Matrix<Element>
  ) -> Moments<Element> {
    var (p, m, v) = (before.parameters.elements, before.first.elements, before.second.elements)
    for i in p.indices {
      var g = gradient.elements[i] * rule.gradientFactor
      if rule.weightDecay != 0 {
        let decay = rule.weightDecay * p[i]
        g = g + decay
      }
      let kept = p[i] * rule.parameterFactor
      var direction = g
      switch rule.formula {
      case .descent: break
      case .momentum, .nesterov:
        let old = rule.firstDecay * m[i]
        m[i] = old + g
        let ahead = rule.firstDecay * m[i]
        direction = rule.formula == .momentum ? m[i] : g + ahead
      case .rmsProp:
        v[i] = mean(v[i], rule.secondDecay, g * g, rule.secondShare)
        let divisor = v[i].squareRoot() + rule.epsilon
        direction = g / divisor
      case .adam:
        m[i] = mean(m[i], rule.firstDecay, g, rule.firstShare)
        v[i] = mean(v[i], rule.secondDecay, g * g, rule.secondShare)
        let root = v[i].squareRoot() * rule.rootFactor
        let divisor = root + rule.epsilon
        direction = m[i] / divisor
      }
      let change = rule.rate * direction
      p[i] = kept - change
    }
    func matrix(_ elements: [Element]) -> Matrix<Element> {
      Matrix(rows: gradient.rows, columns: gradient.columns, elements: elements)
    }
    return (matrix(p), matrix(m), matrix(v))
  }

  /// `old * decay + new * share`, each operation rounded.
  @inline(__always)
  private static func mean<Element: KernelElement>(
    _ old: Element, _ decay: Element, _ new: Element, _ share: Element
  ) -> Element {
    let (rest, joined) = (decay * old, share * new)
    return rest + joined
  }

  /// The sum of the squares of all elements, in `Double`: they are summed row by row as rows of one narrow column are.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public static func sumOfSquares<Element: KernelElement>(_ matrix: Matrix<Element>) -> Double {
    sumOverRows(matrix.elements.count, stripes: 16) { i, sum in
      let x = Double(matrix.elements[i])
      return sum.addingProduct(x, x)
    }
  }

  /// Dropout: each element by a word of its own.
  ///
  /// - Parameters:
  ///   - values: `[rows × columns]`.
  ///   - rate: the share that is dropped.
  ///   - seed: the key of Philox.
  ///   - step: the number of the step, from 0.
  ///   - layer: the number of the layer, from 0.
  ///   - firstRow: the number of the first row in the batch.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public static func dropOut<Element: KernelElement>(
    _ values: Matrix<Element>, rate: Double, seed: UInt64, step: Int, layer: Int, firstRow: Int
  ) -> Matrix<Element> {
    let least = Double(UInt32(rate * 4_294_967_296))
    let scale = Element(1 / (1 - rate))
    return matrix(rows: values.rows, columns: values.columns) { r, c in
      let words = Philox.words(
        counter: Philox.Words(UInt32(c / 4), UInt32(firstRow + r), UInt32(step), UInt32(2 + 256 * layer)),
        key: SIMD2(UInt32(seed % 4_294_967_296), UInt32(seed / 4_294_967_296)))
      let isKept = Double(words[c % 4]) >= least
      return isKept ? at(values, r, c) * scale : 0
    }
  }
}
