// The sentences about data that cannot be used: what is wrong and what to do about it.

import ComputeBackend

extension DataError.Problem {
  var sentence: String {
    switch self {
    case .missing, .folder, .unreadable, .tooLarge, .otherFormat, .foreignFormat, .notCompressed, .compressionCutShort,
      .compressionDamaged, .bytesAfterCompression:
      fileSentence
    case .unknownVersion, .badHeader, .unsupportedType, .noColumns, .cutShort, .bytesAfterTheEnd, .archiveDamaged,
      .archiveInsideCompression, .archiveInPipe, .noArrays, .unknownArray, .duplicateArray, .noArchive, .arraysDisagree:
      arraySentence
    default: tableSentence
    }
  }

  private var fileSentence: String {
    switch self {
    case .missing: "there is no such file; check the path"
    case .folder: "this is a folder; name a file"
    case .unreadable(let reason): "the file cannot be read (\(reason))"
    case .tooLarge(let bytes, let limit):
      "the data needs \(bytes.map(inGigabytes) ?? "more than \(inGigabytes(limit))") of memory"
        + "\(bytes == nil ? "" : ", and the limit is \(inGigabytes(limit))"); "
        + "take fewer rows or columns, or raise the limit (for the tool: --memory-limit)"
    case .otherFormat(let format):
      "the name of the file promises \(format.name), but its content is something else; check the file, or rename it"
    case .foreignFormat(let name, let advice): "this is \(name), which is no table that can be read; \(advice)"
    case .notCompressed:
      "the name of the file promises gzip, but its content is something else; check the file, or rename it"
    case .compressionCutShort: "the compressed file ends too early; fetch or pack it again"
    case .compressionDamaged(let reason):
      "the compressed file is damaged (\(reason)); fetch or pack it again"
    case .bytesAfterCompression:
      "there are bytes after the end of the compressed data; fetch or pack the file again"
    default: ""
    }
  }

  private var tableSentence: String {
    switch self {
    case .empty: "the file is empty; its first line must name the columns"
    case .noRows: "the file has a header but no rows; add at least one row of numbers"
    case .separatorLine: "the line tells Excel what separates fields; remove it, for the header comes first"
    case .numericHeader:
      "the line holds nothing but numbers, so it is a row rather than a header; put names above it, or say that there are "
        + "none (for the tool: --no-header); names that are numbers must be in quotes"
    case .unnamedColumn(let position):
      "column \(position) has no name; name every column in the header"
        + (position == 1 ? ", or leave pandas' index out (to_csv with index=False)" : "")
    case .duplicateColumn(let name, let first, let second):
      "columns \(first) and \(second) are both named \(shown(name)); give each a name of its own"
    case .raggedRow(let expected, let found):
      "expected \(expected) field\(expected == 1 ? "" : "s") as in the header, found \(found); "
        + (found < expected ? "add what is missing" : "remove the rest, or quote fields that contain the delimiter")
    case .blankLine: "the line is blank and rows follow; remove it, or fill it in"
    case .emptyCell: "the cell is empty; fill it in, or leave the row out"
    case .notANumber(let text): notANumberSentence(text)
    case .notFinite(let text, let precision):
      "\(shown(text)) is not a finite number in precision \(precision.rawValue); put one there, "
        + (precision == .f32 && Double(text)?.isFinite == true
          ? "or compute in f64 (for the tool: --precision f64)" : "or leave the row out")
    case .unterminatedQuote: "the quote that opens this field is never closed; add the closing quote"
    case .strayQuote:
      "there is a quote in the middle of the field; put the whole field in quotes and double each quote inside"
    case .notUTF8:
      "the bytes are not UTF-8 text; save the file as CSV in UTF-8, or convert it (iconv -f WINDOWS-1252 -t UTF-8)"
    case .zeroByte: "there is a zero byte, so this is not a text file, or one in UTF-16; save it as CSV in UTF-8"
    case .otherSeparator(let separator, let expected):
      "the fields are separated by \(separator.plural), not by \(expected.plural); name that separator "
        + "(for the tool: --delimiter '\(separator.rawValue)')"
    case .unknownColumn(let name, let nearest, let columns):
      "there is no column \(shown(name))\(nearest.map { " (did you mean \(shown($0))?)" } ?? ""); "
        + "the columns are \(columnList(columns))"
        + (columns.contains(where: DecimalMark.point.isNumber)
          ? "; if that is a row, there is no header: add one, or say so (for the tool: --no-header)" : "")
    case .labelRows(let expected, let found):
      "there are labels for \(found) row\(found == 1 ? "" : "s"), but the data has \(expected); name the labels of this data"
    case .labelColumn(let name):
      "the labels have a column \(shown(name)), and the data has one of that name, too; rename one of them"
    case .unknownCategory(let text, let known):
      "\(shown(text)) is not among the known values \(columnList(known)); put one of them there, or train with it"
    case .noDeviation:
      "the numbers are so large that their mean or deviation is infinite; make them smaller, or leave the column out"
    default: ""
    }
  }

