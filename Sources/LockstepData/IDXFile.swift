// IDX, the format of MNIST: two zero bytes, a type, the number of axes, their sizes in four bytes each, the elements; all of it
// big-endian (LeCun, Cortes and Burges, "The MNIST database of handwritten digits", 1998).

import CLockstepData

/// The front of an IDX file.
enum IDXHeader {
  /// The types of elements by their codes.
  static let types: [UInt8: lockstep_array_type] = [
    0x08: LOCKSTEP_ARRAY_U8, 0x09: LOCKSTEP_ARRAY_I8, 0x0B: LOCKSTEP_ARRAY_I16, 0x0C: LOCKSTEP_ARRAY_I32,
    0x0D: LOCKSTEP_ARRAY_F32, 0x0E: LOCKSTEP_ARRAY_F64,
  ]
}

extension NumericArray {
  /// The array of an IDX file.
  ///
  /// - Throws: ``DataError`` where the bytes are none.
  init(idx bytes: FileBytes, file: String) throws(DataError) {
    let axes = Int(bytes[3])
    let start = 4 + 4 * axes
    guard let type = IDXHeader.types[bytes[2]], bytes.count >= start else {
      throw DataError(
        file: file,
        problem: .badHeader("the header promises the sizes of \(axes) axes, and the file ends within them"))
    }
    let shape = (0..<axes).map { axis in
      bytes[4 + 4 * axis..<8 + 4 * axis].reduce(0) { $0 << 8 | Int($1) }
    }
    try self.init(file: file, array: nil, shape: shape, type: type, isBigEndian: true, bytes: bytes, start: start)
  }
}
