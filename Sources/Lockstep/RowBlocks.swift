// How a batch is cut into blocks of rows. A schedule only: every choice gives the same bits, since a block is a node of
// the pairwise tree over leaves. What runs by it lies in BlockedPass.swift.

import ComputeBackend

/// The rows that one pass takes at a time.
public enum RowBlocks: Sendable, Equatable {
  /// Chosen from the shapes: narrow networks on large batches run block by block, so that their activations stay in
  /// cache; the rest run the whole batch layer by layer.
  case automatic
  /// Blocks of 2^`exponent` leaves of ``ComputeBackend/OrderOfArithmetic/leafRows`` rows each.
  case leaves(exponent: Int)
  /// The whole batch in one block.
  case wholeBatch

  /// Bytes of activations and gradients that stay in a core's own cache.
  private static let cacheBytes = 256 << 10

  /// Rows in a block, for a batch of `rows` rows: a multiple of a leaf, or the whole batch.
  func blockRows<Element>(_ network: NetworkStorage<Element>, rows: Int) -> Int {
    let leafRows = OrderOfArithmetic.leafRows
    switch self {
    case .wholeBatch: return max(rows, 1)
    case .leaves(let exponent): return min(max(rows, 1), leafRows << max(0, min(exponent, 32)))
    case .automatic:
      let widths = network.layers.reduce(network.layers[0].weights.rows) { $0 + 2 * $1.weights.columns }
      let rowBytes = widths * MemoryLayout<Element>.stride
      guard network.byteCount <= Self.cacheBytes, rowBytes * leafRows <= Self.cacheBytes, rows > leafRows else {
        return max(rows, 1)
      }
      var block = leafRows
      while block * 2 * rowBytes <= Self.cacheBytes { block *= 2 }
      return min(rows, block)
    }
  }
}
