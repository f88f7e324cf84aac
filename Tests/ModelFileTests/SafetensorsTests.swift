// Model files that are read and written: against the Python package's files, and bit for bit there and back.

import ComputeBackend
import Foundation
import Testing

@testable import Lockstep

/// The path of a file in `Fixtures`.
func fixture(_ name: String) throws -> String {
  try #require(Bundle.module.path(forResource: "Fixtures/\(name)", ofType: "safetensors"))
}

/// The bytes of a file.
func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

/// A file's path that nothing has yet, removed after `body`.
func withTemporaryPath<Result>(_ body: (String) throws -> Result) throws -> Result {
  let path = NSTemporaryDirectory() + "lockstep-" + UUID().uuidString + ".safetensors"
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// What check_with_python.py writes and expects: the same numbers stand there.
let sample = SafetensorsFile(
  metadata: ["activations": "relu,identity", "note": "a \"quoted\" / é"],
  tensors: [
    .init(
      name: "0.weight", shape: [2, 3],
      elements: [1.5, -0.0, .infinity, Float.leastNonzeroMagnitude, 3.4028235e38, -2.25] as [Float]),
    .init(name: "0.bias", shape: [2], elements: [0x1.921fb54442d18p1, Double.leastNonzeroMagnitude]),
    .init(name: "empty", shape: [0, 3], elements: [] as [Float]),
    .init(name: "scale", shape: [], elements: [2.5]),
  ])

@Suite struct SafetensorsTests {
  @Test func pythonsFileIsReadBitForBit() throws {
    let file = try SafetensorsFile(contentsOf: fixture("python"))
    #expect(file.metadata == sample.metadata)
    // Python sorts: wide types first, then by name.
    #expect(Set(file.tensors.map(\.name)) == Set(sample.tensors.map(\.name)))
    for tensor in sample.tensors { #expect(file[tensor.name] == tensor) }
  }

  @Test func pythonsFileWithoutMetadataIsRead() throws {
    let file = try SafetensorsFile(contentsOf: fixture("python-no-metadata"))
    #expect(file.metadata == [:])
    #expect(file.tensors.map(\.name) == ["w"])
    #expect(file.tensors[0].shape == [2, 3])
    #expect(file.tensors[0].dataType == .f32)
    #expect(try file.tensors[0].elements(as: Float.self)[5] == -2.25)
  }

  @Test func pythonsFileWithoutTensorsIsRead() throws {
    #expect(try SafetensorsFile(contentsOf: fixture("python-no-tensors")) == SafetensorsFile(tensors: []))
  }

  @Test func elementsOfOtherTypesAreRefusedByName() throws {
    let path = try fixture("python-f16")
    let file = try SafetensorsFile(contentsOf: path)
    #expect(file.tensors[0].dataType == .f16)
    let error = #expect(throws: ModelFileError.self) { try file.tensors[0].elements(as: Float.self) }
    #expect(
      error.map { "\($0)" }
        == "\(path), tensor \"h\": its elements are F16, but only F32 and F64 can be used; convert the file.")
  }

  /// The committed file is what check_with_python.py reads.
  @Test func writingGivesTheCommittedBytes() throws {
    try withTemporaryPath { path in
      try sample.write(to: path)
      #expect(try bytes(path) == bytes(fixture("lockstep")))
    }
  }

  @Test func theHeaderEndsAtAMultipleOfEightBytes() throws {
    for length in 1...9 {
      let name = String(repeating: "n", count: length)
      let file = SafetensorsFile(tensors: [.init(name: name, shape: [1], elements: [Float(1)])])
      try withTemporaryPath { path in
        try file.write(to: path)
        #expect((try bytes(path).count - 4).isMultiple(of: 8))
        #expect(try SafetensorsFile(contentsOf: path) == file)
      }
    }
  }

  @Test func whatIsWrittenIsReadInTheSameOrder() throws {
    try withTemporaryPath { path in
      try sample.write(to: path)
      let file = try SafetensorsFile(contentsOf: path)
      #expect(file.metadata == sample.metadata)
      #expect(file.tensors.filter { $0.count > 0 } == sample.tensors.filter { $0.count > 0 })
      #expect(file["empty"] == sample["empty"])
      #expect(file["absent"] == nil)
      #expect(try SafetensorsFile(bytes: bytes(path), file: path) == file)
    }
  }

  @Test func elementsAreConverted() throws {
    // The last one lies in the middle between two Floats: it goes to the even one.
    let values: [Double] = [0.1, 1e300, -1e-50, .infinity, 1.0000000596046448]
    let wide = SafetensorsFile.Tensor(name: "w", shape: [5], elements: values)
    #expect(try wide.elements(as: Float.self) == [0.1, .infinity, -0.0, .infinity, 1])
    #expect(try wide.elements(as: Double.self) == values)
    let narrow = SafetensorsFile.Tensor(name: "n", shape: [2], elements: [Float(0.1), Float.leastNonzeroMagnitude])
    #expect(try narrow.elements(as: Double.self) == [Double(Float(0.1)), Double(Float(1e-45))])
  }

  @Test func everyNaNIsWrittenAlike() throws {
    let a = SafetensorsFile.Tensor(name: "w", shape: [1], elements: [-Float.nan])
    let b = SafetensorsFile.Tensor(name: "w", shape: [1], elements: [Float(bitPattern: 0x7FC0_1234)])
    #expect(a == b)
    #expect(try a.elements(as: Float.self)[0].isNaN)
  }

  @Test func tensorsDifferWhenOneBitDoes() {
    let a = SafetensorsFile.Tensor(name: "w", shape: [1], elements: [Float(0)])
    #expect(a != SafetensorsFile.Tensor(name: "w", shape: [1], elements: [-Float(0)]))
    #expect(a != SafetensorsFile.Tensor(name: "v", shape: [1], elements: [Float(0)]))
    #expect(a != SafetensorsFile.Tensor(name: "w", shape: [], elements: [Float(0)]))
  }

  @Test func namesThatCannotBeWrittenAreRefused() throws {
    let tensor = SafetensorsFile.Tensor(name: "w", shape: [], elements: [1.0])
    let reserved = SafetensorsFile.Tensor(name: "__metadata__", shape: [], elements: [1.0])
    try withTemporaryPath { path in
      for (tensors, problem) in [
        ([tensor, tensor], ModelFileError.Problem.repeatedTensor), ([reserved], .reservedName),
      ] {
        let error = #expect(throws: ModelFileError.self) { try SafetensorsFile(tensors: tensors).write(to: path) }
        #expect(error == ModelFileError(file: path, tensor: tensors[0].name, problem: problem))
      }
      #expect(!FileManager.default.fileExists(atPath: path))
    }
    let error = #expect(throws: ModelFileError.self) { try sample.write(to: "/nowhere/m.safetensors") }
    #expect(
      error.map { "\($0)" } == "/nowhere/m.safetensors: the file cannot be written (its folder does not exist).")
  }
}
