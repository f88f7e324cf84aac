// The gradients of a whole batch, and a step: the pass over its blocks of rows, in parallel over nodes of the pairwise
// tree. How large the blocks are lies in RowBlocks.swift, the pass over one block in Pass.swift.

import ComputeBackend

/// The gradients of a batch, block by block, in parallel over nodes of the tree.
final class BlockedPass<Element: KernelElement> {
  /// What one task needs: room for a block, made when it is first asked for, and the gradients of the nodes that it owns
  /// or that wait for their right neighbour, in the order of their rows.
  private final class NodeTask: @unchecked Sendable {
    let network: NetworkStorage<Element>
    private let drops: Bool
    private var workspace: PassWorkspace<Element>?
    private(set) var gradients: [NetworkStorage<Element>] = []
    private var narrowViews: [[DenseLayerViews<Element>]] = []
    /// The sums of losses of the nodes that the task owns.
    var lossSums: [Element] = []

    init(_ network: NetworkStorage<Element>, drops: Bool) {
      self.network = network
      self.drops = drops
    }

    func workspace(rows: Int) -> PassWorkspace<Element> {
      if let workspace, workspace.rows >= rows { return workspace }
      let new = PassWorkspace(rows: rows, network: network, drops: drops)
      workspace = new
      return new
    }

    /// The gradients of number `slot`, each the same from call to call.
    func gradients(_ slot: Int) -> NetworkStorage<Element> {
      while gradients.count <= slot { gradients.append(NetworkStorage(shapedAs: network)) }
      return gradients[slot]
    }

    func narrowViews(_ slot: Int) -> [DenseLayerViews<Element>] {
      while narrowViews.count <= slot { narrowViews.append(network.views(gradients: gradients(narrowViews.count))) }
      return narrowViews[slot]
    }
  }

  /// What the tasks share, while none writes any of it.
  private struct Batch: @unchecked Sendable {
    let isNarrow: Bool
    let input: MatrixView<Element>
    let target: MatrixView<Element>
    let weights: MatrixView<Element>?
    let loss: Loss
    /// Of the sum of losses for their mean.
    let divisor: Element
    let scale: Element
    let dropout: Dropout?
    let blockRows: Int
  }

  private let network: NetworkStorage<Element>
  /// Where the gradients of a narrow network go whose batch is one block; `nil` for any other network.
  ///
  /// All that the smallest networks need for a step are constants of the pass: the step takes no longer than looking for them
  /// anywhere else would, or than counting references to them.
  private let narrowGradients: NetworkStorage<Element>?
  private let narrowLayers: [DenseLayerViews<Element>]
  /// The most rows of a batch of a narrow network that is certainly not divided.
  private let narrowRows: Int
  private let blocks: RowBlocks
  private let drops: Bool
  private var tasks: [NodeTask]
  /// How the latest batch size was cut, which is how the next one will mostly be.
  private var latestCut: RowBlocks.Cut

  /// - Parameter drops: whether there is to be room for dropout.
  init(_ network: NetworkStorage<Element>, blocks: RowBlocks, drops: Bool = false) {
    self.network = network
    self.blocks = blocks
    self.drops = drops
    narrowGradients = blocks != .wholeBatch && network.isNarrow ? NetworkStorage(shapedAs: network) : nil
    narrowLayers = narrowGradients.map { network.views(gradients: $0) } ?? []
    narrowRows = narrowGradients == nil ? 0 : blocks.undividedRows(network)
    tasks = [NodeTask(network, drops: drops)]
    latestCut = blocks.cut(network, rows: 0, threads: 1)
  }

