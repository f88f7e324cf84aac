// The generated source, and what is refused. That the source compiles and computes is shown by .ci/embedded. LockstepEmbed
// has compiled some files of Lockstep anew, so that types of these names are Lockstep's only where that is said.

import ComputeBackend
import Foundation
import Lockstep
import Testing

@testable import LockstepEmbed

/// A folder that goes away with the test.
private final class ScratchFolder {
  let url = FileManager.default.temporaryDirectory.appendingPathComponent("lockstep-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  /// What a run of the program says for a file, or `nil` where it writes the source.
  func complaint(about name: String, beside others: [String] = []) -> String? {
    do {
      try embed(path(name), to: path("out.swift"), beside: others.map(path))
      return nil
    } catch {
      return diagnostic(error, file: path(name))
    }
  }

  func source() throws -> String { try String(contentsOfFile: path("out.swift"), encoding: .utf8) }
}

/// 2 x + 3 y - 1, and its half.
private func smallNetwork<Element: NetworkElement>(as _: Element.Type) throws -> Lockstep.Network<Element> {
  try Lockstep.Network(layers: [
    Lockstep.DenseLayer(
      weights: Matrix(rows: 2, columns: 2, elements: [2, 1, 3, 1.5]),
      bias: Matrix(rows: 1, columns: 2, elements: [-1, -0.5]), activation: .leakyReLU)
  ])
}

@Suite struct SourceTests {
  @Test func theSourceOfASmallNetwork() throws {
    let folder = try ScratchFolder()
    try smallNetwork(as: Float.self).write(
      to: folder.path("two.safetensors"),
      description: Lockstep.ModelDescription(
        loss: .softmaxCrossEntropy, inputColumns: ["a \"b\"\n", "in"], targetColumns: ["Z", "1st\\"]))
    #expect(folder.complaint(about: "two.safetensors") == nil)
    #expect(
      try folder.source() == #"""
        // Made from two.safetensors by Lockstep's plugin EmbedNetworks. Changes here are lost.

        import ComputeBackend
        import Lockstep

        /// The dense network of two.safetensors: 2-2, f32.
        enum Two: EmbeddedNetwork {
          typealias Element = Float

          static let inputs = 2
          static let outputs = 2
          static let sizes = [2, 2]
          static let activations: [Activation] = [.leakyReLU]
          static let modelDescription = ModelDescription(
            loss: .softmaxCrossEntropy,
            inputColumns: ["a \"b\"\u{a}", "in"],
            targetColumns: ["Z", "1st\\"])
          static let parametersDigest = "\#(try smallNetwork(as: Float.self).parametersDigest)"
          static let predictor = makePredictor()

          /// The outputs of one row.
          static func predict(_ input: InlineArray<2, Element>) -> InlineArray<2, Element> {
            outputs(of: input)
          }

          /// One row of inputs.
          struct Input: Sendable, Equatable {
            /// "a \"b\"\u{a}"
            var `aB`: Element
            /// "in"
            var `in`: Element
          }

          /// One row of outputs.
          struct Output: Sendable, Equatable {
            /// "Z"
            var `z`: Element
            /// "1st\\"
            var `_1st`: Element
          }

          /// The outputs of one row.
          static func predict(_ input: Input) -> Output {
            let outputs = predict([input.`aB`, input.`in`])
            return Output(z: outputs[0], _1st: outputs[1])
          }

          static let encodedParameters: StaticString = "AAAAQAAAQEAAAIA/AADAPwAAgL8AAAC/"
        }

        """#)
  }

  @Test func withoutNamesOrWithNamesThatGiveNoneThereAreNoRows() throws {
    let folder = try ScratchFolder()
    func source(_ network: Lockstep.Network<Double>, _ inputs: [String]?, _ outputs: [String]?) throws -> String {
      try network.write(
        to: folder.path("m.safetensors"),
        description: Lockstep.ModelDescription(inputColumns: inputs, targetColumns: outputs))
      #expect(folder.complaint(about: "m.safetensors") == nil)
      let source = try folder.source()
      #expect(source.contains("typealias Element = Double\n"))
      #expect(!source.contains("struct"))
      return source
    }
    let small = try smallNetwork(as: Double.self)
    #expect(try source(small, nil, nil).contains("the file does not name its columns"))
    #expect(try source(small, ["a", "b"], nil).contains("inputColumns: [\"a\", \"b\"],\n    targetColumns: nil)"))
    #expect(try source(small, ["a b", "a-b"], ["x", "y"]).contains("or one of them twice"))
    let wide = try Lockstep.Network<Double>(sizes: [65, 1], hidden: .relu, seed: 1)
    #expect(try source(wide, (0..<65).map { "x\($0)" }, ["y"]).contains("more than 64 columns"))
  }

  @Test func theSameModelGivesTheSameBytesWhereverItLies() throws {
    let folder = try ScratchFolder()
    try FileManager.default.createDirectory(atPath: folder.path("sub"), withIntermediateDirectories: true)
    let network = try Lockstep.Network<Float>(sizes: [3, 5, 1], hidden: .tanh, seed: 1)
    var sources: [String] = []
    for name in ["m.safetensors", "sub/m.safetensors"] {
      try network.write(to: folder.path(name), description: Lockstep.ModelDescription())
      #expect(folder.complaint(about: name) == nil)
      sources.append(try folder.source())
    }
    #expect(sources[0] == sources[1])
  }
}

@Suite struct RefusalTests {
  @Test func filesThatAreNoNetworks() throws {
    let folder = try ScratchFolder()
    let path = folder.path("m.safetensors")
    #expect(folder.complaint(about: "m.safetensors") == "\(path): error: there is no such file; check the path.")

    try smallNetwork(as: Float.self).write(to: path, description: Lockstep.ModelDescription())
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    try bytes.dropLast().write(to: URL(fileURLWithPath: path))
    let damaged = try #require(folder.complaint(about: "m.safetensors"))
    #expect(damaged.hasPrefix("\(path): error: tensor \"0.bias\": its data ends at byte 24, but"))

    let stateDict = [0, 2].flatMap { index in
      [("weight", [1, 1]), ("bias", [1])].map { name, shape in
        Lockstep.SafetensorsFile.Tensor(name: "\(index).\(name)", shape: shape, elements: [Float(index)])
      }
    }
    try Lockstep.SafetensorsFile(tensors: stateDict).write(to: path)
    let unknown = try #require(folder.complaint(about: "m.safetensors"))
    #expect(unknown.hasPrefix("\(path): error: the file has activations between its layers but does not say which;"))
    #expect(unknown.contains("lockstep.activations") && !unknown.contains("--activation"))
    #expect(!FileManager.default.fileExists(atPath: folder.path("out.swift")))

    try Lockstep.SafetensorsFile(metadata: ["lockstep.activations": #"["relu", "identity"]"#], tensors: stateDict)
      .write(to: path)
    #expect(folder.complaint(about: "m.safetensors") == nil)
  }

  @Test func filesWhoseTypesWouldHaveNoNameOrOneName() throws {
    let folder = try ScratchFolder()
    for name in ["my-model.safetensors", "%.safetensors"] {
      try smallNetwork(as: Float.self).write(to: folder.path(name), description: Lockstep.ModelDescription())
    }
    #expect(folder.complaint(about: "my-model.safetensors", beside: ["model.safetensors", "%.safetensors"]) == nil)
    #expect(
      folder.complaint(about: "my-model.safetensors", beside: ["a.safetensors", "My_Model.safetensors"])
        == "\(folder.path("my-model.safetensors")): error: its type would be called MyModel, as that of "
        + "\(folder.path("My_Model.safetensors")); rename one of the files.")
    #expect(folder.complaint(about: "%.safetensors")?.contains("rename it") == true)
  }

  @Test func moreParametersThanTheCompilerTakes() throws {
    let folder = try ScratchFolder()
    // The file holds no more than its header says, zeros that no disk keeps.
    let rows = EmbeddedSource.maximumParameterBytes / 16 + 1
    let header = """
      {"0.weight":{"dtype":"F64","shape":[\(rows),1],"data_offsets":[0,\(rows * 8)]},\
      "0.bias":{"dtype":"F64","shape":[\(rows)],"data_offsets":[\(rows * 8),\(rows * 16)]}}
      """
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
    try Data(length + header.utf8).write(to: URL(fileURLWithPath: folder.path("m.safetensors")))
    truncate(folder.path("m.safetensors"), 8 + header.utf8.count + rows * 16)
    let complaint = try #require(folder.complaint(about: "m.safetensors"))
    #expect(complaint.contains("error: the parameters take \(rows * 16) bytes, more than the"))
    #expect(complaint.hasSuffix("load the file at run time, with NetworkFile."))
  }

  @Test func commandLinesOfAnotherKind() {
    #expect(diagnostic(EmbeddingError.arguments, file: "x") == "x: error: \(EmbeddingError.arguments)")
  }
}
