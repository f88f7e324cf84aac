// The picture of `lockstep benchmark`: each row under the roofline of the machine. Where labels find room lies in
// PlotLabels.swift.

import ComputeBackend
import FileWriting
import Foundation
import Lockstep
import LockstepBenchmark

/// Rows as points over their arithmetic intensity, below the peak of multiply-adds and the slopes of the bandwidths.
struct RooflinePlot {
  private let results: [BenchmarkResult]
  private let groups: [Group]
  private let frame: PlotFrame

  /// A roof: what some threads can do in some precision.
  private struct Group {
    let threads: Int
    let precision: Precision
    /// Floating-point operations per second, in 10^9.
    let peak: Double
    /// 10^9 bytes per second.
    let bandwidths: [(level: MemoryLevel, rate: Double)]

    var name: String { "\(counted(threads, "thread")), \(precision.rawValue)" }
  }

  /// - Parameters:
  ///   - results: one row or more.
  ///   - limits: those that the rows were measured beside.
  init(_ results: [BenchmarkResult], limits: MachineLimits) {
    self.results = results
    var groups: [Group] = []
    for result in results {
      let row = result.row
      let peak = result.limit.peak / 1e9
      let known = groups.firstIndex { $0.threads == row.threads && $0.precision == row.precision }
      if let known, groups[known].peak >= peak { continue }
      let group = Group(
        threads: row.threads, precision: row.precision, peak: peak,
        bandwidths: MemoryLevel.allCases.map {
          ($0, limits.bandwidth($0, row.variant.instructionSet, threads: row.threads) / 1e9)
        })
      if let known { groups[known] = group } else { groups.append(group) }
    }
    self.groups = groups.sorted { ($0.threads, $0.precision.rawValue) < ($1.threads, $1.precision.rawValue) }

    let highest = groups.map(\.peak).max() ?? 1
    let slowest = groups.flatMap(\.bandwidths).map(\.rate).min() ?? 1
    let intensities = results.map(\.intensity)
    let rates = results.map { $0.operationsPerSecond / 1e9 }
    frame = PlotFrame(
      x: (intensities.min() ?? 1) / 2...max((intensities.max() ?? 1) * 3, 4 * highest / slowest),
      y: min((rates.min() ?? 1) / 2, highest / 20)...highest * 2.2)
  }

  /// Draws the picture into a file.
  ///
  /// - Throws: `ToolError`, `FileError`.
  func write(to name: String, format: PictureFormat) throws {
    guard let gnuplot = Gnuplot() else { throw ToolError(description: "gnuplot was not found") }
    let picture = try gnuplot.draw(script(terminal: format.terminal(width: frame.width, height: frame.height)))
    var file = try OutputFile(.path(name))
    try file.write(Array(picture)[...])
    try file.finish()
  }

  private func script(terminal: String) -> String {
    var curves = PlotCurves()
    var labels = PlotLabels(frame: frame)
    for (index, group) in groups.enumerated() { addRoof(group, isFirst: index == 0, to: &curves, &labels) }
    addPoints(to: &curves, &labels)
    let processor = processorName().map { ", on \($0.filter { $0 != "'" })" } ?? ""
    return """
      set terminal \(terminal)
      set title 'What the workloads reach, under what this machine can do\(processor)' font ',15'
      set lmargin at screen \(frame.left)
      set rmargin at screen \(frame.right)
      set bmargin at screen \(frame.bottom)
      set tmargin at screen \(frame.top)
      set logscale xy
      set xrange [\(frame.x.lowerBound):\(frame.x.upperBound)]
      set yrange [\(frame.y.lowerBound):\(frame.y.upperBound)]
      set format '%g'
      set grid lc rgb '#e4e4e4' lt 1
      set border 3 lc rgb '#606060'
      set tics nomirror textcolor rgb '#404040' font ',12'
      set xlabel 'operations for each byte that must be moved' font ',13'
      set ylabel 'GFLOP/s' font ',13'
      set key bottom right Left reverse opaque font ',12' spacing 1.15 samplen 1
      \(labels.script)
      \(curves.script)

      """
  }

  /// The ceiling and the slopes that lead up to it; every slope of the first roof, those of memory of the others.
  private func addRoof(_ group: Group, isFirst: Bool, to curves: inout PlotCurves, _ labels: inout PlotLabels) {
    let style = isFirst ? "lines lw 2 lc rgb '#404040'" : "lines lw 1.5 dt 2 lc rgb '#808080'"
    let nearest = group.bandwidths.map(\.rate).max() ?? 1
    curves.add([(group.peak / nearest, group.peak), (frame.x.upperBound, group.peak)], style: style)
    labels.add(
      "FMA peak \(threeDigits(group.peak)) GFLOP/s, \(group.name)", endingAt: (frame.x.upperBound, group.peak),
      color: "#404040")
    for (level, rate) in group.bandwidths where isFirst || level == .memory {
      let start = max(frame.x.lowerBound, frame.y.lowerBound / rate)
      guard start < group.peak / rate else { continue }
      curves.add([(start, start * rate), (group.peak / rate, group.peak)], style: style)
      if isFirst {
        labels.addAlong(
          "\(level == .memory ? "memory" : level.rawValue.uppercased()) \(threeDigits(rate)) GB/s",
          from: (start, start * rate), color: "#404040")
      }
    }
  }

  /// A point for each row; those of one workload hang on a thread, and share a label.
  private func addPoints(to curves: inout PlotCurves, _ labels: inout PlotLabels) {
    var series: [(title: String, points: [PlotPoint])] = []
    var workloads: [(title: String, points: [PlotPoint])] = []
    for result in results {
      let point = (result.intensity, result.operationsPerSecond / 1e9)
      let row = result.row
      let title = "\(row.variant), \(counted(row.threads, "thread")), \(row.precision.rawValue)"
      series.append(point, under: title)
      workloads.append(point, under: "\(row.workload.name) \(row.precision == .f64 ? "f64" : "")")
    }
    for workload in workloads {
      curves.add(workload.points.sorted { $0.1 < $1.1 }, style: "lines lw 1 lc rgb '#c8c8c8'")
    }
    let colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#606060"]
    let shapes = [7, 9, 5, 13, 11, 15]
    for (index, series) in series.enumerated() {
      curves.add(
        series.points,
        style: "points ps 1.3 pt \(shapes[index % shapes.count]) lc rgb '\(colors[index % colors.count])'",
        title: series.title)
    }
    labels.avoid(workloads.flatMap(\.points))
    for workload in workloads {
      labels.addBeside(workload.points, workload.title.trimmingCharacters(in: .whitespaces))
    }
  }
}

extension Array {
  /// Appends to the points of that title, or begins a new list of them.
  fileprivate mutating func append<Point>(_ point: Point, under title: String)
  where Element == (title: String, points: [Point]) {
    if let index = firstIndex(where: { $0.title == title }) {
      self[index].points.append(point)
    } else {
      append((title, [point]))
    }
  }
}

extension BenchmarkResult {
  /// Operations for each byte that must be moved.
  fileprivate var intensity: Double { row.workload.operations / limit.bytes }
}
