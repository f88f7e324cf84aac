// From a network to a model file. The rules of names and shapes are told in NetworkFile.swift.

import ComputeBackend

extension Network {
  /// Writes the network as a model file, whole or not at all.
  ///
  /// - Parameters:
  ///   - path: the file; one that is there is replaced.
  ///   - description: what it was trained for and on.
  /// - Throws: ``ModelFileError`` where the file cannot be written.
  public func write(to path: String, description: ModelDescription) throws(ModelFileError) {
    try modelFile(description: description).write(to: path)
  }

  /// The network as the content of a model file.
  public func modelFile(description: ModelDescription) -> SafetensorsFile {
    file(.model, description: description)
  }

  fileprivate func file(_ content: ModelContent, description: ModelDescription) -> SafetensorsFile {
    let metadata = NetworkMetadata(
      content: content, activations: layers.map(\.activation), description: description)
    let indices = moduleIndices(layers.map(\.activation))
    let tensors = zip(indices, layers).flatMap { index, layer in
      [
        SafetensorsFile.Tensor(
          name: "\(index).weight", shape: [layer.outputs, layer.inputs], elements: layer.weights.transposed.elements),
        SafetensorsFile.Tensor(name: "\(index).bias", shape: [layer.outputs], elements: layer.bias.elements),
      ]
    }
    return SafetensorsFile(metadata: metadata.strings, tensors: tensors)
  }
}

extension Gradients {
  /// Writes the gradients, whole or not at all, under the names and in the shapes of the parameters. The metadata says
  /// that they are gradients, so that nobody takes them for a network.
  ///
  /// - Parameters:
  ///   - path: the file; one that is there is replaced.
  ///   - description: the loss that they are of, and the columns.
  /// - Throws: ``ModelFileError`` where the file cannot be written.
  public func write(to path: String, description: ModelDescription) throws(ModelFileError) {
    try Network(checked: layers).file(.gradients, description: description).write(to: path)
  }

  /// The fingerprint of the gradients, made as ``Network/parametersDigest``.
  public var digest: String { Network(checked: layers).parametersDigest }
}

/// The index of each layer's `Linear` among the modules of PyTorch's `nn.Sequential`, where every activation but the
/// identity is a module of its own.
func moduleIndices(_ activations: [Activation]) -> [Int] {
  var next = 0
  return activations.map { activation in
    defer { next += activation == .identity ? 1 : 2 }
    return next
  }
}
