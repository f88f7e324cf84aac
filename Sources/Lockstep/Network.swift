// Networks as values: what users hold, files store. How they run lies in Pass.swift, how they learn in Trainer.swift.

import ComputeBackend

/// A dense layer: `activation(input weights + bias)`.
public struct DenseLayer<Element: KernelElement>: Sendable, Equatable {
  /// `[inputs × outputs]`.
  public var weights: Matrix<Element>
  /// `[1 × outputs]`.
  public var bias: Matrix<Element>
  /// What is applied to each output.
  public var activation: Activation

  /// A layer of these parameters; shapes are checked where it joins a ``Network``.
  public init(weights: Matrix<Element>, bias: Matrix<Element>, activation: Activation) {
    self.weights = weights
    self.bias = bias
    self.activation = activation
  }

  /// How many numbers a row of its input has.
  public var inputs: Int { weights.rows }
  /// How many numbers a row of its output has.
  public var outputs: Int { weights.columns }
}

/// What is wrong with a network or with the data it is given.
public enum NetworkError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A network has at least one layer.
  case noLayers
  /// Layer `layer` (from 1) has no inputs or no outputs.
  case emptyLayer(layer: Int)
  /// The bias of layer `layer` (from 1) is not one row of as many numbers as the layer has outputs.
  case biasShape(layer: Int, expected: Int, rows: Int, columns: Int)
  /// Layer `layer` (from 1) takes another number of inputs than the layer before it gives.
  case layersDisagree(layer: Int, inputs: Int, given: Int)
  /// Input rows of another length than the network takes.
  case inputColumns(expected: Int, found: Int)
  /// Targets of another shape than the network's output.
  case targetShape(expectedRows: Int, expectedColumns: Int, rows: Int, columns: Int)
  /// Weights of rows that are not one column of as many rows as the data has.
  case weightShape(expectedRows: Int, rows: Int, columns: Int)
  /// The weight of row `row` (from 0) is negative or no finite number.
  case weight(row: Int, value: String)
  /// Weights of rows whose sum is no finite number.
  case weightSum
  /// Weights of rows, not all 0, whose sum is so small that it becomes 0 or its reciprocal infinite: of all rows, or of those that
  /// may make up a batch.
  case weightSumTooSmall
  /// Weights that are all 0, of all the rows that are to be learned from.
  case noWeight
  /// Memory for outputs of another shape than the network gives.
  case outputShape(expectedRows: Int, expectedColumns: Int, rows: Int, columns: Int)
  /// A span that is no whole number of rows, or (where `rows` says how many it must hold) of another number.
  case spanLength(elements: Int, columns: Int, rows: Int?)
  /// Data without a row, where the mean of a loss is asked for.
  case noRows

  public var description: String {
    switch self {
    case .noLayers: "the network has no layers; give it at least one"
    case .emptyLayer(let layer): "layer \(layer) has no inputs or no outputs; each needs at least 1"
    case .biasShape(let layer, let expected, let rows, let columns):
      "the bias of layer \(layer) is \(rows) x \(columns); the layer has \(expected) outputs, so it must be 1 x \(expected)"
    case .layersDisagree(let layer, let inputs, let given):
      "layer \(layer) takes \(inputs) inputs, but the layer before it gives \(given)"
    case .inputColumns(let expected, let found):
      "the network takes \(expected) inputs, but the data has \(found) columns"
    case .targetShape(let expectedRows, let expectedColumns, let rows, let columns):
      "the targets are \(rows) x \(columns); the network's output is \(expectedRows) x \(expectedColumns)"
    case .weightShape(let expectedRows, let rows, let columns):
      "the weights are \(rows) x \(columns); the data has \(expectedRows) rows, so they must be \(expectedRows) x 1"
    case .weight(let row, let value):
      "the weight of row \(row) is \(value); it must be a finite number of at least 0"
    case .weightSum: "the sum of the weights is too large for their type; divide all of them by the same number"
    case .weightSumTooSmall:
      "the sum of the weights is too small for their type; multiply all of them by the same number"
    case .noWeight: "the weight of every row is 0, so there is nothing to learn from; give a row a weight above 0"
    case .outputShape(let expectedRows, let expectedColumns, let rows, let columns):
      "the memory for outputs is \(rows) x \(columns); the network's output is \(expectedRows) x \(expectedColumns)"
    case .spanLength(let elements, let columns, let rows):
      "a span has \(elements) elements; "
        + (rows.map { "\($0) rows of \(columns) are \($0 * columns)" } ?? "its rows have \(columns) each")
    case .noRows: "the data has no rows"
    }
  }
}

