// The loss and its gradient, with rows along the vector.

import ComputeBackend

extension Kernels {
  static func loss(
    _ loss: Loss, output: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>?,
    scale: Element, gradient: MutableMatrixView<Element>, in pool: ScratchPool
  ) -> Element {
    switch loss {
    case .meanSquaredError: sumLoss(.meanSquaredError, output, target, weights, scale, gradient, pool)
    case .binaryCrossEntropy: sumLoss(.binaryCrossEntropy, output, target, weights, scale, gradient, pool)
    case .softmaxCrossEntropy: sumLoss(.softmaxCrossEntropy, output, target, weights, scale, gradient, pool)
    case .meanAbsoluteError: sumLoss(.meanAbsoluteError, output, target, weights, scale, gradient, pool)
    case .huber: sumLoss(.huber, output, target, weights, scale, gradient, pool)
    }
  }

  @inline(__always)
  private static func sumLoss(
    _ loss: Loss, _ output: MatrixView<Element>, _ target: MatrixView<Element>, _ weights: MatrixView<Element>?,
    _ scale: Element, _ gradient: MutableMatrixView<Element>, _ pool: ScratchPool
  ) -> Element {
    let lanes = Vector.laneCount
    let (rows, outputs) = (output.rows, output.columns)
    let (leafRows, stripes) = (OrderOfArithmetic.leafRows, OrderOfArithmetic.stripes)
    var tree = PendingNodes(leaves: OrderOfArithmetic.leafCount(rows: rows))
    let panel = outputs &* lanes
    return pool.withMemory(of: Element.self, count: 3 &* panel &+ lanes &+ stripes &+ tree.most) { scratch in
      let (outputPanel, targetPanel, gradientPanel) = (scratch, scratch + panel, scratch + 2 &* panel)
      let weightPanel = scratch + 3 &* panel
      let chains = weightPanel + lanes
      let nodes = chains + stripes
      nodes.pointee = 0
      var leaf = 0
      while leaf < rows {
        chains.update(repeating: 0, count: stripes)
        let end = min(leaf &+ leafRows, rows)
        var row = leaf
        while row < end {
          let count = min(lanes, end &- row)
          let inPlace =
            outputs == 1 && count == lanes && output.stride == 1 && target.stride == 1 && gradient.stride == 1
          let y = inPlace ? output.base + row : UnsafePointer(outputPanel)
          let t = inPlace ? target.base + row : UnsafePointer(targetPanel)
          let g = inPlace ? gradient.base + row : gradientPanel
          if !inPlace {
            gatherRows(output, first: row, count: count, to: outputPanel)
            gatherRows(target, first: row, count: count, to: targetPanel)
          }
          var weight = Vector(repeating: 1)
          if let weights {
            gatherRows(weights, first: row, count: count, to: weightPanel)
            weight = .load(weightPanel)
          }
          let rowLosses: Vector = loss.rows(
            outputs: outputs, scale: Vector(repeating: scale) * weight,
            output: { .load(y + $0 &* lanes) }, target: { .load(t + $0 &* lanes) },
            store: { $1.store(g + $0 &* lanes) }, stored: { .load(g + $0 &* lanes) })
          let losses = weight * rowLosses
          if !inPlace { scatterRows(gradientPanel, count: count, to: gradient, first: row) }
          let chain = chains + (row &- leaf) % stripes
          if count == lanes {
            (Vector.load(chain) + losses).store(chain)
          } else {
            losses.store(outputPanel)
            for l in 0..<count { chain[l] = chain[l] + outputPanel[l] }
          }
          row += lanes
        }
        tree.next(nodes, count: 1).pointee = foldStripes(Vector.self, chains)
        tree.join(Vector.self, nodes, count: 1)
        leaf = end
      }
      return nodes.pointee
    }
  }

  /// Copies `count` rows so that each column is a vector of rows, padded with zeros.
  @inline(__always)
  private static func gatherRows(
    _ matrix: MatrixView<Element>, first: Int, count: Int, to panel: UnsafeMutablePointer<Element>
  ) {
    let lanes = Vector.laneCount
    if count < lanes { panel.update(repeating: 0, count: matrix.columns &* lanes) }
    copyTransposed(
      matrix.base + first &* matrix.stride, matrix.stride, rows: count, columns: matrix.columns, to: panel, lanes)
  }

  @inline(__always)
  private static func scatterRows(
    _ panel: UnsafePointer<Element>, count: Int, to matrix: MutableMatrixView<Element>, first: Int
  ) {
    let lanes = Vector.laneCount
    copyTransposed(
      panel, lanes, rows: matrix.columns, columns: count, to: matrix.base + first &* matrix.stride, matrix.stride)
  }
}
