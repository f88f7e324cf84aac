// An array of numbers as its file holds it: a shape, a type, bytes. How the formats tell them lies in NPYFile.swift, NPZFile.swift
// and IDXFile.swift.

import CLockstepData
import ComputeBackend

/// An array whose first axis counts rows. The elements of all other axes, the last of which counts fastest, are the columns.
struct NumericArray: Sendable {
  let file: String
  /// The name of the array in an archive.
  let array: String?
  let rowCount: Int
  let columnCount: Int
  /// Whether the array has no other axis.
  let isVector: Bool
  let type: lockstep_array_type
  /// The axes but the first, where the first counts fastest in the file (Fortran order); `nil` where rows follow one another.
  private let transposedAxes: [Int]?
  private let isSwapped: Bool
  private let bytes: FileBytes
  private let start: Int

  /// An array of `shape` whose elements are the rest of `bytes` from `start` on.
  ///
  /// - Throws: ``DataError`` where there are more bytes or fewer, no rows or no columns.
  init(
    file: String, array: String?, shape: [Int], type: lockstep_array_type, isBigEndian: Bool,
    isFortranOrder: Bool = false,
    bytes: FileBytes, start: Int
  ) throws(DataError) {
    func failure(_ problem: DataError.Problem) -> DataError {
      DataError(file: file, array: array, problem: problem)
    }
    let found = bytes.count - start
    let columns = product(shape.dropFirst())
    guard !shape.isEmpty, columns != 0 else { throw failure(.noColumns(shape: shape)) }
    guard shape[0] != 0 else { throw failure(.noRows) }
    let expected = product(shape + [lockstep_array_element_size(type)])
    guard let expected, let columns, expected <= found else {
      throw failure(.cutShort(shape: shape, expected: expected, found: found))
    }
    guard expected == found else {
      throw failure(.bytesAfterTheEnd(shape: shape, expected: expected, found: found))
    }
    self.file = file
    self.array = array
    rowCount = shape[0]
    columnCount = columns
    isVector = shape.count == 1
    self.type = type
    transposedAxes = isFortranOrder ? Array(shape.dropFirst()) : nil
    self.isSwapped = isBigEndian != (Int(bigEndian: 1) == 1)
    self.bytes = bytes
    self.start = start
  }

  /// Whether the elements are whole numbers.
  var isWhole: Bool { type != LOCKSTEP_ARRAY_F32 && type != LOCKSTEP_ARRAY_F64 }

  /// How many elements a row is behind the one before.
  private var rowStride: Int { transposedAxes == nil ? columnCount : 1 }

  /// The element that a column starts with.
  private func firstElement(ofColumn column: Int) -> Int {
    guard let transposedAxes else { return column }
    // The first of these axes counts fastest in the file, and slowest among columns.
    var strides: [Int] = []
    var stride = rowCount
    for size in transposedAxes {
      strides.append(stride)
      stride *= size
    }
    var (rest, element) = (column, 0)
    for (size, stride) in zip(transposedAxes, strides).reversed() {
      element += rest % size * stride
      rest /= size
    }
    return element
  }

  /// Puts the numbers of some columns into a row-major array.
  ///
  /// - Parameters:
  ///   - columns: positions of columns, none twice.
  ///   - places: for each of them, where in a row of the result it goes.
  ///   - elements: the result, whole rows of `width` elements.
  ///   - name: the name of a column, for messages.
  /// - Throws: ``DataError`` for a number that is not finite.
  func read<Element: KernelElement>(
    columns: [Int], places: [Int], into elements: inout [Element], width: Int, name: (Int) -> String
  ) throws(DataError) {
    let starts = columns.map(firstElement(ofColumn:))
    let stopped = bytes.withUnsafeBufferPointer { bytes in
      elements.withUnsafeMutableBytes { elements in
        switch Element.precision {
        case .f32:
          lockstep_array_read_f32(
            bytes.baseAddress! + start, type, isSwapped, rowCount, rowStride, starts, places, starts.count, width,
            elements.baseAddress?.assumingMemoryBound(to: Float.self))
        case .f64:
          lockstep_array_read_f64(
            bytes.baseAddress! + start, type, isSwapped, rowCount, rowStride, starts, places, starts.count, width,
            elements.baseAddress?.assumingMemoryBound(to: Double.self))
        }
      }
    }
    guard stopped < rowCount * columns.count else { return }
    let (row, index) = stopped.quotientAndRemainder(dividingBy: columns.count)
    throw DataError(
      file: file, array: array, row: row + 1, column: name(columns[index]),
      problem: .notFinite(text: text(at: row * rowStride + starts[index]), precision: Element.precision))
  }

  /// An element as text, as short as it can be: whole ones without a point.
  private func text(at index: Int) -> String {
    let size = lockstep_array_element_size(type)
    var bits: UInt64 = 0
    for offset in 0..<size {
      let place = isSwapped != (Int(bigEndian: 1) == 1) ? offset : size - 1 - offset
      bits = bits << 8 | UInt64(bytes[start + index * size + place])
    }
    switch type {
    case LOCKSTEP_ARRAY_BOOL: return bits == 0 ? "0" : "1"
    case LOCKSTEP_ARRAY_I8: return "\(Int8(truncatingIfNeeded: bits))"
    case LOCKSTEP_ARRAY_I16: return "\(Int16(truncatingIfNeeded: bits))"
    case LOCKSTEP_ARRAY_I32: return "\(Int32(truncatingIfNeeded: bits))"
    case LOCKSTEP_ARRAY_I64: return "\(Int64(truncatingIfNeeded: bits))"
    case LOCKSTEP_ARRAY_F32: return shortText(Float(bitPattern: UInt32(bits)))
    case LOCKSTEP_ARRAY_F64: return shortText(Double(bitPattern: bits))
    default: return "\(bits)"
    }
  }

  /// Calls `body` with each cell of a column as text.
  func forEachText(ofColumn column: Int, _ body: (String) throws(DataError) -> Void) throws(DataError) {
    let first = firstElement(ofColumn: column)
    for row in 0..<rowCount { try body(text(at: row * rowStride + first)) }
  }
}

/// The product of sizes; `nil` where it is more than can be counted.
private func product(_ sizes: some Collection<Int>) -> Int? {
  if sizes.contains(0) { return 0 }
  return sizes.reduce(.some(1)) { (result: Int?, size: Int) in
    guard let result else { return nil }
    let (product, overflow) = result.multipliedReportingOverflow(by: size)
    return overflow ? nil : product
  }
}

private func shortText<Number: BinaryFloatingPoint & LosslessStringConvertible>(_ value: Number) -> String {
  let text = value.description
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}
