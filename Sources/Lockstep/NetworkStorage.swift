// Parameters and activations in kernel memory: what the pass works on. The values users hold lie in Network.swift.

import ComputeBackend

/// The parameters of a network, or as many gradients, in one piece of aligned memory.
///
/// Its views are valid while it lives.
final class NetworkStorage<Element: KernelElement> {
  /// Plain views: a pass over them counts no references.
  struct Layer {
    /// `[inputs × outputs]`.
    let weights: MutableMatrixView<Element>
    /// `[1 × outputs]`.
    let bias: MutableMatrixView<Element>
    let activation: Activation
  }

  let layers: [Layer]
  /// Every parameter of every layer, as one row. Between the matrices lie a few zeros. What additions and steps make of
  /// them has no effect on any parameter, and no sum goes over them.
  let all: MutableMatrixView<Element>
  private let memory: MatrixGroup<Element>

  private init(shapes: [(inputs: Int, outputs: Int, activation: Activation)]) {
    let memory = MatrixGroup<Element>(
      shapes: shapes.flatMap { [(rows: $0.inputs, columns: $0.outputs), (rows: 1, columns: $0.outputs)] })
    layers = shapes.enumerated().map { index, shape in
      Layer(
        weights: memory.matrices[2 * index], bias: memory.matrices[2 * index + 1], activation: shape.activation)
    }
    all = memory.all
    self.memory = memory
  }

  /// A copy of the network's parameters.
  convenience init(_ network: Network<Element>) {
    self.init(shapes: network.layers.map { ($0.inputs, $0.outputs, $0.activation) })
    copy(from: network.layers)
  }

  /// Zeros in the shape of `other`.
  convenience init(shapedAs other: NetworkStorage) {
    self.init(shapes: other.layers.map { ($0.weights.rows, $0.weights.columns, $0.activation) })
  }

  /// The layers as values.
  var denseLayers: [DenseLayer<Element>] {
    layers.map {
      DenseLayer(
        weights: Matrix($0.weights.readOnly), bias: Matrix($0.bias.readOnly), activation: $0.activation)
    }
  }

  /// The layers as other modules of the package see them, to read.
  var layerViews: [LayerView<Element>] {
    mutableLayerViews.map(\.readOnly)
  }

  /// The layers as other modules of the package see them, to write.
  var mutableLayerViews: [MutableLayerView<Element>] {
    layers.map { MutableLayerView(weights: $0.weights, bias: $0.bias, activation: $0.activation) }
  }

  /// Copies every parameter of `other`, a network of the same shape.
  func copy(from other: NetworkStorage) {
    all.copy(from: other.all.readOnly)
  }

  /// Copies every parameter of `other`, layers of the same shape.
  func copy(from other: [DenseLayer<Element>]) {
    for (layer, source) in zip(layers, other) {
      source.weights.withView { layer.weights.copy(from: $0) }
      source.bias.withView { layer.bias.copy(from: $0) }
    }
  }

  /// True where every parameter is a finite number.
  var isFinite: Bool {
    layers.allSatisfy { $0.weights.readOnly.isFinite && $0.bias.readOnly.isFinite }
  }

  /// How many parameters there are.
  var parameterCount: Int {
    layers.reduce(0) { $0 + ($1.weights.rows + 1) * $1.weights.columns }
  }

  /// True where a backend may take the gradients of all layers in one pass: the sums over rows of each run in stripes, and
  /// none keeps its sums before the activation.
  var isNarrow: Bool {
    layers.allSatisfy {
      OrderOfArithmetic.isNarrow(inputs: $0.weights.rows, outputs: $0.weights.columns) && !$0.activation.keepsSums
    }
  }

  /// How many numbers the pass keeps of a row: each layer's outputs, its sums where it keeps those, and their gradients.
  var passWidth: Int {
    layers.reduce(0) { $0 + ($1.activation.keepsSums ? 3 : 2) * $1.weights.columns }
  }

