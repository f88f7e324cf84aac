// What keeps a safetensors file from being a network, and the sentence that says so. What can be wrong with the file
// itself lies in ModelFile.

import ComputeBackend

/// A model file that cannot be used: which, where in it, and what is wrong.
public enum NetworkFileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file is missing, unreadable or no sound safetensors file.
  case file(ModelFileError)
  /// The file is sound, but its tensors or metadata make no dense network.
  case network(file: String, tensor: String?, Problem)

  /// What keeps tensors and metadata from being a network.
  public enum Problem: Sendable, Equatable {
    /// There are no tensors.
    case noLayers
    /// A tensor's name is not that of a layer's weight or bias.
    case unexpectedName
    /// A bias without its weight.
    case missingWeight(String)
    /// A weight without its bias.
    case missingBias(String)
    /// More than an activation between two layers, or something in front of the first.
    case indexGap(index: Int, expected: Int)
    /// A weight that is no matrix, or a bias that is no vector.
    case rank(expected: Int, shape: [Int])
    /// A weight with a size of zero.
    case empty(shape: [Int])
    /// A bias of another size than its weight has rows.
    case biasSize(expected: Int, found: Int, weight: String)
    /// A layer that takes another number of inputs than the one below gives.
    case inputSize(expected: Int, found: Int, below: String)
    /// Tensors of both precisions.
    case mixedDataTypes(SafetensorsFile.DataType, first: SafetensorsFile.DataType, of: String)
    /// An entry of the metadata that means nothing.
    case badMetadata(key: String, value: String)
    /// A file by the rules of another version.
    case unknownFormat(String)
    /// An entry of the metadata that cannot be used, with the reason as a clause.
    case badEntry(key: String, reason: String)
    /// A tensor of a checkpoint that cannot be used, with the reason as a clause.
    case badTensor(reason: String)
    /// A file of gradients.
    case gradients
    /// A checkpoint, where a network is wanted.
    case checkpoint
    /// Something else, where a checkpoint is wanted.
    case noCheckpoint
    /// A checkpoint that does not hold what was written, by its digest.
    case digestDiffers(stored: String, found: String)
    /// More or fewer names of columns than the network has inputs or outputs.
    case namesDisagree(key: String, names: Int, size: Int)
    /// Activations in the metadata that the indices of the tensors leave no room for, or too much.
    case activationsDisagree([Activation], indices: [Int])
    /// The metadata names another activation than the user.
    case otherActivation(file: Activation, option: Activation)
    /// The user names an activation that the indices leave no room for.
    case noRoomForActivation(Activation)
    /// The indices leave room for activations, and nobody says which.
    case unknownActivation
    /// A number that is infinite in the precision asked for.
    case tooLarge(Double, precision: Precision)
    /// Shapes that do not fit one another.
    case shapes(NetworkError)
  }

  public var description: String {
    switch self {
    case .file(let error): error.description
    case .network(let file, let tensor, let problem):
      "\(file)\(tensor.map { ", tensor \($0.debugDescription)" } ?? ""): \(problem.sentence)."
    }
  }
}

extension NetworkFileError.Problem {
  fileprivate var sentence: String {
    switch self {
    case .noLayers: "the file holds no tensors, so there are no layers"
    case .unexpectedName:
      "a dense network has only tensors named like 0.weight and 0.bias, as nn.Sequential of Linear layers names them"
    case .missingWeight(let name): "the layer lacks its weight, \(name)"
    case .missingBias(let name):
      "the layer lacks its bias, \(name); layers without bias are not supported, add one of zeros"
    case .indexGap(let index, 0):
      "the first layer must have index 0, but it has \(index), so a module of another kind stands before it"
    case .indexGap(let index, let expected):
      "the next layer must have index \(expected), or \(expected + 1) after an activation, but it has \(index), "
        + "so modules of another kind stand between"
    case .rank(let expected, let shape):
      "its shape is \(shape), but a layer's \(expected == 2 ? "weight has two axes, [out, in]" : "bias has one axis, [out]")"
    case .empty(let shape): "its shape is \(shape), but a layer needs at least 1 input and 1 output"
    case .biasSize(let expected, let found, let weight):
      "the bias has \(found) numbers, but \(weight) has \(expected) outputs"
    case .inputSize(let expected, let found, let below):
      "the layer takes \(found) inputs, but \(below) gives \(expected) outputs"
    case .mixedDataTypes(let type, let first, let name):
      "its elements are \(type.rawValue), but those of \(name) are \(first.rawValue); convert them to one type"
    case .badMetadata(let key, let value):
      "the metadata's \(key) is \(value.prefix(100).debugDescription), which means nothing to this version of Lockstep"
    case .unknownFormat(let format):
      "the file's format is version \(format.prefix(100).debugDescription), but this version of Lockstep reads only "
        + "version \(NetworkMetadata.format)"
    case .badEntry(let key, let reason): "the metadata's \(key) cannot be used, as \(reason)"
    case .badTensor(let reason): reason
    case .checkpoint:
      "the file holds a checkpoint of a training run, not a network; `lockstep train --resume` makes one of it"
    case .noCheckpoint: "the file is no checkpoint of a training run"
    case .digestDiffers(let stored, let found):
      "the checkpoint was written with the digest \(stored.prefix(100)), but what it holds has \(found), so it has been "
        + "damaged or changed; go on from a copy of it, or start from the beginning"
    case .gradients: "the file holds the gradients of a network, not a network"
    case .namesDisagree(let key, let names, let size):
      "the metadata's \(key) names \(names) columns, but the network has \(size)"
    case .activationsDisagree(let activations, let indices):
      "the metadata's activations are \(activations.map(\.rawValue).joined(separator: ", ")), but the layers have the "
        + "indices \(indices.map(String.init).joined(separator: ", ")), and each activation but identity takes one"
    case .otherActivation(let file, let option):
      "the file's hidden layers have the activation \(file.rawValue), but \(option.rawValue) is asked for"
    case .noRoomForActivation(let activation):
      "the activation \(activation.rawValue) is asked for, but the indices of the layers leave no room for one"
    case .unknownActivation:
      "the file has activations between its layers but does not say which; an activation has to be named"
    case .tooLarge(let value, let precision): "the number \(value) is too large for precision \(precision.rawValue)"
    case .shapes(let error): error.description
    }
  }
}
