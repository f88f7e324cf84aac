// Random numbers in a documented order: uniform, normal, and permutations, all from Philox.

import ComputeBackend

/// A sequence of random numbers: the same for the same seed and stream on every machine.
///
/// Draw `i` is the 64-bit word made of the words `2 (i % 2)` (low half) and `2 (i % 2) + 1` (high half) of
/// `Philox.words(counter:key:)` with counter `(i / 2, stream)` and key `seed`, each split into its low and its high
/// 32 bits.
public struct RandomStream: RandomNumberGenerator, Sendable {
  /// What a stream is for; draws of different purposes never meet.
  public enum Purpose: UInt32, Sendable {
    /// Initial weights and biases.
    case parameters = 0
    /// The order of rows in an epoch.
    case shuffle = 1
    /// What is dropped in training: ``ComputeBackend/DropoutRule`` says which words decide on which elements.
    case dropout = 2
    /// The rows that are kept for validation.
    case split = 3
  }

  private let seed: UInt64
  private let stream: SIMD2<UInt32>
  private var position: UInt64 = 0
  /// The second draw of the latest block.
  private var second: UInt64 = 0

  /// The stream of `seed` for `purpose`; `index` tells apart streams of one purpose, such as epochs.
  public init(seed: UInt64, purpose: Purpose, index: UInt32 = 0) {
    self.seed = seed
    stream = SIMD2(index, purpose.rawValue)
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    defer { position += 1 }
    guard position % 2 == 0 else { return second }
    let block = position / 2
    let words = Philox.words(
      counter: Philox.Words(UInt32(truncatingIfNeeded: block), UInt32(block >> 32), stream[0], stream[1]),
      key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)))
    second = UInt64(words[3]) << 32 | UInt64(words[2])
    return UInt64(words[1]) << 32 | UInt64(words[0])
  }

  /// A number strictly between 0 and 1: the top 53 bits of a draw, plus a half, over 2^53, rounded to a `Double`.
  ///
  /// The largest draws would round to 1; they give the largest `Double` below 1.
  public mutating func uniform() -> Double {
    let value = (Double(next() >> 11) + 0.5) * 0x1p-53
    return min(value, 1 - 0x1p-53)
  }

  /// A number from the standard normal distribution: the normal quantile of ``uniform()``.
  public mutating func normal() -> Double {
    normalQuantile(uniform())
  }

  /// A whole number from 0 up to `bound`, each as likely: the high half of draw × bound, drawn again while the low half
  /// lies in the part that would favour some (Lemire, "Fast Random Integer Generation in an Interval", 2019).
  ///
  /// - Precondition: `bound` is above 0.
  public mutating func integer(below bound: UInt64) -> UInt64 {
    precondition(bound > 0, "A bound of 0 leaves no number")
    while true {
      let product = next().multipliedFullWidth(by: bound)
      // The unfair part is smaller than the bound, so that the division is seldom needed.
      if product.low >= bound || product.low >= (0 &- bound) % bound { return product.high }
    }
  }

  /// A random order of `0..<count`: Fisher and Yates, from the last place down.
  public mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    var places = order.mutableSpan
    for last in stride(from: count - 1, to: 0, by: -1) {
      places.swapAt(last, Int(integer(below: UInt64(last) + 1)))
    }
    return order
  }
}
