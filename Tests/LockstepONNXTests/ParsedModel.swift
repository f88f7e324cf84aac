// An ONNX model as Swift values, read by protobuf-c. What is expected of it lies in ONNXModelTests.swift.

import CLockstepONNX
import Testing

/// What an ONNX model holds.
struct ParsedModel {
  /// An operator with the names that it reads and writes.
  struct Node {
    let operation: String
    let name: String
    let inputs: [String]
    let output: String
    /// The attribute `alpha`, where there is one.
    let alpha: Float?
  }

  /// A tensor of parameters.
  struct Tensor {
    let type: Int32
    let shape: [Int]
    let bytes: [UInt8]

    func elements<Element: BitwiseCopyable>(as _: Element.Type) -> [Element] {
      let size = MemoryLayout<Element>.size
      return bytes.withUnsafeBytes { buffer in
        stride(from: 0, to: buffer.count, by: size).map { buffer.loadUnaligned(fromByteOffset: $0, as: Element.self) }
      }
    }
  }

  /// A matrix that enters or leaves the model.
  struct Value: Equatable {
    let name: String
    let type: Int32
    let rows: String
    let columns: Int
  }

  struct OperatorSet: Equatable {
    let domain: String
    let version: Int64
  }

  let formatVersion: Int64
  let operatorSets: [OperatorSet]
  let producer: String
  let metadata: [String: String]
  let nodes: [Node]
  let tensors: [String: Tensor]
  let input: Value
  let output: Value

  /// - Throws: where the bytes are no model, or one of another form.
  init(_ bytes: [UInt8]) throws {
    let model = try #require(lockstep_onnx__model_proto__unpack(nil, bytes.count, bytes))
    defer { lockstep_onnx__model_proto__free_unpacked(model, nil) }
    let graph = try #require(model.pointee.graph).pointee
    formatVersion = model.pointee.ir_version
    operatorSets = messages(model.pointee.opset_import, model.pointee.n_opset_import).map {
      OperatorSet(domain: text($0.domain), version: $0.version)
    }
    producer = "\(text(model.pointee.producer_name)) \(text(model.pointee.producer_version))"
    metadata = Dictionary(
      uniqueKeysWithValues: messages(model.pointee.metadata_props, model.pointee.n_metadata_props).map {
        (text($0.key), text($0.value))
      })
    nodes = try messages(graph.node, graph.n_node).map { node in
      try #require(node.n_output == 1)
      let attributes = messages(node.attribute, node.n_attribute)
      return Node(
        operation: text(node.op_type), name: text(node.name),
        inputs: (0..<node.n_input).map { text(node.input[$0]) }, output: text(node.output[0]),
        alpha: attributes.first { text($0.name) == "alpha" && $0.type.rawValue == 1 }?.f)
    }
    tensors = Dictionary(
      uniqueKeysWithValues: messages(graph.initializer, graph.n_initializer).map { tensor in
        let shape = (0..<tensor.n_dims).map { Int(tensor.dims[$0]) }
        let bytes = Array(UnsafeBufferPointer(start: tensor.raw_data.data, count: tensor.raw_data.len))
        return (text(tensor.name), Tensor(type: tensor.data_type, shape: shape, bytes: bytes))
      })
    input = try Self.value(messages(graph.input, graph.n_input))
    output = try Self.value(messages(graph.output, graph.n_output))
  }

  private static func value(_ values: [LockstepOnnx__ValueInfoProto]) throws -> Value {
    try #require(values.count == 1)
    let tensor = try #require(values[0].type?.pointee.tensor_type).pointee
    let shape = try #require(tensor.shape).pointee
    let sizes = messages(shape.dim, shape.n_dim)
    try #require(sizes.count == 2)
    try #require(sizes[0].value_case == LOCKSTEP_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM)
    try #require(sizes[1].value_case == LOCKSTEP_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
    return Value(
      name: text(values[0].name), type: tensor.elem_type, rows: text(sizes[0].dim_param),
      columns: Int(sizes[1].dim_value))
  }
}

private func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String {
  pointer.map { String(cString: $0) } ?? ""
}

private func messages<Message>(
  _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, _ count: Int
) -> [Message] {
  (0..<count).compactMap { pointers?[$0]?.pointee }
}
