// How a batch is cut into blocks of rows. A schedule only: every choice gives the same bits, since a block is a node of
// the pairwise tree over leaves. What runs by it lies in BlockedPass.swift.

import ComputeBackend

/// The rows that one pass takes at a time.
public enum RowBlocks: Sendable, Hashable {
  /// Chosen from the shapes: narrow networks on large batches run block by block, so that their activations stay in
  /// cache; the rest run the whole batch layer by layer.
  case automatic
  /// Blocks of 2^`exponent` leaves of ``ComputeBackend/OrderOfArithmetic/leafRows`` rows each.
  case leaves(exponent: Int)
  /// The whole batch in one block, layer by layer.
  case wholeBatch

  /// Bytes of activations and gradients that stay in a core's own cache.
  private static let cacheBytes = 256 << 10

  /// The least product of rows and parameters that is worth a thread of its own: some ten microseconds of work, as a fork
  /// and join takes a few.
  private static let leastWorkPerThread = 1 << 17

  /// A batch cut into blocks.
  struct Cut: Equatable {
    /// Rows of the batch.
    let rows: Int
    /// How many threads there are.
    let threads: Int
    /// Rows in a block: a multiple of a leaf, or the whole batch.
    let blockRows: Int
    /// How many tasks share the blocks.
    let tasks: Int

    /// How many blocks there are, one of no rows where the batch has none.
    var blocks: Int { max((rows + blockRows - 1) / blockRows, 1) }
  }

  /// The cut of a batch of `rows` rows, for up to `threads` threads.
  func cut<Element>(_ network: NetworkStorage<Element>, rows: Int, threads: Int) -> Cut {
    let work = Double(rows) * Double(network.parameterCount)
    let worthwhile = max(1, min(threads, Int(min(work / Double(Self.leastWorkPerThread), 0x1p30))))
    let blockRows = blockRows(network, rows: rows, tasks: worthwhile)
    // A single block is shared by the threads inside each primitive.
    return Cut(
      rows: rows, threads: threads, blockRows: blockRows,
      tasks: min(worthwhile, max((rows + blockRows - 1) / blockRows, 1)))
  }

  /// A number of rows up to which a batch is one block on one thread.
  func undividedRows<Element>(_ network: NetworkStorage<Element>) -> Int {
    min(2 * Self.leastWorkPerThread / network.parameterCount - 1, blockRows(network, rows: .max, tasks: 1))
  }

  private func blockRows<Element>(_ network: NetworkStorage<Element>, rows: Int, tasks: Int) -> Int {
    let leafRows = OrderOfArithmetic.leafRows
    switch self {
    case .wholeBatch: return max(rows, 1)
    case .leaves(let exponent): return min(max(rows, 1), leafRows << max(0, min(exponent, 32)))
    case .automatic:
      let rowBytes = (network.layers[0].weights.rows + network.passWidth) * MemoryLayout<Element>.stride
      let parameterBytes = network.parameterCount * MemoryLayout<Element>.stride
      // A backend's one pass over a narrow network keeps nothing of the rows: larger blocks have fewer sums to fold.
      let blockBytes = network.isNarrow ? 4 * Self.cacheBytes : Self.cacheBytes
      guard parameterBytes <= Self.cacheBytes, rowBytes * leafRows <= blockBytes, rows > leafRows else {
        return max(rows, 1)
      }
      var block = leafRows
      while block * 2 * rowBytes <= blockBytes, tasks == 1 || block * 2 * 16 * tasks <= rows { block *= 2 }
      return min(rows, block)
    }
  }
}
