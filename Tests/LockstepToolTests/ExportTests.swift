// `lockstep export`: which files it writes and what it refuses. What the files hold is tested in LockstepCSourceTests and
// LockstepONNXTests.

import ComputeBackend
import Foundation
import Lockstep
import Testing

@Suite struct ExportTests {
  /// A folder with a model of 3-5-2 and what must not be overwritten.
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try Network<Float>(sizes: [3, 5, 2], hidden: .tanh, seed: 1).write(
      to: folder.file("model.st"), description: ModelDescription(inputColumns: ["a", "b", "c"]))
  }

  private var model: String { folder.file("model.st") }

  @Test func theSameModelGivesTheSameFile() throws {
    let (first, second) = (folder.file("1.onnx"), folder.file("2.onnx"))
    let object = try Tool.run("export", model, "--onnx", first, "--json").object()
    #expect(object["precision"] as? String == "f32")
    #expect(object["onnx"] as? String == first)
    let network: Network<Float> = try NetworkFile(contentsOf: model).network()
    #expect(object["parameters_digest"] as? String == network.parametersDigest)

    let text = try Tool.run("export", model, "--onnx", second)
    #expect(text.exitCode == 0)
    #expect(text.errors.isEmpty)
    #expect(text.output.contains(network.parametersDigest))
    #expect(try bytes(first) == bytes(second))
    #expect(try bytes(first).count > network.parameterCount * 4)
  }

  @Test func precisionIsThatOfTheModelOrTheOneAskedFor() throws {
    let (single, double) = (folder.file("single.onnx"), folder.file("double.onnx"))
    _ = try Tool.run("export", model, "--onnx", single, "--json").object()
    let object = try Tool.run("export", model, "--onnx", double, "--precision", "f64", "--json").object()
    #expect(object["precision"] as? String == "f64")
    #expect(try bytes(double).count > bytes(single).count)
  }

  @Test func cFileHoldsFunctionAndSizesUnderTheName() throws {
    for (words, name) in [([], "model"), (["--name", "Net2"], "Net2")] {
      let path = folder.file("\(name).c")
      let object = try Tool.run(["export", model, "--c", path, "--json"] + words).object()
      #expect(object["c"] as? String == path)
      #expect(object["function"] as? String == "\(name)_predict")
      let source = try String(decoding: bytes(path), as: UTF8.self)
      #expect(source.contains("\nvoid \(name)_predict(const float *input, float *output);\n"))
      #expect(source.contains("\n#define \(name.uppercased())_INPUTS 3\n"))
      #expect(source.contains("\n#define \(name.uppercased())_OUTPUTS 2\n"))
    }
    let run = try Tool.run("export", model, "--c", folder.file("double.c"), "--precision", "f64")
    #expect(run.lines.last == "C        \(folder.file("double.c")), model_predict")
    #expect(
      try String(decoding: bytes(folder.file("double.c")), as: UTF8.self)
        .contains("\nvoid model_predict(const double *input, double *output);\n"))
  }

  @Test func bothFormsAreWrittenAtOnce() throws {
    let (c, onnx, alone) = (folder.file("m.c"), folder.file("m.onnx"), folder.file("alone.onnx"))
    let object = try Tool.run("export", model, "--c", c, "--name", "net", "--onnx", onnx, "--json").object()
    #expect(object["c"] as? String == c)
    #expect(object["function"] as? String == "net_predict")
    #expect(object["onnx"] as? String == onnx)
    #expect(try String(decoding: bytes(c), as: UTF8.self).contains("net_predict"))
    let second = try Tool.run("export", model, "--onnx", alone, "--json").object()
    #expect(second["c"] is NSNull)
    #expect(second["function"] is NSNull)
    #expect(try bytes(onnx) == bytes(alone))
  }

  @Test func whatCannotBeWrittenIsRefused() throws {
    try FileManager.default.createDirectory(atPath: folder.file("folder"), withIntermediateDirectories: false)
    let before = folder.names.sorted()
    let cases: [(words: [String], exitCode: Int32, says: String)] = [
      ([model], 2, "--c or --onnx is missing"),
      ([model, "--onnx", ""], 2, "--onnx is ''; it must be the name of a file"),
      ([model, "--onnx", folder.file("out"), "--c", folder.file("out")], 2, "--c and --onnx both name"),
      ([model, "--onnx", folder.file("out"), "--name", "housing"], 2, "--name is for the C file"),
      ([model, "--onnx", model], 2, "--onnx \(model) would overwrite an input"),
      ([model, "--onnx", folder.file("folder")], 1, "\(folder.file("folder")) cannot be written: it is a folder"),
      ([model, "--onnx", folder.file("none/out.onnx")], 1, "its folder does not exist"),
      ([model, "--c", folder.file("out.c"), "--onnx", folder.file("none/out.onnx")], 1, "its folder does not exist"),
      ([model, "--onnx", "/proc/none.onnx"], 1, "/proc/none.onnx cannot be written"),
      ([folder.file("none.st"), "--onnx", folder.file("out.onnx")], 1, "none.st: there is no such file"),
      ([folder.path, "--onnx", folder.file("out.onnx")], 1, "this is a folder"),
    ]
    for (words, exitCode, says) in cases {
      let result = try Tool.run(["export"] + words)
      #expect(result.exitCode == exitCode, "\(words)")
      #expect(result.output.isEmpty)
      #expect(result.errors.hasPrefix("lockstep export: ") && result.errors.contains(says), "\(result.errors)")
    }
    #expect(folder.names.sorted() == before)
  }

  @Test func anOldFileStaysWhereTheModelIsMissing() throws {
    let path = try folder.write("old.onnx", "old")
    let result = try Tool.run("export", folder.file("none.st"), "--onnx", path)
    #expect(result.exitCode == 1)
    #expect(try bytes(path) == Data("old".utf8))
  }
}
