// Formats that are not read, told by what they begin with, and what makes a table of each.

/// A format that is not read.
struct ForeignFormat {
  /// What it is called.
  let name: String
  /// What to do.
  let advice: String

  private init(_ name: String, _ advice: String) {
    self.name = name
    self.advice = advice
  }

  private static let asCSV = "save it as CSV in UTF-8"
  private static let withPandas = "save it as CSV, with pandas and to_csv(..., index=False)"

  /// What files begin with, each scalar a byte, and what they are.
  private static let marks: KeyValuePairs<String, ForeignFormat> = [
    "\u{FD}7zXZ": ForeignFormat("a file packed by xz", "unpack it, with unxz"),
    "\u{28}\u{B5}\u{2F}\u{FD}": ForeignFormat("a file packed by zstd", "unpack it, with unzstd"),
    "BZh91AY&SY": ForeignFormat("a file packed by bzip2", "unpack it, with bunzip2"),
    "PAR1\u{15}": ForeignFormat("a Parquet file", withPandas),
    "ARROW1\0\0": ForeignFormat("a Feather file", withPandas),
    "\u{89}HDF\r\n": ForeignFormat("an HDF5 file", withPandas),
    "SQLite format 3\0": ForeignFormat("an SQLite database", withPandas),
    "\u{D0}\u{CF}\u{11}\u{E0}": ForeignFormat("an Excel workbook of before 2007", asCSV),
    "\u{80}\u{2}": pickle, "\u{80}\u{3}": pickle, "\u{80}\u{4}": pickle, "\u{80}\u{5}": pickle,
    "\u{FF}\u{FE}": ForeignFormat("text in UTF-16", asCSV), "\u{FE}\u{FF}": ForeignFormat("text in UTF-16", asCSV),
    "%PDF-": ForeignFormat("a PDF", asCSV), "\u{89}PNG": image, "\u{FF}\u{D8}\u{FF}": image,
  ]
  private static let pickle = ForeignFormat(
    "a Python pickle", "save arrays with numpy.save, tables with to_csv(..., index=False)")
  private static let image = ForeignFormat("an image", "save the pixels of all images as one array, with numpy.save")
  private static let model = ForeignFormat(
    "a model file in the format safetensors", "name data here (for the tool: MODEL comes before DATA)")

  /// What is none of the formats that are read, for it begins as another does.
  init?(ofContent bytes: FileBytes) {
    if let found = Self.marks.first(where: { bytes.starts(with: $0.key.unicodeScalars.map { UInt8($0.value) }) }) {
      self = found.value
    } else if bytes.count > 8, bytes[8] == UInt8(ascii: "{"), bytes[4...7].allSatisfy({ $0 == 0 }) {
      // The length of a header of JSON, in eight bytes.
      self = Self.model
    } else {
      return nil
    }
  }

  /// What text that is no CSV seems to be.
  init?(ofText bytes: FileBytes) {
    let text = bytes.prefix(64).drop { $0 >= 128 || $0 <= UInt8(ascii: " ") }
    let next = text.dropFirst().first { $0 > UInt8(ascii: " ") }
    switch (text.first, next) {
    case (UInt8(ascii: "<"), _): self.init("XML or HTML", Self.asCSV)
    case (UInt8(ascii: "{"), UInt8(ascii: "\"")), (UInt8(ascii: "["), UInt8(ascii: "{")),
      (UInt8(ascii: "["), UInt8(ascii: "[")):
      self.init("JSON", Self.withPandas)
    default: return nil
    }
  }

  /// What a zip archive without arrays is, by the names of its members.
  init?(ofMembers names: [String]) {
    if names.contains("[Content_Types].xml") || names.contains("content.xml") {
      self.init("a workbook of a spreadsheet", Self.asCSV)
    } else if names.contains(where: { $0.hasSuffix("data.pkl") }) {
      self.init(
        "a file of PyTorch", "save arrays with numpy.save(file, x.numpy()), models with safetensors.torch.save_file")
    } else {
      return nil
    }
  }
}
