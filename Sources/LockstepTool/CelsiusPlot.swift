// The picture of `lockstep celsius`: the true line, and the network's before and after training.

import FileWriting
import Foundation
import Lockstep

/// Where a picture goes.
enum PictureTarget: Equatable {
  /// Standard output, as text.
  case text
  case file(name: String, format: PictureFormat)

  /// `-`, or a file name with an ending that says its format; `nil` where it does not.
  init?(name: String) {
    if name == "-" {
      self = .text
    } else if let format = PictureFormat.allCases.first(where: { name.lowercased().hasSuffix(".\($0.rawValue)") }) {
      self = .file(name: name, format: format)
    } else {
      return nil
    }
  }
}

/// The formats of picture files.
enum PictureFormat: String, CaseIterable {
  case svg, png, pdf

  /// How gnuplot is told, for a picture of so many points.
  func terminal(width: Int = 800, height: Int = 600) -> String {
    switch self {
    case .svg: "svg size \(width),\(height) enhanced font 'sans,14' background rgb 'white'"
    case .png: "pngcairo size \(width),\(height) enhanced font 'sans,14'"
    case .pdf: "pdfcairo size \(Double(width) / 72)in,\(Double(height) / 72)in enhanced font 'sans,14'"
    }
  }
}

/// The three lines.
struct CelsiusPlot {
  /// Lines of data: celsius, true, before, after.
  private let data: String

  /// The lines of a run that ended in the network `last`.
  init<Element>(run: CelsiusRun<Element>, last: Network<Element>) throws {
    let celsius = evenlySpacedTemperatures(201)
    let before = try run.predict(celsius, by: run.first)
    let after = try run.predict(celsius, by: last)
    data = celsius.indices.map { "\(celsius[$0]) \(trueFahrenheit(celsius[$0])) \(before[$0]) \(after[$0])\n" }.joined()
  }

  /// Draws the picture into a file.
  ///
  /// - Throws: `ToolError`, `FileError`.
  func write(to name: String, format: PictureFormat) throws {
    // The line after training is drawn over the true one, so that one sees both where they agree.
    let picture = try draw(
      script(
        terminal: format.terminal(),
        labels: """
          set title 'A 1-2-1 network learns to convert Celsius to Fahrenheit'
          set ylabel 'Fahrenheit'
          set grid
          """,
        styles: ["lines lc rgb '#2f6fed' lw 9", "lines lc rgb '#d62728' lw 3", "lines lc rgb '#1fd01f' lw 3"]))
    var file = try OutputFile(.path(name))
    try file.write(Array(picture)[...])
    try file.finish()
  }

  /// Draws the picture as text, in colour where it is for a terminal.
  ///
  /// - Throws: `ToolError`.
  func text(onTerminal isTerminal: Bool) throws -> String {
    let width = min(max((isTerminal ? terminalColumns() : nil) ?? 80, 40), 120) - 2
    // Text cannot be turned, so the vertical axis is labelled at its top. Each line has a letter of its own,
    // for whoever sees no colours.
    let picture = try draw(
      script(
        terminal: "dumb size \(width),24 \(isTerminal && takesColours() ? "ansi" : "mono")",
        labels: "set label 'Fahrenheit' at graph 0, 1.07",
        styles: ["points pt '*' lc rgb 'blue'", "points pt 'o' lc rgb 'red'", "points pt '+' lc rgb 'green'"]))
    // gnuplot asks for a fresh page first, and ends a picture in colour within a line.
    let text = String(decoding: picture, as: UTF8.self).replacing("\u{0C}", with: "")
    return text.hasSuffix("\n") ? text : text + "\n"
  }

  private func draw(_ script: String) throws -> Data {
    guard let gnuplot = Gnuplot() else { throw ToolError(description: "gnuplot was not found") }
    return try gnuplot.draw(script)
  }

  private func script(terminal: String, labels: String, styles: [String]) -> String {
    """
    $lines << end
    \(data)end
    set terminal \(terminal)
    \(labels)
    set xlabel 'Celsius'
    set key left top Left reverse
    plot $lines using 1:2 with \(styles[0]) title 'true', \\
      '' using 1:3 with \(styles[1]) title 'before training', \\
      '' using 1:4 with \(styles[2]) title 'after training'

    """
  }
}
