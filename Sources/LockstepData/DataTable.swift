// A table, whatever its file's format: columns by name, as numbers or as text. How files become tables lies in
// DataTableReading.swift, how columns become inputs and targets of a network in DataEncoding.swift.

import ComputeBackend

/// A table read from a file: columns with names, one or more rows.
///
/// The format is told by the content of the file, which may be packed with gzip:
///
/// - CSV: a header that names the columns, rows of cells below it. Fields may be quoted, lines end in LF or CR LF, the text is
///   UTF-8 with or without a mark in front, blanks around a field and blank lines do not count; in a single column a blank line
///   may be at the end alone. The cells stay text until a column is asked for: a column that nobody asks for may hold anything.
///   Without a header (``DataOptions/hasHeader``), columns are `x0`, `x1` and so on.
/// - NPY: an array of NumPy's, of whole numbers, truth values, `float32` or `float64`, in either byte order and C or Fortran
///   order. Its first axis counts rows, the elements of all others, in C order, are columns `x0`, `x1` and so on; an array of
///   one axis is the column `x`.
/// - NPZ: the arrays of an archive beside one another, with their own names in place of `x`.
/// - IDX: images as MNIST's, columns `pixel1`, `pixel2` and so on, row by row of an image; or, with one axis, the column `label`.
///
/// To the right may stand the columns of another file, the labels: those of ``DataOptions/labels``, or for IDX images named like
/// `train-images-idx3-ubyte` those of `train-labels-idx1-ubyte` in the same folder, where that exists; either name may end in
/// `.gz`. The column of an NPY or IDX file of labels is called `label`.
public struct DataTable: Sendable {
  /// The file, as the caller named it.
  public let file: String
  /// The names of the columns, from left to right, no two of them equal.
  public let columnNames: [String]
  /// The names of those columns that come from a file of labels.
  public let labelColumns: [String]
  /// The file of labels; `nil` where there is none.
  public let labelsFile: String?
  /// The SHA-256 of the bytes that were read from the file as it lies, packed or not, as `sha256sum` prints it; `nil` where
  /// ``DataOptions/takesSHA256`` does not ask for it.
  public let sha256: String?
  /// The SHA-256 of the file of labels, as ``sha256``; `nil` also where there is none.
  public let labelsSHA256: String?
  /// How many rows there are: at least one.
  public let rowCount: Int
  let parts: [Part]
  private(set) var memory: MemoryBudget
  private let positions: [String: Int]

  /// Columns that come from one file, or from one array of an archive.
  struct Part: Sendable {
    /// What the columns are made of.
    enum Content: Sendable {
      case csv(CSVText)
      case array(NumericArray)
    }

    let content: Content
    /// Their positions in the table.
    let columns: Range<Int>
  }

  /// A table of checked parts.
  init(
    file: String, columnNames: [String], labelColumns: [String], labelsFile: String?, sha256: String?,
    labelsSHA256: String?, parts: [Part], memory: MemoryBudget
  ) throws(DataError) {
    var positions: [String: Int] = [:]
    positions.reserveCapacity(columnNames.count)
    for (index, name) in columnNames.enumerated() {
      if let earlier = positions.updateValue(index, forKey: name) {
        throw DataError(
          file: file,
          problem: labelColumns.contains(name)
            ? .labelColumn(name: name) : .duplicateColumn(name: name, first: earlier + 1, second: index + 1))
      }
    }
    self.file = file
    self.columnNames = columnNames
    self.labelColumns = labelColumns
    self.labelsFile = labelsFile
    self.sha256 = sha256
    self.labelsSHA256 = labelsSHA256
    self.parts = parts
    self.memory = memory
    self.positions = positions
    rowCount = parts[0].rowCount
  }

