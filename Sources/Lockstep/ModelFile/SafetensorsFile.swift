// The content of a safetensors file: metadata and named tensors. Reading and writing lie in the files beside this one.

import ComputeBackend

/// The content of a safetensors file: named tensors in the order of their data, and a table of strings about them.
///
/// Source: the format as its home, huggingface/safetensors, describes it. An 8-byte little-endian length, a JSON header
/// of that length, and the tensors' data without gaps.
public struct SafetensorsFile: Sendable, Equatable {
  /// What is said about the tensors; `__metadata__` in the file.
  public var metadata: [String: String]
  /// The tensors, in the order of their data.
  public var tensors: [Tensor]

  /// The longest header that is read or written: the limit of the reference implementation.
  public static var maximumHeaderLength: Int { 100_000_000 }

  /// A file of these tensors.
  public init(metadata: [String: String] = [:], tensors: [Tensor]) {
    self.metadata = metadata
    self.tensors = tensors
  }

  /// The tensor of this name, or `nil`.
  public subscript(name: String) -> Tensor? {
    tensors.first { $0.name == name }
  }

  /// The element types of the format. Only ``f32`` and ``f64`` can be used; the others keep their bytes.
  public enum DataType: String, Sendable, CaseIterable {
    /// A truth value in a byte.
    case bool = "BOOL"
    /// A 4-bit floating-point number.
    case f4 = "F4"
    /// A 6-bit floating-point number: 2 bits of exponent, 3 of significand.
    case f6E2M3 = "F6_E2M3"
    /// A 6-bit floating-point number: 3 bits of exponent, 2 of significand.
    case f6E3M2 = "F6_E3M2"
    /// An 8-bit unsigned integer.
    case u8 = "U8"
    /// An 8-bit signed integer.
    case i8 = "I8"
    /// An 8-bit floating-point number: 5 bits of exponent, 2 of significand.
    case f8E5M2 = "F8_E5M2"
    /// An 8-bit floating-point number: 4 bits of exponent, 3 of significand.
    case f8E4M3 = "F8_E4M3"
    /// An 8-bit power of two.
    case f8E8M0 = "F8_E8M0"
    /// As ``f8E4M3``, without a negative zero.
    case f8E4M3FNUZ = "F8_E4M3FNUZ"
    /// As ``f8E5M2``, without infinities or a negative zero.
    case f8E5M2FNUZ = "F8_E5M2FNUZ"
    /// A 16-bit signed integer.
    case i16 = "I16"
    /// A 16-bit unsigned integer.
    case u16 = "U16"
    /// IEEE 754 binary16.
    case f16 = "F16"
    /// The upper half of a binary32.
    case bf16 = "BF16"
    /// A 32-bit signed integer.
    case i32 = "I32"
    /// A 32-bit unsigned integer.
    case u32 = "U32"
    /// IEEE 754 binary32, `Float`.
    case f32 = "F32"
    /// IEEE 754 binary64, `Double`.
    case f64 = "F64"
    /// A 64-bit signed integer.
    case i64 = "I64"
    /// A 64-bit unsigned integer.
    case u64 = "U64"
    /// A complex number of two binary32.
    case c64 = "C64"

    /// How many bits an element has.
    public var bitCount: Int {
      switch self {
      case .f4: 4
      case .f6E2M3, .f6E3M2: 6
      case .bool, .u8, .i8, .f8E5M2, .f8E4M3, .f8E8M0, .f8E4M3FNUZ, .f8E5M2FNUZ: 8
      case .i16, .u16, .f16, .bf16: 16
      case .i32, .u32, .f32: 32
      case .f64, .i64, .u64, .c64: 64
      }
    }

    /// The type of elements that are computed in.
    public init(_ precision: Precision) {
      switch precision {
      case .f32: self = .f32
      case .f64: self = .f64
      }
    }
  }

