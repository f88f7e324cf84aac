// Owned, aligned matrix memory. The views that kernels take lie in MatrixView.swift.

import CLockstepCPU

/// Memory for one matrix: contiguous rows, aligned for the widest vectors, zero until written.
///
/// Its views borrow the memory: use them while the storage is alive (inside `withExtendedLifetime` where nothing else
/// holds it), and not from two threads when one of them writes.
public final class MatrixStorage<Element: MatrixElement> {
  /// Bytes that the first element's address is a multiple of: a cache line, and a 512-bit vector.
  @inlinable public static var alignment: Int { 64 }

  /// What large matrices are aligned to, so that they may lie on pages of this size.
  private static var hugePageBytes: Int { 2 << 20 }

  /// How many rows there are.
  public let rows: Int
  /// How many elements a row has.
  public let columns: Int
  @usableFromInline let base: UnsafeMutablePointer<Element>

  /// Allocates a zero matrix.
  ///
  /// - Precondition: the shape is not negative and its size in bytes fits an `Int`.
  public init(rows: Int, columns: Int) {
    precondition(rows >= 0 && columns >= 0, "Matrix shape is not valid")
    self.rows = rows
    self.columns = columns
    let count = rows * columns
    let bytes = max(count, 1) * MemoryLayout<Element>.stride
    let isLarge = bytes >= 2 * Self.hugePageBytes
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: bytes, alignment: isLarge ? Self.hugePageBytes : Self.alignment)
    if isLarge { lockstep_prefer_huge_pages(memory, bytes) }
    base = memory.initializeMemory(as: Element.self, repeating: 0, count: max(count, 1))
  }

  /// A copy of `matrix`.
  public convenience init(_ matrix: Matrix<Element>) {
    self.init(rows: matrix.rows, columns: matrix.columns)
    matrix.withView { mutableView.copy(from: $0) }
  }

  deinit {
    UnsafeMutableRawPointer(base).deallocate()
  }

  /// The matrix, to read.
  @inlinable public var view: MatrixView<Element> { mutableView.readOnly }

  /// The matrix, to write.
  @inlinable public var mutableView: MutableMatrixView<Element> {
    MutableMatrixView(unchecked: base, rows: rows, columns: columns, stride: columns)
  }

  /// The matrix as a value.
  public var matrix: Matrix<Element> { Matrix(view) }
}

/// Ends the program with what is wrong with a matrix. A precondition would say nothing where this module is optimised.
@usableFromInline
@inline(never)
func refuseMatrix(rows: Int, columns: Int, elements: Int) -> Never {
  guard rows >= 0, columns >= 0 else { fatalError("A matrix cannot be [\(rows) × \(columns)]") }
  let product = rows.multipliedFullWidth(by: columns)
  let expected = product.high == 0 ? "\(product.low)" : "more than 2^64"
  fatalError("A matrix [\(rows) × \(columns)] takes \(expected) elements, not \(elements)")
}

/// A matrix as a value: what users hold, files store and tests compare.
@frozen
public struct Matrix<Element: MatrixElement>: Sendable, Equatable {
  /// How many rows there are.
  public let rows: Int
  /// How many elements a row has.
  public let columns: Int
  /// The elements, row after row: `rows * columns` of them.
  @inlinable public var elements: [Element] { storage }
  @usableFromInline var storage: [Element]

  /// A matrix of these elements, row after row.
  ///
  /// - Precondition: there are `rows * columns` of them.
  @inlinable
  public init(rows: Int, columns: Int, elements: [Element]) {
    let product = rows.multipliedReportingOverflow(by: columns)
    guard rows >= 0, columns >= 0, !product.overflow, elements.count == product.partialValue else {
      refuseMatrix(rows: rows, columns: columns, elements: elements.count)
    }
    self.rows = rows
    self.columns = columns
    storage = elements
  }

  /// A copy of what `view` shows.
  @inlinable
  public init(_ view: MatrixView<Element>) {
    let elements = [Element](unsafeUninitializedCapacity: view.rows * view.columns) { buffer, count in
      for row in 0..<view.rows {
        let from = UnsafeBufferPointer(start: view.base + row * view.stride, count: view.columns)
        _ = buffer[(row * view.columns)...].initialize(fromContentsOf: from)
      }
      count = view.rows * view.columns
    }
    self.init(rows: view.rows, columns: view.columns, elements: elements)
  }

  /// A zero matrix.
  @inlinable
  public init(rows: Int, columns: Int) {
    self.init(rows: rows, columns: columns, elements: Array(repeating: 0, count: rows * columns))
  }

  /// The element at `row`, `column`.
  @inlinable
  public subscript(row: Int, column: Int) -> Element {
    get {
      precondition(row >= 0 && row < rows && column >= 0 && column < columns, "Matrix index out of range")
      return elements[row * columns + column]
    }
    set {
      precondition(row >= 0 && row < rows && column >= 0 && column < columns, "Matrix index out of range")
      storage[row * columns + column] = newValue
    }
  }

  /// The matrix with rows and columns exchanged.
  @inlinable
  public var transposed: Matrix {
    let elements = [Element](unsafeUninitializedCapacity: elements.count) { buffer, count in
      // Squares, so that neither side strides through more lines than the cache holds.
      let side = 16
      for firstRow in stride(from: 0, to: rows, by: side) {
        for firstColumn in stride(from: 0, to: columns, by: side) {
          for row in firstRow..<Swift.min(firstRow + side, rows) {
            for column in firstColumn..<Swift.min(firstColumn + side, columns) {
              buffer.initializeElement(at: column * rows + row, to: self.elements[row * columns + column])
            }
          }
        }
      }
      count = rows * columns
    }
    return Matrix(rows: columns, columns: rows, elements: elements)
  }

  /// Calls `body` with a view of the elements, in place, valid during the call.
  @inlinable
  public func withView<Result, Failure: Error>(
    _ body: (MatrixView<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try elements.withUnsafeBufferPointer { (buffer) throws(Failure) in
      try body(MatrixView(buffer, rows: rows, columns: columns))
    }
  }

  /// Calls `body` with a view to write the elements through, in place, valid during the call.
  @inlinable
  public mutating func withMutableView<Result, Failure: Error>(
    _ body: (MutableMatrixView<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let (rows, columns) = (rows, columns)
    return try storage.withUnsafeMutableBufferPointer { (buffer) throws(Failure) in
      try body(MutableMatrixView(buffer, rows: rows, columns: columns))
    }
  }
}
