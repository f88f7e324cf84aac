// Packing: operands copied into the order in which a register tile reads them. What is packed when is decided in
// BlockedProduct.swift.

import CLockstepCPU
import ComputeBackend

/// Copies `depth` depths of `rows` rows, no more than a tile's, as `[depth × rows]`.
func packLeft<Element: SIMDElement>(
  _ source: UnsafePointer<Element>, _ operand: Operand<Element>, rows: Int, depth: Int,
  to target: UnsafeMutablePointer<Element>
) {
  guard rows >= 4 else {
    for d in 0..<depth {
      for i in 0..<rows { target[d &* rows &+ i] = source[d &* operand.depth &+ i &* operand.outer] }
    }
    return
  }
  // Four rows from the first on, and four up to the last; those in both are written twice.
  let last = rows &- 4
  if operand.outer == 1 {
    for d in 0..<depth {
      let (from, to) = (source + d &* operand.depth, target + d &* rows)
      lockstep_prefetch(from + depth &* operand.depth)
      load4(from).store4(to)
      load4(from + last).store4(to + last)
    }
  } else if operand.depth == 1 {
    var d = 0
    while d &+ 4 <= depth {
      let (from, to) = (source + d, target + d &* rows)
      if d & 15 == 0 {
        for i in 0..<rows { lockstep_prefetch(from + (rows &+ i) &* operand.outer) }
      }
      transpose4(from, operand.outer, to, rows)
      transpose4(from + last &* operand.outer, operand.outer, to + last, rows)
      d += 4
    }
    while d < depth {
      for i in 0..<rows { target[d &* rows &+ i] = source[d &+ i &* operand.outer] }
      d += 1
    }
  } else {
    for d in 0..<depth {
      for i in 0..<rows { target[d &* rows &+ i] = source[d &* operand.depth &+ i &* operand.outer] }
    }
  }
}

/// Copies `depth` depths of `columns` columns as `[depth × width]`. Where they end inside the last of several vectors,
/// that one begins at `last`, so that it overlaps the one before; where there is but one, it is filled up with zeros.
func packRight<Element: SIMDElement>(
  _ source: UnsafePointer<Element>, _ operand: Operand<Element>, columns: Int, last: Int, width: Int, depth: Int,
  to target: UnsafeMutablePointer<Element>
) {
  if columns < width && last == 0 {
    target.update(repeating: 0, count: depth &* width)
    for d in 0..<depth {
      for j in 0..<columns { target[d &* width &+ j] = source[d &* operand.depth &+ j &* operand.outer] }
    }
    return
  }
  // A cache line of each source row at a time: rows may lie so far apart that the nearest cache keeps few of them. Four
  // columns in a step, as vectors are no shorter.
  let shift = width &- columns
  let lanes = shift == 0 ? width : columns &- last
  var d = 0
  while d &+ 4 <= depth {
    let few = min(depth &- d, 16) & ~3
    var j = 0
    while j < width {
      let column = j < width &- lanes ? j : j &- shift
      let (from, to) = (source + column &* operand.outer + d &* operand.depth, target + d &* width + j)
      var k = 0
      while k < few {
        transpose4(from + k, operand.outer, to + k &* width, width)
        k += 4
      }
      j += 4
    }
    d += few
  }
  while d < depth {
    for j in 0..<width {
      let column = j < width &- lanes ? j : j &- shift
      target[d &* width &+ j] = source[column &* operand.outer &+ d &* operand.depth]
    }
    d += 1
  }
}

@inline(__always)
private func load4<Element: SIMDElement>(_ address: UnsafePointer<Element>) -> SIMD4<Element> {
  UnsafeRawPointer(address).loadUnaligned(as: SIMD4<Element>.self)
}

extension SIMD4 where Scalar: SIMDElement {
  @inline(__always)
  fileprivate func store4(_ address: UnsafeMutablePointer<Scalar>) {
    UnsafeMutableRawPointer(address).storeBytes(of: self, as: Self.self)
  }
}

/// Copies four rows of four elements as columns, through registers.
@inline(__always)
private func transpose4<Element: SIMDElement>(
  _ source: UnsafePointer<Element>, _ stride: Int, _ target: UnsafeMutablePointer<Element>, _ targetStride: Int
) {
  let (a, b) = (load4(source), load4(source + stride))
  let (c, d) = (load4(source + 2 &* stride), load4(source + 3 &* stride))
  for column in 0..<4 {
    SIMD4(a[column], b[column], c[column], d[column]).store4(target + column &* targetStride)
  }
}
