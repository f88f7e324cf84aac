// The JSON header of a safetensors file: from bytes to checked entries and back. The data lies in SafetensorsReading.swift
// and SafetensorsWriting.swift.

import FoundationEssentials

/// The header of a safetensors file.
struct SafetensorsHeader {
  /// A tensor as the header describes it: where its data lies, counted from the end of the header.
  struct Entry {
    var name: String
    var dataType: SafetensorsFile.DataType
    var shape: [Int]
    var range: Range<Int>
  }

  var metadata: [String: String]
  /// In the order of the data, without gaps.
  var entries: [Entry]

  /// How many bytes of data follow the header.
  var dataSize: Int { entries.last?.range.upperBound ?? 0 }
}

// MARK: - JSON

extension SafetensorsHeader {
  /// The entry that is no tensor.
  static var metadataKey: String { "__metadata__" }
}

/// A key of the header: the name of a tensor, or `__metadata__`.
private struct Key: CodingKey {
  var stringValue: String
  var intValue: Int? { nil }
  init(_ name: String) { stringValue = name }
  init?(stringValue: String) { self.init(stringValue) }
  init?(intValue: Int) { nil }
}

/// The header as the file has it, before anything is checked.
private struct RawHeader: Codable {
  struct Entry: Codable {
    enum CodingKeys: String, CodingKey {
      case dataType = "dtype"
      case shape
      case offsets = "data_offsets"
    }

    var dataType: String
    var shape: [WholeNumber]
    var offsets: [WholeNumber]
  }

  /// A number, or `nil` for one that is not whole or does not fit: the decoder calls a file with such a number no JSON,
  /// without saying where it is.
  struct WholeNumber: Codable {
    var value: Int?

    init(_ value: Int) { self.value = value }

    init(from decoder: any Decoder) throws {
      value = try? decoder.singleValueContainer().decode(Int.self)
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      try container.encode(value)
    }
  }

  var metadata: [String: String]
  var entries: [String: Entry]

