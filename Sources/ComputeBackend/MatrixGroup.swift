// Several matrices in one piece of memory. A single matrix lies in MatrixStorage.swift.

/// Memory for matrices that belong together, as the parameters of a network do: one after the other, each contiguous and
/// aligned for the widest vectors, zero until written.
///
/// What is done to every element alike is done in one call on ``all``. Views borrow the memory, as those of
/// ``MatrixStorage`` do.
package final class MatrixGroup<Element: MatrixElement> {
  /// The matrices, in the order of their shapes.
  package let matrices: [MutableMatrixView<Element>]
  private let storage: MatrixStorage<Element>

  /// Allocates zero matrices.
  ///
  /// - Precondition: no shape is negative, and the size of all in bytes fits an `Int`.
  package init(shapes: [(rows: Int, columns: Int)]) {
    let unit = MatrixStorage<Element>.alignment / MemoryLayout<Element>.stride
    var starts: [Int] = []
    var count = 0
    for shape in shapes {
      starts.append(count)
      count += (shape.rows * shape.columns + unit - 1) / unit * unit
    }
    storage = MatrixStorage(rows: 1, columns: count)
    let base = storage.mutableView.base
    matrices = zip(shapes, starts).map { shape, start in
      MutableMatrixView(unchecked: base + start, rows: shape.rows, columns: shape.columns, stride: shape.columns)
    }
  }

  /// Every element of every matrix, and the few zeros between them: a single row.
  package var all: MutableMatrixView<Element> { storage.mutableView }
}
