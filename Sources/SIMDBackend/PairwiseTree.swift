// The pairwise tree over leaves that come one after the other, as a binary counter: its ones are the pending nodes.

import ComputeBackend

/// What becomes of a leaf when it is there: it is pushed on the stack of pending nodes, and joined with those of its own
/// size; the last leaf, with all.
struct NodeStack {
  /// Where on the stack the leaf comes to lie.
  let slot: Int
  /// How many nodes below it the leaf joins, from the top down.
  let joins: Int

  @inline(__always)
  init(leaf: Int, of leaves: Int) {
    slot = leaf.nonzeroBitCount
    joins = leaf &+ 1 >= leaves ? slot : (~leaf).trailingZeroBitCount
  }

  /// How many nodes the stack holds at most, the one just pushed included.
  @inline(__always)
  static func most(leaves: Int) -> Int { Int.bitWidth &- leaves.leadingZeroBitCount &+ 1 }
}

/// Sums of leaves, folded as the leaves come.
struct PendingNodes {
  private var done = 0
  private let leaves: Int

  init(leaves: Int) { self.leaves = leaves }

  /// How many nodes the stack holds at most.
  var most: Int { NodeStack.most(leaves: leaves) }

  /// Where on the stack that begins at `nodes` the next leaf, of `count` sums, is to be written.
  @inline(__always)
  func next<Element>(_ nodes: UnsafeMutablePointer<Element>, count: Int) -> UnsafeMutablePointer<Element> {
    nodes + NodeStack(leaf: done, of: leaves).slot &* count
  }

  /// Joins the leaf that has just been written with the nodes before it; after the last leaf the root lies at the bottom.
  @inline(__always)
  mutating func join<Vector: LaneVector>(_: Vector.Type, _ nodes: UnsafeMutablePointer<Vector.Element>, count: Int)
  where Vector.Element: SIMDElement {
    let stack = NodeStack(leaf: done, of: leaves)
    var node = nodes + stack.slot &* count
    var joins = stack.joins
    while joins > 0 {
      Kernels<Vector>.add(node, to: node - count, count: count)
      node -= count
      joins &-= 1
    }
    done += 1
  }
}
