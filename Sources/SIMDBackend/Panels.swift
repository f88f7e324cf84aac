// Panels of operands: in place or packed, in the order in which a register tile reads them.

import ComputeBackend

/// A block of rows of the left operand, cut into panels of a tile's rows.
struct LeftPanels<Element: KernelElement> {
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
      if operand.outer == 1 {
        for d in 0..<depth {
          for i in 0..<rows { target[d &* rows &+ i] = source[d &* operand.depth &+ i] }
        }
      } else {
        for i in 0..<rows {
          for d in 0..<depth { target[d &* rows &+ i] = source[i &* operand.outer &+ d &* operand.depth] }
        }
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
struct RightPanels<Vector: LaneVector> where Vector.Element: KernelElement {
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
  func pack() {
    var next = first
    while let strip = next {
      if strip.isPacked { pack(strip) }
      next = after(strip)
    }
  }

  private func pack(_ strip: Strip) {
    let lanes = Vector.laneCount
    let width = strip.vectors &* lanes
    let valid = min(width, columns.upperBound &- strip.column)
    let target = UnsafeMutablePointer(mutating: strip.base)
    let source = operand.base + strip.column &* operand.outer + firstDepth &* operand.depth
    if operand.outer == 1 && valid == width {
      for d in 0..<depth {
        var j = 0
        while j < width {
          Vector.load(source + d &* operand.depth + j).store(target + d &* width + j)
          j += lanes
        }
      }
      return
    }
    for d in 0..<depth {
      let from = source + d &* operand.depth
      let to = target + d &* width
      for j in 0..<valid { to[j] = from[j &* operand.outer] }
      for j in valid..<width { to[j] = 0 }
    }
  }
}
