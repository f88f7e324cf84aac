// Panels of operands: in place or packed, in the order in which a register tile reads them.

import ComputeBackend

/// A block of rows of the left operand, cut into panels of a tile's rows.
struct LeftPanels<Element: SIMDElement> {
  let operand: Operand<Element>
  let firstRow: Int
  let cut: EvenCut
  let firstDepth: Int
  let depth: Int
  let inPlace: Bool
  let memory: UnsafeMutablePointer<Element>

  /// Copies the panels to `memory`, depth by depth, unless they are read in place.
  @inline(__always)
  func pack() {
    guard !inPlace else { return }
    for panel in 0..<cut.count {
      let rows = cut.size(panel)
      let target = memory + cut.start(panel) &* depth
      let source = operand.base + (firstRow &+ cut.start(panel)) &* operand.outer + firstDepth &* operand.depth
      if operand.depth == 1 {
        copyTransposed(source, stride: operand.outer, rows: rows, columns: depth, to: target, stride: rows)
      } else {
        copyStrided(source, operand, depth: depth, count: rows, to: target, stride: rows)
      }
    }
  }

  /// Where a tile reads panel `index`.
  @inline(__always)
  func panel(_ index: Int) -> Operand<Element> {
    if inPlace {
      Operand(
        operand.base + (firstRow &+ cut.start(index)) &* operand.outer + firstDepth &* operand.depth,
        outer: operand.outer, depth: operand.depth)
    } else {
      Operand(memory + cut.start(index) &* depth, outer: 1, depth: cut.size(index))
    }
  }
}

/// A block of columns of the right operand, cut into strips of a tile's vectors; the last one is padded with zeros.
struct RightPanels<Vector: LaneVector> where Vector.Element: SIMDElement {
  typealias Element = Vector.Element

  let operand: Operand<Element>
  let columns: Range<Int>
  let firstDepth: Int
  let depth: Int
  /// True where full strips are read where they lie.
  let inPlace: Bool
  let mostVectors: Int
  let memory: UnsafeMutablePointer<Element>

  /// Where a tile reads a strip.
  struct Strip {
    var column: Int
    var vectors: Int
    var isPacked: Bool
    var base: UnsafePointer<Element>
    var depthStride: Int
  }

  @inline(__always)
  var first: Strip? { strip(at: columns.lowerBound, memory: memory) }

  @inline(__always)
  func after(_ strip: Strip) -> Strip? {
    let width = strip.vectors &* Vector.laneCount
    return self.strip(
      at: strip.column &+ width,
      memory: strip.isPacked ? UnsafeMutablePointer(mutating: strip.base) + depth &* width : memory)
  }

  /// The strip from `column` on, with its packed elements, if it has any, at `memory`.
  @inline(__always)
  private func strip(at column: Int, memory: UnsafeMutablePointer<Element>) -> Strip? {
    let lanes = Vector.laneCount
    let left = columns.upperBound &- column
    guard left > 0 else { return nil }
    var vectors = mostVectors
    if inPlace {
      while vectors > 1 && vectors &* lanes > left { vectors /= 2 }
      if left >= lanes {
        return Strip(
          column: column, vectors: vectors, isPacked: false,
          base: operand.base + column &* operand.outer + firstDepth &* operand.depth, depthStride: operand.depth)
      }
    } else {
      while vectors > 1 && vectors / 2 &* lanes >= left { vectors /= 2 }
    }
    return Strip(
      column: column, vectors: vectors, isPacked: true, base: UnsafePointer(memory),
      depthStride: vectors &* lanes)
  }

  /// Copies the strips that are not read in place to `memory`.
  @inline(__always)
  func pack() {
    var next = first
    let width = mostVectors &* Vector.laneCount
    if operand.outer == 1 && !inPlace && columns.count >= width {
      packFullStrips()
      let packed = columns.count / width &* width
      next = strip(at: columns.lowerBound &+ packed, memory: memory + packed &* depth)
    }
    while let strip = next {
      if strip.isPacked { pack(strip) }
      next = after(strip)
    }
  }

  /// Full strips of an operand whose columns are neighbours, each of its rows in one go.
  private func packFullStrips() {
    let lanes = Vector.laneCount
    let width = mostVectors &* lanes
    for d in 0..<depth {
      var source = operand.base + columns.lowerBound + (firstDepth &+ d) &* operand.depth
      var target = memory + d &* width
      var strips = columns.count / width
      while strips > 0 {
        var j = 0
        while j < width {
          Vector.load(source + j).store(target + j)
          j += lanes
        }
        source += width
        target += depth &* width
        strips &-= 1
      }
    }
  }

  private func pack(_ strip: Strip) {
    let width = strip.vectors &* Vector.laneCount
    let valid = min(width, columns.upperBound &- strip.column)
    let target = UnsafeMutablePointer(mutating: strip.base)
    let source = operand.base + strip.column &* operand.outer + firstDepth &* operand.depth
    if operand.depth == 1 {
      copyTransposed(source, stride: operand.outer, rows: valid, columns: depth, to: target, stride: width)
    } else {
      copyStrided(source, operand, depth: depth, count: valid, to: target, stride: width)
    }
    guard valid < width else { return }
    for d in 0..<depth {
      for j in valid..<width { target[d &* width &+ j] = 0 }
    }
  }
}

// MARK: - Copies

/// Copies `count` outer elements at each depth.
private func copyStrided<Element: SIMDElement>(
  _ source: UnsafePointer<Element>, _ operand: Operand<Element>, depth: Int, count: Int,
  to target: UnsafeMutablePointer<Element>, stride: Int
) {
  if operand.outer == 1 {
    for d in 0..<depth {
      for i in 0..<count { target[d &* stride &+ i] = source[d &* operand.depth &+ i] }
    }
  } else {
    for d in 0..<depth {
      for i in 0..<count { target[d &* stride &+ i] = source[d &* operand.depth &+ i &* operand.outer] }
    }
  }
}

/// Copies `[rows × columns]` as `[columns × rows]`.
private func copyTransposed<Element: SIMDElement>(
  _ source: UnsafePointer<Element>, stride: Int, rows: Int, columns: Int,
  to target: UnsafeMutablePointer<Element>, stride targetStride: Int
) {
  var column = 0
  while column &+ 4 <= columns {
    let (from, to) = (source + column, target + column &* targetStride)
    var row = 0
    while row &+ 4 <= rows {
      transposeBlock(from + row &* stride, stride: stride, to: to + row, stride: targetStride)
      row += 4
    }
    while row < rows {
      for c in 0..<4 { to[c &* targetStride &+ row] = from[row &* stride &+ c] }
      row += 1
    }
    column += 4
  }
  while column < columns {
    for row in 0..<rows { target[column &* targetStride &+ row] = source[row &* stride &+ column] }
    column += 1
  }
}

/// Copies four rows of four elements as columns, through registers.
@inline(__always)
private func transposeBlock<Element: SIMDElement>(
  _ source: UnsafePointer<Element>, stride: Int, to target: UnsafeMutablePointer<Element>, stride targetStride: Int
) {
  let rows = InlineArray<4, SIMD4<Element>> { row in
    UnsafeRawPointer(source + row &* stride).loadUnaligned(as: SIMD4<Element>.self)
  }
  for column in 0..<4 {
    UnsafeMutableRawPointer(target + column &* targetStride).storeBytes(
      of: SIMD4(rows[0][column], rows[1][column], rows[2][column], rows[3][column]), as: SIMD4<Element>.self)
  }
}
