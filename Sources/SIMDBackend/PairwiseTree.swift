// The pairwise tree over leaves that come one after the other, as a binary counter: its bits are the pending nodes.

import ComputeBackend

/// What becomes of a leaf when it is there.
struct TreeStep {
  /// The levels of the pending nodes that the leaf joins, as bits: those of its own size upwards, the smallest (the
  /// latest) first; for the last leaf, all that are left.
  let joined: Int
  /// The level that the joined node stays pending at, unless the leaf is the last.
  let level: Int
  /// True where the joined node is the root.
  let isLast: Bool

  @inline(__always)
  init(leaf: Int, of leaves: Int) {
    isLast = leaf &+ 1 >= leaves
    joined = isLast ? leaf : leaf & ~(leaf &+ 1)
    level = (~leaf).trailingZeroBitCount
  }

  /// How many nodes can be pending at once.
  @inline(__always)
  static func levels(leaves: Int) -> Int { leaves <= 1 ? 0 : Int.bitWidth &- (leaves &- 1).leadingZeroBitCount }
}

/// Sums of leaves, folded as the leaves come.
struct PendingNodes {
  private var done = 0
  private let leaves: Int

  init(leaves: Int) { self.leaves = leaves }

  /// How many nodes can be pending at once.
  var levels: Int { TreeStep.levels(leaves: leaves) }

  /// Joins the next leaf, of `count` sums, with the nodes before it and leaves it pending; the last becomes the root.
  mutating func append<Element: KernelElement>(
    _ leaf: UnsafeMutablePointer<Element>, count: Int, nodes: UnsafeMutablePointer<Element>
  ) {
    let step = TreeStep(leaf: done, of: leaves)
    var joined = step.joined
    while joined != 0 {
      let node = nodes + joined.trailingZeroBitCount &* count
      joined &= joined &- 1
      for i in 0..<count { leaf[i] = node[i] + leaf[i] }
    }
    if !step.isLast { (nodes + step.level &* count).update(from: leaf, count: count) }
    done += 1
  }
}
