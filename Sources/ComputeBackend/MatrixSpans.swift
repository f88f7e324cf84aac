// Views of memory that somebody lends as spans: the way in that needs no unsafe code. Views themselves lie in
// MatrixView.swift.

extension MatrixView {
  /// Calls `body` with a view of the front of `elements` as a matrix, in place, valid during the call.
  ///
  /// - Parameters:
  ///   - elements: row after row.
  ///   - rows: how many rows there are.
  ///   - columns: how many elements a row has.
  ///   - stride: how many elements lie between the starts of two neighbouring rows; `columns` where it is not given.
  ///   - body: takes `[rows × columns]`, which it must not keep.
  /// - Returns: what `body` returns.
  /// - Throws: what `body` throws.
  /// - Precondition: as of ``init(_:rows:columns:stride:)``.
  @inlinable
  public static func withView<Result, Failure: Error>(
    of elements: Span<Element>, rows: Int, columns: Int, stride: Int? = nil,
    _ body: (MatrixView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try elements.withUnsafeBufferPointer { (buffer) throws(Failure) in
      try body(MatrixView(buffer, rows: rows, columns: columns, stride: stride))
    }
  }
}

extension MutableMatrixView {
  /// Calls `body` with a view of the front of `elements` as a matrix, in place, valid during the call.
  ///
  /// - Parameters:
  ///   - elements: row after row.
  ///   - rows: how many rows there are.
  ///   - columns: how many elements a row has.
  ///   - stride: how many elements lie between the starts of two neighbouring rows; `columns` where it is not given.
  ///   - body: takes `[rows × columns]`, which it must not keep.
  /// - Returns: what `body` returns.
  /// - Throws: what `body` throws.
  /// - Precondition: as of ``init(_:rows:columns:stride:)``.
  @inlinable
  public static func withView<Result, Failure: Error>(
    of elements: inout MutableSpan<Element>, rows: Int, columns: Int, stride: Int? = nil,
    _ body: (MutableMatrixView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try elements.withUnsafeMutableBufferPointer { (buffer) throws(Failure) in
      try body(MutableMatrixView(buffer, rows: rows, columns: columns, stride: stride))
    }
  }
}
