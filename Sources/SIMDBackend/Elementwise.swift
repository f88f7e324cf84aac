// Work on each element by itself: tree nodes and gradient descent.

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
