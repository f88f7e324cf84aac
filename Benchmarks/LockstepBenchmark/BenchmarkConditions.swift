// What makes measurements worth less: a debug build, a busy machine.

import Foundation

/// Whether the conditions are fit for measuring.
public enum BenchmarkConditions {
  /// True where this module was built without optimisation.
  public static var isDebugBuild: Bool {
    var isDebug = false
    assert(
      {
        isDebug = true
        return true
      }())
    return isDebug
  }

  /// Sentences about what is not as it should be, before anything is measured.
  public static var warningsBefore: [String] {
    var warnings: [String] = []
    if isDebugBuild { warnings.append("this is a debug build; build with -c release before trusting any figure") }
    var load = [0.0]
    let cores = Double(ProcessInfo.processInfo.activeProcessorCount)
    if getloadavg(&load, 1) == 1, load[0] > cores / 4 {
      warnings.append("this machine is busy: its load average is \((load[0] * 10).rounded() / 10)")
    }
    return warnings
  }

  /// A sentence about rows that are faster than can be, or `nil` where there are none: limits that were measured while
  /// the machine did something else are too low.
  public static func warning(aboveLimit results: [BenchmarkResult]) -> String? {
    let impossible = results.count { $0.partOfLimit > 1.2 }
    guard impossible > 0 else { return nil }
    return "\(impossible) of \(results.count) rows are above their limit, which was measured too low: measure again "
      + "when the machine has nothing else to do"
  }

  /// A sentence about what disturbed the measurements, or `nil` where little did.
  public static func warning(after measurements: [BenchmarkResult]) -> String? {
    // A processor that is taken away more often than every 50 milliseconds had other work.
    let disturbed = measurements.filter { measurement in
      let time = measurement.time
      let seconds = time.median * Double(time.samples * time.stepsPerSample)
      return Double(time.preemptions) > 3 + 20 * seconds * Double(measurement.row.threads)
    }
    guard !disturbed.isEmpty else { return nil }
    return "other programs took processors away while \(disturbed.count) of \(measurements.count) rows were measured"
  }
}
