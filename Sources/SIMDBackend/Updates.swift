// Steps of optimisers and the sum of squares that clipping needs: streams over parameters and what belongs to each.

import ComputeBackend

extension Kernels {
  static func update(
    _ parameters: MutableMatrixView<Element>, by rule: UpdateRule<Element>, gradient: MatrixView<Element>,
    first: MutableMatrixView<Element>?, second: MutableMatrixView<Element>?
  ) {
    rule.formula.checkMoments(first: first != nil, second: second != nil)
    let (first, second) = (first ?? parameters, second ?? parameters)
    // Each formula has a loop of its own.
    switch rule.formula {
    case .descent: update(.descent, parameters, rule, gradient, first, second)
    case .momentum: update(.momentum, parameters, rule, gradient, first, second)
    case .nesterov: update(.nesterov, parameters, rule, gradient, first, second)
    case .rmsProp: update(.rmsProp, parameters, rule, gradient, first, second)
    case .adam: update(.adam, parameters, rule, gradient, first, second)
    }
  }

  /// Moments that the formula does not keep are neither read nor written, whatever is given for them.
  @inline(__always)
  private static func update(
    _ formula: UpdateFormula, _ parameters: MutableMatrixView<Element>, _ rule: UpdateRule<Element>,
    _ gradient: MatrixView<Element>, _ first: MutableMatrixView<Element>, _ second: MutableMatrixView<Element>
  ) {
    var rule = rule
    rule.formula = formula
    let isContiguous =
      parameters.stride == parameters.columns && gradient.stride == gradient.columns
      && first.stride == first.columns && second.stride == second.columns
    let rows = isContiguous ? min(parameters.rows, 1) : parameters.rows
    let columns = isContiguous ? parameters.rows &* parameters.columns : parameters.columns
    for r in 0..<rows {
      let (p, g) = (parameters.base + r &* parameters.stride, gradient.base + r &* gradient.stride)
      let (m, v) = (first.base + r &* first.stride, second.base + r &* second.stride)
      var c = 0
      while c &+ Vector.laneCount <= columns {
        step(Vector.self, rule, p + c, g + c, m + c, v + c)
        c += Vector.laneCount
      }
      while c < columns {
        step(Element.self, rule, p + c, g + c, m + c, v + c)
        c += 1
      }
    }
  }

  /// A step on the lanes of `Lanes` from each address on.
  @inline(__always)
  private static func step<Lanes: KernelVector>(
    _: Lanes.Type, _ rule: UpdateRule<Element>, _ p: UnsafeMutablePointer<Element>, _ g: UnsafePointer<Element>,
    _ m: UnsafeMutablePointer<Element>, _ v: UnsafeMutablePointer<Element>
  ) where Lanes.Element == Element {
    let (keepsFirst, keepsSecond) = (rule.formula.keepsFirstMoment, rule.formula.keepsSecondMoment)
    var parameters = Lanes.load(p)
    var first = keepsFirst ? Lanes.load(m) : .zero
    var second = keepsSecond ? Lanes.load(v) : .zero
    rule.step(&parameters, gradient: .load(g), first: &first, second: &second)
    parameters.store(p)
    if keepsFirst { first.store(m) }
    if keepsSecond { second.store(v) }
  }

  static func sumOfSquares(_ matrix: MatrixView<Element>, in pool: ScratchPool) -> Double {
    let isContiguous = matrix.stride == matrix.columns
    let count = matrix.rows &* matrix.columns
    let leafCount = OrderOfArithmetic.leafRows
    let leaves = OrderOfArithmetic.leafCount(rows: count)
    return pool.withMemory(of: Element.self, count: leafCount) { gathered in
      // A leaf's number has as many ones as nodes wait for it.
      var nodes = InlineArray<64, Double>(repeating: 0)
      for leaf in 0..<leaves {
        let first = leaf &* leafCount
        let elements = min(leafCount, count &- first)
        let leafStart: UnsafePointer<Element>
        if isContiguous {
          leafStart = matrix.base + first
        } else {
          gather(matrix, first: first, count: elements, to: gathered)
          leafStart = UnsafePointer(gathered)
        }
        let stack = NodeStack(leaf: leaf, of: leaves)
        nodes[stack.slot] = sumOfSquares(leafStart, count: elements)
        var slot = stack.slot
        for _ in 0..<stack.joins {
          nodes[slot &- 1] = nodes[slot &- 1] + nodes[slot]
          slot &-= 1
        }
      }
      return nodes[0]
    }
  }

  /// A leaf: 16 stripes of `Double`, folded.
  @inline(__always)
  private static func sumOfSquares(_ elements: UnsafePointer<Element>, count: Int) -> Double {
    typealias Wide = Vector.Wide
    let lanes = Vector.laneCount
    let vectors = OrderOfArithmetic.stripes / lanes
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: OrderOfArithmetic.stripes) { stripes in
      let chains = stripes.baseAddress.unsafelyUnwrapped
      let whole = count / OrderOfArithmetic.stripes
      for vector in 0..<vectors {
        var chain = Wide.zero
        for row in 0..<whole {
          let x = Vector.load(elements + (row &* OrderOfArithmetic.stripes &+ vector &* lanes)).wide
          chain = .fma(x, x, chain)
        }
        chain.store(chains + vector &* lanes)
      }
      for place in whole &* OrderOfArithmetic.stripes..<count {
        let x = Double(elements[place])
        let stripe = place % OrderOfArithmetic.stripes
        chains[stripe] = .fma(x, x, chains[stripe])
      }
      var half = OrderOfArithmetic.stripes / 2
      while half > 0 {
        for stripe in 0..<half { chains[stripe] = chains[stripe] + chains[stripe &+ half] }
        half /= 2
      }
      return chains[0]
    }
  }

  /// Copies elements `first..<first + count` of the rows one after the other.
  private static func gather(
    _ matrix: MatrixView<Element>, first: Int, count: Int, to elements: UnsafeMutablePointer<Element>
  ) {
    var (row, column) = first.quotientAndRemainder(dividingBy: matrix.columns)
    var done = 0
    while done < count {
      let part = min(matrix.columns &- column, count &- done)
      (elements + done).update(from: matrix.base + (row &* matrix.stride &+ column), count: part)
      done += part
      row += 1
      column = 0
    }
  }
}
