// `lockstep export`: what it writes and says. What C files compute is tested beside the module that writes them.

import ComputeBackend
import Foundation
import Testing

@testable import Lockstep

@Suite struct ExportTests {
  private func writeModel(_ folder: TemporaryFolder) throws -> (path: String, network: Network<Float>) {
    let network = try Network<Float>(sizes: [2, 3, 2], hidden: .tanh, seed: 3)
    let path = folder.file("model.safetensors")
    try network.write(to: path, description: ModelDescription(loss: .meanSquaredError))
    return (path, network)
  }

  @Test func fileHoldsFunctionAndSizesUnderTheName() throws {
    let folder = try TemporaryFolder()
    let (model, network) = try writeModel(folder)
    for (words, name) in [([], "model"), (["--name", "Net2"], "Net2")] {
      let path = folder.file("\(name).c")
      let object = try Tool.run(["export", model, "--c", path, "--json"] + words).object()
      #expect(object["c"] as? String == path)
      #expect(object["function"] as? String == "\(name)_predict")
      #expect(object["digest"] as? String == network.parametersDigest)
      #expect(object["precision"] as? String == "f32")
      let source = try String(contentsOfFile: path, encoding: .utf8)
      #expect(source.contains("\nvoid \(name)_predict(const float *input, float *output);\n"))
      #expect(source.contains("\n#define \(name.uppercased())_INPUTS 2\n"))
      #expect(source.contains("\n#define \(name.uppercased())_OUTPUTS 2\n"))
    }
  }

  @Test func linesForPeopleNameNetworkAndFile() throws {
    let folder = try TemporaryFolder()
    let (model, network) = try writeModel(folder)
    let path = folder.file("m.c")
    let run = try Tool.run(["export", model, "--c", path])
    #expect(run.exitCode == 0 && run.errors.isEmpty)
    #expect(
      run.lines == [
        "network  \(model), 2-3-2, tanh, 17 parameters, f32", "digest   \(network.parametersDigest)",
        "C        \(path), model_predict",
      ])
  }

  @Test func precisionConvertsTheTensors() throws {
    let folder = try TemporaryFolder()
    let (model, network) = try writeModel(folder)
    let path = folder.file("m.c")
    let object = try Tool.run(["export", model, "--c", path, "--precision", "f64", "--json"]).object()
    #expect(object["digest"] as? String == network.converted(to: Double.self).parametersDigest)
    #expect(
      try String(contentsOfFile: path, encoding: .utf8)
        .contains("\nvoid model_predict(const double *input, double *output);\n"))
  }

  @Test func failureLeavesAnEarlierFileAsItWas() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("m.c", "earlier")
    #expect(try Tool.run("export", folder.file("none.safetensors"), "--c", path).exitCode == 1)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "earlier")
    #expect(folder.names == ["m.c"])
  }
}
