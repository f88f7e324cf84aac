// Compilers and programs as processes, and a folder for their files.

import Foundation

/// A C compiler that is installed.
struct CCompiler: Sendable {
  let path: String

  static let gcc = CCompiler("gcc")
  static let clang = CCompiler("clang")

  /// The compiler of that name on `PATH`, if there is one.
  private init?(_ name: String) {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    guard let folder = folders.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }) else {
      return nil
    }
    path = "\(folder)/\(name)"
  }

  func run(_ words: [String]) throws -> (exitCode: Int32, text: String) { try runProgram(path, words) }
}

/// Runs a program.
///
/// - Returns: its exit code, and what it said on standard output and standard error.
func runProgram(_ path: String, _ words: [String]) throws -> (exitCode: Int32, text: String) {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: path)
  process.arguments = words
  process.standardInput = FileHandle.nullDevice
  let pipe = Pipe()
  process.standardOutput = pipe
  process.standardError = pipe
  try process.run()
  let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  return (process.terminationStatus, text)
}

/// A folder that goes away with the test.
final class ScratchFolder {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("lockstep-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: file(name))) }

  func write(_ name: String, _ content: some Sequence<UInt8>) throws {
    try Data(content).write(to: URL(fileURLWithPath: file(name)))
  }

  func write(_ name: String, _ content: String) throws { try write(name, content.utf8) }
}
