// The figures of a report: what each shows, as a script for gnuplot, and what is made of the SVG that it draws so that it can stand
// in a page. No text of data gets into a script: names stand in the page around the figure.

import Foundation
import Lockstep

/// A picture with its place in the page.
struct ReportFigure {
  /// The heading; it may be a name from data.
  let title: String
  /// What the picture shows, for whoever does not see it.
  let description: String
  /// What is to be known to read it.
  var caption: String?
  /// Which line is what, each with the class of its sample; empty where there is one line alone.
  var key: [(style: String, name: String)] = []
  /// For gnuplot.
  let script: String
}

extension Report {
  /// At most so many epochs are drawn.
  static let epochLimit = 1000

  /// The curves over epochs; none where there is no history.
  var curves: [ReportFigure] {
    let epochs = evenlySpread(Self.epochLimit, of: history.count).map { history[$0] }
    func points(_ value: (TrainingProgress) -> Double?) -> [PlotPoint] {
      epochs.compactMap { epoch in value(epoch).map { (Double(epoch.epoch), $0) } }
    }
    func figure(_ title: String, _ series: [ReportPlot.Series], isScaled: Bool = false, least: Double? = nil)
      -> ReportFigure?
    {
      ReportPlot(series: series, bestEpoch: bestEpoch, scalesLogarithmically: isScaled, least: least)
        .figure(title: title)
    }
    let loss = figure(
      "Loss",
      [.init(name: "training", points: points(\.loss)), .init(name: "validation", points: points(\.validationLoss))],
      isScaled: true)
    let rate =
      Set(epochs.map(\.learningRate)).count > 1
      ? figure("Learning rate", [.init(name: "learning rate", points: points(\.learningRate))]) : nil
    func measure(_ index: Int) -> [PlotPoint] {
      points { $0.metrics.flatMap { Array($0.values)[index].value } }
    }
    let metrics: [ReportFigure?]
    switch epochs.lazy.compactMap(\.metrics).first {
    case .classification:
      metrics = [
        figure(
          "Accuracy and F1",
          [
            .init(name: "accuracy", points: measure(0)), .init(name: "macro F1", points: measure(1)),
          ])
      ]
    case .regression:
      metrics = [
        figure("R²", [.init(name: "R²", points: measure(0))], least: -1),
        figure(
          "Errors",
          [
            .init(name: "mean absolute error", points: measure(1)),
            .init(name: "root mean squared error", points: measure(2)),
          ], isScaled: true),
      ]
    case nil: metrics = []
    }
    return ([loss] + metrics + [rate]).compactMap(\.self)
  }
}

extension ReportPredictions.Panel {
  /// The truth on one axis, the prediction on the other; `nil` where no point is finite.
  var figure: ReportFigure? {
    let points = points.filter { isDrawable($0.0) && isDrawable($0.1) }
    guard let range = ReportPlot.range(of: points.flatMap { [$0.0, $0.1] }, isLogarithmic: false) else { return nil }
    let ends = [(range.lowerBound, range.lowerBound), (range.upperBound, range.upperBound)]
    var curves = PlotCurves()
    curves.add(ends, style: "lines lw 1.5 dt 2 lc rgb '\(ReportColor.muted.light)'")
    curves.add(points, style: "points pt 7 ps 0.35 lc rgb '\(ReportColor.first.light)'")
    let bounds = "[\(range.lowerBound):\(range.upperBound)]"
    let shown =
      self.points.count < rows
      ? "\(grouped(self.points.count)) of \(grouped(rows)) rows, evenly spread over the file." : ""
    return ReportFigure(
      title: name,
      description: "Scatter plot of predicted against true values of \(name), \(grouped(points.count)) points",
      caption: "On the dashed line, prediction and truth agree. \(shown)".trimmingCharacters(in: .whitespaces),
      script: """
        \(ReportPlot.preamble(height: 400))
        set xrange \(bounds)
        set yrange \(bounds)
        set xtics \(range.tickStep)
        set ytics \(range.tickStep)
        set xlabel 'true'
        set ylabel 'predicted'
        \(curves.script)

        """)
  }
}

/// Curves over epochs.
struct ReportPlot {
  struct Series {
    let name: String
    let points: [PlotPoint]
  }

