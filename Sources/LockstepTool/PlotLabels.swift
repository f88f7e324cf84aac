// Where labels find room in a picture with logarithmic axes, and the text that tells gnuplot of curves and labels.

import Foundation

/// A point in the units of the axes.
typealias PlotPoint = (Double, Double)

/// A picture with two logarithmic axes: what they span, and where they lie.
struct PlotFrame {
  let x: ClosedRange<Double>
  let y: ClosedRange<Double>
  /// The size of the picture in points.
  let width = 1100, height = 720
  /// The sides of the axes, as parts of the picture.
  let left = 0.075, right = 0.98, bottom = 0.1, top = 0.93

  /// How many points a factor of ten is, in each direction.
  var decade: (x: Double, y: Double) {
    (
      Double(width) * (right - left) / log10(x.upperBound / x.lowerBound),
      Double(height) * (top - bottom) / log10(y.upperBound / y.lowerBound)
    )
  }

  /// Where a point lies, in points from the lower left corner of the axes.
  func place(_ point: PlotPoint) -> (x: Double, y: Double) {
    (log10(point.0 / x.lowerBound) * decade.x, log10(point.1 / y.lowerBound) * decade.y)
  }

  /// The size of the axes in points.
  var size: (x: Double, y: Double) { (Double(width) * (right - left), Double(height) * (top - bottom)) }
}

/// Curves, and the command that plots them.
struct PlotCurves {
  private var blocks: [String] = []
  private var plots: [String] = []

  /// Adds a curve, with a line in the key where it has a title.
  mutating func add(_ points: [PlotPoint], style: String, title: String? = nil) {
    let name = "$curve\(blocks.count)"
    blocks.append("\(name) << end\n" + points.map { "\($0.0) \($0.1)\n" }.joined() + "end\n")
    plots.append("\(name) with \(style) " + (title.map { "title '\($0)'" } ?? "notitle"))
  }

  /// For gnuplot.
  var script: String { blocks.joined() + "plot " + plots.joined(separator: ", \\\n  ") }
}

/// Labels, none upon another.
struct PlotLabels {
  private let frame: PlotFrame
  private var taken: [Box] = []
  private(set) var script = ""

  private struct Box {
    let x: ClosedRange<Double>
    let y: ClosedRange<Double>

    func meets(_ other: Box) -> Bool { x.overlaps(other.x) && y.overlaps(other.y) }
  }

  init(frame: PlotFrame) {
    self.frame = frame
  }

  /// Keeps labels off these points.
  mutating func avoid(_ points: [PlotPoint]) {
    taken += points.map { point in
      let (x, y) = frame.place(point)
      return Box(x: x - 7...x + 7, y: y - 7...y + 7)
    }
  }

  /// Adds a label that ends at a place: above it, or below where that is taken.
  mutating func add(_ text: String, endingAt point: PlotPoint, color: String) {
    let (x, y) = frame.place(point)
    let width = Self.width(of: text)
    let above = Box(x: x - width...x, y: y + 3...y + 19)
    place(text, x: x - 4, y: taken.contains(where: above.meets) ? y - 11 : y + 11, isRight: true, color: color)
  }

  /// Adds a label along a line of slope 1 in these axes, from its start on.
  mutating func addAlong(_ text: String, from point: PlotPoint, color: String) {
    let angle = atan2(frame.decade.y, frame.decade.x)
    let (x, y) = frame.place(point)
    // A little along the line, then off it, on its upper side.
    let (along, off) = (14.0, 12.0)
    let start = (x: x + along * cos(angle) - off * sin(angle), y: y + along * sin(angle) + off * cos(angle))
    script +=
      "set label '\(text)' at graph \(start.x / frame.size.x), graph \(start.y / frame.size.y) left "
      + "rotate by \(angle * 180 / .pi) font ',11' tc rgb '\(color)'\n"
    for step in 0..<12 {
      let (x, y) = (start.x + Double(step) * 10 * cos(angle), start.y + Double(step) * 10 * sin(angle))
      taken.append(Box(x: x - 6...x + 6, y: y - 6...y + 6))
    }
  }

  /// Adds a label beside one of several points, wherever there is room.
  mutating func addBeside(_ points: [PlotPoint], _ text: String) {
    let places = points.map(frame.place).sorted { $0.y > $1.y }
    let width = Self.width(of: text)
    var best: (x: Double, y: Double)?
    search: for (dx, dy) in [(10.0, 0.0), (-10 - width, 0), (-width / 2, 16), (-width / 2, -16), (8, 14), (8, -14)] {
      for place in places {
        let box = Box(
          x: place.x + dx - 2...place.x + dx + width + 2, y: place.y + dy - 8...place.y + dy + 8)
        let isInside = box.x.lowerBound > 0 && box.x.upperBound < frame.size.x && box.y.lowerBound > 0
        if isInside, !taken.contains(where: box.meets) {
          best = (place.x + dx, place.y + dy)
          break search
        }
      }
    }
    let (x, y) = best ?? (places[0].x + 10, places[0].y)
    place(text, x: x, y: y, isRight: false, color: "#000000")
  }

  private mutating func place(_ text: String, x: Double, y: Double, isRight: Bool, color: String) {
    let width = Self.width(of: text)
    let left = isRight ? x - width : x
    taken.append(Box(x: left...left + width, y: y - 8...y + 8))
    script +=
      "set label '\(text)' at graph \(x / frame.size.x), graph \(y / frame.size.y) \(isRight ? "right" : "left") "
      + "front font ',12' tc rgb '\(color)' noenhanced\n"
  }

  /// About as wide as the text is.
  private static func width(of text: String) -> Double { 7.8 * Double(text.count) }
}
