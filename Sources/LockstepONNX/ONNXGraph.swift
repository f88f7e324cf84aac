// A network in the words of ONNX: which operators, tensors and names stand for its layers. Operators are specified at
// https://onnx.ai/onnx/operators/, the messages in CLockstepONNX/onnx.proto.

import CLockstepONNX
import ComputeBackend
import Lockstep

/// The operators and parameters of a network, gathered layer after layer.
struct ONNXGraph<Element: KernelElement> {
  private let network: Network<Element>
  private let memory: MessageMemory
  private var nodes: [UnsafeMutablePointer<LockstepOnnx__NodeProto>?] = []
  private var tensors: [UnsafeMutablePointer<LockstepOnnx__TensorProto>?] = []

  /// What the graph is called, as every graph must be.
  private static var name: String { "lockstep" }
  /// The names of the network's input and output, and of the size that they share.
  private static var input: String { "input" }
  private static var output: String { "output" }
  private static var rows: String { "rows" }
  /// Numbers that operators take, as tensors of a single element.
  private enum Constant: String {
    case slope = "leaky_slope"
    case zero, half, one
    case rootOfHalf = "root_of_half"

    var value: Double {
      switch self {
      case .slope: Activation.leakySlope
      case .zero: 0
      case .half: 0.5
      case .one: 1
      case .rootOfHalf: 0.5.squareRoot()
      }
    }
  }
  /// Those that have been used, in the order of their first use.
  private var constants: [Constant] = []

  /// A graph of `network`, whose messages live as long as `memory`.
  init(_ network: Network<Element>, in memory: MessageMemory) {
    self.network = network
    self.memory = memory
    var input = Self.input
    for (index, layer) in network.layers.enumerated() {
      let name = "layer\(index + 1)"
      let output = index == network.layers.count - 1 ? Self.output : "\(name).output"
      add(layer, name: name, input: input, output: output)
      input = output
    }
    for constant in constants { addTensor(constant.rawValue, shape: [], elements: [Element(constant.value)]) }
  }

  /// The graph as a message.
  var message: UnsafeMutablePointer<LockstepOnnx__GraphProto>? {
    memory.message(lockstep_onnx__graph_proto__init) { graph in
      graph.name = memory.string(Self.name)
      (graph.n_node, graph.node) = (nodes.count, memory.array(nodes))
      (graph.n_initializer, graph.initializer) = (tensors.count, memory.array(tensors))
      (graph.n_input, graph.input) = (1, memory.array([matrix(Self.input, columns: network.inputs)]))
      (graph.n_output, graph.output) = (1, memory.array([matrix(Self.output, columns: network.outputs)]))
    }
  }

  /// `input weights + bias`, and the activation.
  private mutating func add(_ layer: DenseLayer<Element>, name: String, input: String, output: String) {
    let (weights, bias) = ("\(name).weights", "\(name).bias")
    addTensor(weights, shape: [layer.inputs, layer.outputs], elements: layer.weights.elements)
    addTensor(bias, shape: [layer.outputs], elements: layer.bias.elements)
    let sums = layer.activation == .identity ? output : "\(name).sums"
    switch Element.precision {
    case .f32: addNode("Gemm", [input, weights, bias], sums)
    case .f64:
      // Many releases of ONNX Runtime, 1.17 among them, join a Gemm in Double and an activation to an operator that they
      // then lack.
      addNode("MatMul", [input, weights], "\(name).products")
      addNode("Add", ["\(name).products", bias], sums)
    }
    switch (layer.activation, Element.precision) {
    case (.identity, _): break
    case (.relu, _): addNode("Relu", [sums], output)
    case (.tanh, _): addNode("Tanh", [sums], output)
    case (.sigmoid, _): addNode("Sigmoid", [sums], output)
    case (.leakyReLU, .f32): addNode("LeakyRelu", [sums], output, alpha: Float(Activation.leakySlope))
    case (.leakyReLU, .f64):
      // An attribute is a Float, and 0.01 as a Float is not 0.01 as a Double. With a slope between 0 and 1, the larger
      // of z and slope z is the leaky ReLU of z.
      addNode("Mul", [sums, use(.slope)], "\(name).scaled")
      addNode("Max", [sums, "\(name).scaled"], output)
    case (.silu, _):
      addNode("Sigmoid", [sums], "\(name).sigmoid")
      addNode("Mul", [sums, "\(name).sigmoid"], output)
    case (.elu, .f32): addNode("Elu", [sums], output)
    case (.elu, .f64):
      // ONNX Runtime has no Elu in Double: max(z, 0) + (exp(min(z, 0)) - 1).
      addNode("Relu", [sums], "\(name).positive_part")
      addNode("Min", [sums, use(.zero)], "\(name).negative_part")
      addNode("Exp", ["\(name).negative_part"], "\(name).exponential")
      addNode("Sub", ["\(name).exponential", use(.one)], "\(name).exponential_less_one")
      addNode("Add", ["\(name).positive_part", "\(name).exponential_less_one"], output)
    case (.gelu, _):
      // z (1 + erf(z / √2)) / 2; operator set 9 has no Gelu.
      addNode("Mul", [sums, use(.rootOfHalf)], "\(name).scaled")
      addNode("Erf", ["\(name).scaled"], "\(name).error_function")
      addNode("Add", ["\(name).error_function", use(.one)], "\(name).twice_probability")
      addNode("Mul", [sums, use(.half)], "\(name).half")
      addNode("Mul", ["\(name).half", "\(name).twice_probability"], output)
    case (.softplus, .f32): addNode("Softplus", [sums], output)
    case (.softplus, .f64):
      // ONNX Runtime has no Softplus in Double: max(z, 0) + log(1 + exp(-|z|)).
      addNode("Relu", [sums], "\(name).positive_part")
      addNode("Abs", [sums], "\(name).magnitude")
      addNode("Neg", ["\(name).magnitude"], "\(name).minus_magnitude")
      addNode("Exp", ["\(name).minus_magnitude"], "\(name).exponential")
      addNode("Add", ["\(name).exponential", use(.one)], "\(name).exponential_and_one")
      addNode("Log", ["\(name).exponential_and_one"], "\(name).logarithm")
      addNode("Add", ["\(name).positive_part", "\(name).logarithm"], output)
    }
  }

