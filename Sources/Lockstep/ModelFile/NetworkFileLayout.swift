// From the tensors of a model file to layers: which tensor belongs to which, and whether they fit one another. What the
// rules are is told in NetworkFile.swift.

import ComputeBackend

/// The tensors of a model file, sorted into layers whose shapes fit.
struct NetworkFileLayout {
  struct Layer {
    /// The index of its `Linear` module.
    let index: Int
    /// `[outputs × inputs]`.
    let weight: SafetensorsFile.Tensor
    /// `[outputs]`.
    let bias: SafetensorsFile.Tensor
  }

  let layers: [Layer]
  let precision: Precision
  private let path: String

  /// The widths, from input to output.
  var sizes: [Int] { [layers[0].weight.shape[1]] + layers.map { $0.bias.shape[0] } }

  /// - Throws: ``NetworkFileError`` where the tensors do not make a dense network.
  init(_ file: SafetensorsFile, path: String) throws(NetworkFileError) {
    self.path = path
    precision = try Self.precision(of: file, path: path)
    layers = try Self.pairs(file, path: path)
    for (position, layer) in layers.enumerated() {
      func fail(_ tensor: SafetensorsFile.Tensor, _ problem: NetworkFileError.Problem) -> NetworkFileError {
        .network(file: path, tensor: tensor.name, problem)
      }
      let (weight, bias) = (layer.weight, layer.bias)
      guard weight.shape.count == 2 else { throw fail(weight, .rank(expected: 2, shape: weight.shape)) }
      guard bias.shape.count == 1 else { throw fail(bias, .rank(expected: 1, shape: bias.shape)) }
      guard !weight.shape.contains(0) else { throw fail(weight, .empty(shape: weight.shape)) }
      guard bias.shape[0] == weight.shape[0] else {
        throw fail(bias, .biasSize(expected: weight.shape[0], found: bias.shape[0], weight: weight.name))
      }
      guard position > 0 else { continue }
      let below = layers[position - 1]
      guard below.weight.shape[0] == weight.shape[1] else {
        throw fail(
          weight, .inputSize(expected: below.weight.shape[0], found: weight.shape[1], below: below.weight.name))
      }
    }
  }

  private static func precision(of file: SafetensorsFile, path: String) throws(NetworkFileError) -> Precision {
    guard let first = file.tensors.first else { throw .network(file: path, tensor: nil, .noLayers) }
    for tensor in file.tensors {
      guard tensor.dataType == .f32 || tensor.dataType == .f64 else {
        throw .file(ModelFileError(file: path, tensor: tensor.name, problem: .unsupportedDataType(tensor.dataType)))
      }
      guard tensor.dataType == first.dataType else {
        throw .network(
          file: path, tensor: tensor.name, .mixedDataTypes(tensor.dataType, first: first.dataType, of: first.name))
      }
    }
    return first.dataType == .f64 ? .f64 : .f32
  }

  private static func pairs(_ file: SafetensorsFile, path: String) throws(NetworkFileError) -> [Layer] {
    var weights: [Int: SafetensorsFile.Tensor] = [:]
    var biases: [Int: SafetensorsFile.Tensor] = [:]
    for tensor in file.tensors {
      let parts = tensor.name.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count == 2, let index = Int(parts[0]), "\(index)" == parts[0], index >= 0,
        ["weight", "bias"].contains(parts[1])
      else { throw .network(file: path, tensor: tensor.name, .unexpectedName) }
      if parts[1] == "weight" { weights[index] = tensor } else { biases[index] = tensor }
    }
    if let (index, bias) = biases.filter({ weights[$0.key] == nil }).min(by: { $0.key < $1.key }) {
      throw .network(file: path, tensor: bias.name, .missingWeight("\(index).weight"))
    }

    var layers: [Layer] = []
    for (index, weight) in weights.sorted(by: { $0.key < $1.key }) {
      guard let bias = biases[index] else {
        throw .network(file: path, tensor: weight.name, .missingBias("\(index).bias"))
      }
      let expected = layers.last.map { $0.index + 1 } ?? 0
      // One index may belong to an activation, but nothing stands in front of the first layer.
      guard index == expected || !layers.isEmpty && index == expected + 1 else {
        throw .network(file: path, tensor: weight.name, .indexGap(index: index, expected: expected))
      }
      layers.append(Layer(index: index, weight: weight, bias: bias))
    }
    return layers
  }
}

extension NetworkFileLayout {
  /// The activation of each layer.
  ///
  /// - Parameters:
  ///   - named: what the metadata tells, if it does.
  ///   - option: what the user says about the hidden layers, if anything.
  /// - Throws: ``NetworkFileError`` where they disagree with one another or with the indices, or where nobody tells.
  func activations(named: [Activation]?, option: Activation?) throws(NetworkFileError) -> [Activation] {
    let hasRoom = zip(layers, layers.dropFirst()).map { $1.index - $0.index == 2 }
    if let option, option != .identity, !hasRoom.isEmpty, !hasRoom.contains(true) {
      throw .network(file: path, tensor: layers[1].weight.name, .noRoomForActivation(option))
    }
    if let named {
      // What follows the last layer leaves no trace in the indices.
      guard named.count == layers.count, zip(named, hasRoom).allSatisfy({ ($0 != .identity) == $1 }) else {
        throw .network(file: path, tensor: nil, .activationsDisagree(named, indices: layers.map(\.index)))
      }
      if let option, let (other, _) = zip(named, hasRoom).first(where: { $1 && $0 != option }) {
        throw .network(file: path, tensor: nil, .otherActivation(file: other, option: option))
      }
      return named
    }
    guard let option = option ?? (hasRoom.contains(true) ? nil : .identity) else {
      throw .network(file: path, tensor: nil, .unknownActivation)
    }
    return hasRoom.map { $0 ? option : .identity } + [.identity]
  }
}