  init(metadata: [String: String], entries: [String: Entry]) {
    self.metadata = metadata
    self.entries = entries
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    metadata = [:]
    entries = [:]
    for key in container.allKeys {
      if key.stringValue == SafetensorsHeader.metadataKey {
        metadata = try container.decode([String: String].self, forKey: key)
      } else {
        entries[key.stringValue] = try container.decode(Entry.self, forKey: key)
      }
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    if !metadata.isEmpty { try container.encode(metadata, forKey: Key(SafetensorsHeader.metadataKey)) }
    for (name, entry) in entries { try container.encode(entry, forKey: Key(name)) }
  }
}

// MARK: - Reading

extension SafetensorsHeader {
  /// Reads and checks a header; afterwards its ranges can be trusted, up to the size of the file.
  ///
  /// - Parameters:
  ///   - bytes: the JSON text.
  ///   - file: what messages call the file.
  init(json bytes: [UInt8], file: String) throws(ModelFileError) {
    func error(_ problem: ModelFileError.Problem, _ tensor: String? = nil) -> ModelFileError {
      ModelFileError(file: file, tensor: tensor, problem: problem)
    }
    // The decoder would take UTF-16 too, which has zero bytes, and a mark in front.
    guard bytes.first == UInt8(ascii: "{"), !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else {
      throw error(.headerNotAnObject)
    }
    let raw: RawHeader
    do {
      raw = try JSONDecoder().decode(RawHeader.self, from: Data(bytes))
    } catch let decodingError as DecodingError {
      let path = decodingError.path
      switch path.first {
      case nil: throw error(.headerNotAnObject)
      case SafetensorsHeader.metadataKey: throw error(.metadataNotStrings)
      case let name?: throw error(.badField(path.count > 1 ? path[1] : name), name)
      }
    } catch _ {
      throw error(.headerNotAnObject)
    }
    if let (key, parent) = repeatedKey(in: bytes) {
      throw error(.repeatedKey(key), parent == Self.metadataKey ? nil : parent)
    }

    metadata = raw.metadata
    entries = []
    for (name, entry) in raw.entries { entries.append(try Entry(name, entry, error: error)) }
    entries.sort {
      ($0.range.lowerBound, $0.range.upperBound, $0.name) < ($1.range.lowerBound, $1.range.upperBound, $1.name)
    }
    var end = 0
    for entry in entries {
      let start = entry.range.lowerBound
      if start < end { throw error(.overlap(expected: end, found: start), entry.name) }
      if start > end { throw error(.hole(expected: end, found: start), entry.name) }
      end = entry.range.upperBound
    }
  }
}

extension SafetensorsHeader.Entry {
  fileprivate init(
    _ name: String, _ raw: RawHeader.Entry, error: (ModelFileError.Problem, String?) -> ModelFileError
  ) throws(ModelFileError) {
    func whole(_ numbers: [RawHeader.WholeNumber], _ key: RawHeader.Entry.CodingKeys) throws(ModelFileError) -> [Int] {
      let values = numbers.compactMap(\.value)
      if values.count < numbers.count { throw error(.badField(key.rawValue), name) }
      return values
    }
    guard let dataType = SafetensorsFile.DataType(rawValue: raw.dataType) else {
      throw error(.unknownDataType(raw.dataType), name)
    }
    let shape = try whole(raw.shape, .shape)
    let offsets = try whole(raw.offsets, .offsets)
    guard offsets.count == 2, offsets[0] >= 0, offsets[1] >= offsets[0] else {
      throw error(.badOffsets(offsets), name)
    }
    guard let size = byteCount(shape, of: dataType) else { throw error(.badShape(shape), name) }
    let range = offsets[0]..<offsets[1]
    if range.count != size { throw error(.wrongSize(expected: size, found: range.count), name) }
    self.init(name: name, dataType: dataType, shape: shape, range: range)
  }
}

/// How many bytes the elements of a shape take, or `nil` where that is no whole number or too large a one.
private func byteCount(_ shape: [Int], of type: SafetensorsFile.DataType) -> Int? {
  guard let count = elementCount(shape) else { return nil }
  let (bits, overflow) = count.multipliedReportingOverflow(by: type.bitCount)
  return overflow || !bits.isMultiple(of: 8) ? nil : bits / 8
}

extension DecodingError {
  /// The keys that lead to what could not be decoded, the missing one included.
  fileprivate var path: [String] {
    switch self {
    case .keyNotFound(let key, let context): (context.codingPath + [key]).map(\.stringValue)
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      context.codingPath.map(\.stringValue)
    @unknown default: []
    }
  }
}

/// The first key that an object in valid JSON has twice, and the key that leads to this object: the decoder would keep
/// one of the two and say nothing.
private func repeatedKey(in json: [UInt8]) -> (key: String, parent: String?)? {
  var keys: [Set<String>] = []
  var path: [String] = []
  var string = 0..<0
  var index = 0
  while index < json.count {
    switch json[index] {
    case UInt8(ascii: "\""):
      let start = index
      index += 1
      while index < json.count, json[index] != UInt8(ascii: "\"") {
        index += json[index] == UInt8(ascii: "\\") ? 2 : 1
      }
      string = start..<min(index + 1, json.count)
    case UInt8(ascii: ":"):
      guard let key = try? JSONDecoder().decode(String.self, from: Data(json[string])), let last = keys.indices.last
      else { break }
      if !keys[last].insert(key).inserted { return (key, path.dropLast().last) }
      path[last] = key
    case UInt8(ascii: "{"):
      keys.append([])
      path.append("")
    case UInt8(ascii: "}"):
      _ = keys.popLast()
      _ = path.popLast()
    default: break
    }
    index += 1
  }
  return nil
}

// MARK: - Writing

extension SafetensorsHeader {
  /// The header as JSON, the same for the same content: keys sorted, padded with spaces so that the data starts at a
  /// multiple of 8 bytes.
  func json() -> [UInt8] {
    let entries = Dictionary(
      uniqueKeysWithValues: entries.map { entry in
        let offsets = [entry.range.lowerBound, entry.range.upperBound]
        let raw = RawHeader.Entry(
          dataType: entry.dataType.rawValue, shape: entry.shape.map(RawHeader.WholeNumber.init),
          offsets: offsets.map(RawHeader.WholeNumber.init))
        return (entry.name, raw)
      })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let json = try? encoder.encode(RawHeader(metadata: metadata, entries: entries)) else {
      preconditionFailure("Strings and whole numbers can always be encoded")
    }
    return json + Array(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
  }
}
