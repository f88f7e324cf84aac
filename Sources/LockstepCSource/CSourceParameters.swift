// The numbers of a network as C arrays: exact hexadecimal constants, in the order in which the forward pass reads them.

import ComputeBackend
import FileWriting
import Lockstep

extension CSource {
  /// How many outputs a panel of weights has: 256 bytes, so that their sums fit the registers of any vector unit.
  static var panelWidth: Int { 256 / MemoryLayout<Element>.size }

  /// Writes the weights and the bias of a layer.
  ///
  /// The weights are cut into panels of ``panelWidth`` outputs, the last of which may be narrower. A panel holds, for one
  /// input after another, the weights that lead to its outputs; so the forward pass reads the whole array from its
  /// beginning to its end.
  func write(_ layer: DenseLayer<Element>, number: Int, to file: inout OutputFile) throws(FileError) {
    let weights = layer.weights.elements
    try file.write("static const \(Element.precision.cType) \(name)_weights_\(number)[\(weights.count)] = {")
    var array = CSourceArray(suffix: CSourceNumber.suffix(Element.self))
    var start = 0
    while start < layer.outputs {
      let end = min(start + Self.panelWidth, layer.outputs)
      for input in 0..<layer.inputs {
        for output in start..<end { array.append(Double(weights[input * layer.outputs + output])) }
        try array.flush(to: &file)
      }
      start = end
    }
    try file.write("\n};\nstatic const \(Element.precision.cType) \(name)_bias_\(number)[\(layer.outputs)] = {")
    array = CSourceArray(suffix: CSourceNumber.suffix(Element.self))
    for element in layer.bias.elements { array.append(Double(element)) }
    try array.flush(to: &file)
    try file.write("\n};\n\n")
  }
}

/// The elements of a C array while they are being written, eight to a line.
private struct CSourceArray {
  let suffix: String
  private var count = 0
  private var bytes: [UInt8] = []

  init(suffix: String) { self.suffix = suffix }

  mutating func append(_ value: Double) {
    bytes.append(contentsOf: (count % 8 == 0 ? "\n  " : " ").utf8)
    count += 1
    CSourceNumber.append(value, suffix: suffix, to: &bytes)
    bytes.append(UInt8(ascii: ","))
  }

  mutating func flush(to file: inout OutputFile) throws(FileError) {
    try file.write(bytes[...])
    bytes.removeAll(keepingCapacity: true)
  }
}

/// Numbers as C constants.
enum CSourceNumber {
  /// What makes a constant one of the element type.
  static func suffix<Element: MatrixElement>(_: Element.Type) -> String {
    switch Element.precision {
    case .f32: "f"
    case .f64: ""
    }
  }

  /// The constant of `value`.
  static func text<Element: MatrixElement>(_ value: Element) -> String {
    var bytes: [UInt8] = []
    append(Double(value), suffix: suffix(Element.self), to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends the hexadecimal constant of `value`, exact to the sign of a zero: `-0x1.8p-3`. Every `Float` is a `Double`,
  /// so this serves both. What is not finite has a name in `math.h`.
  static func append(_ value: Double, suffix: String, to bytes: inout [UInt8]) {
    if value.isNaN { return bytes.append(contentsOf: "NAN".utf8) }
    if value.sign == .minus { bytes.append(UInt8(ascii: "-")) }
    if value.isInfinite { return bytes.append(contentsOf: "INFINITY".utf8) }
    bytes.append(contentsOf: (value.isNormal ? "0x1" : "0x0").utf8)
    var fraction = value.significandBitPattern << 12
    if fraction != 0 { bytes.append(UInt8(ascii: ".")) }
    while fraction != 0 {
      let digit = UInt8(fraction >> 60)
      bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
      fraction <<= 4
    }
    bytes.append(UInt8(ascii: "p"))
    let exponent = value.isZero ? 0 : Int(max(value.exponentBitPattern, 1)) - 1023
    bytes.append(contentsOf: String(exponent).utf8)
    bytes.append(contentsOf: suffix.utf8)
  }
}
