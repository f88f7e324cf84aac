// Work on each element by itself: tree nodes, gradient descent, and activations apart from the sums that they follow.

import ComputeBackend

extension Kernels {
  static func add(_ other: MatrixView<Element>, to sum: MutableMatrixView<Element>) {
    update(sum, other, vector: { $0 + $1 }, element: { $0 + $1 })
  }

  /// The same for elements that lie in a row.
  static func add(_ other: UnsafePointer<Element>, to sum: UnsafeMutablePointer<Element>, count: Int) {
    var i = 0
    while i &+ Vector.laneCount <= count {
      (Vector.load(sum + i) + Vector.load(other + i)).store(sum + i)
      i += Vector.laneCount
    }
    while i < count {
      sum[i] = sum[i] + other[i]
      i += 1
    }
  }

  static func descend(
    _ parameters: MutableMatrixView<Element>, gradient: MatrixView<Element>, learningRate: Element
  ) {
    let rate = Vector(repeating: learningRate)
    update(parameters, gradient, vector: { $0 - rate * $1 }, element: { $0 - learningRate * $1 })
  }

  /// Each activation that is not fused has a loop of its own.
  @inline(never)
  static func activate(_ activation: Activation, sums: MatrixView<Element>, output: MutableMatrixView<Element>) {
    switch activation {
    case .identity, .relu, .leakyReLU, .tanh, .sigmoid: update(output, sums) { _, z in activation.fusedValue(z) }
    case .elu: update(output, sums) { _, z in Activation.elu.value(z) }
    case .softplus: update(output, sums) { _, z in Activation.softplus.value(z) }
    case .silu: update(output, sums) { _, z in Activation.silu.value(z) }
    case .gelu: update(output, sums) { _, z in Activation.gelu.value(z) }
    }
  }

  @inline(never)
  static func activateBackward(
    _ activation: Activation, value: MatrixView<Element>, gradient: MutableMatrixView<Element>
  ) {
    switch activation {
    case .identity, .relu, .leakyReLU, .tanh, .sigmoid:
      update(gradient, value) { activation.fusedBackward($0, value: $1) }
    case .elu: update(gradient, value) { Activation.elu.backward($0, value: $1) }
    case .softplus: update(gradient, value) { Activation.softplus.backward($0, value: $1) }
    case .silu: update(gradient, value) { Activation.silu.backward($0, value: $1) }
    case .gelu: update(gradient, value) { Activation.gelu.backward($0, value: $1) }
    }
  }

  /// As the one below, for a function too long to be compiled once more for single elements: the last few are lanes, too.
  @inline(__always)
  private static func update(
    _ target: MutableMatrixView<Element>, _ source: MatrixView<Element>, _ function: (Vector, Vector) -> Vector
  ) {
    let isContiguous = target.stride == target.columns && source.stride == source.columns
    let rows = isContiguous ? min(target.rows, 1) : target.rows
    let columns = isContiguous ? target.rows &* target.columns : target.columns
    for r in 0..<rows {
      let (to, from) = (target.base + r &* target.stride, source.base + r &* source.stride)
      var c = 0
      while c < columns {
        let count = min(columns &- c, Vector.laneCount)
        var (t, s) = (Vector.zero, Vector.zero)
        if count == Vector.laneCount {
          (t, s) = (.load(to + c), .load(from + c))
        } else {
          t.replaceFirst(count, from: to + c)
          s.replaceFirst(count, from: from + c)
        }
        let values = function(t, s)
        if count == Vector.laneCount { values.store(to + c) } else { values.storeFirst(count, to: to + c) }
        c += count
      }
    }
  }

  /// Replaces each element of `target` by a function of it and of the element of `source`; `vector` and `element` are
  /// the same function.
  @inline(__always)
  private static func update(
    _ target: MutableMatrixView<Element>, _ source: MatrixView<Element>,
    vector: (Vector, Vector) -> Vector, element: (Element, Element) -> Element
  ) {
    let isContiguous = target.stride == target.columns && source.stride == source.columns
    let rows = isContiguous ? min(target.rows, 1) : target.rows
    let columns = isContiguous ? target.rows &* target.columns : target.columns
    for r in 0..<rows {
      let (to, from) = (target.base + r &* target.stride, source.base + r &* source.stride)
      var c = 0
      while c &+ Vector.laneCount <= columns {
        vector(.load(to + c), .load(from + c)).store(to + c)
        c += Vector.laneCount
      }
      while c < columns {
        to[c] = element(to[c], from[c])
        c += 1
      }
    }
  }
}
