// The most memory that a piece of work takes, as the system counts it.

import Foundation

/// Counts from where it is made.
struct PeakMemory {
  private let start: Int?

  init() {
    // Starts the count of the peak again (proc(5)); where that cannot be, there is none.
    let isReset = (try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))) != nil
    start = isReset ? Self.status("VmRSS") : nil
  }

  /// Bytes by which the resident memory has been larger at its largest than when this was made; `nil` where the system
  /// does not tell.
  var growth: Int? {
    guard let start, let peak = Self.status("VmHWM") else { return nil }
    return max(peak - start, 0)
  }

  private static func status(_ key: String) -> Int? {
    guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix("\(key):") {
      return line.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
    return nil
  }
}