/// A dense network: layers, each taking what the one before it gives.
public struct Network<Element: KernelElement>: Sendable, Equatable {
  /// The layers, from input to output.
  public let layers: [DenseLayer<Element>]

  /// A network of these layers.
  ///
  /// - Throws: ``NetworkError`` where there are none, or shapes do not fit one another.
  public init(layers: [DenseLayer<Element>]) throws(NetworkError) {
    guard !layers.isEmpty else { throw .noLayers }
    for (index, layer) in layers.enumerated() {
      guard layer.inputs > 0, layer.outputs > 0 else { throw .emptyLayer(layer: index + 1) }
      guard layer.bias.rows == 1, layer.bias.columns == layer.outputs else {
        throw .biasShape(
          layer: index + 1, expected: layer.outputs, rows: layer.bias.rows, columns: layer.bias.columns)
      }
      guard index == 0 || layers[index - 1].outputs == layer.inputs else {
        throw .layersDisagree(layer: index + 1, inputs: layer.inputs, given: layers[index - 1].outputs)
      }
    }
    self.layers = layers
  }

  /// How many numbers an input row has.
  public var inputs: Int { layers[0].inputs }
  /// How many numbers an output row has.
  public var outputs: Int { layers[layers.count - 1].outputs }
  /// The widths, from input to output: `[784, 512, 10]`.
  public var sizes: [Int] { [inputs] + layers.map(\.outputs) }
  /// How many weights and biases there are.
  public var parameterCount: Int { layers.reduce(0) { $0 + ($1.inputs + 1) * $1.outputs } }

  /// Every parameter in file order: layer after layer, weights as `[outputs × inputs]` row after row, then the bias.
  public var parametersInFileOrder: [Element] {
    @specialized(where Element == Float)
    @specialized(where Element == Double)
    get { layers.flatMap { $0.weights.transposed.elements + $0.bias.elements } }
  }

  /// A network of the shape of `other` with these parameters.
  ///
  /// - Precondition: there are as many as `other` has.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public init(shapedAs other: Network, parametersInFileOrder parameters: [Element]) {
    self.init(
      shapes: other.layers.map { ($0.inputs, $0.outputs, $0.activation) }, parametersInFileOrder: parameters)
  }

  /// A network of layers of these shapes, which fit one another, with these parameters.
  ///
  /// - Precondition: there are as many as the shapes need.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  init(shapes: [(inputs: Int, outputs: Int, activation: Activation)], parametersInFileOrder parameters: [Element]) {
    precondition(
      parameters.count == shapes.reduce(0) { $0 + ($1.inputs + 1) * $1.outputs }, "The number of parameters differs")
    var rest = parameters[...]
    layers = shapes.map { shape in
      let weights = Array(rest.prefix(shape.inputs * shape.outputs))
      rest = rest.dropFirst(weights.count)
      let bias = Array(rest.prefix(shape.outputs))
      rest = rest.dropFirst(bias.count)
      return DenseLayer(
        weights: Matrix(rows: shape.outputs, columns: shape.inputs, elements: weights).transposed,
        bias: Matrix(rows: 1, columns: shape.outputs, elements: bias), activation: shape.activation)
    }
  }

  /// The fingerprint of the parameters: 64-bit FNV-1a over their little-endian bytes in file order, every NaN as the one
  /// canonical NaN; 16 hexadecimal digits.
  public var parametersDigest: String {
    @specialized(where Element == Float)
    @specialized(where Element == Double)
    get { Digest.fnv1a(parametersInFileOrder) }
  }

  /// True where every parameter is a finite number.
  public var isFinite: Bool {
    @specialized(where Element == Float)
    @specialized(where Element == Double)
    get {
      layers.allSatisfy { $0.weights.elements.allSatisfy(\.isFinite) && $0.bias.elements.allSatisfy(\.isFinite) }
    }
  }

  /// The network in another precision; narrowing rounds to nearest even.
  @specialized(where Element == Float, Other == Float)
  @specialized(where Element == Float, Other == Double)
  @specialized(where Element == Double, Other == Float)
  @specialized(where Element == Double, Other == Double)
  public func converted<Other: KernelElement>(to _: Other.Type) -> Network<Other> {
    func convert(_ matrix: Matrix<Element>) -> Matrix<Other> {
      Matrix(rows: matrix.rows, columns: matrix.columns, elements: matrix.elements.map { Other($0) })
    }
    let converted = layers.map {
      DenseLayer(weights: convert($0.weights), bias: convert($0.bias), activation: $0.activation)
    }
    // Shapes were checked when this network was made.
    return Network<Other>(checked: converted)
  }

  init(checked layers: [DenseLayer<Element>]) {
    self.layers = layers
  }
}
