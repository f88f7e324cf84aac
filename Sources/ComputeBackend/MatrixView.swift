// Borrowed row-major matrices, checked where they are made. What owns the memory lies in MatrixStorage.swift.

/// A borrowed matrix to read: `rows` rows of `columns` elements, row-major, rows `stride` elements apart.
///
/// A view does not keep its memory alive; whoever made it does. Making and slicing a view is checked; kernels take the
/// shape as true. Callers without unsafe code get views from ``Matrix/withView(_:)`` and
/// ``withView(of:rows:columns:stride:_:)``. That a view could be kept for longer than its memory lives is not checked: it
/// has to be stored in arrays and shared by threads, which a type that cannot escape does not allow.
@frozen
public struct MatrixView<Element: MatrixElement>: @unchecked Sendable {
  /// The first element.
  public let base: UnsafePointer<Element>
  /// How many rows there are.
  public let rows: Int
  /// How many elements a row has.
  public let columns: Int
  /// How many elements lie between the starts of two neighbouring rows: `columns` or more.
  public let stride: Int

  @inlinable
  init(unchecked base: UnsafePointer<Element>, rows: Int, columns: Int, stride: Int) {
    self.base = base
    self.rows = rows
    self.columns = columns
    self.stride = stride
  }

  /// Views the front of `elements` as a matrix.
  ///
  /// - Precondition: the shape is not negative, `stride` is at least `columns`, and the last element lies inside
  ///   `elements`.
  @inlinable
  public init(_ elements: UnsafeBufferPointer<Element>, rows: Int, columns: Int, stride: Int? = nil) {
    let stride = stride ?? columns
    checkMatrixShape(count: elements.count, rows: rows, columns: columns, stride: stride)
    self.init(
      unchecked: elements.baseAddress ?? UnsafePointer(emptyMatrixAddress(Element.self)),
      rows: rows, columns: columns, stride: stride)
  }

  /// The element at `row`, `column`.
  @inlinable
  public subscript(row: Int, column: Int) -> Element {
    precondition(row >= 0 && row < rows && column >= 0 && column < columns, "Matrix index out of range")
    return base[row * stride + column]
  }

  /// True where every element is a finite number.
  @inlinable
  public var isFinite: Bool {
    // Where the result is a condition, the loop would end early were it inlined, and no longer run in vectors.
    @inline(never)
    get {
      // Rows without room between them are one.
      let (rows, columns) = stride == columns ? (1, rows * columns) : (rows, columns)
      var isFinite = true
      for row in 0..<rows {
        for element in UnsafeBufferPointer(start: base + row * stride, count: columns) {
          // Less itself, a finite number alone is 0.
          isFinite = element - element == 0 && isFinite
        }
      }
      return isFinite
    }
  }

  /// The rows in `range`, in place.
  @inlinable
  public func rows(_ range: Range<Int>) -> MatrixView {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "Row range out of range")
    return MatrixView(
      unchecked: base + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
  }
}

/// A borrowed matrix to write: as ``MatrixView``, and exclusive while a primitive writes it.
@frozen
public struct MutableMatrixView<Element: MatrixElement>: @unchecked Sendable {
  /// The first element.
  public let base: UnsafeMutablePointer<Element>
  /// How many rows there are.
  public let rows: Int
  /// How many elements a row has.
  public let columns: Int
  /// How many elements lie between the starts of two neighbouring rows: `columns` or more.
  public let stride: Int

  @inlinable
  init(unchecked base: UnsafeMutablePointer<Element>, rows: Int, columns: Int, stride: Int) {
    self.base = base
    self.rows = rows
    self.columns = columns
    self.stride = stride
  }

  /// Views the front of `elements` as a matrix.
  ///
  /// - Precondition: the shape is not negative, `stride` is at least `columns`, and the last element lies inside
  ///   `elements`.
  @inlinable
  public init(_ elements: UnsafeMutableBufferPointer<Element>, rows: Int, columns: Int, stride: Int? = nil) {
    let stride = stride ?? columns
    checkMatrixShape(count: elements.count, rows: rows, columns: columns, stride: stride)
    self.init(
      unchecked: elements.baseAddress ?? emptyMatrixAddress(Element.self),
      rows: rows, columns: columns, stride: stride)
  }

  /// The same matrix, to read.
  @inlinable
  public var readOnly: MatrixView<Element> {
    MatrixView(unchecked: UnsafePointer(base), rows: rows, columns: columns, stride: stride)
  }

  /// The element at `row`, `column`.
  @inlinable
  public subscript(row: Int, column: Int) -> Element {
    get { readOnly[row, column] }
    nonmutating set {
      precondition(row >= 0 && row < rows && column >= 0 && column < columns, "Matrix index out of range")
      base[row * stride + column] = newValue
    }
  }

  /// The rows in `range`, in place.
  @inlinable
  public func rows(_ range: Range<Int>) -> MutableMatrixView {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "Row range out of range")
    return MutableMatrixView(
      unchecked: base + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
  }

  /// Writes every element of `source` to the same place here.
  ///
  /// - Precondition: the shapes agree.
  @inlinable
  public func copy(from source: MatrixView<Element>) {
    precondition(rows == source.rows && columns == source.columns, "Shapes differ")
    for row in 0..<rows {
      (base + row * stride).update(from: source.base + row * source.stride, count: columns)
    }
  }

  /// Writes some rows of `source`, in the order given, to as many here from the first on.
  ///
  /// - Precondition: each is a row of `source`, of as many columns, and there are no more of them than rows here.
  @inlinable
  package func copy(rows indices: ArraySlice<Int>, of source: MatrixView<Element>) {
    precondition(columns == source.columns && indices.count <= rows, "Shapes differ")
    var destination = base
    for row in indices {
      precondition(row >= 0 && row < source.rows, "Row index out of range")
      let from = source.base + row * source.stride
      // A call that copies takes longer than a number does.
      if columns == 1 { destination.pointee = from.pointee } else { destination.update(from: from, count: columns) }
      destination += stride
    }
  }
}

@usableFromInline
func checkMatrixShape(count: Int, rows: Int, columns: Int, stride: Int) {
  precondition(rows >= 0 && columns >= 0 && stride >= columns, "Matrix shape is not valid")
  guard rows > 0, columns > 0 else { return }
  let (span, overflow) = (rows - 1).multipliedReportingOverflow(by: stride)
  precondition(!overflow && span <= count - columns, "Matrix reaches past the end of its elements")
}

/// An address for matrices without elements, never read or written.
@inlinable
func emptyMatrixAddress<Element: MatrixElement>(_: Element.Type) -> UnsafeMutablePointer<Element> {
  UnsafeMutablePointer(bitPattern: MatrixStorage<Element>.alignment)!
}
