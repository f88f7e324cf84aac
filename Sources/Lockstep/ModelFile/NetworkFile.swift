// Networks in safetensors files: which tensors and which metadata stand for which network. How names and shapes are
// checked lies in NetworkFileLayout.swift, the bytes of the format in ModelFile.

import ComputeBackend

/// What a model file tells beside the network: what it was trained for and on.
public struct ModelDescription: Sendable, Equatable {
  /// The loss that training made small.
  public var loss: Loss?
  /// The names of the input columns, in the order of the network's inputs.
  public var inputColumns: [String]?
  /// The names of the target columns, in the order of the network's outputs; for a network that tells classes apart, the names
  /// of the classes.
  public var targetColumns: [String]?
  /// How it was trained: the text of a `Recipe`, which is read only when it is asked for, so that a recipe of a later version
  /// does not keep anyone from using the network.
  public var recipe: String?

  /// How the columns of a table become the inputs that ``inputColumns`` names, where they are not those columns as they are.
  public var inputEncodings: [ColumnEncoding]?
  /// How the columns that ``targetColumns`` names become targets, where they are not those columns as they are: a number each,
  /// some of them scaled. ``ComputeBackend/Matrix/decoded(by:)`` is the way back from outputs.
  public var targetEncodings: [ColumnEncoding]?
  /// The column whose values are the classes that ``targetColumns`` names, where the targets come from one column.
  public var classColumn: String?

  /// A description; what is not known stays `nil`.
  public init(
    loss: Loss? = nil, inputColumns: [String]? = nil, targetColumns: [String]? = nil,
    inputEncodings: [ColumnEncoding]? = nil, targetEncodings: [ColumnEncoding]? = nil, classColumn: String? = nil,
    recipe: String? = nil
  ) {
    self.loss = loss
    self.inputColumns = inputColumns
    self.targetColumns = targetColumns
    self.inputEncodings = inputEncodings
    self.targetEncodings = targetEncodings
    self.classColumn = classColumn
    self.recipe = recipe
  }
}

/// A model file whose tensors are known to make a dense network.
///
/// Layer `l` has the tensors `i.weight`, `[outputs × inputs]`, and `i.bias`, `[outputs]`, where `i` counts as PyTorch's
/// `nn.Sequential` counts its modules: a layer whose activation is not the identity takes two indices, one for `Linear`
/// and one for the activation. The metadata of Lockstep's own files has the entries
///
/// - `lockstep.format`: the version of these rules, `1`;
/// - `lockstep.content`: `model`, `gradients` for a file of gradients in the shape of one, or `checkpoint` for a training
///   run that can be gone on with;
/// - `lockstep.activations`: for each layer the raw value of its ``ComputeBackend/Activation``, a JSON array of strings;
/// - `lockstep.loss`: the raw value of the ``ComputeBackend/Loss``;
/// - `lockstep.inputs` and `lockstep.targets`: the names of columns, JSON arrays of strings;
/// - `lockstep.encodings`: where a table's columns are encoded before the network takes them, how: a JSON array with an object
///   for each column, which has its name as `column`, and for a scaled one `mean` and `deviation`, for one of categories
///   their list, `categories`. Categories are inputs named `column=value`, and all inputs together are `lockstep.inputs`;
/// - `lockstep.target_encodings`: the same for targets of numbers, of which some are scaled; none is of categories;
/// - `lockstep.class`: the name of the column whose values are the classes that `lockstep.targets` names;
/// - `lockstep.recipe`: how the network was trained, a JSON object.
///
/// Nothing in the file depends on the backend, the threads, the machine or the time, so the same training gives the same
/// bytes.
public struct NetworkFile: Sendable {
  /// The file, as the caller named it.
  public let path: String
  /// The precision of the tensors.
  public let precision: Precision
  /// What the metadata tells.
  public let description: ModelDescription
  /// The activation of each layer.
  public let activations: [Activation]
  /// The widths, from input to output.
  public let sizes: [Int]
  private let layers: [NetworkFileLayout.Layer]

  /// Reads a model file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - activation: the activation of the hidden layers, where the metadata does not tell and the indices leave room
  ///     for one; for a file that tells, it must agree.
  /// - Throws: ``NetworkFileError``.
  public init(contentsOf path: String, activation: Activation? = nil) throws(NetworkFileError) {
    let file: SafetensorsFile
    do { file = try SafetensorsFile(contentsOf: path) } catch { throw .file(error) }
    try self.init(file, path: path, activation: activation)
  }

  /// Takes the content of a file as a network.
  ///
  /// - Parameters:
  ///   - file: metadata and tensors.
  ///   - path: what messages call the file.
  ///   - activation: as for ``init(contentsOf:activation:)``.
  /// - Throws: ``NetworkFileError``.
  public init(_ file: SafetensorsFile, path: String, activation: Activation? = nil) throws(NetworkFileError) {
    let metadata = try NetworkMetadata(file.metadata, path: path)
    let layout = try NetworkFileLayout(file, path: path)
    self.path = path
    precision = layout.precision
    layers = layout.layers
    sizes = layout.sizes
    description = metadata.description
    activations = try layout.activations(named: metadata.activations, option: activation)
    for (key, names, size) in [
      (NetworkMetadata.inputsKey, description.inputColumns, sizes[0]),
      (NetworkMetadata.targetsKey, description.targetColumns, sizes[sizes.count - 1]),
    ] {
      guard let names, names.count != size else { continue }
      throw .network(file: path, tensor: nil, .namesDisagree(key: key, names: names.count, size: size))
    }
  }

  /// The network, its parameters converted where the file holds the other precision; narrowing rounds to nearest even.
  ///
  /// - Throws: ``NetworkFileError`` for a number that is finite in the file and infinite after narrowing.
  public func network<Element: KernelElement>(
    as _: Element.Type = Element.self
  ) throws(NetworkFileError) -> Network<Element> {
    var result: [DenseLayer<Element>] = []
    for (layer, activation) in zip(layers, activations) {
      let (outputs, inputs) = (layer.weight.shape[0], layer.weight.shape[1])
      result.append(
        DenseLayer(
          weights: Matrix(rows: outputs, columns: inputs, elements: try elements(of: layer.weight)).transposed,
          bias: Matrix(rows: 1, columns: outputs, elements: try elements(of: layer.bias)), activation: activation))
    }
    do { return try Network(layers: result) } catch {
      throw .network(file: path, tensor: nil, .shapes(error))
    }
  }

  /// The fingerprint of the parameters in the file's precision.
  package func parametersDigest() throws(NetworkFileError) -> String {
    switch precision {
    case .f32: try network(as: Float.self).parametersDigest
    case .f64: try network(as: Double.self).parametersDigest
    }
  }

  private func elements<Element: KernelElement>(
    of tensor: SafetensorsFile.Tensor
  ) throws(NetworkFileError) -> [Element] {
    let elements: [Element]
    let stored: [Double]
    do {
      elements = try tensor.elements()
      guard elements.contains(where: \.isInfinite) else { return elements }
      stored = try tensor.elements()
    } catch {
      throw .file(error)
    }
    if let (_, value) = zip(elements, stored).first(where: { $0.isInfinite && $1.isFinite }) {
      throw .network(file: path, tensor: tensor.name, .tooLarge(value, precision: Element.precision))
    }
    return elements
  }
}
