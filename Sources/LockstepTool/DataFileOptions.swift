// The options that say how a file of data is read, for every command that reads one.

import Lockstep
import LockstepData

/// Options of the commands that read data.
enum DataFileOptions {
  /// What stands between the fields of CSV.
  static let delimiter = CommandOption<CSVDelimiter?>(
    "delimiter", valueName: ",|;|tab|'|'", summary: "what stands between the fields of CSV", default: nil,
    defaultText: "tab for names that end in .tsv, else a comma", allowed: "a comma, a semicolon, tab, or |",
    parse: { text in CSVDelimiter(rawValue: text == "\t" ? "tab" : text).map { .some($0) } })

  /// What stands before decimals in CSV.
  static let decimal = CommandOption<DecimalMark?>(
    "decimal", valueName: ".|,", summary: "what stands before the decimals of numbers in CSV", default: nil,
    defaultText: ".", allowed: "a point or a comma", parse: { text in DecimalMark(rawValue: text).map { .some($0) } })

  /// CSV without names.
  static let noHeader = CommandOption.flag(
    "no-header", summary: "the first line of CSV is a row, not names; the columns are x0, x1, ...")

  /// The arrays of an NPZ archive.
  static let arrays = CommandOption<[String]?>.list(
    "arrays", valueName: "NAME[,NAME...]", summary: "the arrays of an NPZ archive that make up the table",
    defaultText: "all", items: "array names")

  /// The file of labels.
  static let labels = CommandOption<String?>.fileName(
    "labels", valueName: "FILE", summary: "a file whose columns join those of the data, in any of the formats",
    defaultText: "for images-idx3-ubyte the file labels-idx1-ubyte beside it")

  /// The most memory for data.
  static let memoryLimit = CommandOption<Int?>(
    "memory-limit", valueName: "SIZE", summary: "the most memory that data may take, such as 500M or 4G",
    default: nil, defaultText: "half of the machine's memory",
    allowed: "a whole number of bytes, or one with K, M, G or T for powers of 1024", parse: byteCount)

  /// All of them.
  static let all: [any OptionDeclaration] = [delimiter, decimal, noHeader, arrays, labels, memoryLimit]

  /// Those of a command that labels do not matter to.
  static let ofInputs: [any OptionDeclaration] = all.filter { $0.name != labels.name }

  /// What the help says of data files.
  static let details = """
    DATA is a CSV file with a header (or --no-header), a NumPy array (.npy, columns x0, x1, ...), an archive of arrays \
    (.npz, columns named after the arrays) or IDX images as MNIST's (columns pixel1, pixel2, ...), each also packed with gzip; \
    the content tells which. `-` is standard input.
    """

  private static func byteCount(_ text: String) -> Int?? {
    let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
    let unit = text.last.flatMap { units[Character($0.uppercased())] }
    guard let count = Int(unit == nil ? text[...] : text.dropLast()), count >= 1 else { return nil }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: unit ?? 1)
    return overflow ? nil : .some(bytes)
  }
}

extension CommandOption<[String]?> {
  /// A list of names, quoted as in CSV; nothing where it is not given.
  static func list(
    _ name: String, valueName: String = "COLUMN[,COLUMN...]", summary: String, defaultText: String?,
    items: String = "column names"
  ) -> CommandOption {
    CommandOption(
      name, valueName: valueName, summary: summary, default: nil, defaultText: defaultText,
      allowed: "a list of \(items), separated by commas",
      parse: { text in
        guard let names = csvFields(in: text), !names.isEmpty, !names.contains("") else { return nil }
        return names
      })
  }
}

extension Invocation {
  /// Reads a file of data as the options say.
  ///
  /// - Throws: `DataError`.
  func table(_ path: String) throws -> DataTable { try table(path, labels: self[DataFileOptions.labels]) }

  /// Reads a file of data as the options say.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - labels: its file of labels, or `nil` for that which belongs to it.
  ///   - takesSHA256: whether a recipe is to name what was read.
  ///   - other: a table that takes memory meanwhile.
  /// - Throws: `DataError`.
  func table(
    _ path: String, labels: String?, takesSHA256: Bool = false, beside other: DataTable? = nil
  ) throws -> DataTable {
    try checkStandardInput([path, labels].compactMap(\.self))
    return try DataTable(
      contentsOf: inputPath(path),
      options: DataOptions(
        delimiter: self[DataFileOptions.delimiter], decimalMark: self[DataFileOptions.decimal] ?? .point,
        hasHeader: !self[DataFileOptions.noHeader], arrays: self[DataFileOptions.arrays], labels: labels.map(inputPath),
        memoryLimit: self[DataFileOptions.memoryLimit], takesSHA256: takesSHA256), beside: other)
  }

  /// What `-` stands for.
  private func inputPath(_ path: String) -> String { path == "-" ? "/dev/stdin" : path }

  /// Refuses to read standard input more than once.
  ///
  /// - Parameter paths: what is to be read.
  /// - Throws: ``UsageError``.
  func checkStandardInput(_ paths: [String]) throws {
    guard paths.count(where: { inputPath($0) == "/dev/stdin" }) > 1 else { return }
    throw UsageError(
      description: "standard input can be read once, but two files are to come from it; name one of them")
  }

  /// The files that the command reads, which no result may replace.
  var inputFiles: [String] {
    operands + operands.compactMap { labelsFile(of: $0, named: self[DataFileOptions.labels]) }
  }

  /// The file of labels of some data: the one that is named, or else the one beside it.
  func labelsFile(of data: String, named labels: String?) -> String? { labels ?? DataTable.labelsFile(beside: data) }

  /// The names that an option lists; `nil` where it is not given.
  ///
  /// - Throws: ``UsageError`` where one is listed twice.
  func names(_ option: CommandOption<[String]?>) throws -> [String]? {
    guard let names = self[option] else { return nil }
    var seen: Set<String> = []
    if let repeated = names.first(where: { !seen.insert($0).inserted }) {
      throw UsageError(description: "--\(option.name) names the column \(repeated.debugDescription) twice")
    }
    return names
  }
}
