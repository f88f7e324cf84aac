// What is done to finished sums. Tiles that lie whole in the result do it in registers; how the others do it, those at the
// edges and those of results whose rows lie along the vector, lies here.

import ComputeBackend

/// What is done to finished sums.
enum Epilogue<Element: SIMDElement> {
  /// Nothing.
  case none
  /// Adds the operand, the bias, and applies the activation.
  case activate(Activation, bias: Grid<Element>)
  /// Goes through the derivative of the activation, whose value is the operand, laid out by rows or columns as the
  /// result.
  case differentiate(Activation, value: Grid<Element>)
  /// Subtracts the sums, times the rate, from what the result holds.
  case descend(rate: Element)

  var transposed: Self {
    switch self {
    case .none, .descend: self
    case .activate(let activation, let bias): .activate(activation, bias: bias.transposed)
    case .differentiate(let activation, let value): .differentiate(activation, value: value.transposed)
    }
  }

  /// True where the operand lies along the vector.
  var isAlongVector: Bool {
    switch self {
    case .none, .descend: true
    case .activate(_, let bias): bias.column == 1
    case .differentiate(_, let value): value.column == 1
    }
  }

  /// What a tile does of it in registers. The activations that it leaves follow when the tile is stored.
  var inRegisters: TileFinish {
    switch self {
    case .none: .none
    case .descend: .descend
    case .activate(let activation, _):
      switch activation {
      case .relu: .addBiasReLU
      case .leakyReLU: .addBiasLeakyReLU
      case .identity, .tanh, .sigmoid, .elu, .softplus, .silu, .gelu: .addBias
      }
    case .differentiate(let activation, _):
      switch activation {
      case .identity, .elu, .softplus, .silu, .gelu: .none
      case .relu: .throughReLU
      case .leakyReLU: .throughLeakyReLU
      case .tanh: .throughTanh
      case .sigmoid: .throughSigmoid
      }
    }
  }

  /// The activation that a tile leaves.
  var afterStoring: Activation? {
    guard case .activate(let activation, _) = self, activation == .tanh || activation == .sigmoid else { return nil }
    return activation
  }
}

extension Activation {
  /// True where kernels apply it to sums in flight. The others follow over finished sums, as Elementwise.swift has them: they
  /// take so long that going over memory once more does not matter, and each would make every kernel larger.
  @inline(__always)
  var isFused: Bool {
    switch self {
    case .identity, .relu, .leakyReLU, .tanh, .sigmoid: true
    case .elu, .softplus, .silu, .gelu: false
    }
  }

  /// Its value, where it ``isFused``. What is compiled has no more than these.
  @inline(__always)
  func fusedValue<Vector: KernelVector>(_ z: Vector) -> Vector { isFused ? value(z) : z }

  /// Its derivative, where it ``isFused``.
  @inline(__always)
  func fusedBackward<Vector: KernelVector>(_ gradient: Vector, value: Vector) -> Vector {
    isFused ? backward(gradient, value: value) : gradient
  }
}

/// Applies an activation to rows, in place.
@inline(never)
func activateRows<Vector: LaneVector>(
  _: Vector.Type, _ activation: Activation, _ base: UnsafeMutablePointer<Vector.Element>, rows: Int, stride: Int,
  columns: Int
) where Vector.Element: SIMDElement {
  for i in 0..<rows {
    let row = base + i &* stride
    var j = 0
    while j &+ Vector.laneCount <= columns {
      activation.fusedValue(Vector.load(row + j)).store(row + j)
      j += Vector.laneCount
    }
    if j < columns {
      var last = Vector.zero
      last.replaceFirst(columns &- j, from: row + j)
      activation.fusedValue(last).storeFirst(columns &- j, to: row + j)
    }
  }
}

extension BlockedProduct {
  /// Applies the epilogue to sums in memory, rows of `width` elements, and writes those that are in the result.
  @inline(never)
  func finish(_ sums: UnsafeMutablePointer<Element>, width: Int, rows: Range<Int>, columns: Range<Int>) {
    switch product.epilogue {
    case .none:
      write(sums, width, rows, columns, from: result, vector: { sum, _ in sum }, element: { sum, _ in sum })
    case .descend(let rate):
      let rates = Vector(repeating: rate)
      write(
        sums, width, rows, columns, from: result, vector: { $1 - rates * $0 }, element: { $1 - rate * $0 })
    case .activate(let activation, let bias):
      activate(sums, width, rows, columns, activation, bias: bias)
      write(sums, width, rows, columns, from: result, vector: { sum, _ in sum }, element: { sum, _ in sum })
    case .differentiate(let activation, let value):
      write(
        sums, width, rows, columns, from: value, vector: { activation.fusedBackward($0, value: $1) },
        element: { activation.fusedBackward($0, value: $1) })
    }
  }

  /// The result, as elements to read.
  private var result: Grid<Element> {
    Grid(product.result.base, row: product.result.row, column: product.result.column)
  }

  /// Writes a function of the sums and of an operand; `vector` and `element` are the same function.
  @inline(__always)
  private func write(
    _ sums: UnsafeMutablePointer<Element>, _ width: Int, _ rows: Range<Int>, _ columns: Range<Int>,
    from grid: Grid<Element>, vector: (Vector, Vector) -> Vector, element: (Element, Element) -> Element
  ) {
    let lanes = Vector.laneCount
    let target = product.result
    var i = rows.lowerBound
    while i < rows.upperBound {
      let sum = sums + (i &- rows.lowerBound) &* width
      var to = target.base + i &* target.row + columns.lowerBound &* target.column
      var from = grid.base + i &* grid.row + columns.lowerBound &* grid.column
      if let lastRow = product.lastRow, i == product.rows &- 1 {
        to = lastRow + columns.lowerBound
        from = UnsafePointer(to)
      }
      var j = 0
      if target.column == 1 && grid.column == 1 {
        while j &+ lanes <= columns.count {
          vector(.load(sum + j), .load(from + j)).store(to + j)
          j += lanes
        }
      }
      while j < columns.count {
        to[j &* target.column] = element(sum[j], from[j &* grid.column])
        j += 1
      }
      i += 1
    }
  }

  /// Adds the bias and applies the activation, in place, in whole vectors.
  @inline(__always)
  private func activate(
    _ sums: UnsafeMutablePointer<Element>, _ width: Int, _ rows: Range<Int>, _ columns: Range<Int>,
    _ activation: Activation, bias: Grid<Element>
  ) {
    let lanes = Vector.laneCount
    var j = 0
    while j < columns.count {
      let valid = min(columns.count &- j, lanes)
      var from = bias.base + rows.lowerBound &* bias.row + (columns.lowerBound &+ j) &* bias.column
      var term = Vector.zero
      if bias.column != 0 {
        if valid == lanes && bias.column == 1 {
          term = .load(from)
        } else {
          // The bias ends inside the vector.
          withUnsafeMutableBytes(of: &term) { bytes in
            let elements = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Element.self)
            for l in 0..<valid { elements[l] = from[l &* bias.column] }
          }
        }
      }
      for i in 0..<rows.count {
        if bias.column == 0 {
          term = Vector(repeating: from.pointee)
          from += bias.row
        }
        let address = sums + i &* width + j
        activation.fusedValue(.load(address) + term).store(address)
      }
      j += lanes
    }
  }
}
