// Checkpoints of `train`: where they lie, when they are written, and whether a run may go on from one.

import FileWriting
import Lockstep

/// The checkpoint file of a training run, which no other run writes meanwhile.
final class TrainingCheckpoints {
  let path: String
  /// After how many epochs it is written again; `nil` for every ``pause``.
  private let interval: Int?
  /// Whether the run goes on from it.
  let isResuming: Bool
  private var claim: FileClaim?
  private var latest = ContinuousClock.now

  /// How long the end of an epoch passes without a checkpoint where none is asked for: bringing one to the disk takes
  /// milliseconds, in which a small network is trained for many epochs.
  static let pause = Duration.seconds(5)

  /// What `--checkpoint`, `--checkpoint-every` and `--resume` say; `nil` where there is to be no checkpoint.
  ///
  /// - Throws: ``UsageError`` or ``ToolError`` for options that need one another, and a file that is there or not against
  ///   expectation.
  init?(_ invocation: Invocation) throws {
    guard let path = invocation[TrainingOptions.checkpoint] else {
      for option in [TrainingOptions.resume as any OptionDeclaration, TrainingOptions.checkpointEvery]
      where invocation.isGiven(option) {
        throw UsageError(description: "--\(option.name) needs --checkpoint FILE, which tells which checkpoint")
      }
      return nil
    }
    self.path = path
    interval = invocation[TrainingOptions.checkpointEvery]
    isResuming = invocation[TrainingOptions.resume]
    let exists = fileExists(path)
    if isResuming {
      claim = FileClaim(path)
      if claim == nil {
        throw ToolError(
          description: "\(path): another run is writing this checkpoint; wait for its end, or end it with Control-C")
      }
    }
    if isResuming, !exists {
      throw ToolError(
        description:
          "\(path): there is no checkpoint to resume from; one is written as soon as training starts, so check "
          + "the path, or leave out --resume to start from the beginning")
    }
    if !isResuming, exists {
      throw ToolError(
        description: "\(path) is there already; add --resume to go on from it, or remove it to start from the beginning"
      )
    }
    try OutputFile.check(path)
  }

  /// Whether it is to be written at the end of epoch `epoch` (from 1), at an instant.
  func isDue(afterEpoch epoch: Int, at now: ContinuousClock.Instant = .now) -> Bool {
    interval.map { epoch % $0 == 0 } ?? (now - latest >= Self.pause)
  }

  /// Writes the checkpoint.
  ///
  /// - Throws: ``FileWriting/FileError``, also where another run has begun to write it.
  func write(_ content: SafetensorsFile) throws {
    var file = try OutputFile(.path(path))
    for part in try content.parts(file: path) { try file.write(part) }
    claim = try file.finish(replacing: claim)
    latest = .now
  }

  /// The checkpoint to go on from, of a training that is decided by `recipe`.
  ///
  /// - Throws: ``ToolError`` for the first thing that differs.
  func file(continuing recipe: Recipe) throws -> CheckpointFile {
    let file = try CheckpointFile(contentsOf: path)
    for role in Set(recipe.files.keys).union(file.recipe.files.keys).sorted() {
      let (here, there) = (recipe.files[role], file.recipe.files[role])
      // Earlier versions took no SHA-256 of data from a pipe.
      if here == there || role == "data" && there == nil { continue }
      throw ToolError(
        description: "\(path): the checkpoint was written with another \(fileRole(role)), so training cannot be "
          + "resumed: its SHA-256 was \(there ?? "none, as there was no such file"), and now it is "
          + (here ?? "none, as there is no such file"))
    }
    if let (option, here, there) = recipe.firstDifference(from: file.recipe) {
      throw ToolError(
        description: "\(path): \(option) is \(here ?? "not given"), but \(there ?? "not given") in the checkpoint; "
          + "resume with everything as it was, but for backend, threads and output files"
          + (option == "--epochs" ? "; to train a finished model further, start from it with --initial-model" : ""))
    }
    return file
  }
}

extension Recipe {
  /// The first decision that differs from those of `other`, as an option where it is one, with both values.
  func firstDifference(from other: Recipe) -> (option: String, here: String?, there: String?)? {
    let (mine, others) = (decisions, other.decisions)
    for name in RecipeWords.sorted(Array(mine.keys) + others.keys) where mine[name] != others[name] {
      let values = [mine[name], others[name]]
      // Where a recipe does not tell, the name of the file told: a comma or, for earlier versions, a tab.
      if name == DataFileOptions.delimiter.name, values.contains(nil), values.contains(",") || values.contains("tab") {
        continue
      }
      return (RecipeWords.option(for: name), mine[name], others[name])
    }
    return nil
  }
}

/// What a file was read as, as a noun.
func fileRole(_ role: String) -> String {
  role == "data" ? "data file" : role.map { $0 == "-" ? " " : String($0) }.joined() + " file"
}
