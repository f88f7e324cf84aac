// How much memory a training step takes: stated from the shapes, before it is taken.

import ComputeBackend

/// Bytes that a trainer and its backend hold while they train. The data and the network that training started from are
/// the caller's.
public struct MemoryUse: Sendable, Equatable {
  /// The parameters, once.
  public let parameters: Int
  /// Gradients of parameters: none where the batch is one block, as each layer is updated as soon as its gradients are
  /// there, which plain gradient descent allows. Otherwise a set for each node of the tree that waits for its neighbour, in
  /// each task.
  public let gradients: Int
  /// The moments that the optimiser keeps.
  public let moments: Int
  /// Of the blocks in flight each layer's outputs, the gradients of its sums, the sums where its activation keeps them, and
  /// what dropout leaves of hidden outputs.
  public let activations: Int
  /// At most, the packed panels and pending sums of the kernels, over all threads. Backends need not use all of it.
  public let kernels: Int

  /// All of it.
  public var total: Int { parameters + gradients + moments + activations + kernels }
}

extension MemoryUse {
  /// The bytes of the parameters of widths that may be more than can be counted.
  package static func bytesOfParameters(sizes: [Int], precision: Precision) -> Double {
    zip(sizes, sizes.dropFirst()).reduce(0) { $0 + (Double($1.0) + 1) * Double($1.1) } * (precision == .f32 ? 4 : 8)
  }

  /// The bytes that a training session takes for its network, whatever the rows: before there is a trainer to ask.
  package static func bytesOfSession(sizes: [Int], precision: Precision, method: TrainingMethod) -> Double {
    let parameters = bytesOfParameters(sizes: sizes, precision: precision)
    let moments = Double(OptimizerMemory<Float>.momentCount(method.optimizer.kind.formula))
    // What the trainer steps, and two copies that trace a failure back; the gradients, and the network it starts from.
    return 3 * (1 + moments) * parameters + 2 * parameters
  }
}

extension Trainer {
  /// What a thread's kernels keep beside nodes as large as a layer: packed rows of 4 MiB and two panels at most, and
  /// pending sums of tiles, 512 KiB for each of at most 16 levels of a tree.
  private static var kernelBytesPerThread: Int { (4 << 20) + 2 * (128 << 10) + 16 * (512 << 10) }

  /// Rows of a tree whose pending nodes lie beside the tiles; beyond, a backend may keep a layer's gradients for each level.
  private static var rowsBesideTiles: Int { 1024 }

  /// The memory that steps on batches of `rows` rows take.
  ///
  /// - Parameter rows: rows of a batch, 1 or more.
  public func memoryUse(rows: Int) -> MemoryUse {
    let size = MemoryLayout<Element>.stride
    let parameterBytes = parameters.all.columns * size
    let cut = blocks.cut(parameters, rows: rows, threads: backend.threads)
    let droppedWidths =
      method.dropout > 0 ? parameters.layers.dropLast().reduce(0) { $0 + $1.weights.columns } : 0
    // A task's share of the tree has at most two nodes of each size, and waits for one more of each while it computes.
    let levels = Int.bitWidth - cut.blocks.leadingZeroBitCount
    // Of a deeper tree, a node for each level and the one that is computed.
    let parts = (min(cut.blockRows, rows) - 1) / Self.rowsBesideTiles + 1
    let deepLevels = parts == 1 ? 0 : Int.bitWidth - parts.leadingZeroBitCount
    // The scalar backend's plain loops keep a layer's gradients before an update, and its weights transposed.
    let plainCopies = backend.kind == .scalar ? 2 : 0
    let largest = parameters.layers.map { ($0.weights.rows + 1) * $0.weights.columns * size }.max() ?? 0
    let sets =
      cut.blocks == 1
      ? (parameters.isNarrow || !method.isPlainDescent ? 1 : 0) : cut.tasks * min(3 * levels, cut.blocks)
    return MemoryUse(
      parameters: parameterBytes, gradients: sets * parameterBytes,
      moments: OptimizerMemory<Element>.momentCount(method.optimizer.kind.formula) * parameterBytes,
      activations: cut.tasks * min(cut.blockRows, rows) * (parameters.passWidth + droppedWidths) * size,
      kernels: backend.threads * Self.kernelBytesPerThread + cut.tasks * (deepLevels + plainCopies) * largest)
  }
}
