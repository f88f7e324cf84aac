// The register tile: the innermost loop of every matrix product, a block of sums kept in registers, and what is done to
// them there when they are finished. Which tile runs where, and on what memory, is decided in BlockedProduct.swift and
// InPlaceProduct.swift.

import CLockstepCPU
import ComputeBackend

/// What is done to sums, in registers, before they are stored.
enum TileFinish {
  /// Nothing.
  case none
  /// The operand's row is added.
  case addBias
  /// The operand's row is added, and the activation applied.
  case addBiasReLU
  case addBiasLeakyReLU
  /// The sums go through the derivative of an activation, whose value is the operand.
  case throughReLU
  case throughLeakyReLU
  case throughTanh
  case throughSigmoid
  /// Rate times the sums is subtracted from the operand.
  case descend
}

/// A run of tiles of the same shape, one below the other. Vectors of sums lie side by side in a row; the last one lies
/// where the columns end, so that it may overlap the one before.
struct TileJob<Element: KernelElement> {
  /// How many tiles there are.
  var tiles = 1
  /// How many products each chain takes.
  var depth = 0
  /// The left operand: from one row to the next, from one depth to the next, from one tile to the next.
  var left: UnsafePointer<Element>
  var leftRow = 1
  var leftDepth = 1
  var leftTile = 0
  /// The right operand: the tile's vectors at each depth, and where the last one lies.
  var right: UnsafePointer<Element>
  var rightDepth = 1
  var rightLast = 0
  /// Where the right operand is packed while it is read, if anywhere: vectors side by side.
  var packed: UnsafeMutablePointer<Element>?
  /// The sums so far, or `nil` for +0.
  var start: UnsafePointer<Element>?
  var startRow = 0
  var startTile = 0
  var startLast = 0
  /// Nodes of the tree to add the sums to, `joins` of them, from the last one back.
  var nodes: UnsafePointer<Element>
  var joins = 0
  /// From the nodes of one tile to those of the next.
  var nodesTile = 0
  /// Whether the place of the sums is asked for before it is needed.
  var prefetches = true
  /// Where the sums go.
  var end: UnsafeMutablePointer<Element>
  var endRow = 0
  var endTile = 0
  var endLast = 0
  /// True where the left operand of the last row is 1 at every depth and nowhere in memory; for a right operand that is
  /// not packed meanwhile.
  var hasOnes = false
  /// Where those of the last row go instead, and are updated; for a single tile.
  var lastRow: UnsafeMutablePointer<Element>?
  /// What is done to them, with which operand.
  var finish = TileFinish.none
  var operand: UnsafePointer<Element>
  var operandRow = 0
  var operandTile = 0
  var rate: Element = 0

  init(_ left: UnsafePointer<Element>, _ right: UnsafePointer<Element>, end: UnsafeMutablePointer<Element>) {
    (self.left, self.right, self.end, operand, nodes) = (left, right, end, left, left)
  }
}

/// Sums of `rows` rows and `columns` vectors of columns, in registers while depth runs by.
///
/// Bound: two multiply-adds a cycle, `rows * columns` for `rows + columns` loads a depth; where there are fewer than 8
/// sums, the latency of the multiply-add. Registers: the sums, `columns` vectors and a broadcast: 15 of 16 in
/// the tile of 6 x 2. That of 1 x 8 needs 17 where all vectors are loaded first; they can be operands in memory instead.
enum RegisterTile<Vector: LaneVector, let rows: Int, let columns: Int> where Vector.Element: SIMDElement {
  typealias Element = Vector.Element
  typealias Sums = InlineArray<rows, InlineArray<columns, Vector>>

  /// Continues the chain of each sum, `sum[i, j] = fma(a[i, d], b[d, j], sum[i, j])` for each depth d, joins the sums
  /// with pending nodes, and finishes and stores them; tile after tile.
  @inline(never)
  static func run(_ job: UnsafePointer<TileJob<Element>>) {
    let lanes = Vector.laneCount
    var (left, start, nodes) = (job.pointee.left, job.pointee.start, job.pointee.nodes)
    var (end, operand, tiles) = (job.pointee.end, job.pointee.operand, job.pointee.tiles)
    let (endRow, endLast) = (job.pointee.endRow, job.pointee.endLast)
    repeat {
      var sums = Sums(repeating: .init(repeating: .zero))
      if job.pointee.prefetches {
        for i in 0..<rows {
          lockstep_prefetch(end + i &* endRow)
          lockstep_prefetch(end + i &* endRow + (endLast &+ lanes &- 1))
        }
      }
      if let address = start {
        let (startRow, startLast) = (job.pointee.startRow, job.pointee.startLast)
        for i in 0..<rows {
          for j in 0..<columns {
            sums[unchecked: i][unchecked: j] = .load(address + i &* startRow + offset(j, last: startLast))
          }
        }
        start = address + job.pointee.startTile
      }
      if job.pointee.hasOnes {
        accumulate(job, left, factorRows: rows &- 1, packing: nil, &sums)
      } else if let packed = job.pointee.packed {
        accumulate(job, left, factorRows: rows, packing: packed, &sums)
      } else {
        accumulate(job, left, factorRows: rows, packing: nil, &sums)
      }
      var joins = job.pointee.joins
      if joins > 0 {
        var node = nodes
        repeat {
          for i in 0..<rows {
            for j in 0..<columns {
              let earlier = Vector.load(node + (i &* columns &+ j) &* lanes)
              sums[unchecked: i][unchecked: j] = earlier + sums[unchecked: i][unchecked: j]
            }
          }
          node -= TileShape.mostSums &* lanes
          joins &-= 1
        } while joins > 0
        nodes += job.pointee.nodesTile
      }
      // A copy, as what is handed on by address is kept in memory from then on, in the next tile's loop, too.
      var finished = sums
      finish(job, operand, end, &finished)
      left += job.pointee.leftTile
      end += job.pointee.endTile
      operand += job.pointee.operandTile
      tiles &-= 1
    } while tiles > 0
  }

