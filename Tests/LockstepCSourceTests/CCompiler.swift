// Compilers and programs as processes, and a folder for their files.

import Foundation
import Testing

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

  /// What `program` makes of `input`, with the names of a file of that and of one for its results as its words. The
  /// compiler must have nothing to say of it.
  ///
  /// - Parameters:
  ///   - program: C.
  ///   - input: any bytes.
  ///   - options: for the compiler, separated by blanks.
  ///   - folder: where the files go, those that the program includes beside them.
  func results(of program: String, input: [UInt8], options: String, in folder: ScratchFolder) throws -> Data {
    try folder.write("program.c", program)
    try folder.write("input", input)
    let words = options.split(separator: " ").map(String.init)
    let built = try run(words + [folder.file("program.c"), "-o", folder.file("program"), "-lm"])
    try #require(built.exitCode == 0, "\(built.text)")
    #expect(built.text.isEmpty)
    let ran = try runProgram(folder.file("program"), [folder.file("input"), folder.file("output")])
    try #require(ran.exitCode == 0, "\(ran.text)")
    return try folder.bytes("output")
  }
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
