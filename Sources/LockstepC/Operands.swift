// The caller's matrices as checked views: shapes, strides, alignment, and who shares elements with whom. What is computed
// with them lies in the files of the functions.

import CLockstep
import ComputeBackend

/// A matrix of the caller's to read, under the name of its argument.
struct Operand<Element: KernelElement> {
  let view: MatrixView<Element>
  let name: StaticString

  /// - Throws: ``CallError`` for memory that cannot hold the shape.
  @inline(__always)
  init(
    _ pointer: UnsafePointer<Element>?, _ name: StaticString, rows: Int, columns: Int, stride: Int64
  ) throws(CallError) {
    let (stride, count) = try extent(
      of: UnsafeRawPointer(pointer), as: Element.self, name, rows: rows, columns: columns, stride: stride)
    view = MatrixView(
      UnsafeBufferPointer(start: pointer, count: count), rows: rows, columns: columns, stride: stride)
    self.name = name
  }

  /// A vector: one row.
  @inline(__always)
  init(_ pointer: UnsafePointer<Element>?, _ name: StaticString, count: Int) throws(CallError) {
    try self.init(pointer, name, rows: 1, columns: count, stride: Int64(count))
  }
}

/// A matrix of the caller's to write, under the name of its argument.
struct WrittenOperand<Element: KernelElement> {
  let view: MutableMatrixView<Element>
  let name: StaticString

  /// - Throws: ``CallError`` for memory that cannot hold the shape.
  @inline(__always)
  init(
    _ pointer: UnsafeMutablePointer<Element>?, _ name: StaticString, rows: Int, columns: Int, stride: Int64
  ) throws(CallError) {
    let (stride, count) = try extent(
      of: UnsafeRawPointer(pointer), as: Element.self, name, rows: rows, columns: columns, stride: stride)
    view = MutableMatrixView(
      UnsafeMutableBufferPointer(start: pointer, count: count), rows: rows, columns: columns, stride: stride)
    self.name = name
  }

  /// A vector: one row.
  @inline(__always)
  init(_ pointer: UnsafeMutablePointer<Element>?, _ name: StaticString, count: Int) throws(CallError) {
    try self.init(pointer, name, rows: 1, columns: count, stride: Int64(count))
  }

  /// Refuses memory that shares an element with `other`.
  func requireDisjoint(from other: Operand<Element>) throws(CallError) {
    try requireDisjoint(from: other.view, other.name)
  }

  /// Refuses memory that shares an element with `other`.
  func requireDisjoint(from other: WrittenOperand) throws(CallError) {
    try requireDisjoint(from: other.view.readOnly, other.name)
  }

  private func requireDisjoint(from other: MatrixView<Element>, _ otherName: StaticString) throws(CallError) {
    guard sharesElements(view.readOnly, other) else { return }
    throw CallError(LOCKSTEP_OVERLAP, "\(name), which is written, shares memory with \(otherName)")
  }
}

/// Checks that memory can hold a matrix.
///
/// - Returns: the stride, and how many elements lie between the first and the end of the last.
private func extent<Element: KernelElement>(
  of pointer: UnsafeRawPointer?, as _: Element.Type, _ name: StaticString, rows: Int, columns: Int, stride: Int64
) throws(CallError) -> (stride: Int, count: Int) {
  guard stride >= columns, let stride = Int(exactly: stride) else {
    throw CallError(
      LOCKSTEP_INVALID_SHAPE,
      "the stride of \(name) is \(stride); its rows have \(columns) elements, so it must be "
        + "\(columns) or more")
  }
  guard rows > 0, columns > 0 else { return (stride, 0) }
  let (offset, overflow) = (rows - 1).multipliedReportingOverflow(by: stride)
  let (count, overflow2) = offset.addingReportingOverflow(columns)
  let (bytes, overflow3) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
  let address = Int(bitPattern: try required(pointer, name))
  guard !overflow, !overflow2, !overflow3, !address.addingReportingOverflow(bytes).overflow else {
    throw CallError(
      LOCKSTEP_INVALID_SHAPE, "\(name) would be \(rows) rows, \(stride) elements apart; that is more than memory holds")
  }
  guard address % MemoryLayout<Element>.alignment == 0 else {
    throw CallError(
      LOCKSTEP_INVALID_ARGUMENT,
      "\(name) is not aligned: its address must be a multiple of \(MemoryLayout<Element>.alignment)")
  }
  return (stride, count)
}

/// True where two matrices have an element in common, or may have: those of one stride may lie side by side in the rows
/// of a larger matrix, others of which one reaches into the other are taken to share.
private func sharesElements<Element>(_ a: MatrixView<Element>, _ b: MatrixView<Element>) -> Bool {
  guard a.rows > 0, a.columns > 0, b.rows > 0, b.columns > 0 else { return false }
  let aEnd = a.base + (a.rows - 1) * a.stride + a.columns
  let bEnd = b.base + (b.rows - 1) * b.stride + b.columns
  guard a.base < bEnd, b.base < aEnd else { return false }
  guard a.stride == b.stride else { return true }
  let offset = (b.base - a.base) % a.stride
  let column = offset < 0 ? offset + a.stride : offset
  return column < a.columns || column + b.columns > a.stride
}