  /// The gradients of the mean loss over a batch.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`, a row or more.
  ///   - target: `[rows × outputs]`.
  ///   - weights: `[rows × 1]`, how much each row counts, or `nil`.
  ///   - loss: which loss.
  ///   - dropout: what is dropped, where there is room for it.
  ///   - backend: what computes, which may be another one in each call. Rooms stay, also those of more threads: a short last
  ///     batch on another number of them would else free and zero every gradient twice an epoch.
  /// - Returns: the mean loss, and the gradients, which stay as they are until the next call.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func gradients(
    input: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>?, loss: Loss,
    dropout: Dropout?, on backend: any ComputeBackend<Element>
  ) -> (loss: Element, gradients: NetworkStorage<Element>) {
    if let narrowGradients,
      let mean = narrowMean(input: input, target: target, weights: weights, loss: loss, dropout: dropout, on: backend)
    {
      return (mean, narrowGradients)
    }
    let cut = cut(rows: input.rows, threads: backend.threads)
    let batch = batch(cut, input: input, target: target, weights: weights, loss: loss, dropout: dropout)
    let lossSum =
      cut.tasks == 1
      ? Self.node(0..<cut.blocks, slot: 0, of: batch, in: tasks[0], on: backend)
      : parallelGradients(cut, of: batch, on: backend)
    return (loss.mean(ofSum: lossSum, divisor: batch.divisor), tasks[0].gradients(0))
  }

  /// A step of gradient descent on the network's parameters.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`, a row or more.
  ///   - target: `[rows × outputs]`.
  ///   - weights: `[rows × 1]`, how much each row counts, or `nil`.
  ///   - loss: which loss.
  ///   - learningRate: the factor of the gradient.
  ///   - dropout: what is dropped, where there is room for it.
  ///   - backend: what computes.
  /// - Returns: the mean loss before the step.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func step(
    input: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>?, loss: Loss,
    learningRate: Element, dropout: Dropout?, on backend: any ComputeBackend<Element>
  ) -> Element {
    // A narrow network's gradients are one call, which leaves nothing to fuse an update into.
    guard narrowGradients == nil, case let cut = cut(rows: input.rows, threads: backend.threads), cut.blocks == 1 else {
      let (mean, gradients) = gradients(
        input: input, target: target, weights: weights, loss: loss, dropout: dropout, on: backend)
      backend.descend(network.all, gradient: gradients.all.readOnly, learningRate: learningRate)
      return mean
    }
    let batch = batch(cut, input: input, target: target, weights: weights, loss: loss, dropout: dropout)
    let lossSum = Self.pass(
      rows: 0..<input.rows, of: batch, in: tasks[0], use: .descend(learningRate: learningRate), on: backend)
    return loss.mean(ofSum: lossSum, divisor: batch.divisor)
  }

  /// The mean loss over a batch of a narrow network that is one block; its gradients go to ``narrowGradients``. `nil` where
  /// they are not to be had in one call, which knows no weights, and keeps no outputs that anything could be dropped from.
  @inline(__always)
  private func narrowMean(
    input: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>?, loss: Loss,
    dropout: Dropout?, on backend: any ComputeBackend<Element>
  ) -> Element? {
    guard input.rows <= narrowRows, weights == nil, dropout == nil else { return nil }
    let terms = Element(loss.termCount(rows: input.rows, outputs: target.columns))
    return backend.narrowGradients(
      layers: narrowLayers, input: input, target: target, loss: loss, scale: loss.gradientScale(divisor: terms)
    ).map { $0 / terms }
  }

  /// The activations and gradients that the last one-block batch left: `rows` rows of them.
  func record(rows: Int) -> (outputs: [Matrix<Element>], sumGradients: [Matrix<Element>]) {
    let views = tasks[0].workspace(rows: rows).views(rows: rows)
    return (views.outputs.map { Matrix($0.readOnly) }, views.sumGradients.map { Matrix($0.readOnly) })
  }

  private func cut(rows: Int, threads: Int) -> RowBlocks.Cut {
    if latestCut.rows != rows || latestCut.threads != threads {
      latestCut = blocks.cut(network, rows: rows, threads: threads)
    }
    return latestCut
  }

  private func batch(
    _ cut: RowBlocks.Cut, input: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>?,
    loss: Loss, dropout: Dropout?
  ) -> Batch {
    let divisor: Element = loss.divisor(rows: input.rows, outputs: target.columns, weights: weights)
    let isNarrow = narrowGradients != nil && weights == nil && dropout == nil
    return Batch(
      isNarrow: isNarrow, input: input, target: target, weights: weights, loss: loss, divisor: divisor,
      scale: loss.gradientScale(divisor: divisor), dropout: dropout, blockRows: cut.blockRows)
  }

  // MARK: Nodes

  /// Computes a node of the tree over blocks into the task's gradients number `slot`; returns its sum of losses.
  private static func node(
    _ blocks: Range<Int>, slot: Int, of batch: Batch, in task: NodeTask, on backend: any ComputeBackend<Element>
  ) -> Element {
    guard blocks.count > 1 else { return block(blocks.lowerBound, slot: slot, of: batch, in: task, on: backend) }
    let (left, right) = children(blocks)
    let leftLoss = node(left, slot: slot, of: batch, in: task, on: backend)
    let rightLoss = node(right, slot: slot + 1, of: batch, in: task, on: backend)
    backend.add(task.gradients(slot + 1).all.readOnly, to: task.gradients(slot).all)
    return leftLoss + rightLoss
  }

  private static func block(
    _ index: Int, slot: Int, of batch: Batch, in task: NodeTask, on backend: any ComputeBackend<Element>
  ) -> Element {
    let start = index * batch.blockRows
    let rows = start..<min(start + batch.blockRows, batch.input.rows)
    if batch.isNarrow,
      let lossSum = backend.narrowGradients(
        layers: task.narrowViews(slot), input: batch.input.rows(rows), target: batch.target.rows(rows),
        loss: batch.loss, scale: batch.scale)
    {
      return lossSum
    }
    return pass(rows: rows, of: batch, in: task, use: .store(task.gradients(slot)), on: backend)
  }

  private static func pass(
    rows: Range<Int>, of batch: Batch, in task: NodeTask, use: GradientUse<Element>,
    on backend: any ComputeBackend<Element>
  ) -> Element {
    let input = batch.input.rows(rows)
    let views = task.workspace(rows: rows.count).views(rows: rows.count)
    let dropout = batch.dropout.map { BlockDropout(dropout: $0, firstRow: rows.lowerBound, outputs: views.dropped) }
    forward(task.network, input: input, views: views, dropout: dropout, on: backend)
    return backward(
      task.network, input: input, target: batch.target.rows(rows), weights: batch.weights?.rows(rows),
      loss: batch.loss, scale: batch.scale, views: views, dropout: dropout, use: use, on: backend)
  }

  private static func children(_ node: Range<Int>) -> (left: Range<Int>, right: Range<Int>) {
    let middle = node.lowerBound + OrderOfArithmetic.leftLeaves(of: node.count)
    return (node.lowerBound..<middle, middle..<node.upperBound)
  }

  // MARK: Tasks

  /// Each task takes an equal share of the blocks: the few nodes of the tree that make it up. What joins the shares of
  /// different tasks is folded when all are done, into the first gradients of the first task.
  private func parallelGradients(
    _ cut: RowBlocks.Cut, of batch: Batch, on backend: any ComputeBackend<Element>
  ) -> Element {
    while tasks.count < cut.tasks { tasks.append(NodeTask(network, drops: drops)) }
    let (tasks, single) = (tasks, backend.singleThreaded)
    let root = 0..<cut.blocks
    backend.parallelFor(cut.tasks) { index in
      let task = tasks[index]
      let share = cut.blocks * index / cut.tasks..<cut.blocks * (index + 1) / cut.tasks
      task.lossSums.removeAll(keepingCapacity: true)
      Self.forEachNode(of: share, in: root) { node in
        task.lossSums.append(Self.node(node, slot: task.lossSums.count, of: batch, in: task, on: single))
      }
    }
    var owners = tasks.prefix(cut.tasks).flatMap { task in task.lossSums.indices.map { (task, $0) } }[...]
    var nodes: [Range<Int>] = []
    for index in 0..<cut.tasks {
      let share = cut.blocks * index / cut.tasks..<cut.blocks * (index + 1) / cut.tasks
      Self.forEachNode(of: share, in: root) { nodes.append($0) }
    }
    var rest = nodes[...]
    func fold(_ node: Range<Int>) -> (sum: NetworkStorage<Element>, loss: Element) {
      if rest.first == node, let (task, slot) = owners.popFirst() {
        rest.removeFirst()
        return (task.gradients(slot), task.lossSums[slot])
      }
      let (left, right) = Self.children(node)
      let (sum, leftLoss) = fold(left)
      let (other, rightLoss) = fold(right)
      backend.add(other.all.readOnly, to: sum.all)
      return (sum, leftLoss + rightLoss)
    }
    return fold(root).loss
  }

  /// Calls `body` with the largest nodes below `node` that lie in `share`, in the order of their rows: together they are
  /// the share.
  private static func forEachNode(of share: Range<Int>, in node: Range<Int>, _ body: (Range<Int>) -> Void) {
    guard share.overlaps(node) else { return }
    if share.lowerBound <= node.lowerBound, node.upperBound <= share.upperBound { return body(node) }
    let (left, right) = children(node)
    forEachNode(of: share, in: left, body)
    forEachNode(of: share, in: right, body)
  }
}
