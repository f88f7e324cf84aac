// How a matrix product is cut for the caches: which operands are packed, how deep and how large the blocks are, and how much
// scratch memory that takes. No choice made here changes a bit of the result.

import ComputeBackend

/// The cut of one product, and the layout of its scratch memory: a tile's buffer, the sums of the tiles of a block of
/// rows, the left panels of that block, the right strips.
struct BlockPlan<Vector: LaneVector> where Vector.Element: SIMDElement {
  /// Tiles along the rows, and how many of them make a block.
  let heights: EvenCut
  let blockTiles: Int
  /// Columns of a block.
  let blockColumns: Int
  /// The depth of a block: what is packed at a time.
  let chunkDepth: Int
  let chunks: Int
  /// The depth of a segment of a chain; that of a tree is a leaf.
  let segmentDepth: Int
  /// The widest strip, in vectors.
  let mostVectors: Int
  /// True where the operands are read where they lie.
  let leftInPlace: Bool
  let rightInPlace: Bool
  /// True where packed strips are kept for the next block of rows.
  let keepsStrips: Bool
  /// Elements of a tile's sums.
  let sumsStride: Int
  /// Where the parts of the scratch memory begin, and its size, in elements.
  let sumsOffset: Int
  let leftOffset: Int
  let rightOffset: Int
  let scratchCount: Int

  typealias Element = Vector.Element

  /// The deepest part of a product that is packed at once: a tree over as many rows lies beside its tile.
  static var mostDepth: Int { 1024 }
  /// The most pending nodes of such a tree: the ones in the number of its last leaf.
  static var mostNodes: Int { 2 }
  /// The deepest segment of a chain: a strip of it and two left panels fill the first-level cache.
  static var mostSegment: Int { 272 }

  /// What operands that lie in the nearest caches may take up.
  static var nearBytes: Int { 256 << 10 }
  /// What the left panels of a block of rows, and the right strips of a block of columns, may take up.
  static var blockBytes: Int { 4 << 20 }

  @inline(__always)
  init(_ product: MatrixProduct<Vector>) {
    let lanes = Vector.laneCount
    let size = MemoryLayout<Element>.stride
    let (rows, columns, depth) = (product.rows, product.columns, product.depth)
    chunks = max((depth &+ Self.mostDepth &- 1) / Self.mostDepth, 1)
    chunkDepth = (depth &+ chunks &- 1) / chunks
    let segments = max((chunkDepth &+ Self.mostSegment &- 1) / Self.mostSegment, 1)
    segmentDepth = (chunkDepth &+ segments &- 1) / segments
    heights = EvenCut(rows, most: TileShape.mostRows)
    mostVectors = TileShape.mostVectors(rows: rows)
    let width = mostVectors &* lanes

    // Packing pays where an operand is read often, and does not lie in the nearest caches anyway.
    let isNear = depth &* (rows &+ columns) &* size <= Self.nearBytes && chunks == 1
    leftInPlace = isNear || columns <= 4 &* lanes || heights.count <= 2
    rightInPlace = product.right.outer == 1 && (isNear || heights.count <= 2)

    // Left panels, and right strips that are kept, for a share of the third-level cache.
    let panelBytes = max(chunkDepth &* size, 1) &* TileShape.mostRows
    let blocks = (heights.count &* panelBytes &+ Self.blockBytes &- 1) / Self.blockBytes
    blockTiles = (heights.count &+ max(blocks, 1) &- 1) / max(blocks, 1)
    keepsStrips = blockTiles < heights.count
    let padded = (columns &+ width &- 1) / width &* width
    let most = max(Self.blockBytes / max(chunkDepth &* size, 1) / width, 1) &* width
    blockColumns = keepsStrips ? min(most, padded) : padded

    sumsStride = TileShape.mostSums &* lanes &* Self.mostNodes
    sumsOffset = TileShape.mostSums &* lanes &* 2
    leftOffset = sumsOffset &+ blockTiles &* sumsStride
    let leftCount = leftInPlace ? TileShape.mostRows : blockTiles &* TileShape.mostRows
    rightOffset = leftOffset &+ (leftCount &* chunkDepth &+ 15) / 16 &* 16
    scratchCount = rightOffset &+ (keepsStrips ? blockColumns : width) &* chunkDepth
  }
}

/// A count cut into as few parts of at most `most` as possible, all nearly equal.
struct EvenCut {
  let count: Int
  private let small: Int
  private let largeParts: Int

  @inline(__always)
  init(_ total: Int, most: Int) {
    count = max((total &+ most &- 1) / most, 1)
    small = total / count
    largeParts = total % count
  }

  /// The end of the parts of the same size that part `index` is one of.
  @inline(__always)
  func endOfSize(at index: Int) -> Int { index < largeParts ? largeParts : count }

  /// The size of part `index`.
  @inline(__always)
  func size(_ index: Int) -> Int { index < largeParts ? small &+ 1 : small }

  /// The sum of the sizes of the parts before part `index`.
  @inline(__always)
  func start(_ index: Int) -> Int { index &* small &+ min(index, largeParts) }
}
