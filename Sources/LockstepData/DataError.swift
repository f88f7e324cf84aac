// What can be wrong with data, as values. The sentences that say so lie in DataErrorSentences.swift.

import ComputeBackend

/// Data that cannot be used: where, what is wrong and what to do about it.
public struct DataError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file, as the caller named it.
  public let file: String
  /// The array of an NPZ archive, or `nil` where the problem is not that of one array.
  public let array: String?
  /// The line of a CSV file, counted from 1, blank lines and lines inside quotes too; `nil` where no line is at fault.
  public let line: Int?
  /// The row of an array, counted from 1; `nil` where no row is at fault, or the file has lines.
  public let row: Int?
  /// The name of the column, or `nil` where the problem is not that of one cell.
  public let column: String?
  /// What is wrong.
  public let problem: Problem

  init(
    file: String, array: String? = nil, line: Int? = nil, row: Int? = nil, column: String? = nil, problem: Problem
  ) {
    self.file = file
    self.array = array
    self.line = line
    self.row = row
    self.column = column
    self.problem = problem
  }

  /// What can be wrong with data.
  public enum Problem: Sendable, Equatable {
    // Files.

    /// There is no file of that name.
    case missing
    /// The path names a folder.
    case folder
    /// The system refuses to read, with its own words for why.
    case unreadable(reason: String)
    /// The data needs more memory than it may take; where `bytes` is `nil`, at least as much as that.
    case tooLarge(bytes: Int?, limit: Int)
    /// The name of the file promises a format that the content is not of.
    case otherFormat(expected: DataFormat)
    /// A format that is not read: what it is called, and what to do.
    case foreignFormat(name: String, advice: String)
    /// The name of the file promises gzip, and the content is something else.
    case notCompressed
    /// A gzip file that ends too early.
    case compressionCutShort
    /// A gzip file that cannot be unpacked, with zlib's own words for why.
    case compressionDamaged(reason: String)
    /// Bytes behind what gzip has packed.
    case bytesAfterCompression

    // CSV.

    /// There is no header.
    case empty
    /// There are no rows: none below the header, or none in an array.
    case noRows
    /// A first line that tells Excel what separates fields.
    case separatorLine
    /// A header of numbers, which is a row rather, unless it is quoted or counts from 0.
    case numericHeader
    /// A column of the header has no name; positions count from 1.
    case unnamedColumn(position: Int)
    /// Two columns of the header have one name; positions count from 1.
    case duplicateColumn(name: String, first: Int, second: Int)
    /// A row with more or fewer fields than the header has.
    case raggedRow(expected: Int, found: Int)
    /// A blank line that is followed by a row, in a table of a single column.
    case blankLine
    /// A cell that a value was asked of and that is empty.
    case emptyCell
    /// A cell that a number was asked of and that holds something else.
    case notANumber(text: String)
    /// A number that is infinite, or becomes so in the precision asked for; or a NaN.
    case notFinite(text: String, precision: Precision)
    /// A quoted field without a closing quote.
    case unterminatedQuote
    /// A quote in the middle of a field.
    case strayQuote
    /// Bytes that are not UTF-8 text.
    case notUTF8
    /// A zero byte, which no text in UTF-8 has.
    case zeroByte
    /// A header of one field that holds another separator, as the rows do.
    case otherSeparator(CSVDelimiter, expected: CSVDelimiter)

    // Arrays.

    /// An NPY file of a version that is not read.
    case unknownVersion(Int)
    /// A header that breaks the rules of its format; the text says which.
    case badHeader(String)
    /// Elements of a type that no numbers are made of, in NumPy's or IDX's own spelling.
    case unsupportedType(String)
    /// An array with no axis, or one without elements in its rows.
    case noColumns(shape: [Int])
    /// A shape that needs more bytes than there are; `expected` is `nil` where they cannot even be counted.
    case cutShort(shape: [Int], expected: Int?, found: Int)
    /// Bytes behind the last element.
    case bytesAfterTheEnd(shape: [Int], expected: Int, found: Int)

    // Archives.

    /// A zip archive that cannot be read.
    case archiveDamaged
    /// A zip archive inside gzip.
    case archiveInsideCompression
    /// A zip archive that comes through a pipe, and is not read from front to end.
    case archiveInPipe
    /// An archive without arrays, or none of them asked for.
    case noArrays
    /// An array that was asked for and is not there.
    case unknownArray(name: String, nearest: String?, arrays: [String])
    /// Two arrays with one name.
    case duplicateArray
    /// Arrays were named, and the file has none by name.
    case noArchive
    /// Arrays of one table with unequal numbers of rows.
    case arraysDisagree([ArrayRows])

    // Tables.

    /// A column that was asked for and is not there.
    case unknownColumn(name: String, nearest: String?, columns: [String])
    /// Labels for another number of rows than the data has.
    case labelRows(expected: Int, found: Int)
    /// A column of the labels that the data has, too.
    case labelColumn(name: String)
    /// A value that is none of the known categories.
    case unknownCategory(text: String, known: [String])
    /// Numbers that are too large for their mean and deviation to be finite.
    case noDeviation
  }

  /// An array of an archive and how many rows it has.
  public struct ArrayRows: Sendable, Equatable {
    /// The array's name.
    public let name: String
    /// How many rows it has.
    public let rows: Int
  }

  public var description: String {
    var place = file
    if let array { place += ", array \(shown(array))" }
    if let line { place += ", line \(line)" }
    if let row { place += ", row \(row)" }
    if let column { place += ", column \(shown(column))" }
    return "\(place): \(problem.sentence)."
  }
}
