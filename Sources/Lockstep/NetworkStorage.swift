// Parameters and activations in kernel memory: what the pass works on. The values users hold lie in Network.swift.

import ComputeBackend

/// The parameters of a network, or as many gradients, in aligned memory.
final class NetworkStorage<Element: KernelElement> {
  struct Layer {
    let weights: MatrixStorage<Element>
    let bias: MatrixStorage<Element>
    let activation: Activation
  }

  let layers: [Layer]

  /// A copy of the network's parameters.
  init(_ network: Network<Element>) {
    layers = network.layers.map {
      Layer(weights: MatrixStorage($0.weights), bias: MatrixStorage($0.bias), activation: $0.activation)
    }
  }

  /// Zeros in the shape of `other`.
  init(shapedAs other: NetworkStorage) {
    layers = other.layers.map {
      Layer(
        weights: MatrixStorage(rows: $0.weights.rows, columns: $0.weights.columns),
        bias: MatrixStorage(rows: 1, columns: $0.bias.columns), activation: $0.activation)
    }
  }

  /// The layers as values.
  var denseLayers: [DenseLayer<Element>] {
    layers.map { DenseLayer(weights: $0.weights.matrix, bias: $0.bias.matrix, activation: $0.activation) }
  }

  /// Copies every parameter of `other`, a network of the same shape.
  func copy(from other: NetworkStorage) {
    for (layer, source) in zip(layers, other.layers) {
      layer.weights.mutableView.copy(from: source.weights.view)
      layer.bias.mutableView.copy(from: source.bias.view)
    }
  }

  /// True where every parameter is a finite number.
  var isFinite: Bool {
    layers.allSatisfy { $0.weights.view.isFinite && $0.bias.view.isFinite }
  }

  /// Bytes of all parameters.
  var byteCount: Int {
    layers.reduce(0) { $0 + ($1.weights.rows + 1) * $1.weights.columns } * MemoryLayout<Element>.stride
  }
}

/// Room for the pass over a block of rows: each layer's outputs, and the gradients with respect to each layer's sums.
final class PassWorkspace<Element: KernelElement> {
  /// The most rows that it takes.
  let rows: Int
  /// `[rows × outputs]` of each layer: its activated outputs.
  let outputs: [MatrixStorage<Element>]
  /// `[rows × outputs]` of each layer: the gradients with respect to its sums, before the activation.
  let sumGradients: [MatrixStorage<Element>]

  init(rows: Int, network: NetworkStorage<Element>) {
    self.rows = rows
    func room() -> [MatrixStorage<Element>] {
      network.layers.map { MatrixStorage(rows: rows, columns: $0.weights.columns) }
    }
    outputs = room()
    sumGradients = room()
  }

  /// The first rows of each matrix, to write.
  struct Views {
    let outputs: [MutableMatrixView<Element>]
    let sumGradients: [MutableMatrixView<Element>]
  }

  private var latestViews: (rows: Int, views: Views)?

  /// The first `rows` rows of each matrix. Most blocks have as many rows as the one before: their views are kept, so that
  /// a step of a small network is not spent on making them.
  func views(rows: Int) -> Views {
    if let latestViews, latestViews.rows == rows { return latestViews.views }
    let views = Views(
      outputs: outputs.map { $0.mutableView.rows(0..<rows) },
      sumGradients: sumGradients.map { $0.mutableView.rows(0..<rows) })
    latestViews = (rows, views)
    return views
  }
}
