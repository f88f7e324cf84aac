// Training that is interrupted, killed and resumed: the final model has the bytes of an uninterrupted run.

import BackendMatrix
import ComputeBackend
import Foundation
import Testing

@testable import Lockstep
@testable import LockstepTool

/// A run of two classes that lasts `epochs` epochs of four steps, with all that has a state.
private func words(_ precision: Precision = .f32, epochs: Int = 6) throws -> [String] {
  [
    "train", try fixture("table.csv"), "--target", "y", "--hidden", "24,10", "--epochs", "\(epochs)", "--batch-size",
    "200", "--optimizer", "adamw", "--weight-decay", "0.01", "--dropout", "0.2", "--clip-norm", "1", "--schedule",
    "cosine:2", "--initializer", "he", "--validation", "0.2", "--seed", "7", "--precision", precision.rawValue,
    "--json",
  ]
}

@Suite struct ResumeTests {
  @Test(arguments: Precision.allCases) func theModelIsTheSameWithACheckpoint(precision: Precision) throws {
    let folder = try TemporaryFolder()
    let whole = folder.file("whole")
    _ = try Tool.run(words(precision) + ["--model", whole, "--backend", "scalar"]).object()
    for kind in BackendKind.allCases where try Backends.unavailability(of: kind) == nil {
      for threads in kind.testedThreadCounts.prefix(2) {
        let (model, checkpoint) = (folder.file("model"), folder.file("checkpoint"))
        try? FileManager.default.removeItem(atPath: checkpoint)
        _ = try Tool.run(words(precision) + ["--checkpoint", checkpoint, "--model", model]).object()
        #expect(try bytes(model) == bytes(whole))
        // Resuming what is finished changes nothing.
        let resume = [
          "--checkpoint", checkpoint, "--resume", "--model", model, "--backend", kind.rawValue, "--threads",
          "\(threads)",
        ]
        let object = try Tool.run(words(precision) + resume).object()
        #expect(object["steps"] as? Int == 24)
        #expect(try bytes(model) == bytes(whole))
      }
    }
  }

