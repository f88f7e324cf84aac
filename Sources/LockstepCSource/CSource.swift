// A network as one C file: its parts, in the order in which they are written. What the parts hold lies in
// CSourceParameters.swift (the numbers), CSourceFunctions.swift (the arithmetic), CSourceElementary.swift,
// CSourceLogarithm.swift and CSourceNormal.swift (the functions).

import ComputeBackend
import FileWriting
import Lockstep

/// A network as a C99 source file that needs nothing but a C compiler and the C library's `fma`.
///
/// The file defines `void NAME_predict(const float *input, float *output)`, for a network of `Double` with `double`, which
/// computes the outputs `[outputs]` of one row of inputs `[inputs]`, and the macros `NAME_INPUTS` and `NAME_OUTPUTS`, where
/// NAME is the file's ``name``, in capitals for the macros. Everything else in it is static and begins with the name, so
/// that the files of several networks can be linked, or included into one file. The function keeps to the order of
/// arithmetic, therefore its results have the bits of ``Lockstep/Predictor``; it allocates nothing, and any number of
/// threads may call it at once.
///
/// The same network under the same name always gives the same bytes.
public struct CSource<Element: KernelElement>: Sendable {
  /// The network.
  public let network: Network<Element>
  /// What the names in the file begin with.
  public let name: String

  /// The source of a network.
  ///
  /// - Parameters:
  ///   - network: any network; numbers that are infinite or NaN stay so.
  ///   - name: what names begin with.
  /// - Throws: ``CSourceError`` for a name that C does not allow.
  public init(_ network: Network<Element>, name: String = "model") throws(CSourceError) {
    if let problem = CSourceError.problem(of: name) { throw CSourceError(name: name, problem: problem) }
    self.network = network
    self.name = name
  }

  /// Writes the file, whole or not at all.
  ///
  /// - Throws: `FileError`.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func write(to path: String) throws(FileError) {
    let functions = CSourceFunctions(
      name: name, precision: Element.precision, leakySlope: CSourceNumber.text(Element(Activation.leakySlope)))
    var file = try OutputFile(.path(path))
    try file.write(introduction)
    try file.write(functions.guards)
    for (index, layer) in network.layers.enumerated() { try write(layer, number: index + 1, to: &file) }
    try file.write(functions.layer)
    try file.write(functions.activations(Set(network.layers.map(\.activation))))
    try file.write(functions.forward(layers: network.layers.map { ($0.inputs, $0.outputs, $0.activation) }))
    try file.write(functions.predict)
    try file.finish()
  }

  /// What the file is and how it is used, as a comment.
  private var introduction: String {
    let type = Element.precision.cType
    let macros = name.uppercased()
    return """
      /* A dense network, \(network.sizes.map(String.init).joined(separator: "-")), written by Lockstep.
       * Digest of its parameters: \(network.parametersDigest)
       *
       * void \(name)_predict(const \(type) *input, \(type) *output) computes the outputs of one row of inputs,
       * \(macros)_OUTPUTS numbers of \(macros)_INPUTS. The two do not overlap. It may be called from several threads
       * at once, allocates nothing, and takes \(hiddenBytes) bytes of stack for what lies between the layers.
       *
       * Any C99 compiler will do: `cc -O3 -c FILE.c`, and -lm where the program is linked. The results have the bits of
       * `lockstep predict`, whatever the compiler, its optimisation and the CPU, as long as arithmetic is that of
       * IEEE 754: no -ffast-math or part of it, and the rounding and subnormal numbers with which a thread starts. */
      #define \(macros)_INPUTS \(network.inputs)
      #define \(macros)_OUTPUTS \(network.outputs)


      """
  }

  /// How much the arrays of ``CSourceFunctions/forward(layers:)`` take.
  private var hiddenBytes: Int {
    let widths = network.layers.dropLast().map(\.outputs)
    return CSourceFunctions.hiddenWidths(widths).reduce(0, +) * MemoryLayout<Element>.size
  }
}

extension Precision {
  /// The C type of an element.
  var cType: String {
    switch self {
    case .f32: "float"
    case .f64: "double"
    }
  }
}
