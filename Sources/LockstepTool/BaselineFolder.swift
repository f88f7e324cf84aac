// The folder where `lockstep benchmark` keeps baselines, a JSON file for each.

import FileWriting
import Foundation
import LockstepBenchmark

/// Baselines by name.
struct BaselineFolder {
  let path: String

  /// The names of the baselines that are there, sorted.
  var names: [String] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return files.filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.map { String($0.dropLast(5)) }.sorted()
  }

  /// Refuses a name that would not be a plain file name.
  ///
  /// - Throws: ``UsageError``.
  static func check(_ name: String) throws {
    let allowed = name.unicodeScalars.allSatisfy {
      $0.isASCII && ($0.properties.isAlphabetic || "0123456789-_.".unicodeScalars.contains($0))
    }
    guard allowed, !name.isEmpty, !name.hasPrefix(".") else {
      throw UsageError(
        description: "the baseline's name is '\(name)'; it must be letters, digits, '-', '_', and '.' but not at first")
    }
    guard name.utf8.count <= longestName else {
      throw UsageError(
        description: "the baseline's name has \(name.utf8.count) letters; it must have \(longestName) at most")
    }
  }

  /// What leaves room for the file's extension where names of files may have 255 bytes, as on Linux.
  private static let longestName = 200

  /// Makes the folder, and finds out whether a baseline could be written there.
  ///
  /// - Throws: ``ToolError``, `FileError`.
  func prepare(for name: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw ToolError(description: "the folder \(path) could not be made: \(error.localizedDescription)")
    }
    try OutputFile.check(file(name))
  }

  /// Writes a baseline, whole or not at all.
  ///
  /// - Throws: `FileError`.
  func write(_ baseline: Baseline, as name: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    var output = try OutputFile(.path(file(name)))
    try output.write(Array(encoder.encode(baseline) + Data("\n".utf8))[...])
    try output.finish()
  }

  /// Reads a baseline.
  ///
  /// - Throws: ``ToolError``.
  func read(_ name: String) throws -> Baseline {
    let file = file(name)
    guard let data = FileManager.default.contents(atPath: file) else { throw missing(name) }
    guard let baseline = try? JSONDecoder().decode(Baseline.self, from: data), baseline.isOfKnownFormat else {
      throw ToolError(description: "\(file) is no baseline that this version understands")
    }
    return baseline
  }

  /// Deletes a baseline.
  ///
  /// - Throws: ``ToolError``.
  func delete(_ name: String) throws {
    guard FileManager.default.fileExists(atPath: file(name)) else { throw missing(name) }
    do {
      try FileManager.default.removeItem(atPath: file(name))
    } catch {
      throw ToolError(description: "\(file(name)) could not be deleted: \(error.localizedDescription)")
    }
  }

  private func missing(_ name: String) -> ToolError {
    let known = names.isEmpty ? "there are none in \(path)" : "there are " + names.joined(separator: ", ")
    return ToolError(description: "there is no baseline '\(name)'; \(known)")
  }

  /// Where a baseline lies.
  func file(_ name: String) -> String { "\(path)/\(name).json" }
}