  let series: [Series]
  let bestEpoch: Int?
  /// Whether the vertical axis is logarithmic where values spread widely.
  let scalesLogarithmically: Bool
  /// Below this nothing is shown.
  let least: Double?

  init(series: [Series], bestEpoch: Int?, scalesLogarithmically: Bool, least: Double?) {
    self.series = series.map { series in
      Series(name: series.name, points: series.points.filter { isDrawable($0.1) })
    }.filter { !$0.points.isEmpty }
    self.bestEpoch = bestEpoch
    self.scalesLogarithmically = scalesLogarithmically
    self.least = least
  }

  /// The figure; `nil` where there is nothing to draw.
  func figure(title: String) -> ReportFigure? {
    let values = series.flatMap { $0.points.map(\.1) }
    guard let smallest = values.min(), let largest = values.max() else { return nil }
    let isLogarithmic = scalesLogarithmically && smallest > 0 && largest / smallest > 10
    let shown = values.map { max($0, least ?? $0) }
    guard let range = Self.range(of: shown, isLogarithmic: isLogarithmic) else { return nil }
    let epochs = series.flatMap { $0.points.map(\.0) }
    let (first, last) = (epochs.min() ?? 1, epochs.max() ?? 1)
    var curves = PlotCurves()
    if let bestEpoch {
      curves.add(
        [(Double(bestEpoch), range.lowerBound), (Double(bestEpoch), range.upperBound)],
        style: "lines lw 1.5 dt 3 lc rgb '\(ReportColor.muted.light)'")
    }
    for (index, series) in series.enumerated() {
      let colour = index == 0 ? ReportColor.first : .second
      // Points where they can be told apart, and where there would be no line without them.
      let points = series.points.count <= 30 ? "linespoints pt \(index == 0 ? 7 : 5) ps 0.5" : "lines"
      curves.add(
        series.points, style: "\(points) lw 2 dt \(index == 0 ? 1 : 2) lc rgb '\(colour.light)'")
    }
    var key = zip(["first", "second"], series).map { (style: $0, name: $1.name) }
    if bestEpoch != nil { key.append((style: "best", name: "best epoch")) }
    var captions: [String] = []
    if isLogarithmic { captions.append("The vertical axis is logarithmic.") }
    if let least, smallest < least { captions.append("Values below \(sixDigits(least)) are not shown.") }
    let ends = series.map { series in
      "\(series.name) from \(sixDigits(series.points[0].1)) to \(sixDigits(series.points[series.points.count - 1].1))"
    }
    return ReportFigure(
      title: title,
      description: "Curves of \(title) over epochs \(Int(first)) to \(Int(last)): \(ends.joined(separator: ", "))",
      caption: captions.isEmpty ? nil : captions.joined(separator: " "), key: key.count > 1 ? key : [],
      script: """
        \(Self.preamble(height: 300))
        set xrange [\(first == last ? first - 0.5 : first):\(first == last ? last + 0.5 : last)]
        set yrange [\(range.lowerBound):\(range.upperBound)]
        \(isLogarithmic ? "set logscale y\(Self.ticks(of: range))" : "set ytics \(range.tickStep)")
        set xtics \(last - first <= 7 ? 1 : (first...last).tickStep)
        set xlabel 'epoch'
        \(curves.script)

        """)
  }

  /// What an axis spans to show these values with some room around them; `nil` where there are none.
  static func range(of values: [Double], isLogarithmic: Bool) -> ClosedRange<Double>? {
    guard let smallest = values.min(), let largest = values.max() else { return nil }
    if isLogarithmic {
      let room = pow(largest / smallest, 0.05)
      return smallest / room...largest * room
    }
    // Too narrow a range cannot be told from none.
    let isConstant = largest - smallest <= 1e-9 * max(largest.magnitude, smallest.magnitude)
    let room = isConstant ? max(largest.magnitude * 0.1, 1e-30) : (largest - smallest) * 0.05
    return smallest - (largest == 0 && isConstant ? 1 : room)...largest + (largest == 0 && isConstant ? 1 : room)
  }