  /// The numbers of some columns, in the order asked for.
  ///
  /// - Parameters:
  ///   - columns: names of columns; one may occur twice.
  ///   - type: the precision, which each number is rounded to once, to nearest, ties to even: those of CSV from their decimal
  ///     digits.
  /// - Returns: `[rows × columns]`.
  /// - Throws: ``DataError`` for a column that is not there, for a cell that is empty or holds no finite decimal number, and
  ///   where the result needs more memory than the table's options allow.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func matrix<Element: KernelElement>(
    columns: [String], as type: Element.Type = Element.self
  ) throws(DataError) -> Matrix<Element> {
    var memory = memory
    return try matrix(columns: columns, memory: &memory)
  }

  /// The cells of a column as text: those of CSV without quotes and blanks around them, numbers of arrays as short as they can
  /// be, whole ones without a point.
  ///
  /// - Throws: ``DataError`` for a column that is not there, for an empty cell, and where the texts need more memory than the
  ///   table's options allow.
  public func text(ofColumn name: String) throws(DataError) -> [String] {
    var memory = memory
    try take(rowCount, times: MemoryLayout<String>.stride, from: &memory)
    var texts: [String] = []
    texts.reserveCapacity(rowCount)
    try forEachText(ofColumn: name) { (_, text) throws(DataError) in
      try take(MemoryBudget.bytes(besides: text), times: 1, from: &memory)
      texts.append(text)
    }
    return texts
  }

  /// Where a cell is, for messages: `data.csv, line 5` or `data.npy, row 4`, the row counted from 1.
  ///
  /// - Parameters:
  ///   - row: the number of the row, from 0.
  ///   - column: the name of a column.
  /// - Precondition: there is such a row.
  /// - Throws: ``DataError`` for a column that is not there.
  public func place(ofRow row: Int, column: String) throws(DataError) -> String {
    precondition(row >= 0 && row < rowCount, "There is no row \(row)")
    switch try part(ofColumn: column).part.content {
    case .csv(let table): return "\(table.file), line \(table.line(ofRow: row))"
    case .array(let array): return "\(array.file), row \(row + 1)"
    }
  }
}

extension DataTable.Part {
  var rowCount: Int {
    switch content {
    case .csv(let table): table.rowCount
    case .array(let array): array.rowCount
    }
  }
}

extension DataTable {
  /// What stands between the fields of those files that are CSV.
  package var delimiters: Set<CSVDelimiter> {
    Set(parts.compactMap { if case .csv(let table) = $0.content { table.delimiter } else { nil } })
  }

  /// Those columns that have a number and no name of their own: of arrays with several axes, or without a name, and of CSV
  /// without a header.
  package var numberedColumns: [String] {
    parts.flatMap { (part) -> ArraySlice<String> in
      switch part.content {
      case .csv(let table): table.hasHeader ? [] : columnNames[part.columns]
      case .array(let array): array.isVector && array.array != nil ? [] : columnNames[part.columns]
      }
    }
  }

  /// The same table, with what is held beside it counted as memory that data takes.
  package func holding<Element: KernelElement>(_ matrices: Matrix<Element>...) -> DataTable {
    var table = self
    for matrix in matrices { table.memory.hold(matrix.elements.count * MemoryLayout<Element>.stride) }
    return table
  }

  /// The same table, with one that was read beside it later counted as memory that data takes.
  package func holding(_ later: DataTable?) -> DataTable {
    var table = self
    table.memory = later?.memory ?? memory
    return table
  }

  /// Takes `count` times `bytes` of memory.
  ///
  /// - Throws: ``DataError`` where that is more than may be taken.
  func take(_ count: Int, times bytes: Int, from memory: inout MemoryBudget) throws(DataError) {
    do throws(FileProblem) {
      try memory.take(count, times: bytes)
    } catch {
      throw DataError(file: file, problem: error.problem)
    }
  }

  /// Zeros for the columns of a matrix, `[rows × columns]`.
  ///
  /// - Throws: ``DataError`` where they need more memory than may be taken.
  func zeros<Element: KernelElement>(
    columns: Int, as _: Element.Type, memory: inout MemoryBudget
  ) throws(DataError) -> [Element] {
    try take(rowCount, times: columns * MemoryLayout<Element>.stride, from: &memory)
    return [Element](repeating: 0, count: rowCount * columns)
  }

