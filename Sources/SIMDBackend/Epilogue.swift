// What is done to finished sums, and their writing.

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

  var transposed: Self {
    switch self {
    case .none: .none
    case .activate(let activation, let bias): .activate(activation, bias: bias.transposed)
    case .differentiate(let activation, let value): .differentiate(activation, value: value.transposed)
    }
  }
}

/// Adds the bias of the tile at `row`, `column` to its sums and applies the activation, in place.
func activateTile<Vector: LaneVector>(
  _: Vector.Type, _ activation: Activation, bias: Grid<Vector.Element>, tile: Tile, row: Int, column: Int,
  sums: UnsafeMutablePointer<Vector.Element>
) {
  let width = tile.vectors &* Vector.laneCount
  var j = 0
  while j < width {
    let valid = min(tile.columns &- j, Vector.laneCount)
    var rowBias = bias.base + row &* bias.row + (column &+ j) &* bias.column
    var term: Vector
    if bias.column == 0 {
      term = .zero
    } else if valid == Vector.laneCount && bias.column == 1 {
      term = .load(rowBias)
    } else {
      // The bias ends inside the vector.
      term = .zero
      withUnsafeMutableBytes(of: &term) { bytes in
        let lanes = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Vector.Element.self)
        var l = 0
        while l < valid {
          lanes[l] = rowBias[l &* bias.column]
          l += 1
        }
      }
    }
    for i in 0..<tile.rows {
      if bias.column == 0 {
        term = Vector(repeating: rowBias.pointee)
        rowBias += bias.row
      }
      let address = sums + i &* width + j
      activation.value(.load(address) + term).store(address)
    }
    j += Vector.laneCount
  }
}

/// Takes a finished block through the derivative of the activation, in place: line by line as it lies in memory, so that
/// the value streams.
func differentiateBlock<Vector: LaneVector>(
  _: Vector.Type, _ activation: Activation, value: Grid<Vector.Element>, rows: Range<Int>, columns: Range<Int>,
  result: Destination<Vector.Element>
) where Vector.Element: SIMDElement {
  guard activation != .identity else { return }
  if result.column != 1 || value.column != 1 {
    differentiateBlock(
      Vector.self, activation, value: value.transposed, rows: columns, columns: rows, result: result.transposed)
    return
  }
  if rows.count > 1 && result.row == columns.count && value.row == columns.count {
    // Neighbouring rows of nothing but the block are one long row.
    let first = rows.lowerBound &* result.row
    differentiateBlock(
      Vector.self, activation, value: value, rows: 0..<1, columns: first..<first &+ rows.count &* result.row,
      result: result)
    return
  }
  for r in rows {
    let to = result.base + r &* result.row
    let from = value.base + r &* value.row
    var c = columns.lowerBound
    while c &+ Vector.laneCount <= columns.upperBound {
      activation.backward(Vector.load(to + c), value: .load(from + c)).store(to + c)
      c += Vector.laneCount
    }
    while c < columns.upperBound {
      to[c] = activation.backward(to[c], value: from[c])
      c += 1
    }
  }
}

/// Writes those sums of a tile that are in the result.
@inline(__always)
func storeTile<Vector: LaneVector>(
  _: Vector.Type, _ sums: UnsafeMutablePointer<Vector.Element>, tile: Tile, result: Destination<Vector.Element>
) {
  let lanes = Vector.laneCount
  let width = tile.vectors &* lanes
  if result.column == 1 {
    for i in 0..<tile.rows {
      let from = sums + i &* width
      let to = result.base + i &* result.row
      var j = 0
      while j &+ lanes <= tile.columns {
        Vector.load(from + j).store(to + j)
        j += lanes
      }
      while j < tile.columns {
        to[j] = from[j]
        j += 1
      }
    }
  } else {
    for j in 0..<tile.columns {
      let to = result.base + j &* result.column
      for i in 0..<tile.rows { to[i &* result.row] = sums[i &* width &+ j] }
    }
  }
}
