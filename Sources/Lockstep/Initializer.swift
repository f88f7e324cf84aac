// The parameters that training starts from.

import ComputeBackend

/// How the parameters of a new network are drawn.
public enum Initializer: String, Sendable, CaseIterable {
  /// Weights and biases from the standard normal distribution.
  case standardNormal = "normal"
  /// Weights and biases uniform between ±1/√inputs of their layer, as PyTorch's `Linear` starts.
  case uniform

  /// A value for a parameter of a layer with `inputs` inputs; drawn in `Double`, whatever the network's precision.
  func draw(inputs: Int, from stream: inout RandomStream) -> Double {
    switch self {
    case .standardNormal: stream.normal()
    case .uniform: (2 * stream.uniform() - 1) / Double(inputs).squareRoot()
    }
  }
}

extension Network {
  /// A network of new parameters, drawn in file order from the stream ``RandomStream/Purpose/parameters`` of `seed`:
  /// layer after layer, weights as `[outputs × inputs]` row after row, then the bias. `Float` parameters are those of
  /// `Double`, rounded.
  ///
  /// - Parameters:
  ///   - sizes: the widths, from input to output: two or more.
  ///   - hidden: the activation of every layer but the last.
  ///   - output: the activation of the last layer.
  ///   - initializer: how parameters are drawn.
  ///   - seed: any number.
  /// - Throws: ``NetworkError`` where a width is below 1 or there is no layer.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public init(
    sizes: [Int], hidden: Activation, output: Activation = .identity, initializer: Initializer = .uniform, seed: UInt64
  ) throws(NetworkError) {
    guard sizes.count > 1 else { throw .noLayers }
    if let empty = sizes.firstIndex(where: { $0 < 1 }) { throw .emptyLayer(layer: max(empty, 1)) }
    var stream = RandomStream(seed: seed, purpose: .parameters)
    var layers: [DenseLayer<Element>] = []
    for index in 1..<sizes.count {
      let (inputs, outputs) = (sizes[index - 1], sizes[index])
      let weights = (0..<inputs * outputs).map { _ in Element(initializer.draw(inputs: inputs, from: &stream)) }
      let bias = (0..<outputs).map { _ in Element(initializer.draw(inputs: inputs, from: &stream)) }
      layers.append(
        DenseLayer(
          weights: Matrix(rows: outputs, columns: inputs, elements: weights).transposed,
          bias: Matrix(rows: 1, columns: outputs, elements: bias),
          activation: index == sizes.count - 1 ? output : hidden))
    }
    try self.init(layers: layers)
  }
}
