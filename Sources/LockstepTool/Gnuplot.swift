// Runs the program gnuplot: a script in, a picture out.

import Foundation

/// The program gnuplot, as it is found in PATH.
struct Gnuplot {
  /// Why no picture can be drawn here; `nil` where it can.
  static var unavailability: String? {
    Gnuplot() == nil ? "gnuplot, which draws the picture, was not found; install the Debian package gnuplot-nox" : nil
  }

  private let program: URL

  /// `nil` where gnuplot is not installed.
  init?() {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let candidates = folders.map { URL(fileURLWithPath: String($0)).appendingPathComponent("gnuplot") }
    guard let program = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0.path) }) else {
      return nil
    }
    self.program = program
  }

  /// The version, as in `5.4 patchlevel 4`; `nil` where the program does not say.
  var version: String? {
    guard let answer = try? output(arguments: ["--version"], input: "") else { return nil }
    let words = String(decoding: answer, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    return words.first == "gnuplot" ? words.dropFirst().joined(separator: " ") : nil
  }

  /// What `script` draws on its standard output.
  ///
  /// - Throws: `ToolError` where gnuplot fails.
  func draw(_ script: String) throws -> Data {
    // Without the user's own settings, which could change the picture.
    try output(arguments: ["--default-settings"], input: script)
  }

  private func output(arguments: [String], input: String) throws -> Data {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    let (toProgram, fromProgram, complaints) = (Pipe(), Pipe(), Pipe())
    process.standardInput = toProgram
    process.standardOutput = fromProgram
    process.standardError = complaints
    do {
      try process.run()
    } catch {
      throw ToolError(description: "\(program.path) could not be started: \(error.localizedDescription)")
    }
    // The last command draws, when gnuplot has read all, so that nobody waits for anybody; a program that has gone shows in
    // its exit code.
    try? toProgram.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try? toProgram.fileHandleForWriting.close()
    let result = try fromProgram.fileHandleForReading.readToEnd() ?? Data()
    let complaint = try complaints.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationReason == .exit, process.terminationStatus == 0, !result.isEmpty else {
      let lines = String(decoding: complaint, as: UTF8.self).split(whereSeparator: \.isNewline)
      throw ToolError(description: "gnuplot failed: \(lines.last ?? "it gave no picture and no reason")")
    }
    return result
  }
}