  /// The numbers of some columns, for which memory is taken.
  func matrix<Element: KernelElement>(
    columns: [String], as _: Element.Type = Element.self, memory: inout MemoryBudget
  ) throws(DataError) -> Matrix<Element> {
    var elements = try zeros(columns: columns.count, as: Element.self, memory: &memory)
    try read(columns: columns, into: &elements, width: columns.count, places: Array(columns.indices))
    return Matrix(rows: rowCount, columns: columns.count, elements: elements)
  }

  /// Calls `body` with the row of each cell of a column, from 0, and its text.
  ///
  /// - Throws: ``DataError`` for a column that is not there and for an empty cell.
  func forEachText(
    ofColumn name: String, _ body: (Int, String) throws(DataError) -> Void
  ) throws(DataError) {
    let (part, column) = try part(ofColumn: name)
    var row = 0
    func visit(_ text: String) throws(DataError) {
      if text.isEmpty { throw try error(.emptyCell, row: row, column: name) }
      try body(row, text)
      row += 1
    }
    switch part.content {
    case .csv(let table): try table.forEachText(ofColumn: column, visit)
    case .array(let array): try array.forEachText(ofColumn: column, visit)
    }
  }

  /// Puts the numbers of some columns into a row-major array.
  ///
  /// - Parameters:
  ///   - columns: their names; one may occur twice.
  ///   - elements: the result, a row of `width` elements for each of the table.
  ///   - places: for each of `columns`, where in a row of the result it goes.
  func read<Element: KernelElement>(
    columns: [String], into elements: inout [Element], width: Int, places: [Int]
  ) throws(DataError) {
    // The first place of each column, and the places that are copied from it.
    var firstPlaces: [Int: Int] = [:]
    var copies: [(from: Int, to: Int)] = []
    for (name, place) in zip(columns, places) {
      let position = try position(ofColumn: name)
      if let first = firstPlaces[position] {
        copies.append((first, place))
      } else {
        firstPlaces[position] = place
      }
    }
    for part in parts {
      let positions = firstPlaces.keys.filter(part.columns.contains).sorted()
      if positions.isEmpty { continue }
      let wanted = positions.map { $0 - part.columns.lowerBound }
      let places = positions.map { firstPlaces[$0]! }
      switch part.content {
      case .csv(let table): try table.read(columns: wanted, places: places, into: &elements, width: width)
      case .array(let array):
        try array.read(
          columns: wanted, places: places, into: &elements, width: width,
          name: { columnNames[part.columns.lowerBound + $0] })
      }
    }
    for (from, to) in copies {
      for row in 0..<rowCount { elements[row * width + to] = elements[row * width + from] }
    }
  }

  /// The part that a column is of, and its position there.
  func part(ofColumn name: String) throws(DataError) -> (part: Part, column: Int) {
    let position = try position(ofColumn: name)
    guard let part = parts.first(where: { $0.columns.contains(position) }) else {
      preconditionFailure("Every column is of a part")
    }
    return (part, position - part.columns.lowerBound)
  }

  func position(ofColumn name: String) throws(DataError) -> Int {
    if let position = positions[name] { return position }
    throw DataError(
      file: file,
      problem: .unknownColumn(name: name, nearest: nearestName(to: name, among: columnNames), columns: columnNames))
  }

  /// The error of a cell in row `row`, from 0.
  func error(_ problem: DataError.Problem, row: Int, column: String) throws(DataError) -> DataError {
    switch try part(ofColumn: column).part.content {
    case .csv(let table):
      DataError(file: table.file, line: table.line(ofRow: row), column: column, problem: problem)
    case .array(let array):
      DataError(file: array.file, array: array.array, row: row + 1, column: column, problem: problem)
    }
  }
}