  /// Ticks of a logarithmic axis at 1, 2 and 5 times powers of ten, where powers alone would be one or two.
  private static func ticks(of range: ClosedRange<Double>) -> String {
    let (first, last) = (log10(range.lowerBound).rounded(.down), log10(range.upperBound).rounded(.up))
    guard last - first <= 3 else { return "" }
    let values = stride(from: first, through: last, by: 1).flatMap { power in [1, 2, 5].map { $0 * pow(10, power) } }
    return "\nset ytics (\(values.filter(range.contains).map { "\($0)" }.joined(separator: ", ")))"
  }

  /// What all figures have in common. They are drawn so small that their letters can be read on a phone.
  static func preamble(height: Int) -> String {
    """
    set terminal svg size 440,\(height) noenhanced font 'sans,14'
    set grid lc rgb '\(ReportColor.grid.light)' lt 1
    set border 3 lc rgb '\(ReportColor.muted.light)'
    set tics nomirror textcolor rgb '\(ReportColor.muted.light)'
    set tmargin 0.7
    set rmargin 1.5
    unset key
    set format '%.6g'
    """
  }
}

extension ClosedRange<Double> {
  /// A step of 1, 2 or 5 times a power of ten that gives three to seven ticks.
  fileprivate var tickStep: Double {
    let raw = (upperBound - lowerBound) / 7
    let power = pow(10, log10(raw).rounded(.down))
    return [1, 2, 5].map { $0 * power }.first { $0 >= raw } ?? 10 * power
  }
}

/// Whether gnuplot can draw a value: finite, and so far from the largest number that its range is, too.
private func isDrawable(_ value: Double) -> Bool { value.magnitude < 1e100 }

/// Six significant digits.
func sixDigits(_ value: Double) -> String {
  String(format: "%.6g", value)
}

/// `60,000`.
func grouped(_ count: Int) -> String {
  let digits = Array(String(count))
  return digits.indices.reduce(into: "") { text, index in
    if index > 0, (digits.count - index) % 3 == 0 { text += "," }
    text.append(digits[index])
  }
}

/// The colours of figures, which the page replaces in the dark.
enum ReportColor: CaseIterable {
  case first, second, muted, grid

  var light: String {
    switch self {
    case .first: "#1f6feb"
    case .second: "#c2410c"
    case .muted: "#6b7280"
    case .grid: "#e5e7eb"
    }
  }

  var dark: String {
    switch self {
    case .first: "#79b8ff"
    case .second: "#ff9d5c"
    case .muted: "#9ca3af"
    case .grid: "#2b313b"
    }
  }

  /// As gnuplot writes the light one.
  var spelling: String {
    let number = Int(light.dropFirst(), radix: 16) ?? 0
    let parts = [number >> 16, number >> 8 & 255, number & 255].map { part in
      String(repeating: " ", count: 3 - String(part).count) + String(part)
    }
    return "rgb(\(parts.joined(separator: ", ")))"
  }

  /// As gnuplot writes the light one for text.
  var textSpelling: String { spelling.filter { $0 != " " } }
}

/// Makes a part of a page of the SVG that gnuplot draws: it scales, has a name for whoever does not see it, names of its own, and no
/// address of the world outside.
func inlined(svg: String, index: Int, description: String) throws -> String {
  guard let start = svg.range(of: "<g id=\"gnuplot_canvas\">"), let end = svg.range(of: "</svg>", options: .backwards),
    let box = svg.range(of: "viewBox=\"[0-9 ]+\"", options: .regularExpression)
  else { throw ToolError(description: "gnuplot drew a picture of a form that is not known") }
  var body = String(svg[start.lowerBound..<end.lowerBound])
  for (pattern, replacement) in [
    // Groups without content, and names that a browser would show as those of curves.
    ("<g fill=\"none\" color=\"[^\"]*\" stroke=\"[^\"]*\"[^>]*>\\s*</g>\\n?", ""), ("<title>[^<]*</title>", ""),
    ("<filter .*?</filter>", ""), ("xlink:href=", "href="),
    ("id=(['\"])", "id=$1f\(index)-"), ("href='#", "href='#f\(index)-"),
  ] {
    // A dot stands for line breaks, too.
    body = body.replacingOccurrences(of: "(?s)" + pattern, with: replacement, options: .regularExpression)
  }
  return """
    <svg \(svg[box]) role="img" aria-labelledby="f\(index)-title"><title id="f\(index)-title">\(markup(description))</title>
    \(body)</svg>
    """
}
