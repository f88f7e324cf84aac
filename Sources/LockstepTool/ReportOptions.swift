// The option `--report`: where a report goes, and what must be there for it.

import FileWriting
import Foundation
import Lockstep

/// The option of the commands that write reports.
enum ReportOptions {
  static let report = CommandOption<String?>.fileName(
    "report", valueName: "DIR|FILE.html",
    summary: "where to write a page for a browser: curves, predictions, recipe, commands; index.html in a folder",
    defaultText: "nowhere")

  /// As for a network that is there, which has no curves.
  static let evaluation = report.summarized(
    "where to write a page for a browser: predictions, and the recipe of the model; index.html in a folder")
}

extension Invocation {
  /// The file that `--report` asks for; `nil` where it is not given. A folder that is not there is made.
  ///
  /// - Parameters:
  ///   - inputs: files that the command reads.
  ///   - outputs: other files that it writes, with the options that name them.
  /// - Throws: ``UsageError`` for a file that is read or written by another name, ``ToolError`` where gnuplot is not there,
  ///   `FileError` for what cannot be written. Better now than after hours of training.
  func reportPath(
    overwritesNone inputs: [String], apartFrom outputs: [AskedOutput] = []
  ) throws -> String? {
    guard let asked = self[ReportOptions.report] else { return nil }
    if let reason = Gnuplot.unavailability { throw ToolError(description: "--report: \(reason)") }
    if asked == "-" { throw UsageError(description: "--report - is not standard output; name a file or a folder") }
    let isFile = [".html", ".htm"].contains { asked.lowercased().hasSuffix($0) } && !isFolder(asked)
    let path = isFile ? asked : asked.hasSuffix("/") ? asked + "index.html" : asked + "/index.html"
    try checkOutputs(outputs + [(path, ReportOptions.report)], overwriteNone: inputs)
    if !isFile, !isFolder(asked) {
      // What is to be a folder can be no file of another name, either.
      let folder = String(asked.reversed().drop { $0 == "/" }.reversed())
      try checkOutputs(outputs + [(folder, ReportOptions.report)], overwriteNone: inputs)
      if fileExists(asked) {
        throw UsageError(
          description: "--report \(asked) is neither a folder nor named .html; name a file that ends in .html")
      }
      if !asked.hasSuffix("/"), asked.split(separator: "/").last?.contains(".") == true {
        throw UsageError(
          description:
            "--report \(asked) is neither named .html nor a folder that is there; name a file that ends in .html, "
            + "or a folder, with / at the end")
      }
      do {
        try FileManager.default.createDirectory(atPath: asked, withIntermediateDirectories: false)
      } catch {
        throw ToolError(description: "\(asked): the folder for the report could not be made; make it, or name another")
      }
    }
    try OutputFile.check(path)
    return path
  }
}

private func isFolder(_ path: String) -> Bool {
  var isFolder: ObjCBool = false
  return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
}

extension Report {
  /// Draws the figures and writes the page, whole or not at all.
  ///
  /// - Throws: ``ToolError`` where gnuplot fails, `FileError`.
  func write(to path: String) throws {
    guard let gnuplot = Gnuplot() else { throw ToolError(description: "gnuplot was not found") }
    let page = ReportPage(report: self) { String(decoding: try gnuplot.draw($0), as: UTF8.self) }
    let html = try page.html()
    var file = try OutputFile(.path(path))
    try file.write(html)
    try file.finish()
  }
}

/// A word as a shell takes it.
func shellWord(_ word: String) -> String {
  let isPlain =
    !word.isEmpty
    && word.utf8.allSatisfy { byte in
      UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
        || "-_=./,:+@%".utf8.contains(byte)
    }
  return isPlain ? word : "'\(word.replacing("'", with: "'\\''"))'"
}