  /// The name of a constant, which the graph then has.
  private mutating func use(_ constant: Constant) -> String {
    if !constants.contains(constant) { constants.append(constant) }
    return constant.rawValue
  }

  private mutating func addNode(_ operation: String, _ inputs: [String], _ output: String, alpha: Float? = nil) {
    nodes.append(
      memory.message(lockstep_onnx__node_proto__init) { node in
        node.op_type = memory.string(operation)
        // The output's name is the one thing that no two nodes share.
        node.name = memory.string("\(output)/\(operation)")
        (node.n_input, node.input) = (inputs.count, memory.array(inputs.map(memory.string)))
        (node.n_output, node.output) = (1, memory.array([memory.string(output)]))
        guard let alpha else { return }
        let attribute = memory.message(lockstep_onnx__attribute_proto__init) { attribute in
          attribute.name = memory.string("alpha")
          (attribute.has_type, attribute.type) = (1, LOCKSTEP_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT)
          (attribute.has_f, attribute.f) = (1, alpha)
        }
        (node.n_attribute, node.attribute) = (1, memory.array([attribute]))
      })
  }

  /// Adds a tensor of these elements, row after row. `raw_data` is little-endian, as are the CPUs that Lockstep runs on.
  private mutating func addTensor(_ name: String, shape: [Int], elements: [Element]) {
    tensors.append(
      memory.message(lockstep_onnx__tensor_proto__init) { tensor in
        tensor.name = memory.string(name)
        (tensor.n_dims, tensor.dims) = (shape.count, memory.array(shape.map(Int64.init)))
        (tensor.has_data_type, tensor.data_type) = (1, dataType)
        let bytes = memory.bytes(elements)
        tensor.has_raw_data = 1
        (tensor.raw_data.data, tensor.raw_data.len) = (bytes.start, bytes.count)
      })
  }

  /// A matrix of any number of rows.
  private func matrix(_ name: String, columns: Int) -> UnsafeMutablePointer<LockstepOnnx__ValueInfoProto>? {
    let sizes = [
      memory.message(lockstep_onnx__tensor_shape_proto__dimension__init) { size in
        size.value_case = LOCKSTEP_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
        size.dim_param = memory.string(Self.rows)
      },
      memory.message(lockstep_onnx__tensor_shape_proto__dimension__init) { size in
        size.value_case = LOCKSTEP_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
        size.dim_value = Int64(columns)
      },
    ]
    let tensor = memory.message(lockstep_onnx__type_proto__tensor__init) { tensor in
      (tensor.has_elem_type, tensor.elem_type) = (1, dataType)
      tensor.shape = memory.message(lockstep_onnx__tensor_shape_proto__init) { shape in
        (shape.n_dim, shape.dim) = (sizes.count, memory.array(sizes))
      }
    }
    return memory.message(lockstep_onnx__value_info_proto__init) { value in
      value.name = memory.string(name)
      value.type = memory.message(lockstep_onnx__type_proto__init) { type in
        type.value_case = LOCKSTEP_ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
        type.tensor_type = tensor
      }
    }
  }

  private var dataType: Int32 {
    switch Element.precision {
    case .f32: Int32(LOCKSTEP_ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT.rawValue)
    case .f64: Int32(LOCKSTEP_ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE.rawValue)
    }
  }
}