  /// A named array of numbers.
  public struct Tensor: Sendable, Equatable {
    /// Its name, unlike that of any other tensor in the file.
    public let name: String
    /// The type of its elements.
    public let dataType: DataType
    /// Its size along each axis; empty for a single number.
    public let shape: [Int]
    /// The elements, row after row, little-endian.
    let bytes: ArraySlice<UInt8>
    /// The file that it was read from, for messages.
    let origin: String?

    init(name: String, dataType: DataType, shape: [Int], bytes: ArraySlice<UInt8>, origin: String?) {
      self.name = name
      self.dataType = dataType
      self.shape = shape
      self.bytes = bytes
      self.origin = origin
    }

    /// A tensor of these elements, row after row. Every NaN becomes the same one, so that equal results give equal
    /// files.
    ///
    /// - Precondition: the shape is not negative and there are as many elements as it says.
    @specialized(where Element == Float)
    @specialized(where Element == Double)
    public init<Element: KernelElement>(name: String, shape: [Int], elements: [Element]) {
      let count = elementCount(shape)
      precondition(count == elements.count, "A tensor needs as many elements as its shape says")
      self.name = name
      self.shape = shape
      dataType = DataType(Element.precision)
      origin = nil
      let size = MemoryLayout<Element>.size
      let bytes = [UInt8](unsafeUninitializedCapacity: elements.count * size) { buffer, written in
        let memory = UnsafeMutableRawBufferPointer(buffer)
        for (index, element) in elements.enumerated() {
          memory.storeBytes(
            of: element.canonicalBitPattern.littleEndian, toByteOffset: index * size, as: Element.BitPattern.self)
        }
        written = memory.count
      }
      self.bytes = bytes[...]
    }

    /// The same tensor under another name.
    func renamed(_ name: String) -> Tensor {
      Tensor(name: name, dataType: dataType, shape: shape, bytes: bytes, origin: origin)
    }

    /// How many elements there are.
    public var count: Int { elementCount(shape) ?? 0 }

    /// The elements, row after row, converted where the file holds the other precision: F32 to Double exactly, F64 to
    /// Float rounded to nearest even.
    ///
    /// - Throws: ``ModelFileError`` for elements that are neither F32 nor F64.
    @specialized(where Element == Float)
    @specialized(where Element == Double)
    public func elements<Element: KernelElement>(
      as type: Element.Type = Element.self
    ) throws(ModelFileError) -> [Element] {
      switch dataType {
      case .f32: values(UInt32.self) { Element(Float(bitPattern: $0)) }
      case .f64: values(UInt64.self) { Element(Double(bitPattern: $0)) }
      default: throw ModelFileError(file: origin ?? "model", tensor: name, problem: .unsupportedDataType(dataType))
      }
    }

    private func values<Bits: FixedWidthInteger & BitwiseCopyable, Element>(
      _: Bits.Type, _ value: (Bits) -> Element
    ) -> [Element] {
      let size = MemoryLayout<Bits>.size
      // The data may start at any byte of the file.
      return bytes.withUnsafeBytes { memory in
        (0..<count).map { value(Bits(littleEndian: memory.loadUnaligned(fromByteOffset: $0 * size, as: Bits.self))) }
      }
    }

    /// Tensors are equal when name, shape, element type and bits are, wherever they come from.
    public static func == (a: Tensor, b: Tensor) -> Bool {
      a.name == b.name && a.dataType == b.dataType && a.shape == b.shape && a.bytes == b.bytes
    }
  }
}

/// How many elements a shape has, or `nil` where a size is negative or the number too large.
func elementCount(_ shape: [Int]) -> Int? {
  if shape.contains(where: { $0 < 0 }) { return nil }
  // A zero makes the tensor empty, however large the other sizes are.
  if shape.contains(0) { return 0 }
  var count = 1
  for size in shape {
    let (product, overflow) = count.multipliedReportingOverflow(by: size)
    if overflow { return nil }
    count = product
  }
  return count
}
