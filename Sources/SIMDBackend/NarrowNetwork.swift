// The whole pass of a network of narrow layers, a few rows at a time, rows along the vector. The case of one input, two
// hidden units and one output has a kernel of its own in NarrowTriple.swift.

import ComputeBackend

extension Kernels {
  static func narrowGradients(
    layers: [DenseLayerViews<Element>], input: MatrixView<Element>, target: MatrixView<Element>, loss: Loss,
    scale: Element, in pool: ScratchPool
  ) -> Element? {
    guard !layers.isEmpty, layers.count <= NarrowNetwork<Vector>.mostLayers,
      layers.allSatisfy({
        OrderOfArithmetic.isNarrow(inputs: $0.weights.rows, outputs: $0.weights.columns) && $0.activation.isFused
      })
    else { return nil }
    return layers.withUnsafeBufferPointer { layers in
      if let sum = NarrowTriple<Vector, 2>.gradients(
        layers, input: input, target: target, loss: loss, scale: scale, in: pool)
      {
        return sum
      }
      let network = NarrowNetwork<Vector>(layers: layers)
      return pool.withMemory(of: Element.self, count: network.scratchCount(rows: input.rows)) { scratch in
        network.gradients(input: input, target: target, loss: loss, scale: scale, scratch: scratch)
      }
    }
  }
}

/// A network of narrow layers. What it needs of a panel of rows, one of each stripe, lies in the nearest cache: the values
/// of each layer, the gradients of two, and the stripes of each sum.
struct NarrowNetwork<Vector: LaneVector> where Vector.Element: SIMDElement {
  typealias Element = Vector.Element
  /// A value for each row of a panel.
  typealias Panel = UnsafeMutablePointer<Element>

  let layers: UnsafeBufferPointer<DenseLayerViews<Element>>

  /// So many layers fit the nearest cache.
  static var mostLayers: Int { 8 }
  private static var panelRows: Int { OrderOfArithmetic.stripes }
  /// The values of a layer: no narrow layer has more than 15 inputs or outputs.
  private static var blockCount: Int { 15 * panelRows }

  /// Sums over rows: of each parameter, and the loss last.
  private var sumCount: Int { layers.reduce(1) { $0 &+ ($1.weights.rows &+ 1) &* $1.weights.columns } }

  func scratchCount(rows: Int) -> Int {
    let tree = PendingNodes(leaves: OrderOfArithmetic.leafCount(rows: rows))
    return (layers.count &+ 4) &* Self.blockCount &+ sumCount &* (Self.panelRows &+ tree.most)
  }

  func gradients(
    input: MatrixView<Element>, target: MatrixView<Element>, loss: Loss, scale: Element,
    scratch: UnsafeMutablePointer<Element>
  ) -> Element {
    let sumCount = sumCount
    let targets = scratch
    let (gradients, spare) = (targets + Self.blockCount, targets + 2 &* Self.blockCount)
    let values = targets + 3 &* Self.blockCount
    let chains = values + (layers.count &+ 1) &* Self.blockCount
    let nodes = chains + sumCount &* Self.panelRows
    nodes.update(repeating: 0, count: sumCount)
    var tree = PendingNodes(leaves: OrderOfArithmetic.leafCount(rows: input.rows))

    var leaf = 0
    while leaf < input.rows {
      let end = min(leaf &+ OrderOfArithmetic.leafRows, input.rows)
      chains.update(repeating: 0, count: sumCount &* Self.panelRows)
      var row = leaf
      while row < end {
        let count = min(Self.panelRows, end &- row)
        Self.gather(input, first: row, count: count, to: values)
        Self.gather(target, first: row, count: count, to: targets)
        forward(values)
        backward(
          values, targets: targets, gradients, spare, loss: loss, scale: scale,
          sums: Sums(chains: chains, valid: count), lossIndex: sumCount &- 1)
        row += Self.panelRows
      }
      let node = tree.next(nodes, count: sumCount)
      for i in 0..<sumCount { node[i] = foldStripes(Vector.self, chains + i &* Self.panelRows) }
      tree.join(Vector.self, nodes, count: sumCount)
      leaf = end
    }
    writeGradients(nodes)
    return nodes[sumCount &- 1]
  }

  /// Copies `count` rows, column by column. Where rows are missing, what was there stays.
  @inline(__always)
  private static func gather(_ matrix: MatrixView<Element>, first: Int, count: Int, to panels: Panel) {
    var source = matrix.base + first &* matrix.stride
    if matrix.stride == 1 {
      panels.update(from: source, count: count)
      return
    }
    for l in 0..<count {
      for j in 0..<matrix.columns { panels[j &* panelRows &+ l] = source[j] }
      source += matrix.stride
    }
  }

  /// Calls `body` with the offset of each vector of a panel.
  @inline(__always)
  private static func eachVector(_ body: (Int) -> Void) {
    for g in 0..<(panelRows / Vector.laneCount) { body(g &* Vector.laneCount) }
  }

