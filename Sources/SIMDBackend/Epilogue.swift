// What is done to the finished sums of a tile before they are written, and the writing.

import ComputeBackend

/// What is done to finished sums.
struct Epilogue<Element: KernelElement> {
  enum Kind {
    /// Adds the operand, the bias, and applies the activation.
    case activate
    /// Goes through the derivative of the activation, whose value is the operand.
    case differentiate
  }

  var kind: Kind
  var activation: Activation
  var operand: Grid<Element>

  init(_ kind: Kind, _ activation: Activation, _ operand: Grid<Element>) {
    (self.kind, self.activation, self.operand) = (kind, activation, operand)
  }

  var transposed: Self {
    Self(kind, activation, Grid(operand.base, row: operand.column, column: operand.row))
  }

  /// Replaces the sums of the tile at `row`, `column`.
  func finish<Vector: LaneVector>(
    _: Vector.Type, _ sums: UnsafeMutablePointer<Element>, tile: Tile, row: Int, column: Int
  ) where Vector.Element == Element {
    let operand = Grid(
      self.operand.base + row &* self.operand.row + column &* self.operand.column,
      row: self.operand.row, column: self.operand.column)
    switch kind {
    case .activate:
      replace(Vector.self, sums, tile: tile, operand: operand) { activation.value($0 + $1) }
    case .differentiate:
      guard activation != .identity else { return }
      replace(Vector.self, sums, tile: tile, operand: operand) { activation.backward($0, value: $1) }
    }
  }

  @inline(__always)
  private func replace<Vector: LaneVector>(
    _: Vector.Type, _ sums: UnsafeMutablePointer<Element>, tile: Tile, operand: Grid<Element>,
    by function: (Vector, Vector) -> Vector
  ) where Vector.Element == Element {
    let lanes = Vector.laneCount
    var gathered = Vector.zero
    var sum = sums
    for i in 0..<tile.rows {
      var j = 0
      while j < tile.vectors &* lanes {
        let address = operand.base + i &* operand.row + j &* operand.column
        let valid = min(tile.columns &- j, lanes)
        let argument: Vector
        if operand.column == 1 && valid == lanes {
          argument = .load(address)
        } else if operand.column == 0 {
          argument = Vector(repeating: address.pointee)
        } else {
          withUnsafeMutableBytes(of: &gathered) { bytes in
            let elements = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Element.self)
            var l = 0
            while l < valid {
              elements[l] = address[l &* operand.column]
              l += 1
            }
          }
          argument = gathered
        }
        function(.load(sum), argument).store(sum)
        sum += lanes
        j += lanes
      }
    }
  }
}

/// Writes those sums of a tile that are in the result.
@inline(__always)
func storeTile<Vector: LaneVector>(
  _: Vector.Type, _ sums: UnsafeMutablePointer<Vector.Element>, tile: Tile, result: Result<Vector.Element>
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
