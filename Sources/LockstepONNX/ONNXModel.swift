// Networks as ONNX models, for other runtimes: the model around the graph, its bytes, the file. The graph lies in
// ONNXGraph.swift. Reading ONNX is not done here.

import CLockstepONNX
import ComputeBackend
import FileWriting
import Lockstep

/// Why a network cannot be an ONNX model.
public enum ONNXError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The model needs at least `size` bytes, more than the `limit` of a protobuf message.
  case tooLarge(size: Int, limit: Int)

  public var description: String {
    switch self {
    case .tooLarge(let size, let limit):
      "as an ONNX model the network needs \(size) bytes, but protobuf allows \(limit); export it as f32 if it is f64, "
        + "or make its layers smaller."
    }
  }
}

/// A network as an ONNX model, which other runtimes load.
///
/// The model has an input named `input`, `[rows x inputs]`, and an output named `output`, `[rows x outputs]`, in the
/// network's precision, where `rows` is left open. Each layer is the operator `Gemm` (in `Double` `MatMul` and `Add`) with
/// weights `[inputs x outputs]` and a bias `[outputs]`, the network's own bits, and the operator of its activation. It is
/// a model of ONNX's operator set 9 and format version 4 (ONNX 1.4, of January 2019), the oldest in which parameters need
/// not be inputs as well, so that runtimes since then can load it.
///
/// A runtime computes in an order of its own, so its outputs agree with Lockstep's up to rounding, not to the bit.
///
/// The metadata has the entries `lockstep.precision` (the raw value of the `Precision`), `lockstep.digest`
/// (`Network.parametersDigest`) and what the `ModelDescription` tells, under the keys of a model file: `lockstep.loss`,
/// `lockstep.inputs` and `lockstep.targets`. The same network and description give the same bytes.
public struct ONNXModel: Sendable {
  /// The model as a file holds it: a protobuf message.
  public let bytes: [UInt8]

  /// The most bytes that a protobuf message may have.
  public static var maximumSize: Int { Int(Int32.max) }

  /// The version of ONNX's operators, and that of its format.
  private static var operatorSet: Int64 { 9 }
  private static var formatVersion: Int64 { 4 }

  /// The model of a network.
  ///
  /// - Parameters:
  ///   - network: the network.
  ///   - description: what it was trained for and on.
  ///   - producerVersion: the version of Lockstep, which the model names as its producer.
  /// - Throws: ``ONNXError`` for a model of more than ``maximumSize`` bytes.
  public init<Element: KernelElement>(
    _ network: Network<Element>, description: ModelDescription = ModelDescription(), producerVersion: String
  ) throws(ONNXError) {
    try self.init(
      network, description: description, producerVersion: producerVersion, maximumSize: Self.maximumSize)
  }

  init<Element: KernelElement>(
    _ network: Network<Element>, description: ModelDescription, producerVersion: String, maximumSize: Int
  ) throws(ONNXError) {
    // The parameters alone may be too many: that is seen before they are copied.
    let parameters = network.parameterCount * MemoryLayout<Element>.size
    guard parameters <= maximumSize else { throw .tooLarge(size: parameters, limit: maximumSize) }

    let memory = MessageMemory()
    let metadata = description.metadata.merging([
      "lockstep.precision": Element.precision.rawValue, "lockstep.digest": network.parametersDigest,
    ]) { $1 }
    let message = memory.message(lockstep_onnx__model_proto__init) { model in
      (model.has_ir_version, model.ir_version) = (1, Self.formatVersion)
      let operators = memory.message(lockstep_onnx__operator_set_id_proto__init) { operators in
        // An empty name is that of ONNX's own operators.
        operators.domain = memory.string("")
        (operators.has_version, operators.version) = (1, Self.operatorSet)
      }
      (model.n_opset_import, model.opset_import) = (1, memory.array([operators]))
      model.producer_name = memory.string("lockstep")
      model.producer_version = memory.string(producerVersion)
      model.graph = ONNXGraph(network, in: memory).message
      let entries = metadata.sorted { $0.key < $1.key }.map { key, value in
        memory.message(lockstep_onnx__string_string_entry_proto__init) { entry in
          (entry.key, entry.value) = (memory.string(key), memory.string(value))
        }
      }
      (model.n_metadata_props, model.metadata_props) = (entries.count, memory.array(entries))
    }
    let size = lockstep_onnx__model_proto__get_packed_size(message)
    guard size <= maximumSize else { throw .tooLarge(size: size, limit: maximumSize) }
    bytes = withExtendedLifetime(memory) {
      [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        count = lockstep_onnx__model_proto__pack(message, buffer.baseAddress)
      }
    }
  }

  /// Writes the model, whole or not at all.
  ///
  /// - Parameter path: the file; one that is there is replaced.
  /// - Throws: `FileError` where the file cannot be written.
  public func write(to path: String) throws(FileError) {
    var file = try OutputFile(.path(path))
    try file.write(bytes[...])
    try file.finish()
  }
}