  #if os(Linux)
    /// Killed without a chance to do anything, twice, then gone on with to the end.
    @Test func aKilledRunGoesOn() throws {
      let folder = try TemporaryFolder()
      let (whole, model, checkpoint) = (folder.file("whole"), folder.file("model"), folder.file("checkpoint"))
      let arguments = try words(epochs: 300)
      let expected = try Tool.run(arguments + ["--model", whole]).object()
      let resumable = arguments + ["--checkpoint", checkpoint, "--checkpoint-every", "1", "--model", model]
      var steps = 0
      for (resume, backend) in [([], "scalar"), (["--resume"], "simd")] {
        let process = Process()
        process.executableURL = Tool.executable
        process.arguments = resumable + resume + ["--backend", backend]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        // Some epochs later it is gone.
        while process.isRunning, (try? CheckpointFile(contentsOf: checkpoint))?.recipe.steps ?? 0 <= steps {
          usleep(1000)
        }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal)
        #expect(!FileManager.default.fileExists(atPath: model))
        let kept = try CheckpointFile(contentsOf: checkpoint).recipe.steps
        #expect(kept > steps && kept < 1200)
        steps = kept
      }
      let object = try Tool.run(resumable + ["--resume", "--backend", "auto"]).object()
      #expect(object["parameters_digest"] as? String == expected["parameters_digest"] as? String)
      #expect(try bytes(model) == bytes(whole))
    }

    /// Started twice, and again after a kill.
    @Test func oneRunWritesACheckpoint() throws {
      let folder = try TemporaryFolder()
      let checkpoint = folder.file("c")
      let arguments = try words(epochs: 100_000_000) + ["--checkpoint", checkpoint]
      let process = Process()
      process.executableURL = Tool.executable
      process.arguments = arguments + ["--checkpoint-every", "1"]
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      while process.isRunning, (try? CheckpointFile(contentsOf: checkpoint))?.recipe.steps ?? 0 == 0 { usleep(1000) }
      let second = try Tool.run(arguments + ["--resume"])
      #expect(second.exitCode == 1)
      #expect(second.errors.contains("\(checkpoint): another run is writing this checkpoint"), "\(second.errors)")
      #expect(process.isRunning)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      // Nobody writes it any more: what is wrong now is the option.
      let third = try Tool.run(arguments + ["--resume", "--shuffle", "false"])
      #expect(third.errors.contains("--shuffle is false"), "\(third.errors)")
    }

    /// The last checkpoint cannot be written, and what has been learned is kept all the same.
    @Test func theModelIsWrittenWhereTheLastCheckpointCannotBe() throws {
      let folder = try TemporaryFolder()
      let (model, checkpoint) = (folder.file("model"), folder.file("checkpoint"))
      let process = Process()
      process.executableURL = Tool.executable
      process.arguments =
        try words(epochs: 100_000_000)
        + ["--checkpoint", checkpoint, "--checkpoint-every", "100000000", "--model", model]
      let errors = Pipe()
      process.standardOutput = FileHandle.nullDevice
      process.standardError = errors
      try process.run()
      while process.isRunning, !FileManager.default.fileExists(atPath: checkpoint) { usleep(1000) }
      try FileManager.default.removeItem(atPath: checkpoint)
      _ = try folder.write("checkpoint", "another's")
      kill(process.processIdentifier, SIGINT)
      let complaints = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 1)
      #expect(complaints.contains("another file has appeared there"), "\(complaints)")
      #expect(complaints.contains("; the model as it stands is in \(model)"), "\(complaints)")
      #expect(try NetworkFile(contentsOf: model).recipe() != nil)
      #expect(try bytes(checkpoint) == Data("another's".utf8))
    }

    @Test func anInterruptedRunGoesOn() throws {
      let folder = try TemporaryFolder()
      let (whole, model, checkpoint) = (folder.file("whole"), folder.file("model"), folder.file("checkpoint"))
      let arguments = try words(epochs: 300)
      _ = try Tool.run(arguments + ["--model", whole]).object()
      let resumable = arguments + ["--checkpoint", checkpoint, "--checkpoint-every", "1000", "--model", model]
      let process = Process()
      process.executableURL = Tool.executable
      process.arguments = resumable
      let (output, errors) = (Pipe(), Pipe())
      process.standardOutput = output
      process.standardError = errors
      try process.run()
      _ = output.fileHandleForReading.availableData
      kill(process.processIdentifier, SIGINT)
      _ = output.fileHandleForReading.readDataToEndOfFile()
      let complaints = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 130)
      #expect(complaints.contains("--resume goes on from \(checkpoint)"), "\(complaints)")
      // The model as it stands has its own recipe, which can be checked too.
      let steps = try #require(try NetworkFile(contentsOf: model).recipe()).steps
      #expect(steps > 0 && steps < 1200)
      #expect(try CheckpointFile(contentsOf: checkpoint).recipe.steps == steps)
      let check = try Tool.run("reproduce", model, "--data", fixture("table.csv"), "--backend", "simd")
      #expect(check.exitCode == 0, "\(check.errors)")
      _ = try Tool.run(resumable + ["--resume"]).object()
      #expect(try bytes(model) == bytes(whole))
    }
  #endif

  /// A run fails, and again from the checkpoint that lies before the failing step, with the same model.
  @Test func aRunThatFailsLeavesTheSameModelWhereItIsResumed() throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("t.csv", Data("x,y\n".utf8 + (0..<50).flatMap { "\($0 % 7),\($0)\n".utf8 }))
    let arguments = [
      "train", data, "--target", "y", "--hidden", "none", "--epochs", "1000", "--batch-size", "50", "--learning-rate",
      "1e3",
    ]
    let (whole, resumed, checkpoint) = (folder.file("a"), folder.file("b"), folder.file("c"))
    let runs = try [
      ["--model", whole], ["--checkpoint", checkpoint, "--checkpoint-every", "1"],
      ["--checkpoint", checkpoint, "--resume", "--model", resumed],
    ].map { try Tool.run(arguments + $0) }
    #expect(runs.allSatisfy { $0.exitCode == 1 && $0.errors.contains("training failed at step ") })
    let steps = try #require(try NetworkFile(contentsOf: whole).recipe()).steps
    #expect(steps > 0)
    #expect(try CheckpointFile(contentsOf: checkpoint).recipe.steps == steps)
    #expect(try bytes(resumed) == bytes(whole))
  }

  @Test func checkpointsOfShortEpochsAreSecondsApart() throws {
    let folder = try TemporaryFolder()
    func checkpoints(_ options: [String]) throws -> TrainingCheckpoints {
      let words = ["d.csv", "--checkpoint", folder.file("c")] + options
      return try #require(try TrainingCheckpoints(Invocation(trainCommand, words: words, output: Output())))
    }
    let usual = try checkpoints([])
    let start = ContinuousClock.now
    #expect(!usual.isDue(afterEpoch: 1, at: start))
    #expect(!usual.isDue(afterEpoch: 1000, at: start + .seconds(1)))
    #expect(usual.isDue(afterEpoch: 2, at: start + TrainingCheckpoints.pause))
    try usual.write(SafetensorsFile(tensors: []))
    #expect(!usual.isDue(afterEpoch: 3, at: start + TrainingCheckpoints.pause))
    try FileManager.default.removeItem(atPath: folder.file("c"))
    let exact = try checkpoints(["--checkpoint-every", "3"])
    #expect((1...7).filter { exact.isDue(afterEpoch: $0, at: start + .seconds(100 * $0)) } == [3, 6])
  }

  @Test func checkpointsAreThereFromTheStartAndOnlyTakenOnRequest() throws {
    let folder = try TemporaryFolder()
    let checkpoint = folder.file("c")
    let missing = try Tool.run(words() + ["--checkpoint", checkpoint, "--resume"])
    #expect(missing.exitCode == 1)
    #expect(missing.errors.contains("there is no checkpoint to resume from"))
    let none = try Tool.run(words(epochs: 0) + ["--checkpoint", checkpoint]).object()
    #expect(none["steps"] as? Int == 0)
    #expect(try CheckpointFile(contentsOf: checkpoint).recipe.steps == 0)
    let present = try Tool.run(words(epochs: 0) + ["--checkpoint", checkpoint])
    #expect(present.exitCode == 1)
    #expect(present.errors.contains("add --resume"))
    for option in [["--resume"], ["--checkpoint-every", "2"]] {
      let lonely = try Tool.run(words() + option)
      #expect(lonely.exitCode == 2)
      #expect(lonely.errors.contains("needs --checkpoint"))
    }
  }

  static let differences: [(option: String, value: String)] = [
    ("--target", "x1"), ("--hidden", "24"), ("--hidden", "24,11"), ("--activation", "tanh"),
    ("--epochs", "7"), ("--batch-size", "100"), ("--optimizer", "adam"), ("--learning-rate", "0.5"),
    ("--schedule", "cosine:3"), ("--weight-decay", "0.02"), ("--dropout", "0.1"), ("--clip-norm", "2"),
    ("--initializer", "lecun"), ("--validation", "0.3"), ("--seed", "8"), ("--precision", "f64"),
    ("--shuffle", "false"), ("--patience", "3"), ("--betas", "0.8,0.999"), ("--epsilon", "1e-7"),

  ]

  @Test(arguments: differences) func whatDecidesTheResultMustBeAsItWas(option: String, value: String) throws {
    let folder = try TemporaryFolder()
    let checkpoint = folder.file("c")
    _ = try Tool.run(words(epochs: 1) + ["--checkpoint", checkpoint]).object()
    let run = try Tool.run(words(epochs: 1).with(["--checkpoint", checkpoint, "--resume", option, value]))
    #expect(run.exitCode != 0)
    #expect(run.errors.contains(option), "\(run.errors)")
  }

  @Test func moreEpochsStartFromTheModel() throws {
    let folder = try TemporaryFolder()
    let checkpoint = folder.file("c")
    _ = try Tool.run(words(epochs: 1) + ["--checkpoint", checkpoint]).object()
    let run = try Tool.run(words(epochs: 2) + ["--checkpoint", checkpoint, "--resume"])
    #expect(run.exitCode == 1)
    #expect(run.errors.contains("--epochs is 2, but 1 in the checkpoint"), "\(run.errors)")
    #expect(run.errors.contains("start from it with --initial-model"), "\(run.errors)")
  }

  @Test func otherDataAreRefused() throws {
    let folder = try TemporaryFolder()
    let checkpoint = folder.file("c")
    let data = try folder.write("d.csv", bytes(fixture("table.csv")))
    var arguments = try words(epochs: 1)
    arguments[1] = data
    _ = try Tool.run(arguments + ["--checkpoint", checkpoint]).object()
    try folder.write("d.csv", bytes(data) + Data("\n".utf8))
    let run = try Tool.run(arguments + ["--checkpoint", checkpoint, "--resume"])
    #expect(run.exitCode == 1)
    #expect(run.errors.contains("another data file"), "\(run.errors)")
  }

  @Test func damagedCheckpointsAreRefused() throws {
    let folder = try TemporaryFolder()
    let checkpoint = folder.file("c")
    _ = try Tool.run(words(epochs: 1) + ["--checkpoint", checkpoint]).object()
    let content = try bytes(checkpoint)
    for damaged in [Data(), content.prefix(100), content.dropLast(), try bytes(fixture("table.csv"))] {
      try folder.write("c", damaged)
      let run = try Tool.run(words(epochs: 1) + ["--checkpoint", checkpoint, "--resume"])
      #expect(run.exitCode == 1)
      #expect(run.errors.contains(checkpoint), "\(run.errors)")
      #expect(try bytes(checkpoint) == damaged)
    }
  }
}
