// The formats of data, and how one is told from another. How each is read lies in a file of its own.

/// A format of data files.
public enum DataFormat: String, Sendable, CaseIterable {
  /// Comma-separated values below a header.
  case csv
  /// An array of NumPy's.
  case npy
  /// A zip archive of such arrays.
  case npz
  /// An array as MNIST's are, in the format of LeCun, Cortes and Burges (1998).
  case idx

  /// What people call it.
  var name: String {
    switch self {
    case .csv: "CSV"
    case .npy: "a NumPy array"
    case .npz: "an NPZ archive"
    case .idx: "an IDX array"
    }
  }

  /// The format that a file begins with: all but CSV have a mark in front.
  init(ofContent bytes: some Collection<UInt8>) {
    let first = Array(bytes.prefix(6))
    if first.starts(with: NPYHeader.mark) {
      self = .npy
    } else if first.starts(with: [0x50, 0x4B, 3, 4]) || first.starts(with: [0x50, 0x4B, 5, 6]) {
      // "PK": a member of an archive, or the end of an empty one.
      self = .npz
    } else if first.count >= 4, first[0] == 0, first[1] == 0, IDXHeader.types[first[2]] != nil {
      self = .idx
    } else {
      self = .csv
    }
  }

  /// The format that the name of a file promises; `nil` for a name that promises none.
  init?(ofName path: String) {
    let name = Self.nameWithoutCompression(path).lowercased()
    if let format = [Self.npy, .npz].first(where: { name.hasSuffix(".\($0.rawValue)") }) {
      self = format
    } else if name.hasSuffix("-ubyte") || name.hasSuffix(".idx") {
      self = .idx
    } else {
      return nil
    }
  }

  /// `path` without a `.gz` at its end.
  static func nameWithoutCompression(_ path: String) -> String {
    path.hasSuffix(".gz") ? String(path.dropLast(3)) : path
  }
}

/// What stands between the fields of a CSV file.
public enum CSVDelimiter: String, Sendable, CaseIterable {
  /// A comma.
  case comma = ","
  /// A semicolon, as spreadsheets use where numbers have decimal commas: see ``DecimalMark/comma``.
  case semicolon = ";"
  /// A tab.
  case tab = "tab"
  /// A vertical bar.
  case bar = "|"

  /// The delimiter of a file whose name ends in `.tsv` or `.tab` is the tab, that of others the comma.
  init(ofName path: String) {
    let name = DataFormat.nameWithoutCompression(path).lowercased()
    self = name.hasSuffix(".tsv") || name.hasSuffix(".tab") ? .tab : .comma
  }

  /// The character in ASCII.
  var byte: UInt8 { self == .tab ? UInt8(ascii: "\t") : rawValue.utf8.first! }

  /// What messages call several of them.
  var plural: String {
    switch self {
    case .comma: "commas"
    case .tab: "tabs"
    case .semicolon, .bar: "'\(rawValue)'"
    }
  }
}

/// How files are read as a table.
public struct DataOptions: Sendable, Equatable {
  /// What stands between the fields of CSV; `nil` for a tab where the name of the file ends in `.tsv` or `.tab`, else a comma.
  public var delimiter: CSVDelimiter?
  /// What stands before the decimals of numbers in CSV. Where that is the delimiter, too, such numbers must be quoted.
  public var decimalMark: DecimalMark
  /// Whether the first line of CSV names the columns. Where it does not, they are `x0`, `x1` and so on, as those of an array.
  public var hasHeader: Bool
  /// The arrays of an NPZ archive that make up the table, from left to right; `nil` for all.
  public var arrays: [String]?
  /// A file whose columns stand to the right of the data's: its labels.
  public var labels: String?
  /// The most bytes that reading may take at any time: the content of the files, unpacked, with names, numbers and texts that
  /// are made of it. What a caller keeps of earlier calls is not known.
  public var memoryLimit: Int
  /// Whether the SHA-256 of the files is taken while they are read: ``DataTable/sha256``.
  public var takesSHA256: Bool

  /// Options; what is not given has its default, the memory limit that of half the machine's memory.
  public init(
    delimiter: CSVDelimiter? = nil, decimalMark: DecimalMark = .point, hasHeader: Bool = true, arrays: [String]? = nil,
    labels: String? = nil, memoryLimit: Int? = nil, takesSHA256: Bool = false
  ) {
    self.delimiter = delimiter
    self.decimalMark = decimalMark
    self.hasHeader = hasHeader
    self.arrays = arrays
    self.labels = labels
    self.memoryLimit = memoryLimit ?? MemoryBudget.halfOfMemory
    self.takesSHA256 = takesSHA256
  }
}
