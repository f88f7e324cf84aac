// Networks that are part of a program: what the Swift types share that the plugin EmbedNetworks writes. How such a type is
// written lies in the module LockstepEmbed.

import ComputeBackend

/// A network whose parameters are inside the program: what the plugin `EmbedNetworks` makes of a model file in a Swift target.
///
/// Each type has, beside what is here, `predict` functions whose types tell how many numbers go in and come out.
/// <doc:NetworksInSwiftTargets> shows them. Everything may be used from any number of tasks at once, and has the bits that
/// `lockstep predict` writes for the model file.
public protocol EmbeddedNetwork {
  /// What the network computes in: the precision of the model file.
  associatedtype Element: NetworkElement
  /// The widths, from input to output.
  static var sizes: [Int] { get }
  /// The activation of each layer.
  static var activations: [Activation] { get }
  /// What the model file tells of the training: the loss, the names of columns.
  static var modelDescription: ModelDescription { get }
  /// The ``Network/parametersDigest`` of the network.
  static var parametersDigest: String { get }
  /// The parameters in file order, little-endian, every NaN the canonical one, in Base64.
  static var encodedParameters: StaticString { get }
  /// What answers on the backend that ``Backends`` makes where none is named, made at the first use.
  static var predictor: Predictor<Element> { get }
}

extension EmbeddedNetwork {
  /// The network as a value. It is decoded at every access: keep what you use more than once.
  ///
  /// - Precondition: the parameters in the program have the ``parametersDigest``.
  public static var network: Network<Element> {
    let shapes = zip(zip(sizes, sizes.dropFirst()), activations).map { (inputs: $0.0, outputs: $0.1, activation: $1) }
    let count = shapes.reduce(0) { $0 + ($1.inputs + 1) * $1.outputs }
    let encoded = encodedParameters
    let parameters = [Element](unsafeUninitializedCapacity: count) { elements, initialized in
      let text = UnsafeBufferPointer(start: encoded.utf8Start, count: encoded.utf8CodeUnitCount)
      let bytes = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: elements[..<count]))
      precondition(Base64.decode(text, into: bytes), "\(Self.self): the parameters in the program are damaged")
      // It costs about as much as decoding, once, and tells damage to the program, or a type that another version of the
      // plugin wrote, from a network that gives other numbers than it was checked with. The bytes are those of the digest's
      // definition: little-endian, every NaN the canonical one.
      let digest = Digest.fnv1a(bytes: UnsafeRawBufferPointer(bytes))
      precondition(
        digest == parametersDigest,
        "\(Self.self): the parameters in the program are damaged: their digest is \(digest), not \(parametersDigest)")
      initialized = count
    }
    return Network(shapes: shapes, parametersInFileOrder: parameters)
  }

  /// A predictor on a backend of your choice, with a copy of the parameters of its own: keep it.
  ///
  /// - Parameter backend: what computes; no result depends on it.
  /// - Precondition: as for ``network``.
  public static func predictor(on backend: any ComputeBackend<Element>) -> Predictor<Element> {
    Predictor(network, backend: backend)
  }

  /// What ``predictor`` is at its first use.
  ///
  /// - Precondition: as for ``network``, and a backend can run here. A program that has to go on without one calls
  ///   ``Backends/make(_:threads:as:)-(BackendKind?,_,_)`` itself, and ``predictor(on:)``.
  public static func makePredictor() -> Predictor<Element> {
    do {
      return predictor(on: try Backends.make())
    } catch {
      fatalError("\(Self.self): \(error)")
    }
  }

  /// The outputs for rows of input: each row's depend on that row alone.
  ///
  /// - Parameter input: `[rows × inputs]`.
  /// - Returns: `[rows × outputs]`.
  /// - Throws: ``NetworkError/inputColumns(expected:found:)``.
  public static func predict(_ input: Matrix<Element>) throws(NetworkError) -> Matrix<Element> {
    try predictor.predict(input)
  }

  /// The outputs for rows of input, into memory that the caller has.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`, row after row.
  ///   - output: `[rows × outputs]`, written.
  /// - Throws: ``NetworkError/spanLength(elements:columns:rows:)``.
  public static func predict(
    _ input: Span<Element>, into output: inout MutableSpan<Element>
  ) throws(NetworkError) {
    try predictor.predict(input, into: &output)
  }

  /// The outputs of one row. The plugin writes a function `predict` that calls this one, with the sizes of the network.
  ///
  /// - Precondition: the sizes are those of the network.
  @inlinable
  public static func outputs<let inputs: Int, let outputs: Int>(
    of row: InlineArray<inputs, Element>
  ) -> InlineArray<outputs, Element> {
    var result = InlineArray<outputs, Element>(repeating: 0)
    let span = row.span
    var written = result.mutableSpan
    do {
      try predict(span, into: &written)
    } catch {
      preconditionFailure("\(Self.self): \(error)")
    }
    return result
  }
}
