// The line that a terminal shows of a training run while it goes on. When it is shown, TrainingDisplay.swift says.

/// Where a training run stands.
struct ProgressLine {
  /// The epoch that is under way, from 1.
  let epoch: Int
  /// How many there are at most.
  let epochs: Int
  /// The share of the epoch's steps that has been taken, or of all steps: 0 to 1.
  let share: Double
  let secondsLeft: Double
  /// What there was to tell of the latest epoch, the most important first.
  let measures: [String]
  let rowsPerSecond: Double

  /// `epoch 3 of 10 [#####...............] 0:35 left, loss 0.25, 12,000 rows/s`, or as much of that as has room.
  func text(room: Int) -> String {
    let head = "epoch \(epoch) of \(epochs)"
    let left = "\(duration(secondsLeft)) left"
    let forms = [20, 10].map { "\(head) \(bar(cells: $0)) \(left)" } + ["\(head), \(left)"]
    var line = forms.first { $0.count <= room } ?? head
    for part in measures + ["\(grouped(rowsPerSecond > 0 ? Int(min(rowsPerSecond, 1e18)) : 0)) rows/s"] {
      guard line.count + 2 + part.count <= room else { break }
      line += ", \(part)"
    }
    return String(line.prefix(room))
  }

  private func bar(cells: Int) -> String {
    let filled = share > 0 ? Int(min(share, 1) * Double(cells)) : 0
    return "[\(String(repeating: "#", count: filled))\(String(repeating: ".", count: cells - filled))]"
  }
}

/// `0:07`, `12:30` or `1:02:03`.
private func duration(_ seconds: Double) -> String {
  guard seconds < 1e9 else { return "ages" }
  let whole = Int(seconds.rounded())
  func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
  let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
  return hours > 0 ? "\(hours):\(two(minutes)):\(two(rest))" : "\(minutes):\(two(rest))"
}
