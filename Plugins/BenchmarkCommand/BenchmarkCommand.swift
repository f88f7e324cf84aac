// `swift package benchmark`: builds the tool in release and runs its command `benchmark`.

import Foundation
import PackagePlugin

@main
struct BenchmarkCommand: CommandPlugin {
  func performCommand(context: PluginContext, arguments: [String]) async throws {
    let build = try packageManager.build(.product("lockstep"), parameters: .init(configuration: .release))
    guard build.succeeded, let tool = build.builtArtifacts.first(where: { $0.kind == .executable }) else {
      throw BuildFailure(log: build.logText)
    }
    let process = Process()
    let complaints = Pipe()
    process.executableURL = tool.url
    process.arguments = ["benchmark"] + arguments
    process.standardError = complaints
    try process.run()

    // A plugin's standard error ends up in the standard output of `swift package`, among the results; its diagnostics do
    // not. The last line tells of the failure, where there is one.
    var text = ""
    while case let data = complaints.fileHandleForReading.availableData, !data.isEmpty {
      text += String(decoding: data, as: UTF8.self)
      while let end = text.firstIndex(of: "\n"), end < text.index(before: text.endIndex) {
        Diagnostics.warning(String(text[..<end]))
        text = String(text[text.index(after: end)...])
      }
    }
    process.waitUntilExit()
    let last = text.trimmingCharacters(in: .newlines)
    if process.terminationStatus != 0 {
      Diagnostics.error(last)
      exit(process.terminationStatus)
    }
    if !last.isEmpty { Diagnostics.warning(last) }
  }
}

/// The build's own words.
struct BuildFailure: Error, CustomStringConvertible {
  let log: String

  var description: String { "the tool could not be built in release:\n\(log)" }
}