  /// Where vector `j` of a row lies.
  @inline(__always)
  private static func offset(_ j: Int, last: Int) -> Int { j < columns &- 1 ? j &* Vector.laneCount : last }

  /// The loop over depth. Each row has a pointer, as their sum would be a chain of additions as long as the arithmetic;
  /// the last row has none where it is all ones: `fma(1, b, sum)` is `sum + b`.
  @inline(__always)
  private static func accumulate(
    _ job: UnsafePointer<TileJob<Element>>, _ left: UnsafePointer<Element>, factorRows: Int,
    packing: UnsafeMutablePointer<Element>?, _ sums: inout Sums
  ) {
    let (aRow, aDepth) = (job.pointee.leftRow, job.pointee.leftDepth)
    let (bDepth, last) = (job.pointee.rightDepth, job.pointee.rightLast)
    let rowBases = InlineArray<rows, UnsafePointer<Element>> { left + $0 &* aRow }
    var (a, b) = (0, job.pointee.right)
    var packed = packing
    var depth = job.pointee.depth
    while depth > 0 {
      let right = load(b, bDepth, last, packing: packed)
      for i in 0..<rows {
        if i < factorRows {
          let factor = Vector(repeating: rowBases[unchecked: i][a])
          for j in 0..<columns {
            sums[unchecked: i][unchecked: j] = .fma(factor, right[unchecked: j], sums[unchecked: i][unchecked: j])
          }
        } else {
          for j in 0..<columns {
            sums[unchecked: i][unchecked: j] = sums[unchecked: i][unchecked: j] + right[unchecked: j]
          }
        }
      }
      a &+= aDepth
      b += bDepth
      packed = packed.map { $0 + columns &* Vector.laneCount }
      depth &-= 1
    }
  }

  /// The right operand at one depth, stored as it comes where it is packed: the units that store are idle here. Its
  /// rows may lie so far apart that the caches keep few of them, so they are asked for no earlier than need be.
  @inline(__always)
  private static func load(
    _ b: UnsafePointer<Element>, _ bDepth: Int, _ last: Int, packing packed: UnsafeMutablePointer<Element>?
  ) -> InlineArray<columns, Vector> {
    var right = InlineArray<columns, Vector>(repeating: .zero)
    if packed != nil { lockstep_prefetch_far(b + 12 &* bDepth) }
    for j in 0..<columns {
      right[unchecked: j] = .load(b + offset(j, last: last))
      if let packed { right[unchecked: j].store(packed + j &* Vector.laneCount) }
    }
    return right
  }

  /// Finishes the sums and stores them. The compiler inlines this into small tiles alone: the sums of the others pass
  /// through memory once, at the end of a tile.
  @inline(__always)
  private static func finish(
    _ job: UnsafePointer<TileJob<Element>>, _ operand: UnsafePointer<Element>, _ end: UnsafeMutablePointer<Element>,
    _ sums: inout Sums
  ) {
    let (operandRow, last) = (job.pointee.operandRow, job.pointee.endLast)
    let lastOperand = job.pointee.lastRow.map { UnsafePointer($0) } ?? operand + (rows &- 1) &* operandRow
    switch job.pointee.finish {
    case .none: store(job, end, &sums) { sum, _, _ in sum }
    case .addBias, .addBiasReLU:
      var bias = InlineArray<columns, Vector>(repeating: .zero)
      for j in 0..<columns { bias[unchecked: j] = .load(operand + offset(j, last: last)) }
      if job.pointee.finish == .addBias {
        store(job, end, &sums) { sum, _, j in sum + bias[unchecked: j] }
      } else {
        store(job, end, &sums) { sum, _, j in Activation.relu.value(sum + bias[unchecked: j]) }
      }
    case .throughReLU:
      store(job, end, &sums) { sum, i, j in
        let row = i < rows &- 1 ? operand + i &* operandRow : lastOperand
        return Activation.relu.backward(sum, value: .load(row + offset(j, last: last)))
      }
    case .descend:
      let rate = Vector(repeating: job.pointee.rate)
      store(job, end, &sums) { sum, i, j in
        let row = i < rows &- 1 ? operand + i &* operandRow : lastOperand
        return .load(row + offset(j, last: last)) - rate * sum
      }
    case .addBiasLeakyReLU, .throughLeakyReLU, .throughTanh, .throughSigmoid:
      finishApart(job, operand, &sums)
      store(job, end, &sums) { sum, _, _ in sum }
    }
  }

