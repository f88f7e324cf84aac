// Model files that break a rule of the format: each is refused with a sentence, and no bytes trap.

import ComputeBackend
import Foundation
import Testing

@testable import Lockstep

/// A file of this header and as many zero bytes of data.
private func file(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
  let json = Array(header.utf8)
  let length = length ?? UInt64(json.count)
  return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + json + Array(repeating: 0, count: data)
}

private func entry(_ shape: String, _ offsets: String, _ type: String = "\"F32\"") -> String {
  "{\"dtype\":\(type),\"shape\":\(shape),\"data_offsets\":\(offsets)}"
}

@Suite struct DamagedFileTests {
  struct Case: Sendable {
    var bytes: [UInt8]
    var tensor: String?
    var problem: ModelFileError.Problem
  }

  static let headers: [(String, Int, String?, ModelFileError.Problem)] = [
    ("", 0, nil, .headerNotAnObject),
    ("{", 0, nil, .headerNotAnObject),
    ("[]", 0, nil, .headerNotAnObject),
    ("{}}", 0, nil, .headerNotAnObject),
    (" {}", 0, nil, .headerNotAnObject),
    ("{\"a\":\u{0}}", 0, nil, .headerNotAnObject),
    (String(repeating: "{\"a\":", count: 10_000), 0, nil, .headerNotAnObject),
    ("{\"a\":1}", 0, "a", .badField("a")),
    ("{\"a\":{}}", 0, "a", .badField("dtype")),
    ("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "a", .badField("shape")),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "a", .badField("data_offsets")),
    ("{\"a\":\(entry("[1]", "[0,4]", "1"))}", 4, "a", .badField("dtype")),
    ("{\"a\":\(entry("[\"1\"]", "[0,4]"))}", 4, "a", .badField("shape")),
    ("{\"a\":\(entry("[1.5]", "[0,4]"))}", 4, "a", .badField("shape")),
    ("{\"a\":\(entry("[99999999999999999999]", "[0,4]"))}", 4, "a", .badField("shape")),
    ("{\"a\":\(entry("[null]", "[0,4]"))}", 4, "a", .badField("shape")),
    ("{\"a\":\(entry("[[1]]", "[0,4]"))}", 4, "a", .badField("shape")),
    ("{\"a\":\(entry("[1]", "[0,\"4\"]"))}", 4, "a", .badField("data_offsets")),
    ("{\"__metadata__\":[]}", 0, nil, .metadataNotStrings),
    ("{\"__metadata__\":{\"a\":1}}", 0, nil, .metadataNotStrings),
    ("{\"a\":\(entry("[1]", "[0,4]")),\"a\":\(entry("[1]", "[0,4]"))}", 4, nil, .repeatedKey("a")),
    ("{\"a\":\(entry("[1]", "[0,4]")),\"\\u0061\":\(entry("[1]", "[0,4]"))}", 4, nil, .repeatedKey("a")),
    (
      "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "a",
      .repeatedKey("dtype")
    ),
    ("{\"__metadata__\":{\"k\":\"\",\"k\":\"\"}}", 0, nil, .repeatedKey("k")),
    ("{\"a\":\(entry("[1]", "[0,4]", "\"F33\""))}", 4, "a", .unknownDataType("F33")),
    ("{\"a\":\(entry("[-1]", "[0,4]"))}", 4, "a", .badShape([-1])),
    ("{\"a\":\(entry("[4611686018427387904,4]", "[0,4]"))}", 4, "a", .badShape([1 << 62, 4])),
    ("{\"a\":\(entry("[4611686018427387904]", "[0,4]"))}", 4, "a", .badShape([1 << 62])),
    ("{\"a\":\(entry("[1]", "[0,0]", "\"F4\""))}", 0, "a", .badShape([1])),
    ("{\"a\":\(entry("[1]", "[0]"))}", 4, "a", .badOffsets([0])),
    ("{\"a\":\(entry("[1]", "[0,4,8]"))}", 4, "a", .badOffsets([0, 4, 8])),
    ("{\"a\":\(entry("[1]", "[4,0]"))}", 4, "a", .badOffsets([4, 0])),
    ("{\"a\":\(entry("[1]", "[-4,0]"))}", 4, "a", .badOffsets([-4, 0])),
    (
      "{\"a\":\(entry("[1]", "[-9223372036854775808,9223372036854775807]"))}", 4, "a",
      .badOffsets([.min, .max])
    ),
    ("{\"a\":\(entry("[2]", "[0,4]"))}", 4, "a", .wrongSize(expected: 8, found: 4)),
    ("{\"a\":\(entry("[0]", "[0,9223372036854775807]"))}", 4, "a", .wrongSize(expected: 0, found: .max)),
    ("{\"a\":\(entry("[2]", "[0,8]")),\"b\":\(entry("[1]", "[4,8]"))}", 8, "b", .overlap(expected: 8, found: 4)),
    ("{\"a\":\(entry("[1]", "[0,4]")),\"b\":\(entry("[1]", "[8,12]"))}", 12, "b", .hole(expected: 4, found: 8)),
    ("{\"a\":\(entry("[1]", "[4,8]"))}", 8, "a", .hole(expected: 0, found: 4)),
    ("{\"a\":\(entry("[2]", "[0,8]"))}", 7, "a", .dataBeyondFile(end: 8, available: 7)),
    (
      "{\"a\":\(entry("[144115188075855872]", "[0,576460752303423488]"))}", 4, "a",
      .dataBeyondFile(end: 1 << 59, available: 4)
    ),
    ("{\"a\":\(entry("[1]", "[0,4]"))}", 5, nil, .trailingBytes),
    ("{}", 1, nil, .trailingBytes),
  ]

  static let cases =
    headers.map { Case(bytes: file($0.0, data: $0.1), tensor: $0.2, problem: $0.3) } + [
      Case(bytes: [], tensor: nil, problem: .tooShort(size: 0)),
      Case(bytes: [2, 0, 0, 0, 0, 0, 0], tensor: nil, problem: .tooShort(size: 7)),
      Case(
        bytes: file("{}", length: 3), tensor: nil, problem: .headerBeyondFile(length: 3, size: 2)),
      Case(bytes: file("{}", length: .max), tensor: nil, problem: .headerTooLong(length: .max)),
      Case(bytes: file("{}", length: 100_000_001), tensor: nil, problem: .headerTooLong(length: 100_000_001)),
      Case(
        bytes: file("{}", length: 100_000_000), tensor: nil,
        problem: .headerBeyondFile(length: 100_000_000, size: 2)),
      Case(bytes: [2, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0xFF], tensor: nil, problem: .headerNotAnObject),
      // The same object in UTF-16.
      Case(
        bytes: [4, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0, 0x7D, 0], tensor: nil, problem: .headerNotAnObject),
    ]

  @Test(arguments: cases)
  func aDamagedFileIsRefusedWithItsReason(_ damaged: Case) throws {
    let error = #expect(throws: ModelFileError.self) {
      try SafetensorsFile(bytes: damaged.bytes, file: "model.safetensors")
    }
    #expect(
      error == ModelFileError(file: "model.safetensors", tensor: damaged.tensor, problem: damaged.problem))
    let sentence = try #require(error).description
    let place = "model.safetensors" + (damaged.tensor.map { ", tensor \"\($0)\"" } ?? "")
    #expect(sentence.hasPrefix("\(place): "))
    #expect(sentence.hasSuffix(".") && !sentence.contains("\n"))
    // The same from the disk.
    try withTemporaryPath { path in
      try Data(damaged.bytes).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: ModelFileError.self) { try SafetensorsFile(contentsOf: path) }
      #expect(error?.problem == damaged.problem)
    }
  }

  @Test func aMissingFileAndAFolderAreNamed() {
    for (path, problem) in [("/nowhere/m", ModelFileError.Problem.missing), (NSTemporaryDirectory(), .folder)] {
      let error = #expect(throws: ModelFileError.self) { try SafetensorsFile(contentsOf: path) }
      #expect(error == ModelFileError(file: path, problem: problem))
      #expect(error?.errorNumber == (problem == .missing ? ENOENT : EISDIR))
    }
    let file = SafetensorsFile(tensors: [.init(name: "0.bias", shape: [1], elements: [1 as Float])])
    for (path, number) in [("/nowhere/m", ENOENT), ("/", EISDIR), ("/dev/null/m", ENOTDIR)] {
      let error = #expect(throws: ModelFileError.self) { try file.write(to: path) }
      #expect(error?.errorNumber == number, "\(path)")
    }
    let damaged = #expect(throws: ModelFileError.self) { try SafetensorsFile(bytes: [], file: "m") }
    #expect(damaged?.errorNumber == nil)
  }

  @Test func aFileThatIsNoModelIsRefused() {
    let text = Array("price,rooms\n100000,3\n".utf8)
    #expect(throws: ModelFileError.self) { try SafetensorsFile(bytes: text, file: "data.csv") }
  }

  @Test func everyTruncationIsRefused() throws {
    let whole = try bytes(fixture("lockstep"))
    for length in 0..<whole.count {
      #expect(throws: ModelFileError.self) { try SafetensorsFile(bytes: whole[..<length], file: "m") }
    }
  }

  @Test func changedFilesAreReadOrRefusedButNeverTrap() throws {
    var generator = SplitMix(state: 2)
    let originals = try ["lockstep", "python", "python-f16", "python-no-tensors"].map { try bytes(fixture($0)) }
    let inserts = Array("\"{}[]:,0123456789-eE.\\u ".utf8) + [0, 0xFF, 0xC3]
    var refused = 0
    for _ in 0..<4000 {
      var bytes = originals.randomElement(using: &generator)!
      for _ in 0...Int.random(in: 0..<3, using: &generator) {
        // Mostly the header: the data may hold anything.
        let place = Int.random(in: 0..<min(bytes.count, 400), using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[place] = inserts.randomElement(using: &generator)!
        case 1: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
        case 2:
          // Keep the header's length right, so that what follows is looked at.
          bytes.insert(inserts.randomElement(using: &generator)!, at: min(max(place, 8), bytes.count))
          bytes[0] &+= 1
        default: bytes.removeSubrange(max(place, 1)...)
        }
      }
      do throws(ModelFileError) {
        let file = try SafetensorsFile(bytes: bytes, file: "m")
        for tensor in file.tensors where tensor.dataType == .f32 { _ = try tensor.elements(as: Double.self) }
      } catch {
        refused += 1
        #expect(error.description.hasSuffix("."))
      }
    }
    #expect(refused > 2000)
  }
}

/// Steele, Lea and Flood's SplitMix64 (2014): the same bytes in every run.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