  /// The layers as primitives take them that run more than one layer, their gradients going to `gradients`.
  func views(gradients: NetworkStorage) -> [DenseLayerViews<Element>] {
    zip(layers, gradients.layers).map { layer, gradient in
      DenseLayerViews(
        weights: layer.weights.readOnly, bias: layer.bias.readOnly, activation: layer.activation,
        weightGradient: gradient.weights, biasGradient: gradient.bias)
    }
  }
}

/// The parameters of a layer, or their gradients, in memory that somebody else keeps alive.
package struct LayerView<Element: KernelElement> {
  /// `[inputs × outputs]`.
  package let weights: MatrixView<Element>
  /// `[1 × outputs]`.
  package let bias: MatrixView<Element>
  package let activation: Activation
}

/// As ``LayerView``, to write.
package struct MutableLayerView<Element: KernelElement> {
  /// `[inputs × outputs]`.
  package let weights: MutableMatrixView<Element>
  /// `[1 × outputs]`.
  package let bias: MutableMatrixView<Element>
  package let activation: Activation

  /// The same layer, to read.
  package var readOnly: LayerView<Element> {
    LayerView(weights: weights.readOnly, bias: bias.readOnly, activation: activation)
  }
}

/// Room for the pass over a block of rows: each layer's outputs, the gradients with respect to its sums, those sums where the
/// derivative takes them, and what dropout leaves of each hidden layer's outputs.
final class PassWorkspace<Element: KernelElement> {
  /// The most rows that it takes.
  let rows: Int
  private let memory: MatrixGroup<Element>
  /// For each layer, the number of the matrix that its derivative takes.
  private let keptIndices: [Int]
  /// The numbers of the matrices for what dropout leaves.
  private let droppedIndices: Range<Int>
  private var latest: PassViews<Element>

  /// - Parameter drops: whether there is to be room for dropout.
  init(rows: Int, network: NetworkStorage<Element>, drops: Bool) {
    self.rows = rows
    var shapes = network.layers.map { (rows: rows, columns: $0.weights.columns) }
    shapes += shapes
    keptIndices = network.layers.indices.map { index in
      guard network.layers[index].activation.keepsSums else { return index }
      shapes.append(shapes[index])
      return shapes.count - 1
    }
    let firstDropped = shapes.count
    if drops { shapes += shapes[..<(network.layers.count - 1)] }
    droppedIndices = firstDropped..<shapes.count
    memory = MatrixGroup(shapes: shapes)
    latest = PassViews(rows: rows, of: memory.matrices, keptIndices: keptIndices, droppedIndices: droppedIndices)
  }

  /// The first `rows` rows of each matrix. Most blocks have as many rows as the one before: their views are kept, so that
  /// a step of a small network is not spent on making them.
  func views(rows: Int) -> PassViews<Element> {
    if latest.rows != rows {
      latest = PassViews(rows: rows, of: memory.matrices, keptIndices: keptIndices, droppedIndices: droppedIndices)
    }
    return latest
  }
}

/// What a pass over a block of rows writes.
struct PassViews<Element: KernelElement> {
  let rows: Int
  /// `[rows × outputs]` of each layer: its activated outputs.
  let outputs: [MutableMatrixView<Element>]
  /// `[rows × outputs]` of each layer: what its derivative takes, the outputs themselves or the sums.
  let kept: [MutableMatrixView<Element>]
  /// `[rows × outputs]` of each layer: the gradients with respect to its sums, before the activation.
  let sumGradients: [MutableMatrixView<Element>]
  /// `[rows × outputs]` of each hidden layer: what dropout leaves of its outputs; empty where there is none.
  let dropped: [MutableMatrixView<Element>]

  /// The first rows of outputs, gradients, sums and what dropout leaves, in this order.
  fileprivate init(
    rows: Int, of matrices: [MutableMatrixView<Element>], keptIndices: [Int], droppedIndices: Range<Int>
  ) {
    let layers = keptIndices.count
    self.rows = rows
    outputs = matrices[..<layers].map { $0.rows(0..<rows) }
    sumGradients = matrices[layers..<2 * layers].map { $0.rows(0..<rows) }
    kept = keptIndices.map { matrices[$0].rows(0..<rows) }
    dropped = matrices[droppedIndices].map { $0.rows(0..<rows) }
  }
}
