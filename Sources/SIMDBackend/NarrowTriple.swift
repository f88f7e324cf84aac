// The whole pass of a network with one input, a few hidden units and one output, all of it linear, on the mean squared
// error: values, gradients and sums never leave registers. Other narrow networks are computed in NarrowNetwork.swift.

import CLockstepCPU
import ComputeBackend

/// A network of `hidden` hidden units.
///
/// Bound: for two hidden units 12 multiply-adds and 8 additions a vector of rows, on two units each: 6 cycles, where data
/// are in the nearest cache; beyond, the bandwidth of memory. Registers: 3 `hidden` + 2 sums; the parameters are read
/// from memory as they are used.
enum NarrowTriple<Vector: LaneVector, let hidden: Int> where Vector.Element: SIMDElement {
  typealias Element = Vector.Element

  /// The parameters, each in every lane.
  private struct Parameters {
    var inputWeights = InlineArray<hidden, Vector>(repeating: .zero)
    var hiddenBias = InlineArray<hidden, Vector>(repeating: .zero)
    var outputWeights = InlineArray<hidden, Vector>(repeating: .zero)
    var outputBias: Vector
    var scale: Vector

    @inline(__always)
    init(_ first: DenseLayerViews<Element>, _ second: DenseLayerViews<Element>, scale: Element) {
      for j in 0..<hidden {
        inputWeights[j] = Vector(repeating: first.weights.base[j])
        hiddenBias[j] = Vector(repeating: first.bias.base[j])
        outputWeights[j] = Vector(repeating: second.weights.base[j &* second.weights.stride])
      }
      outputBias = Vector(repeating: second.bias.base[0])
      self.scale = Vector(repeating: scale)
    }
  }

  /// Stripes of the sums of a group of rows.
  private struct Sums {
    var inputWeights = InlineArray<hidden, Vector>(repeating: .zero)
    var hiddenBias = InlineArray<hidden, Vector>(repeating: .zero)
    var outputWeights = InlineArray<hidden, Vector>(repeating: .zero)
    var outputBias = Vector.zero
    var loss = Vector.zero

    /// Adds the terms of a vector of rows.
    @inline(__always)
    mutating func add(_ x: Vector, _ t: Vector, _ parameters: Parameters) {
      var value = InlineArray<hidden, Vector>(repeating: .zero)
      var output = Vector.zero
      for j in 0..<hidden {
        value[j] = .fma(x, parameters.inputWeights[j], .zero) + parameters.hiddenBias[j]
        output = .fma(value[j], parameters.outputWeights[j], output)
      }
      let difference = (output + parameters.outputBias) - t
      loss = loss + .fma(difference, difference, .zero)
      let gradient = difference * parameters.scale
      outputBias = outputBias + gradient
      for j in 0..<hidden {
        outputWeights[j] = .fma(value[j], gradient, outputWeights[j])
        let hiddenGradient = Vector.fma(gradient, parameters.outputWeights[j], .zero)
        inputWeights[j] = .fma(x, hiddenGradient, inputWeights[j])
        hiddenBias[j] = hiddenBias[j] + hiddenGradient
      }
    }

    /// These sums where the mask is true, `old` elsewhere.
    @inline(__always)
    func keeping(_ mask: Vector.Mask, over old: Sums) -> Sums {
      var sums = self
      for j in 0..<hidden {
        sums.inputWeights[j] = .select(mask, inputWeights[j], old.inputWeights[j])
        sums.hiddenBias[j] = .select(mask, hiddenBias[j], old.hiddenBias[j])
        sums.outputWeights[j] = .select(mask, outputWeights[j], old.outputWeights[j])
      }
      sums.outputBias = .select(mask, outputBias, old.outputBias)
      sums.loss = .select(mask, loss, old.loss)
      return sums
    }

    /// Writes the vectors, each `OrderOfArithmetic.stripes` from the next.
    @inline(__always)
    func store(_ address: UnsafeMutablePointer<Element>) {
      let stripes = OrderOfArithmetic.stripes
      for j in 0..<hidden {
        inputWeights[j].store(address + j &* stripes)
        hiddenBias[j].store(address + (hidden &+ j) &* stripes)
        outputWeights[j].store(address + (2 &* hidden &+ j) &* stripes)
      }
      outputBias.store(address + 3 &* hidden &* stripes)
      loss.store(address + (3 &* hidden &+ 1) &* stripes)
    }
  }

