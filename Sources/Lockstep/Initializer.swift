// The parameters that training starts from.

import ComputeBackend

/// How the parameters of a new network are drawn.
public enum Initializer: String, Sendable, CaseIterable {
  /// Weights and biases from the standard normal distribution.
  case standardNormal = "normal"
  /// Weights and biases uniform between ±1/√inputs of their layer, as PyTorch's `Linear` starts.
  case uniform
  /// Weights from the normal distribution of standard deviation √(2/inputs) (He et al. 2015), for relu and its kin; biases 0.
  case he
  /// Weights uniform between ±√(6/(inputs + outputs)) (Glorot and Bengio 2010), for tanh and sigmoid; biases 0.
  case xavier
  /// Weights from the normal distribution of standard deviation √(1/inputs) (LeCun et al. 1998); biases 0.
  case lecun
  /// Weights and biases 0: for networks of one layer, as all outputs of a hidden one would stay the same.
  case zeros

  /// A weight of a layer with `inputs` inputs and `outputs` outputs; drawn in `Double`, whatever the network's precision.
  func weight(inputs: Int, outputs: Int, from stream: inout RandomStream) -> Double {
    switch self {
    case .standardNormal: stream.normal()
    case .uniform: (2 * stream.uniform() - 1) / Double(inputs).squareRoot()
    case .he: stream.normal() * (2 / Double(inputs)).squareRoot()
    case .xavier: (2 * stream.uniform() - 1) * (6 / (Double(inputs) + Double(outputs))).squareRoot()
    case .lecun: stream.normal() * (1 / Double(inputs)).squareRoot()
    case .zeros: 0
    }
  }

  /// A bias of such a layer: drawn as its weights are, or 0 without a draw.
  func bias(inputs: Int, outputs: Int, from stream: inout RandomStream) -> Double {
    switch self {
    case .standardNormal, .uniform: weight(inputs: inputs, outputs: outputs, from: &stream)
    case .he, .xavier, .lecun, .zeros: 0
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
      let weights = (0..<inputs * outputs).map { _ in
        Element(initializer.weight(inputs: inputs, outputs: outputs, from: &stream))
      }
      let bias = (0..<outputs).map { _ in
        Element(initializer.bias(inputs: inputs, outputs: outputs, from: &stream))
      }
      layers.append(
        DenseLayer(
          weights: Matrix(rows: outputs, columns: inputs, elements: weights).transposed,
          bias: Matrix(rows: 1, columns: outputs, elements: bias),
          activation: index == sizes.count - 1 ? output : hidden))
    }
    try self.init(layers: layers)
  }
}
