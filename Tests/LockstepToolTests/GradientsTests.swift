// `lockstep gradients` against NumPy, and over all backends.

import ComputeBackend
import Foundation
import Testing

@testable import Lockstep

@Suite struct GradientsTests {
  /// What make_fixtures.py computed with NumPy.
  private struct Expected: Decodable {
    let activation: String
    let lossFunction: String
    var isRegression: Bool { ["mse", "mae", "huber"].contains(lossFunction) }
    let loss: Double
    /// By the name of the parameter: a matrix for weights, a vector for biases.
    let gradients: [String: Values]
  }

  private struct Values: Decodable {
    let shape: [Int]
    let elements: [Double]

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let matrix = try? container.decode([[Double]].self) {
        shape = [matrix.count, matrix[0].count]
        elements = Array(matrix.joined())
      } else {
        elements = try container.decode([Double].self)
        shape = [elements.count]
      }
    }
  }

  private static func expected() throws -> [Expected] {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode([Expected].self, from: bytes(fixture("gradients.json")))
  }

  /// Sums of 300 terms of about 1/300 in another order: a few hundred roundings of 2^-53 at most.
  private static let tolerance = 1e-14

  private func arguments(_ expected: Expected, to path: String) throws -> [String] {
    [
      "gradients", try fixture("gradients-\(expected.activation == "identity" ? "linear" : "activated").safetensors"),
      // The other targets must not become inputs, and the file names none.
      try fixture("gradients-\(expected.isRegression ? "numbers" : "classes").csv"),
      "--target", expected.isRegression ? "p,q,r" : "red,green,blue",
      "--activation", expected.activation, "--loss", expected.lossFunction, "-o", path, "--json",
    ]
  }

  @Test func gradientsAreThoseOfNumPy() throws {
    let folder = try TemporaryFolder()
    let all = try Self.expected()
    #expect(all.count == Activation.allCases.count * Loss.allCases.count)
    for expected in all {
      let path = folder.file("g.safetensors")
      let object = try Tool.run(arguments(expected, to: path)).object()
      #expect(object["precision"] as? String == "f64")
      let loss = try #require(object["loss"] as? Double)
      #expect(abs(loss - expected.loss) <= Self.tolerance * max(1, expected.loss))
      let file = try SafetensorsFile(contentsOf: path)
      #expect(Set(file.tensors.map(\.name)) == Set(expected.gradients.keys))
      for tensor in file.tensors {
        let values = try #require(expected.gradients[tensor.name])
        #expect(tensor.shape == values.shape)
        for (ours, theirs) in zip(try tensor.elements(as: Double.self), values.elements) {
          #expect(
            abs(ours - theirs) <= Self.tolerance * max(1, abs(theirs)),
            "\(expected.activation), \(expected.lossFunction), \(tensor.name)")
        }
      }
    }
  }

  @Test func everyBackendGivesTheSameFile() throws {
    let folder = try TemporaryFolder()
    let expected = try #require(try Self.expected().first { $0.activation == "tanh" && $0.lossFunction == "bce" })
    var files: [Data] = []
    for kind in BackendKind.allCases where try Backends.unavailability(of: kind) == nil {
      for threads in ["1", "3"] {
        let path = folder.file("g-\(kind)-\(threads).safetensors")
        _ = try Tool.run(arguments(expected, to: path) + ["--backend", kind.rawValue, "--threads", threads]).object()
        files.append(try bytes(path))
      }
    }
    #expect(files.count >= 2)
    #expect(Set(files).count == 1)
  }

  @Test func anUpdateWithThemIsAStepOfTraining() throws {
    let folder = try TemporaryFolder()
    let (first, second, path) = (folder.file("1"), folder.file("2"), folder.file("g"))
    let training = [
      "--target", "y", "--hidden", "5", "--precision", "f64", "--batch-size", "1000", "--shuffle", "false",
    ]
    let data = try fixture("table.csv")
    _ = try Tool.run(["train", data] + training + ["--epochs", "0", "--model", first, "--json"]).object()
    _ = try Tool.run(
      ["train", data] + training + ["--epochs", "1", "--learning-rate", "0.5", "--model", second, "--json"]
    ).object()
    _ = try Tool.run(["gradients", first, data, "-o", path, "--json"]).object()
    let (before, after, gradients) = (
      try SafetensorsFile(contentsOf: first), try SafetensorsFile(contentsOf: second),
      try SafetensorsFile(contentsOf: path)
    )
    #expect(gradients.tensors.map(\.name) == before.tensors.map(\.name))
    for (index, tensor) in gradients.tensors.enumerated() {
      let stepped = zip(try before.tensors[index].elements(as: Double.self), try tensor.elements(as: Double.self))
        .map { $0 - 0.5 * $1 }
      #expect(try after.tensors[index].elements(as: Double.self) == stepped)
    }
  }
}
