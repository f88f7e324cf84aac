// Runs the built tool as a process, as a user would. What is expected of it lies in the other files.

import CTerminal
import Foundation

/// What a run of the tool left.
struct ToolResult {
  let exitCode: Int32
  let output: String
  let errors: String

  /// The lines of standard output.
  var lines: [String] {
    output.split(separator: "\n").map(String.init)
  }

  /// The lines of standard output, each as a JSON object.
  ///
  /// - Throws: where a line is anything else.
  func objects() throws -> [[String: Any]] {
    try lines.map { line in
      guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
        throw NotAnObject(line: line)
      }
      return object
    }
  }

  struct NotAnObject: Error {
    let line: String
  }
}

/// The executable `lockstep`, which the build leaves beside the tests.
enum Tool {
  /// Where standard output of a run goes.
  enum Destination {
    /// To the test.
    case captured
    /// To a terminal, and from there to the test.
    case terminal
    /// To a reader that has gone.
    case closedPipe
    /// To a file.
    case file(String)
  }

  static let executable: URL = {
    var folder = Bundle.main.executableURL!.deletingLastPathComponent()
    // Where test bundles are folders, the products lie beside them.
    while folder.path.contains(".xctest") { folder.deleteLastPathComponent() }
    return folder.appendingPathComponent("lockstep")
  }()

  /// Whether gnuplot can be found.
  static let hasGnuplot: Bool = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/gnuplot") }
  }()

  /// Runs the tool.
  ///
  /// - Parameters:
  ///   - words: its arguments.
  ///   - environment: what differs from the tests' own environment.
  ///   - destination: where standard output goes.
  ///   - input: the file that is standard input; nothing where there is none.
  static func run(
    _ words: String..., environment: [String: String] = [:], to destination: Destination = .captured,
    input: String? = nil
  ) throws -> ToolResult {
    try run(words, environment: environment, to: destination, input: input)
  }

  /// Runs the tool.
  static func run(
    _ words: [String], environment: [String: String] = [:], to destination: Destination = .captured,
    input: String? = nil
  ) throws -> ToolResult {
    let process = Process()
    process.executableURL = executable
    process.arguments = words
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput =
      try input.map { try FileHandle(forReadingFrom: URL(fileURLWithPath: $0)) } ?? FileHandle.nullDevice
    let (output, errors) = (Pipe(), Pipe())
    process.standardError = errors
    var reader: FileHandle?
    var writer: FileHandle?
    switch destination {
    case .captured:
      process.standardOutput = output
      reader = output.fileHandleForReading
    case .closedPipe:
      try output.fileHandleForReading.close()
      process.standardOutput = output
    case .file(let name):
      writer = try FileHandle(forWritingTo: URL(fileURLWithPath: name))
      process.standardOutput = writer
    case .terminal:
      let (main, user) = try pseudoterminal()
      (reader, writer) = (main, user)
      process.standardOutput = user
    }
    try process.run()
    try writer?.close()
    let text = readAll(reader)
    let complaints = readAll(errors.fileHandleForReading)
    process.waitUntilExit()
    return ToolResult(exitCode: process.terminationStatus, output: text, errors: complaints)
  }

  /// Starts the tool with standard error on a terminal, and standard output nowhere.
  ///
  /// - Parameters:
  ///   - words: its arguments.
  ///   - columns: how wide the terminal is.
  /// - Returns: the process, and what reads all that comes to the terminal.
  static func startOnTerminal(_ words: [String], columns: Int) throws -> (process: Process, read: () -> String) {
    let process = Process()
    process.executableURL = executable
    process.arguments = words
    process.environment = ProcessInfo.processInfo.environment.merging(["TERM": "xterm"]) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    let (main, user) = try pseudoterminal()
    guard lockstep_terminal_set_columns(main.fileDescriptor, Int32(columns)) == 0 else { throw POSIXError(.EIO) }
    process.standardError = user
    try process.run()
    try user.close()
    return (process, { readAll(main) })
  }

  /// All that is written until the other end is closed. A terminal ends with an error, not with nothing.
  static func readAll(_ reader: FileHandle?) -> String {
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 14)
    while let reader {
      let count = read(reader.fileDescriptor, &part, part.count)
      guard count > 0 else { break }
      bytes += part.prefix(count)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func pseudoterminal() throws -> (main: FileHandle, user: FileHandle) {
    var user: Int32 = -1
    let main = lockstep_terminal_open(&user)
    guard main >= 0 else { throw POSIXError(POSIXError.Code(rawValue: errno) ?? .EIO) }
    return (
      FileHandle(fileDescriptor: main, closeOnDealloc: true), FileHandle(fileDescriptor: user, closeOnDealloc: true)
    )
  }
}

extension [String] {
  /// These words with options more, each in the place of one of the same name.
  func with(_ options: [String]) -> [String] {
    var words = self
    for option in options where option.hasPrefix("--") {
      guard let place = words.firstIndex(of: option) else { continue }
      let hasValue = place + 1 < words.count && !words[place + 1].hasPrefix("--")
      words.removeSubrange(place...place + (hasValue ? 1 : 0))
    }
    return words + options
  }
}

/// A folder that goes away with the test.
final class TemporaryFolder {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("lockstep-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The path of a file in the folder.
  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// The names of what lies in the folder.
  var names: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
  }
}