  /// Stores a function of each sum, its row and its vector. All of a row is read before any of it is written.
  @inline(__always)
  private static func store(
    _ job: UnsafePointer<TileJob<Element>>, _ end: UnsafeMutablePointer<Element>, _ sums: inout Sums,
    _ function: (Vector, Int, Int) -> Vector
  ) {
    let (endRow, last) = (job.pointee.endRow, job.pointee.endLast)
    let lastRow = job.pointee.lastRow ?? end + (rows &- 1) &* endRow
    for i in 0..<rows {
      let row = i < rows &- 1 ? end + i &* endRow : lastRow
      for j in 0..<columns { sums[unchecked: i][unchecked: j] = function(sums[unchecked: i][unchecked: j], i, j) }
      for j in 0..<columns { sums[unchecked: i][unchecked: j].store(row + offset(j, last: last)) }
    }
  }

  /// What is rarely done to sums, in memory: code of its own, so that the loop stays short.
  @inline(never)
  private static func finishApart(
    _ job: UnsafePointer<TileJob<Element>>, _ operand: UnsafePointer<Element>, _ sums: inout Sums
  ) {
    switch job.pointee.finish {
    case .addBiasLeakyReLU: combine(job, operand, &sums) { Activation.leakyReLU.value($0 + $1) }
    case .throughLeakyReLU: combine(job, operand, &sums) { Activation.leakyReLU.backward($0, value: $1) }
    case .throughTanh: combine(job, operand, &sums) { Activation.tanh.backward($0, value: $1) }
    case .throughSigmoid: combine(job, operand, &sums) { Activation.sigmoid.backward($0, value: $1) }
    case .none, .addBias, .addBiasReLU, .throughReLU, .descend: break
    }
  }

  @inline(__always)
  private static func combine(
    _ job: UnsafePointer<TileJob<Element>>, _ operand: UnsafePointer<Element>, _ sums: inout Sums,
    with function: (Vector, Vector) -> Vector
  ) {
    let (operandRow, last) = (job.pointee.operandRow, job.pointee.endLast)
    for i in 0..<rows {
      for j in 0..<columns {
        sums[i][j] = function(sums[i][j], .load(operand + (i &* operandRow &+ offset(j, last: last))))
      }
    }
  }
}

/// The register tiles that there are.
enum TileShape {
  /// The most rows of a tile: with two vectors of columns, 12 sums, 2 vectors and a broadcast fill 16 registers.
  static let mostRows = 6

  /// The most vectors of sums in a tile.
  static var mostSums: Int { 12 }

  /// The most vectors of columns in a tile of `rows` rows: enough sums to hide the latency of the multiply-add.
  static func mostVectors(rows: Int) -> Int {
    switch rows {
    case 1: 8
    case 2: 4
    default: 2
    }
  }

  /// The loop of the tile of `rows` rows and `vectors` vectors of columns.
  @inline(__always)
  static func run<Vector: LaneVector>(
    _: Vector.Type, rows: Int, vectors: Int, _ job: UnsafePointer<TileJob<Vector.Element>>
  ) where Vector.Element: SIMDElement {
    switch (vectors, rows) {
    case (2, 6): RegisterTile<Vector, 6, 2>.run(job)
    case (2, 5): RegisterTile<Vector, 5, 2>.run(job)
    case (2, 4): RegisterTile<Vector, 4, 2>.run(job)
    case (2, 3): RegisterTile<Vector, 3, 2>.run(job)
    case (2, 2): RegisterTile<Vector, 2, 2>.run(job)
    case (2, 1): RegisterTile<Vector, 1, 2>.run(job)
    case (1, 1): RegisterTile<Vector, 1, 1>.run(job)
    case (1, 2): RegisterTile<Vector, 2, 1>.run(job)
    case (1, 3): RegisterTile<Vector, 3, 1>.run(job)
    case (1, 4): RegisterTile<Vector, 4, 1>.run(job)
    case (1, 5): RegisterTile<Vector, 5, 1>.run(job)
    case (1, 6): RegisterTile<Vector, 6, 1>.run(job)
    case (4, 1): RegisterTile<Vector, 1, 4>.run(job)
    case (4, 2): RegisterTile<Vector, 2, 4>.run(job)
    case (8, 1): RegisterTile<Vector, 1, 8>.run(job)
    default: preconditionFailure("No tile of this shape")
    }
  }
}
