// Which of many epochs are kept a record of, where room is bounded.

/// The epochs that are kept of any number: all while they are few, then every second, every fourth, and so on. So they are
/// always evenly spread, and which they are depends on nothing but how many epochs there were.
struct EvenSpread {
  /// Fewer than 2^`bits` epochs are kept.
  let bits: Int

  /// How far apart the kept epochs lie after `count` epochs: a power of two.
  func stride(after count: Int) -> Int {
    1 << max(0, Int.bitWidth - count.leadingZeroBitCount - bits)
  }

  /// Whether epoch `epoch` (from 1) is kept after `count` epochs.
  func keeps(_ epoch: Int, after count: Int) -> Bool {
    epoch & (stride(after: count) - 1) == 0
  }
}