  /// The values of each layer from those of the one before.
  @inline(__always)
  private func forward(_ input: Panel) {
    var x = input
    for layer in layers {
      let (weights, y) = (layer.weights, x + Self.blockCount)
      for j in 0..<weights.columns {
        let bias = Vector(repeating: layer.bias.base[j])
        let to = y + j &* Self.panelRows
        let sums = Self.chains(weights.rows, x, weights.base + j, weights.stride)
        Self.eachVector { layer.activation.fusedValue(sums[$0 / Vector.laneCount] + bias).store(to + $0) }
      }
      x = y
    }
  }

  /// The chains over `count` panels times a weight each.
  @inline(__always)
  private static func chains(
    _ count: Int, _ panels: Panel, _ weights: UnsafePointer<Element>, _ stride: Int
  ) -> InlineArray<4, Vector> {
    var sums = InlineArray<4, Vector>(repeating: .zero)
    for k in 0..<count {
      let weight = Vector(repeating: weights[k &* stride])
      for g in 0..<(panelRows / Vector.laneCount) {
        sums[g] = .fma(.load(panels + k &* panelRows + g &* Vector.laneCount), weight, sums[g])
      }
    }
    return sums
  }

  /// The loss, and from the last layer to the first the sums of its parameters' gradients and the gradients of the layer
  /// below.
  @inline(__always)
  private func backward(
    _ values: Panel, targets: Panel, _ first: Panel, _ second: Panel, loss: Loss, scale: Element, sums: Sums,
    lossIndex: Int
  ) {
    var (dz, dx) = (first, second)
    var y = values + layers.count &* Self.blockCount
    let last = layers[layers.count &- 1]
    Self.eachVector { [y, dz] offset in
      let losses: Vector = loss.rows(
        outputs: last.weights.columns, scale: Vector(repeating: scale),
        output: { .load(y + offset + $0 &* Self.panelRows) },
        target: { .load(targets + offset + $0 &* Self.panelRows) },
        store: { $1.store(dz + offset + $0 &* Self.panelRows) }, stored: { .load(dz + offset + $0 &* Self.panelRows) })
      sums.add(losses, to: lossIndex, offset)
    }
    Self.differentiate(last.activation, dz, value: y, count: last.weights.columns)

    var sumEnd = lossIndex
    var index = layers.count &- 1
    while index >= 0 {
      let weights = layers[index].weights
      let x = y - Self.blockCount
      let sumStart = sumEnd &- (weights.rows &+ 1) &* weights.columns
      for j in 0..<weights.columns {
        let from = dz + j &* Self.panelRows
        Self.eachVector { offset in
          let gradient = Vector.load(from + offset)
          sums.add(gradient, to: sumStart &+ weights.rows &* weights.columns &+ j, offset)
          for k in 0..<weights.rows {
            let value = Vector.load(x + k &* Self.panelRows + offset)
            sums.add(value, times: gradient, to: sumStart &+ k &* weights.columns &+ j, offset)
          }
        }
      }
      if index > 0 {
        for k in 0..<weights.rows {
          let to = dx + k &* Self.panelRows
          let sums = Self.chains(weights.columns, dz, weights.base + k &* weights.stride, 1)
          Self.eachVector { sums[$0 / Vector.laneCount].store(to + $0) }
        }
        Self.differentiate(layers[index &- 1].activation, dx, value: x, count: weights.rows)
      }
      (dz, dx) = (dx, dz)
      sumEnd = sumStart
      y = x
      index &-= 1
    }
  }

  /// Takes `count` panels through the derivative of an activation.
  @inline(__always)
  private static func differentiate(_ activation: Activation, _ gradient: Panel, value: Panel, count: Int) {
    guard activation != .identity else { return }
    var i = 0
    while i < count &* panelRows {
      activation.fusedBackward(Vector.load(gradient + i), value: .load(value + i)).store(gradient + i)
      i += Vector.laneCount
    }
  }

  /// Writes the sums as the gradients of the layers.
  private func writeGradients(_ sums: UnsafePointer<Element>) {
    var sum = sums
    for layer in layers {
      let gradient = layer.weightGradient
      for k in 0..<gradient.rows {
        (gradient.base + k &* gradient.stride).update(from: sum, count: gradient.columns)
        sum += gradient.columns
      }
      layer.biasGradient.base.update(from: sum, count: gradient.columns)
      sum += gradient.columns
    }
  }

  /// The stripes of every sum. Those of rows that a panel lacks stay as they are.
  private struct Sums {
    let chains: Panel
    let valid: Int

    @inline(__always)
    init(chains: Panel, valid: Int) { (self.chains, self.valid) = (chains, valid) }

    @inline(__always)
    func add(_ term: Vector, to index: Int, _ offset: Int) {
      let chain = chains + index &* panelRows + offset
      let old = Vector.load(chain)
      keep(old + term, over: old, offset).store(chain)
    }

    @inline(__always)
    func add(_ a: Vector, times b: Vector, to index: Int, _ offset: Int) {
      let chain = chains + index &* panelRows + offset
      let old = Vector.load(chain)
      keep(.fma(a, b, old), over: old, offset).store(chain)
    }

    @inline(__always)
    private func keep(_ new: Vector, over old: Vector, _ offset: Int) -> Vector {
      valid == panelRows ? new : .select(Vector.less(.indices, Vector(repeating: Element(valid &- offset))), new, old)
    }
  }
}
