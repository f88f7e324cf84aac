// The files of a recipe: what was read is what the recipe names, through a pipe too, under other names, and with any name.

import Foundation
import Testing

@testable import Lockstep

/// Runs a script of the shell in a folder, where `lockstep` is the tool.
private func shell(_ script: String, in folder: TemporaryFolder) throws -> ToolResult {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/bin/sh")
  process.arguments = ["-c", "lockstep() { \"$0\" \"$@\"; }\n\(script)", Tool.executable.path]
  process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
  process.standardInput = FileHandle.nullDevice
  let (output, errors) = (Pipe(), Pipe())
  (process.standardOutput, process.standardError) = (output, errors)
  try process.run()
  let text = output.fileHandleForReading.readDataToEndOfFile()
  let complaints = errors.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return ToolResult(
    exitCode: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
    errors: String(decoding: complaints, as: UTF8.self))
}

/// What trains in no time.
private let quickly = "--target y --hidden none --epochs 2"

@Suite struct RecipeFileTests {
  /// Two tables, and the SHA-256 of each.
  private func tables(_ folder: TemporaryFolder) throws -> (sha256: String, other: String) {
    try folder.write("d.csv", "x,y\n1,2\n2,4\n3,6\n")
    try folder.write("other.csv", "x,y\n1,2\n2,4\n3,7\n")
    let sums = try shell("sha256sum d.csv other.csv", in: folder).lines.map { String($0.prefix(64)) }
    return (sums[0], sums[1])
  }

  private func recipe(_ folder: TemporaryFolder, _ model: String = "m") throws -> Recipe {
    try #require(try NetworkFile(contentsOf: folder.file(model)).recipe())
  }

  @Test func dataFromAPipeIsReproduced() throws {
    let folder = try TemporaryFolder()
    let (sha256, other) = try tables(folder)
    let trained = try shell(
      "lockstep train d.csv \(quickly) --model whole && cat d.csv | lockstep train /dev/stdin \(quickly) --model m",
      in: folder)
    #expect(trained.exitCode == 0, "\(trained.errors)")
    #expect(try bytes(folder.file("m")) == bytes(folder.file("whole")))
    #expect(try recipe(folder).files == ["data": sha256])

    for data in ["cat d.csv", "cat d.csv | cat"] {
      let again = try shell("\(data) | lockstep reproduce m --data /dev/stdin", in: folder)
      #expect(again.exitCode == 0, "\(again.errors)")
    }
    #expect(try shell("lockstep reproduce m --data d.csv", in: folder).exitCode == 0)
    let refused = try shell("cat other.csv | lockstep reproduce m --data /dev/stdin", in: folder)
    #expect(refused.exitCode == 1)
    #expect(refused.errors.contains(sha256) && refused.errors.contains(other), "\(refused.errors)")
  }

  @Test func everyFileIsInTheRecipe() throws {
    let folder = try TemporaryFolder()
    let (sha256, other) = try tables(folder)
    let trained = try shell(
      """
      printf 'l\\n5\\n6\\n7\\n' > labels.csv
      lockstep train d.csv \(quickly) --model first &&
      cat other.csv | lockstep train d.csv --initial-model first --features x --target y --epochs 1 \
        --labels labels.csv --validation-data /dev/stdin --model m && sha256sum first labels.csv
      """, in: folder)
    #expect(trained.exitCode == 0, "\(trained.errors)")
    let sums = trained.lines.suffix(2).map { String($0.prefix(64)) }
    #expect(
      try recipe(folder).files == [
        "data": sha256, "validation-data": other, "initial-model": sums[0], "labels": sums[1],
      ])
  }

  @Test func otherDataIsNotGoneOnWith() throws {
    let folder = try TemporaryFolder()
    let (sha256, other) = try tables(folder)
    let train = "lockstep train /dev/stdin \(quickly) --checkpoint c"
    #expect(try shell("cat d.csv | \(train)", in: folder).exitCode == 0)
    #expect(try shell("cat d.csv | \(train) --resume", in: folder).exitCode == 0)
    let refused = try shell("cat other.csv | \(train) --resume", in: folder)
    #expect(refused.exitCode == 1)
    for part in ["another data file", sha256, other] {
      #expect(refused.errors.contains(part), "\(refused.errors)")
    }
  }

  /// The tab that the name of a file has told is still known where the file has another name, or none.
  @Test func aDelimiterIsReproducedUnderAnyName() throws {
    let folder = try TemporaryFolder()
    try folder.write("d.tsv", "x\ty\n1\t2\n2\t4\n3\t6\n")
    #expect(try shell("lockstep train d.tsv \(quickly) --model m && cp d.tsv d.csv", in: folder).exitCode == 0)
    #expect(try recipe(folder).preparation["delimiter"] == "tab")
    for command in [
      "lockstep reproduce m --data d.tsv", "lockstep reproduce m --data d.csv",
      "cat d.tsv | lockstep reproduce m --data /dev/stdin",
    ] {
      let run = try shell(command, in: folder)
      #expect(run.exitCode == 0, "\(command): \(run.errors)")
    }
    // As earlier versions wrote it, without the delimiter.
    var file = try SafetensorsFile(contentsOf: folder.file("m"))
    var old = try recipe(folder)
    old.preparation["delimiter"] = nil
    file.metadata["lockstep.recipe"] = old.text
    try file.write(to: folder.file("old"))
    let run = try shell("lockstep reproduce old --data d.tsv", in: folder)
    #expect(run.exitCode == 0, "\(run.errors)")
  }

  @Test func tablesOfOneTrainingMayHaveUnequalDelimiters() throws {
    let folder = try TemporaryFolder()
    _ = try tables(folder)
    try folder.write("d.tsv", "x\ty\n1\t2\n2\t4\n3\t6\n")
    let run = try shell(
      "lockstep train d.tsv \(quickly) --validation-data d.csv --model m && "
        + "lockstep reproduce m --data d.tsv --validation-data d.csv", in: folder)
    #expect(run.exitCode == 0, "\(run.errors)")
  }

  @Test(.enabled(if: Tool.hasGnuplot)) func aNameMayBeginWithADash() throws {
    let folder = try TemporaryFolder()
    _ = try tables(folder)
    let run = try shell(
      """
      cp -- d.csv -d && lockstep train \(quickly) --model=-m --report=-r.html -- -d &&
      lockstep reproduce --data=-d -- -m && lockstep reproduce --data -d -- -m
      """, in: folder)
    #expect(run.exitCode == 0, "\(run.errors)")
    let page = try String(contentsOfFile: folder.file("-r.html"), encoding: .utf8)
    #expect(page.contains("<span>--data=-d</span> <span>--</span> <span>-m</span>"))
    #expect(page.contains("<span>--</span> <span>-d</span>"))
  }

  @Test func dataThatIsNoOptionIsTakenForOne() throws {
    let folder = try TemporaryFolder()
    _ = try tables(folder)
    let run = try shell("lockstep reproduce m d.csv", in: folder)
    #expect(run.exitCode == 2)
    #expect(run.errors.contains("did you mean --data d.csv?"), "\(run.errors)")
  }
}
