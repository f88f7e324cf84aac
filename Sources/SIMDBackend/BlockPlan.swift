// How a matrix product is cut for the caches: which operands are packed, how deep and how large the blocks are, and how much
// scratch memory that takes. No choice made here changes a bit of the result.

import ComputeBackend

/// The cut of one product, and the layout of its scratch memory: a tile's sums, the left panels, the right panels, the
/// pending sums of the block.
struct BlockPlan<Vector: LaneVector> where Vector.Element: SIMDElement {
  /// Depth of a segment.
  let segmentDepth: Int
  /// How many segments the depth has.
  let segments: Int
  /// Rows and columns of a block of the result.
  let blockRows: Int
  let blockColumns: Int
  /// Rows of the left operand that are packed at a time, to stay in the second-level cache.
  let packedRows: Int
  /// The widest right panel, in vectors.
  let mostVectors: Int
  /// True where the operands are read where they lie.
  let leftInPlace: Bool
  let rightInPlace: Bool
  /// Elements in a level of pending sums.
  let pendingCount: Int
  /// Where the parts of the scratch memory begin, and its size, in elements.
  let leftOffset: Int
  let rightOffset: Int
  let pendingOffset: Int
  let scratchCount: Int

  @inline(__always)
  init(_ product: MatrixProduct<Vector>) {
    let lanes = Vector.laneCount
    // A left and a right panel of a segment, out of a first-level cache of 32 KiB.
    let firstLevelBytes = 28 * 1024
    let (rows, columns, depth) = (product.rows, product.columns, product.depth)

    switch product.sums {
    case .chain:
      let most = firstLevelBytes / ((2 &* lanes &+ TileShape.mostRows) &* MemoryLayout<Element>.stride)
      segments = max((depth &+ most &- 1) / most, 1)
      segmentDepth = (depth &+ segments &- 1) / segments
    case .leaves:
      segments = max(OrderOfArithmetic.leafCount(rows: depth), 1)
      segmentDepth = min(depth, OrderOfArithmetic.leafRows)
    }

    let mostVectors = TileShape.mostVectors(rows: rows)
    self.mostVectors = mostVectors
    // One segment leaves nothing pending; more leave one level in a chain, the levels of a binary counter in a tree.
    let levels = segments == 1 ? 0 : product.sums == .chain ? 1 : TreeStep.levels(leaves: segments)
    let blockColumns = min(columns, 1024)
    self.blockColumns = blockColumns
    let paddedColumns = (blockColumns &+ mostVectors &* lanes &- 1) / (mostVectors &* lanes) &* (mostVectors &* lanes)
    let mostPending = 1 << 22
    blockRows = min(rows, 960, max(mostPending / (max(levels, 1) &* paddedColumns), 96))
    packedRows = 96
    pendingCount = levels == 0 ? 0 : blockRows &* paddedColumns

    // Packing pays where an operand is read often; where it already lies in the order of the loop, later.
    leftInPlace = columns <= 4 &* lanes || rows <= 2 * TileShape.mostRows
    rightInPlace =
      product.right.outer == 1
      && (rows <= 2 * TileShape.mostRows
        || segmentDepth &* product.right.depth &* MemoryLayout<Element>.stride <= 16384)

    leftOffset = TileShape.mostRows &* 2 &* lanes
    rightOffset = leftOffset &+ (leftInPlace ? 0 : min(packedRows, blockRows) &* segmentDepth)
    let lastPanel = columns % lanes == 0 ? 0 : lanes
    pendingOffset = rightOffset &+ (rightInPlace ? lastPanel : paddedColumns) &* segmentDepth
    scratchCount = pendingOffset &+ levels &* pendingCount
  }

  typealias Element = Vector.Element
}

/// A count cut into as few parts of at most `most` as possible, all nearly equal.
struct EvenCut {
  let count: Int
  private let small: Int
  private let largeParts: Int

  @inline(__always)
  init(_ total: Int, most: Int) {
    count = (total &+ most &- 1) / most
    small = total / count
    largeParts = total % count
  }

  /// The size of part `index`.
  @inline(__always)
  func size(_ index: Int) -> Int { index < largeParts ? small &+ 1 : small }

  /// The sum of the sizes of the parts before part `index`.
  @inline(__always)
  func start(_ index: Int) -> Int { index &* small &+ min(index, largeParts) }
}

/// Calls `body` with uninitialised memory for `count` elements, aligned for the widest vectors. Small memory is on the
/// stack.
@inline(__always)
func withScratch<Element: KernelElement, Value>(
  of _: Element.Type, count: Int, _ body: (UnsafeMutablePointer<Element>) -> Value
) -> Value {
  let bytes = max(count, 1) &* MemoryLayout<Element>.stride
  let alignment = MatrixStorage<Element>.alignment
  // The stack gives up to 1024 bytes, if no alignment wider than its own is asked for.
  if bytes <= 1024 &- alignment {
    return withUnsafeTemporaryAllocation(byteCount: bytes &+ alignment, alignment: 16) { memory in
      body(
        memory.baseAddress.unsafelyUnwrapped.alignedUp(toMultipleOf: alignment)
          .bindMemory(to: Element.self, capacity: max(count, 1)))
    }
  }
  let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: alignment)
  defer { memory.deallocate() }
  return body(memory.bindMemory(to: Element.self, capacity: max(count, 1)))
}
