// Owned, aligned matrix memory. The views that kernels take lie in MatrixView.swift.

/// Memory for one matrix: contiguous rows, aligned for the widest vectors, zero until written.
///
/// Its views borrow the memory: use them while the storage is alive (inside `withExtendedLifetime` where nothing else
/// holds it), and not from two threads when one of them writes.
public final class MatrixStorage<Element: MatrixElement> {
  /// Bytes that the first element's address is a multiple of: a cache line, and a 512-bit vector.
  @inlinable public static var alignment: Int { 64 }

  /// How many rows there are.
  public let rows: Int
  /// How many elements a row has.
  public let columns: Int
  private let base: UnsafeMutablePointer<Element>

  /// Allocates a zero matrix.
  ///
  /// - Precondition: the shape is not negative and its size in bytes fits an `Int`.
  public init(rows: Int, columns: Int) {
    precondition(rows >= 0 && columns >= 0, "Matrix shape is not valid")
    self.rows = rows
    self.columns = columns
    let count = rows * columns
    let bytes = max(count, 1) * MemoryLayout<Element>.stride
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: Self.alignment)
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
  public var view: MatrixView<Element> { mutableView.readOnly }

  /// The matrix, to write.
  public var mutableView: MutableMatrixView<Element> {
    MutableMatrixView(unchecked: base, rows: rows, columns: columns, stride: columns)
  }

  /// The matrix as a value.
  public var matrix: Matrix<Element> {
    Matrix(
      rows: rows, columns: columns, elements: Array(UnsafeBufferPointer(start: base, count: rows * columns)))
  }
}

/// A matrix as a value: what users hold, files store and tests compare.
public struct Matrix<Element: MatrixElement>: Sendable, Equatable {
  /// How many rows there are.
  public let rows: Int
  /// How many elements a row has.
  public let columns: Int
  /// The elements, row after row: `rows * columns` of them.
  public private(set) var elements: [Element]

  /// A matrix of these elements, row after row.
  ///
  /// - Precondition: there are `rows * columns` of them.
  public init(rows: Int, columns: Int, elements: [Element]) {
    precondition(rows >= 0 && columns >= 0 && elements.count == rows * columns, "Matrix shape is not valid")
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  /// A zero matrix.
  public init(rows: Int, columns: Int) {
    self.init(rows: rows, columns: columns, elements: Array(repeating: 0, count: rows * columns))
  }

  /// The element at `row`, `column`.
  public subscript(row: Int, column: Int) -> Element {
    get {
      precondition(row >= 0 && row < rows && column >= 0 && column < columns, "Matrix index out of range")
      return elements[row * columns + column]
    }
    set {
      precondition(row >= 0 && row < rows && column >= 0 && column < columns, "Matrix index out of range")
      elements[row * columns + column] = newValue
    }
  }

  /// The matrix with rows and columns exchanged.
  public var transposed: Matrix {
    var result = Matrix(rows: columns, columns: rows)
    for row in 0..<rows {
      for column in 0..<columns { result[column, row] = self[row, column] }
    }
    return result
  }

  /// Calls `body` with a view of the elements, in place, valid during the call.
  public func withView<Result, Failure: Error>(
    _ body: (MatrixView<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try elements.withUnsafeBufferPointer { (buffer) throws(Failure) in
      try body(MatrixView(buffer, rows: rows, columns: columns))
    }
  }

  /// Calls `body` with a view to write the elements through, in place, valid during the call.
  public mutating func withMutableView<Result, Failure: Error>(
    _ body: (MutableMatrixView<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let (rows, columns) = (rows, columns)
    return try elements.withUnsafeMutableBufferPointer { (buffer) throws(Failure) in
      try body(MutableMatrixView(buffer, rows: rows, columns: columns))
    }
  }
}
