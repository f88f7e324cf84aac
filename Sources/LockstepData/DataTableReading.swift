// From a file, and perhaps a file of labels, to a table. What tables are lies in DataTable.swift, the formats in files of their own.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension DataTable {
  /// Reads the file at `path`.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - options: how it is read, and how much memory that may take.
  /// - Throws: ``DataError`` for a file that cannot be read, is no table, or is too large.
  public init(contentsOf path: String, options: DataOptions = DataOptions()) throws(DataError) {
    try self.init(contentsOf: path, options: options, beside: nil)
  }

  /// Reads the file at `path`, where what `other` takes counts as memory that data takes.
  package init(contentsOf path: String, options: DataOptions, beside other: DataTable?) throws(DataError) {
    var reading = Reading(options: options, beside: other?.memory.used ?? 0)
    let sha256 = try reading.add(path, isLabels: false)
    var labelsSHA256: String?
    let dataColumns = reading.columnNames.count
    let labelsFile = options.labels ?? reading.labelsBeside(path)
    if let labels = labelsFile {
      let rows = reading.parts[0].rowCount
      labelsSHA256 = try reading.add(labels, isLabels: true)
      let found = reading.parts.last?.rowCount ?? rows
      guard found == rows else {
        throw DataError(file: labels, problem: .labelRows(expected: rows, found: found))
      }
    }
    try self.init(
      file: path, columnNames: reading.columnNames, labelColumns: Array(reading.columnNames[dataColumns...]),
      labelsFile: labelsFile, sha256: sha256, labelsSHA256: labelsSHA256, parts: reading.parts, memory: reading.memory)
  }
}

/// The parts of a table while it is read.
private struct Reading {
  private let options: DataOptions
  private(set) var parts: [DataTable.Part] = []
  private(set) var columnNames: [String] = []
  private(set) var memory: MemoryBudget

  init(options: DataOptions, beside bytes: Int) {
    self.options = options
    memory = MemoryBudget(limit: options.memoryLimit)
    memory.hold(bytes)
  }

  /// Adds the columns of a file.
  ///
  /// - Returns: its SHA-256, where that was asked for.
  mutating func add(_ path: String, isLabels: Bool) throws(DataError) -> String? {
    let content: FileContent
    do throws(FileProblem) {
      content = try FileContent(of: path, memory: memory, takesSHA256: options.takesSHA256)
    } catch {
      throw DataError(file: path, problem: error.problem)
    }
    switch content.body {
    case .archive(let source): try add(source, arrays: isLabels ? nil : options.arrays)
    case .bytes(let bytes): try add(bytes, of: path, isLabels: isLabels)
    }
    return content.sha256
  }

  private mutating func add(_ bytes: FileBytes, of path: String, isLabels: Bool) throws(DataError) {
    memory.hold(bytes.count)
    let format = DataFormat(ofContent: bytes)
    if format == .csv, let foreign = ForeignFormat(ofContent: bytes) {
      throw DataError(file: path, problem: .foreignFormat(name: foreign.name, advice: foreign.advice))
    }
    if format == .csv, let expected = DataFormat(ofName: path) {
      throw DataError(file: path, problem: .otherFormat(expected: expected))
    }
    if options.arrays != nil, !isLabels { throw DataError(file: path, problem: .noArchive) }
    switch format {
    case .npy: try add(NumericArray(npy: bytes, file: path), name: isLabels ? "label" : "x", from: 0)
    case .idx:
      let array = try NumericArray(idx: bytes, file: path)
      try add(array, name: isLabels || array.isVector ? "label" : "pixel", from: 1)
    case .csv, .npz:
      let table = try CSVText(
        bytes, file: path, options: options, numbered: isLabels ? "label" : "x", memory: &memory)
      add(.csv(table), named: table.columnNames)
    }
  }

  private mutating func add(_ source: FileSource, arrays names: [String]?) throws(DataError) {
    let archive = try NPZFile(source)
    var arrays: [NumericArray] = []
    for name in names ?? archive.names {
      let (array, bytes) = try archive.array(name, memory: memory)
      memory.hold(bytes)
      arrays.append(array)
    }
    do throws(FileProblem) { try source.checkUnchanged() } catch {
      throw DataError(file: source.path, problem: error.problem)
    }
    if arrays.isEmpty { throw DataError(file: source.path, problem: .noArrays) }
    guard Set(arrays.map(\.rowCount)).count == 1 else {
      throw DataError(
        file: source.path,
        problem: .arraysDisagree(arrays.map { DataError.ArrayRows(name: $0.array ?? "", rows: $0.rowCount) }))
    }
    for array in arrays { try add(array, name: array.array ?? "", from: 0) }
  }

  /// Adds an array, its columns called `name` and a number from `first` on, or `name` alone where they are no columns by
  /// number.
  private mutating func add(_ array: NumericArray, name: String, from first: Int) throws(DataError) {
    do throws(FileProblem) {
      // Names are what a wide array of small numbers would need most memory for.
      try memory.take(array.columnCount, times: MemoryBudget.bytesPerColumn + MemoryBudget.bytes(besides: name))
    } catch {
      throw DataError(file: array.file, array: array.array, problem: error.problem)
    }
    add(
      .array(array), named: array.isVector ? [name] : numberedNames(name, count: array.columnCount, from: first))
  }

  private mutating func add(_ content: DataTable.Part.Content, named names: [String]) {
    let start = columnNames.count
    columnNames += names
    parts.append(DataTable.Part(content: content, columns: start..<columnNames.count))
  }

  /// The file of labels that belongs to the IDX images at `path`, where it has their name and exists.
  func labelsBeside(_ path: String) -> String? {
    guard case .array(let images) = parts[0].content, images.array == nil, !images.isVector else { return nil }
    return DataTable.labelsFile(beside: path)
  }
}

extension DataTable {
  /// The file of labels that is read with the IDX images at `path`, by their names: `nil` where `path` is not called as such
  /// images are, or there is none.
  public static func labelsFile(beside path: String) -> String? {
    labelsFiles(beside: path).first { access($0, F_OK) == 0 }
  }

  /// The files of labels that are looked for beside the IDX images at `path`: none where it is not called as such images are.
  package static func labelsFiles(beside path: String) -> [String] {
    let name = DataFormat.nameWithoutCompression(path)
    for separator in ["-", "."] {
      let end = "images\(separator)idx3-ubyte"
      guard name.hasSuffix(end) else { continue }
      let labels = name.dropLast(end.count) + "labels\(separator)idx1-ubyte"
      return path == name ? ["\(labels)", "\(labels).gz"] : ["\(labels).gz", "\(labels)"]
    }
    return []
  }
}
