// The gradients of a whole batch: the pass over its blocks of rows, in parallel over nodes of the pairwise tree. How large
// the blocks are lies in RowBlocks.swift, the pass over one block in Pass.swift.

import ComputeBackend

/// The gradients of a batch, block by block, in parallel over nodes of the tree.
final class BlockedPass<Element: KernelElement> {
  /// What one task needs: room for a block, the gradients of the nodes that wait for their right neighbour, and the sum
  /// of losses of its own node.
  private final class NodeTask: @unchecked Sendable {
    let workspace: PassWorkspace<Element>
    var pending: [NetworkStorage<Element>] = []
    var lossSum: Element = 0

    init(blockRows: Int, network: NetworkStorage<Element>) {
      workspace = PassWorkspace(rows: blockRows, network: network)
    }

    func gradients(_ depth: Int, shapedAs network: NetworkStorage<Element>) -> NetworkStorage<Element> {
      while pending.count <= depth { pending.append(NetworkStorage(shapedAs: network)) }
      return pending[depth]
    }
  }

  /// What the tasks share, while none writes any of it.
  private struct Batch: @unchecked Sendable {
    let network: NetworkStorage<Element>
    let input: MatrixView<Element>
    let target: MatrixView<Element>
    let loss: Loss
    let scale: Element
    let blockRows: Int
    let backend: any ComputeBackend<Element>
  }

  private let network: NetworkStorage<Element>
  private let backend: any ComputeBackend<Element>
  private let blocks: RowBlocks
  private var tasks: [NodeTask] = []

  init(_ network: NetworkStorage<Element>, blocks: RowBlocks, backend: any ComputeBackend<Element>) {
    self.network = network
    self.blocks = blocks
    self.backend = backend
  }

  /// The gradients of the mean loss over a batch.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`, a row or more.
  ///   - target: `[rows × outputs]`.
  ///   - loss: which loss.
  /// - Returns: the mean loss, and the gradients, which stay as they are until the next call.
  func gradients(
    input: MatrixView<Element>, target: MatrixView<Element>, loss: Loss
  ) -> (loss: Element, gradients: NetworkStorage<Element>) {
    let outputs = network.layers[network.layers.count - 1].weights.columns
    let blockRows = blocks.blockRows(network, rows: input.rows)
    let blockCount = (input.rows + blockRows - 1) / blockRows
    let nodes = blockCount == 1 ? [0..<1] : Self.topNodes(0..<blockCount, threads: backend.threads)
    prepareTasks(nodes.count, blockRows: blockRows)
    let batch = Batch(
      network: network, input: input, target: target, loss: loss,
      scale: loss.gradientScale(rows: input.rows, outputs: outputs), blockRows: blockRows,
      backend: nodes.count == 1 ? backend : backend.singleThreaded)

    let tasks = tasks
    if nodes.count == 1 {
      tasks[0].lossSum = Self.node(nodes[0], depth: 0, of: batch, in: tasks[0])
    } else {
      backend.parallelFor(nodes.count) { index in
        tasks[index].lossSum = Self.node(nodes[index], depth: 0, of: batch, in: tasks[index])
      }
    }
    let lossSum = foldTop(nodes[...])
    return (
      lossSum / Element(loss.termCount(rows: input.rows, outputs: outputs)), tasks[0].gradients(0, shapedAs: network)
    )
  }

  /// The activations and gradients that the last one-block batch left: `rows` rows of them.
  func record(rows: Int) -> (outputs: [Matrix<Element>], sumGradients: [Matrix<Element>]) {
    func first(_ storage: MatrixStorage<Element>) -> Matrix<Element> {
      let copy = MatrixStorage<Element>(rows: rows, columns: storage.columns)
      copy.mutableView.copy(from: storage.view.rows(0..<rows))
      return copy.matrix
    }
    let workspace = tasks[0].workspace
    return (workspace.outputs.map(first), workspace.sumGradients.map(first))
  }

  private func prepareTasks(_ count: Int, blockRows: Int) {
    if let first = tasks.first, first.workspace.rows < blockRows { tasks.removeAll() }
    while tasks.count < count { tasks.append(NodeTask(blockRows: blockRows, network: network)) }
  }

  /// The nodes that tasks own, in the order of their rows: the tree is opened until there are some for each thread.
  private static func topNodes(_ blocks: Range<Int>, threads: Int) -> [Range<Int>] {
    var nodes = [blocks]
    while threads > 1, nodes.count < 4 * threads, nodes.contains(where: { $0.count > 1 }) {
      nodes = nodes.flatMap { node in
        node.count == 1 ? [node] : [children(node).left, children(node).right]
      }
    }
    return nodes
  }

  private static func children(_ node: Range<Int>) -> (left: Range<Int>, right: Range<Int>) {
    let middle = node.lowerBound + OrderOfArithmetic.leftLeaves(of: node.count)
    return (node.lowerBound..<middle, middle..<node.upperBound)
  }

  /// Computes a node of the tree over blocks into the task's gradients at `depth`; returns its sum of losses.
  private static func node(_ blocks: Range<Int>, depth: Int, of batch: Batch, in task: NodeTask) -> Element {
    guard blocks.count > 1 else { return block(blocks.lowerBound, depth: depth, of: batch, in: task) }
    let (left, right) = children(blocks)
    let leftLoss = node(left, depth: depth, of: batch, in: task)
    let rightLoss = node(right, depth: depth + 1, of: batch, in: task)
    add(
      task.gradients(depth + 1, shapedAs: batch.network), to: task.gradients(depth, shapedAs: batch.network),
      on: batch.backend)
    return leftLoss + rightLoss
  }

  private static func block(_ index: Int, depth: Int, of batch: Batch, in task: NodeTask) -> Element {
    let start = index * batch.blockRows
    let rows = start..<min(start + batch.blockRows, batch.input.rows)
    let views = task.workspace.views(rows: rows.count)
    forward(batch.network, input: batch.input.rows(rows), outputs: views.outputs, on: batch.backend)
    return backward(
      batch.network, input: batch.input.rows(rows), target: batch.target.rows(rows), loss: batch.loss,
      scale: batch.scale, outputs: views.outputs, sumGradients: views.sumGradients,
      gradients: task.gradients(depth, shapedAs: batch.network), on: batch.backend)
  }

  /// Folds the tasks' nodes up to the root, which ends in the first task's gradients.
  private func foldTop(_ nodes: ArraySlice<Range<Int>>) -> Element {
    guard nodes.count > 1, let first = nodes.first, let last = nodes.last else {
      return tasks[nodes.startIndex].lossSum
    }
    let (left, _) = Self.children(first.lowerBound..<last.upperBound)
    let split = nodes.firstIndex { $0.lowerBound >= left.upperBound } ?? nodes.endIndex
    let leftLoss = foldTop(nodes[..<split])
    let rightLoss = foldTop(nodes[split...])
    Self.add(
      tasks[split].gradients(0, shapedAs: network), to: tasks[nodes.startIndex].gradients(0, shapedAs: network),
      on: backend)
    return leftLoss + rightLoss
  }

  private static func add(
    _ other: NetworkStorage<Element>, to sum: NetworkStorage<Element>, on backend: any ComputeBackend<Element>
  ) {
    for (layer, otherLayer) in zip(sum.layers, other.layers) {
      backend.add(otherLayer.weights.view, to: layer.weights.mutableView)
      backend.add(otherLayer.bias.view, to: layer.bias.mutableView)
    }
  }
}