  private func notANumberSentence(_ text: String) -> String {
    let start = "expected a number like -1.5 or 2e-3, found \(shown(text))"
    if Self.missingValues.contains(text.lowercased()) { return "\(start); put one there, or leave the row out" }
    return start + (NumberSpelling(of: text).map { ", \($0.advice)" } ?? "; put one there")
      + "; or take the column as text (for the tool: --categories for an input, --loss cross-entropy for a target)"
  }

  /// What stands for a missing value in tables of R, pandas, Excel and others.
  private static let missingValues: Set<String> = [
    "na", "n/a", "#n/a", "<na>", "null", "none", "missing", "unknown", "?", "-", "--", ".",
  ]

  private var arraySentence: String {
    switch self {
    case .unknownVersion(let version):
      "the format of the array is version \(version), and versions 1 to 3 are read; save it again with numpy.save"
    case .badHeader(let what): "\(what); save the array again"
    case .unsupportedType(let type):
      "the elements are of type \(shown(type)); save them as numbers, \(adviceForElements(ofType: type))"
    case .noColumns(let shape):
      "the shape of the array is \(spelled(shape)), which gives no columns; it must be (rows, columns) or (rows,)"
    case .cutShort(let shape, let expected, let found):
      "the shape \(spelled(shape)) needs \(expected.map { "\($0) bytes" } ?? "more bytes than there can be"), "
        + "but there are only \(found); fetch or save the file again"
    case .bytesAfterTheEnd(let shape, let expected, let found):
      "the shape \(spelled(shape)) needs \(expected) bytes, but there are \(found); fetch or save the file again"
    case .archiveDamaged: "the zip archive is damaged, or packed in a way that numpy.savez does not use; save it again"
    case .archiveInsideCompression:
      "there is a zip archive inside the compressed file; unpack it first, with gunzip"
    case .archiveInPipe:
      "a zip archive is not read from front to end, so it cannot come through a pipe; name a file on the disk"
    case .noArrays: "the archive holds no arrays; make it with numpy.savez"
    case .unknownArray(let name, let nearest, let arrays):
      "there is no array \(shown(name))\(nearest.map { " (did you mean \(shown($0))?)" } ?? ""); "
        + "the arrays are \(columnList(arrays))"
    case .duplicateArray: "the archive has two arrays of that name; save it again"
    case .noArchive: "only an NPZ archive has arrays by name; leave their names out (for the tool: --arrays)"
    case .arraysDisagree(let arrays):
      "the arrays have unequal numbers of rows (\(arrays.map { "\(shown($0.name)): \($0.rows)" }.joined(separator: ", "))); "
        + "name those that belong together (for the tool: --arrays)"
    default: ""
    }
  }
}

/// How numbers are made of an array of a type that is not read, by NumPy's letter for it behind the order of bytes.
private func adviceForElements(ofType type: String) -> String {
  switch type.dropFirst().first {
  case "U", "S", "O":
    "classes with numpy.unique(x.astype(str), return_inverse=True)[1], digits with x.astype(float)"
  case "M", "m": "with x.astype(numpy.int64)"
  case _ where type == "a record": "with numpy.lib.recfunctions.structured_to_unstructured(x)"
  default: "for instance with x.astype(numpy.float32)"
  }
}

/// `text` in double quotes, on one line and not too long, with control characters made visible.
func shown(_ text: String) -> String {
  let limit = 60
  return text.count > limit ? "\(text.prefix(limit).debugDescription)..." : text.debugDescription
}

/// Names, in double quotes, with `"x0" to "x63"` for those that count on, and not too many.
package func columnList(_ names: [String]) -> String {
  var items: [String] = []
  var index = 0
  while index < names.count, items.count < 20 {
    let first = index
    let (prefix, number) = numbered(names[first])
    if let number {
      while index + 1 < names.count, names[index + 1] == "\(prefix)\(number + index + 1 - first)" { index += 1 }
    }
    if index - first < 3 { index = first }
    items.append(index == first ? shown(names[first]) : "\(shown(names[first])) to \(shown(names[index]))")
    index += 1
  }
  return items.joined(separator: ", ") + (index < names.count ? " and \(names.count - index) more" : "")
}

/// A name, and the number at its end.
private func numbered(_ name: String) -> (prefix: Substring, number: Int?) {
  let start = name.lastIndex { !("0"..."9").contains($0) }.map(name.index(after:)) ?? name.startIndex
  return (name[..<start], name[start...].utf8.count <= 15 ? Int(name[start...]) : nil)
}

/// A shape as NumPy writes it.
private func spelled(_ shape: [Int]) -> String {
  "(\(shape.map(String.init).joined(separator: ", "))\(shape.count == 1 ? "," : ""))"
}

/// `1.5 GB` of 1,073,741,824 bytes each; below one of them, in MB or bytes.
private func inGigabytes(_ bytes: Int) -> String {
  for (unit, name) in [(1 << 30, "GB"), (1 << 20, "MB")] where bytes >= unit {
    let tenths = (Double(bytes) / Double(unit) * 10).rounded()
    return "\(tenths / 10) \(name)"
  }
  return "\(bytes) bytes"
}
