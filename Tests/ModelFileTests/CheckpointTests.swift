// Checkpoint files: a run goes on from one with the same bits, and no bytes of a damaged one trap.

import ComputeBackend
import Foundation
import Testing

@testable import Lockstep

/// A run with moments, best parameters, validation data and a cut within an epoch.
private func sampleSession<Element: NetworkElement>(
  _ kind: Optimizer.Kind = .adam, continuing state: TrainingState<Element>? = nil, recordsDigests: Bool = true,
  as _: Element.Type = Element.self
) throws -> (session: TrainingSession<Element>, recipe: Recipe) {
  func matrix(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix<Element> {
    var stream = RandomStream(seed: seed, purpose: .parameters)
    return Matrix(
      rows: rows, columns: columns, elements: (0..<rows * columns).map { _ in Element(stream.normal()) })
  }
  let schedule = try TrainingSchedule(epochs: 5, batchSize: 8, learningRate: 0.01, seed: 3, patience: 4)
  let method = try TrainingMethod(optimizer: Optimizer(kind), dropout: 0.1, seed: 3)
  let network = try Network<Element>(sizes: [3, 4, 2], hidden: .tanh, seed: 3)
  let trainer = Trainer(
    network, loss: .meanSquaredError, backend: try Backends.make(.scalar, as: Element.self), method: method)
  let session = try TrainingSession(
    trainer, data: TrainingData(input: matrix(20, 3, seed: 1), target: matrix(20, 2, seed: 2)),
    validation: TrainingData(input: matrix(9, 3, seed: 3), target: matrix(9, 2, seed: 4)), schedule: schedule,
    continuing: state, recordsDigests: recordsDigests)
  let recipe = Recipe(
    files: ["data": String(repeating: "ab", count: 32)], rows: 20, sizes: [3, 4, 2], activations: [.tanh, .identity],
    initializer: .uniform, loss: .meanSquaredError, precision: Element.precision, method: method, schedule: schedule)
  return (session, recipe)
}

private let description = ModelDescription(loss: .meanSquaredError, inputColumns: ["a", "b", "c"])

@Suite struct CheckpointTests {
  func compare<Element: NetworkElement>(_ kind: Optimizer.Kind, _: Element.Type) throws {
    let (whole, recipe) = try sampleSession(kind, as: Element.self)
    try whole.run()
    for cut in [0, 1, 3, 7, 15] {
      let (session, _) = try sampleSession(kind, as: Element.self)
      if cut > 0 { try session.run(shouldStop: { session.steps == cut }) }
      try withTemporaryPath { path in
        try session.checkpoint(recipe: recipe, description: description).write(to: path)
        let file = try CheckpointFile(contentsOf: path)
        #expect(file.recipe == recipe.taken(by: session))
        #expect(file.network.description.inputColumns == description.inputColumns)
        let state = try file.state(as: Element.self)
        #expect(state == session.state, "\(kind), \(cut) steps")
        let (rest, _) = try sampleSession(kind, continuing: state)
        try rest.run()
        #expect(rest.state == whole.state)
        #expect(
          rest.checkpoint(recipe: recipe, description: description)
            == whole.checkpoint(recipe: recipe, description: description))
      }
    }
  }

  @Test(arguments: Optimizer.Kind.allCases) func aRunGoesOnFromItsFile(kind: Optimizer.Kind) throws {
    try compare(kind, Float.self)
    try compare(kind, Double.self)
  }

  /// The fingerprint that a checkpoint has of its own step is none of the training's.
  @Test func aRunWithoutDigestsGoesOnWithoutThem() throws {
    let (whole, recipe) = try sampleSession(recordsDigests: false, as: Float.self)
    try whole.run()
    let (session, _) = try sampleSession(recordsDigests: false, as: Float.self)
    try session.run(shouldStop: { session.steps == session.stepsPerEpoch })
    let file = try CheckpointFile(session.checkpoint(recipe: recipe, description: description), path: "c")
    let (rest, _) = try sampleSession(continuing: file.state(as: Float.self), recordsDigests: false)
    try rest.run()
    #expect(rest.digests == whole.digests)
    #expect(rest.state == whole.state)
  }

  private func sampleFile() throws -> SafetensorsFile {
    let (session, recipe) = try sampleSession(as: Float.self)
    try session.run(shouldStop: { session.steps == 7 })
    return session.checkpoint(recipe: recipe, description: description)
  }

  @Test func aNetworkIsNoCheckpointAndACheckpointNoNetwork() throws {
    let file = try sampleFile()
    #expect(throws: NetworkFileError.network(file: "c", tensor: nil, .checkpoint)) {
      try NetworkFile(file, path: "c")
    }
    let network = try Network<Float>(sizes: [2, 1], hidden: .identity, seed: 1)
    #expect(throws: NetworkFileError.network(file: "m", tensor: nil, .noCheckpoint)) {
      try CheckpointFile(network.modelFile(description: ModelDescription()), path: "m")
    }
  }

  @Test func everyMissingEntryAndTensorIsNamed() throws {
    let file = try sampleFile()
    for key in [
      "lockstep.optimizer-steps", "lockstep.epoch-loss", "lockstep.best-epoch", "lockstep.best-loss", "lockstep.recipe",
      "lockstep.digest",
    ] {
      var altered = file
      altered.metadata[key] = nil
      let error = #expect(throws: NetworkFileError.self, "\(key)") { try CheckpointFile(altered, path: "c") }
      #expect(error?.description.contains(key) == true, "\(String(describing: error))")
      altered.metadata[key] = "x"
      #expect(throws: NetworkFileError.self, "\(key)") { try CheckpointFile(altered, path: "c") }
    }
    for tensor in file.tensors {
      var altered = file
      altered.tensors.removeAll { $0.name == tensor.name }
      let error = #expect(throws: NetworkFileError.self, "\(tensor.name)") { try CheckpointFile(altered, path: "c") }
      #expect(error?.description.hasPrefix("c") == true)
      // Of another shape.
      altered = file
      let index = try #require(altered.tensors.firstIndex { $0.name == tensor.name })
      altered.tensors[index] = .init(name: tensor.name, shape: [1, 1], elements: [0] as [Float])
      #expect(throws: NetworkFileError.self, "\(tensor.name)") { try CheckpointFile(altered, path: "c") }
    }
  }

  @Test func aHistoryThatCannotBeIsRefused() throws {
    let file = try sampleFile()
    let index = try #require(file.tensors.firstIndex { $0.name == "history" })
    for epoch in [0, -1, 0.5, 6, Double.nan, .infinity, 1e300] {
      var altered = file
      altered.tensors[index] = .init(name: "history", shape: [1, 3], elements: [epoch, 0.1, 0.1])
      let error = #expect(throws: NetworkFileError.self, "\(epoch)") { try CheckpointFile(altered, path: "c") }
      #expect(error?.description.contains("history") == true)
    }
  }

  @Test func aFlippedBitAnywhereInTheDataIsRefused() throws {
    let file = try sampleFile()
    #expect(throws: Never.self) { try CheckpointFile(file, path: "c") }
    var generator = RandomStream(seed: 8, purpose: .parameters)
    for (index, tensor) in file.tensors.enumerated() {
      for bit in 0..<8 {
        var bytes = Array(tensor.bytes)
        bytes[Int.random(in: bytes.indices, using: &generator)] ^= 1 << bit
        var altered = file
        altered.tensors[index] = .init(
          name: tensor.name, dataType: tensor.dataType, shape: tensor.shape, bytes: bytes[...], origin: nil)
        let error = #expect(throws: NetworkFileError.self, "\(tensor.name)") { try CheckpointFile(altered, path: "c") }
        // A number of the history may be impossible besides.
        #expect(
          tensor.name == "history" || error?.description.contains("damaged or changed") == true,
          "\(String(describing: error))")
      }
    }
    // What no other check looks at: the last digit of a number, and an entry that nobody knows.
    var altered = file
    let loss = try #require(file.metadata["lockstep.epoch-loss"])
    altered.metadata["lockstep.epoch-loss"] = loss.dropLast() + (loss.hasSuffix("0") ? "1" : "0")
    #expect(throws: NetworkFileError.self) { try CheckpointFile(altered, path: "c") }
    altered = file
    altered.metadata["another"] = "entry"
    #expect(throws: NetworkFileError.self) { try CheckpointFile(altered, path: "c") }
  }

  /// Files that were altered by someone who knows how the digest is made.
  @Test func whatContradictsItselfIsRefused() throws {
    let file = try sampleFile()
    func altered(_ name: String, _ change: (inout [Float]) -> Void) throws -> SafetensorsFile {
      var result = file
      let index = try #require(file.tensors.firstIndex { $0.name == name })
      var elements: [Float] = try file.tensors[index].elements()
      change(&elements)
      result.tensors[index] = .init(name: name, shape: file.tensors[index].shape, elements: elements)
      result.metadata["lockstep.digest"] = result.checkpointDigest
      return result
    }
    #expect(try altered("0.weight") { _ in } == file)
    let other = try altered("0.weight") { $0[0] += 1 }
    let error = #expect(throws: NetworkFileError.self) { try CheckpointFile(other, path: "c") }
    #expect(error?.description.contains("last digest") == true, "\(String(describing: error))")
    for (name, value) in [("first.0.bias", Float.infinity), ("second.2.weight", .nan)] {
      let state = try CheckpointFile(altered(name) { $0[1] = value }, path: "c").state(as: Float.self)
      #expect(
        throws: TrainingError.state("the state cannot be continued: a moment of the optimiser is NaN or infinite")
      ) {
        try sampleSession(continuing: state)
      }
    }
  }

  @Test func changedFilesAreReadAsTheyWereOrRefusedButNeverTrap() throws {
    let original = try withTemporaryPath { path in
      try sampleFile().write(to: path)
      return try bytes(path)
    }
    let state = try checkpoint(Array(original)).state(as: Float.self)
    for length in stride(from: 0, to: original.count, by: 13) {
      #expect(throws: NetworkFileError.self) { try checkpoint(Array(original[..<length])) }
    }
    var generator = RandomStream(seed: 9, purpose: .parameters)
    let inserts = Array("\"{}[]:,0123456789-eE.\\u ".utf8) + [0, 0xFF]
    let header = 8 + original[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    var refused = 0
    for _ in 0..<3000 {
      var bytes = original
      for _ in 0...Int.random(in: 0..<2, using: &generator) {
        // Mostly the header.
        let place = Int.random(in: 8..<header, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[place] = inserts.randomElement(using: &generator)!
        case 1: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
        default:
          bytes[Int.random(in: header..<bytes.count, using: &generator)] ^=
            1 << UInt8.random(in: 0..<8, using: &generator)
        }
      }
      do throws(NetworkFileError) {
        let found = try checkpoint(bytes).state(as: Float.self)
        #expect(found == state)
      } catch {
        refused += 1
        #expect(error.description.hasPrefix("c"))
      }
    }
    #expect(refused > 1000)
  }

  private func checkpoint(_ bytes: [UInt8]) throws(NetworkFileError) -> CheckpointFile {
    let file: SafetensorsFile
    do { file = try SafetensorsFile(bytes: bytes, file: "c") } catch { throw .file(error) }
    return try CheckpointFile(file, path: "c")
  }
}