  private static var sumCount: Int { 3 &* hidden &+ 2 }

  /// The gradients, or `nil` for another network, loss or layout.
  @inline(__always)
  static func gradients(
    _ layers: UnsafeBufferPointer<DenseLayerViews<Element>>, input: MatrixView<Element>, target: MatrixView<Element>,
    loss: Loss, scale: Element, in pool: ScratchPool
  ) -> Element? {
    guard layers.count == 2, loss == .meanSquaredError, input.stride == 1, target.stride == 1, input.columns == 1,
      target.columns == 1, layers[0].weights.columns == hidden, layers[0].activation == .identity,
      layers[1].activation == .identity
    else { return nil }
    return gradients(layers[0], layers[1], rows: input.rows, x: input.base, t: target.base, scale: scale, in: pool)
  }

  @inline(never)
  private static func gradients(
    _ first: DenseLayerViews<Element>, _ second: DenseLayerViews<Element>, rows: Int, x: UnsafePointer<Element>,
    t: UnsafePointer<Element>, scale: Element, in pool: ScratchPool
  ) -> Element {
    let parameters = Parameters(first, second, scale: scale)
    var tree = PendingNodes(leaves: OrderOfArithmetic.leafCount(rows: rows))
    // Sums are counted in sixteens, whole vectors.
    return pool.withMemory(of: Element.self, count: (OrderOfArithmetic.stripes &+ tree.most) &* 16) { stripes in
      let nodes = stripes + OrderOfArithmetic.stripes &* 16
      nodes.update(repeating: 0, count: 16)
      var leaf = 0
      while leaf < rows {
        let count = min(OrderOfArithmetic.leafRows, rows &- leaf)
        sumLeaf(x + leaf, t + leaf, rows: count, parameters, to: stripes)
        let node = tree.next(nodes, count: 16)
        for i in 0..<sumCount { node[i] = foldStripes(Vector.self, stripes + i &* OrderOfArithmetic.stripes) }
        tree.join(Vector.self, nodes, count: 16)
        leaf += count
      }
      for j in 0..<hidden {
        first.weightGradient.base[j] = nodes[j]
        first.biasGradient.base[j] = nodes[hidden &+ j]
        second.weightGradient.base[j &* second.weightGradient.stride] = nodes[2 &* hidden &+ j]
      }
      second.biasGradient.base[0] = nodes[3 &* hidden]
      return nodes[3 &* hidden &+ 1]
    }
  }

  /// The stripes of all sums over a leaf, group after group of as many stripes as a vector has lanes.
  @inline(__always)
  private static func sumLeaf(
    _ x: UnsafePointer<Element>, _ t: UnsafePointer<Element>, rows: Int, _ parameters: Parameters,
    to stripes: UnsafeMutablePointer<Element>
  ) {
    let lanes = Vector.laneCount
    var group = 0
    while group < OrderOfArithmetic.stripes {
      var sums = Sums()
      var row = group
      while row &+ lanes <= rows {
        // The leaf after the next, as memory is far.
        lockstep_prefetch(x + row + 2 &* OrderOfArithmetic.leafRows)
        lockstep_prefetch(t + row + 2 &* OrderOfArithmetic.leafRows)
        sums.add(.load(x + row), .load(t + row), parameters)
        row += OrderOfArithmetic.stripes
      }
      if row < rows {
        var (lastX, lastT) = (Vector.zero, Vector.zero)
        let left = rows &- row
        lastX.replaceFirst(left, from: x + row)
        lastT.replaceFirst(left, from: t + row)
        let old = sums
        sums.add(lastX, lastT, parameters)
        let isPresent = Vector.less(.indices, Vector(repeating: Element(left)))
        sums = sums.keeping(isPresent, over: old)
      }
      sums.store(stripes + group)
      group += lanes
    }
  }
}
