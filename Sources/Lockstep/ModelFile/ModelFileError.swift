// What can be wrong with a model file, and the sentence that says so. How files are read lies in SafetensorsHeader.swift
// and SafetensorsReading.swift.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A model file that cannot be read, used or written: which, where in it, and what is wrong.
public struct ModelFileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file, as the caller named it.
  public let file: String
  /// The tensor at fault, or `nil` where it is the file as a whole.
  public let tensor: String?
  /// What is wrong.
  public let problem: Problem
  /// The system's `errno`, where it did not read or write the file; `nil` where it gave none.
  public let errorNumber: Int32?

  /// An error about `file`, or about one tensor in it. A file that is missing or a folder has its `errno` anyway.
  public init(file: String, tensor: String? = nil, problem: Problem, errorNumber: Int32? = nil) {
    self.file = file
    self.tensor = tensor
    self.problem = problem
    self.errorNumber =
      switch problem {
      case .missing: ENOENT
      case .folder: EISDIR
      default: errorNumber
      }
  }

  /// What can be wrong with a model file.
  public enum Problem: Sendable, Equatable {
    /// There is no file of that name.
    case missing
    /// The path names a folder.
    case folder
    /// The system refuses to read, with its own words for why.
    case unreadable(reason: String)
    /// The file could not be written, with the reason.
    case unwritable(reason: String)
    /// The file ends inside the length of its header.
    case tooShort(size: Int)
    /// The header claims more bytes than the format allows.
    case headerTooLong(length: UInt64)
    /// The header claims more bytes than the file holds.
    case headerBeyondFile(length: Int, size: Int)
    /// The header is not a JSON object in UTF-8.
    case headerNotAnObject
    /// The header has an entry, or an entry has a field, twice.
    case repeatedKey(String)
    /// `__metadata__` holds something else than strings.
    case metadataNotStrings
    /// A tensor's entry lacks a field, or the field holds something else than it should.
    case badField(String)
    /// An element type that the format does not have.
    case unknownDataType(String)
    /// A shape with a negative size, or of more elements than can be counted.
    case badShape([Int])
    /// Data offsets that are negative or run backwards.
    case badOffsets([Int])
    /// The offsets leave room for another number of bytes than the shape needs.
    case wrongSize(expected: Int, found: Int)
    /// The tensor starts before the one in front of it ends.
    case overlap(expected: Int, found: Int)
    /// There are bytes in front of the tensor that belong to none.
    case hole(expected: Int, found: Int)
    /// The tensor ends behind the end of the file.
    case dataBeyondFile(end: Int, available: Int)
    /// There are bytes behind the last tensor.
    case trailingBytes
    /// The elements of a tensor were asked for whose type is not computed in.
    case unsupportedDataType(SafetensorsFile.DataType)
    /// A file to write has two tensors of one name.
    case repeatedTensor
    /// A tensor to write has the name that the format keeps for the metadata.
    case reservedName
  }

  public var description: String {
    "\(file)\(tensor.map { ", tensor \(shown($0))" } ?? ""): \(problem.sentence)."
  }
}

extension ModelFileError.Problem {
  fileprivate var sentence: String {
    switch self {
    case .missing: "there is no such file; check the path"
    case .folder: "this is a folder; name a safetensors file"
    case .unreadable(let reason): "the file cannot be read (\(reason))"
    case .unwritable(let reason): "the file cannot be written (\(reason))"
    case .tooShort(let size): "the file has \(size) bytes, too few for a safetensors file"
    case .headerTooLong(let length): headerTooLongSentence(length)
    case .headerBeyondFile(let length, let size):
      "the header claims \(length) bytes, but the file ends \(size) bytes after the header's length"
    case .headerNotAnObject: "the header is not a JSON object, so this is no safetensors file or a damaged one"
    case .repeatedKey(let key): "the header holds \(shown(key)) twice"
    case .metadataNotStrings: "the header's __metadata__ is not a table of strings"
    case .badField(let field): "the header's field \(shown(field)) is missing or not of the right kind"
    case .unknownDataType(let name): "safetensors has no element type \(shown(name))"
    case .badShape(let shape): "the shape \(shape) is negative or too large"
    case .badOffsets(let offsets): "the data offsets \(offsets) are not a start and an end after it"
    case .wrongSize(let expected, let found): "its shape needs \(expected) bytes, but the file gives it \(found)"
    case .overlap(let expected, let found):
      "its data starts at byte \(found), inside the tensor before it, which ends at byte \(expected)"
    case .hole(let expected, let found):
      "its data starts at byte \(found), but the tensor before it ends at byte \(expected)"
    case .dataBeyondFile(let end, let available):
      "its data ends at byte \(end), but the file holds only \(available) bytes of data"
    case .trailingBytes: "there are bytes after the last tensor that belong to none"
    case .unsupportedDataType(let type):
      "its elements are \(type.rawValue), but only F32 and F64 can be used; convert the file"
    case .repeatedTensor: "two tensors have this name"
    case .reservedName: "safetensors keeps this name for the metadata; choose another"
    }
  }
}

/// The sentence for a header that is too long. Its length is the first eight bytes, which tell a file of another kind.
private func headerTooLongSentence(_ length: UInt64) -> String {
  let first = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
  let start = "this is not a safetensors file"
  switch first {
  case _ where first.starts(with: Array("PK\u{3}\u{4}".utf8)):
    return "\(start), but a zip archive, such as torch.save and numpy.savez write; save models with "
      + "safetensors.torch.save_file"
  case _ where first.starts(with: [0x93] + Array("NUMPY".utf8)) || first.starts(with: [0, 0, 8]):
    return "\(start), but an array; name a model here (for the tool: MODEL comes before DATA)"
  case _ where first.allSatisfy({ $0 >= UInt8(ascii: " ") || "\t\n\r".utf8.contains($0) }):
    let text = String(decoding: first, as: UTF8.self)
    return
      "\(start), but text that begins with \(shown(text)); name a model here (for the tool: MODEL comes before DATA)"
  default:
    return "\(start), or a damaged one: the header claims \(length) bytes, more than the "
      + "\(SafetensorsFile.maximumHeaderLength) that safetensors allows"
  }
}

/// `text` in double quotes, on one line and not too long, with control characters made visible.
private func shown(_ text: String) -> String {
  let limit = 100
  return text.count > limit ? "\(text.prefix(limit).debugDescription)..." : text.debugDescription
}
