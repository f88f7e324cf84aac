// The picture of `lockstep celsius`: the true line, and the network's before and after training.

import FileWriting
import FoundationEssentials
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

  /// How gnuplot is told, for a picture of 800 by 600 points.
  var terminal: String {
    switch self {
    case .svg: "svg size 800,600 enhanced font 'sans,14' background rgb 'white'"
    case .png: "pngcairo size 800,600 enhanced font 'sans,14'"
    case .pdf: "pdfcairo size 8in,6in enhanced font 'sans,14'"
    }
  }
}

/// The three lines.
struct CelsiusPlot {
  /// Lines of data: celsius, true, before, after.
  private let data: String

  /// The lines of a run that ended in the network `last`.
  init<Element>(run: CelsiusRun<Element>, last: Network<Element>) throws {
    let celsius = evenlySpacedTemperatures(101)
    let before = try run.predict(celsius, by: run.first)
    let after = try run.predict(celsius, by: last)
    data = celsius.indices.map { "\(celsius[$0]) \(trueFahrenheit(celsius[$0])) \(before[$0]) \(after[$0])\n" }.joined()
  }

  /// Draws the picture into a file.
  ///
  /// - Throws: ``Gnuplot/Missing``, `ToolError`, `FileError`.
  func write(to name: String, format: PictureFormat) throws {
    // The line after training is drawn over the true one, so that one sees both where they agree.
    let picture = try Gnuplot().draw(
      script(
        terminal: format.terminal,
        labels: """
          set title 'A 1-2-1 network learns to convert Celsius to Fahrenheit'
          set ylabel 'Fahrenheit'
          set grid
          """,
        lines: ["lc rgb '#2f6fed' lw 9", "lc rgb '#d62728' lw 3", "lc rgb '#1fd01f' lw 3"]))
    var file = try OutputFile(.path(name))
    try file.write(Array(picture)[...])
    try file.finish()
  }

  /// Draws the picture as text, in colour where it is for a terminal.
  ///
  /// - Throws: ``Gnuplot/Missing``, `ToolError`.
  func text(onTerminal isTerminal: Bool) throws -> String {
    // Text cannot be turned, so the vertical axis is labelled at its top.
    let picture = try Gnuplot().draw(
      script(
        terminal: "dumb size 78,24 \(isTerminal ? "ansi" : "mono")",
        labels: "set label 'Fahrenheit' at graph 0, 1.07",
        lines: ["lc rgb 'blue'", "lc rgb 'red'", "lc rgb 'green'"]))
    return String(decoding: picture, as: UTF8.self)
  }

  private func script(terminal: String, labels: String, lines: [String]) -> String {
    """
    $lines << end
    \(data)end
    set terminal \(terminal)
    \(labels)
    set xlabel 'Celsius'
    set key left top Left reverse
    plot $lines using 1:2 with lines \(lines[0]) title 'true', \\
      '' using 1:3 with lines \(lines[1]) title 'before training', \\
      '' using 1:4 with lines \(lines[2]) title 'after training'

    """
  }
}
