// Dropout: Philox on several counters at once, and what its words decide.

import ComputeBackend

extension Kernels {
  static func dropOut(
    _ values: MatrixView<Element>, by rule: DropoutRule<Element>, firstRow: Int, output: MutableMatrixView<Element>
  ) {
    for r in 0..<values.rows {
      let (x, y) = (values.base + r &* values.stride, output.base + r &* output.stride)
      var counters = PhiloxCounters(rule, row: firstRow &+ r)
      var c = 0
      while c &+ PhiloxCounters.columns <= values.columns {
        let words = counters.next()
        // All results before any is written: values and output may be the same memory.
        var results = InlineArray<32, Element>(repeating: 0)
        for i in results.indices { results[i] = rule.value(x[c &+ i], word: words[i]) }
        for i in results.indices { y[c &+ i] = results[i] }
        c += PhiloxCounters.columns
      }
      if c < values.columns {
        let words = counters.next()
        for i in 0..<values.columns &- c { y[c &+ i] = rule.value(x[c &+ i], word: words[i]) }
      }
    }
  }
}

/// The counters of a row's columns, four columns each, and their words.
///
/// A counter is a pair of 64-bit lanes, words 0 and 1 in the first, 2 and 3 in the second. A round multiplies words 0 and 2,
/// the low halves, to 64 bits each; in reverse order their four halves are the next words, but for the exclusive or with
/// words 1 and 3, which stand in the high halves, and the key. The words come out in the order of the columns.
private struct PhiloxCounters {
  /// How many columns a call is for.
  static var columns: Int { 32 }

  private typealias Lanes = SIMD16<UInt64>
  private var counters: Lanes
  private let key: SIMD2<UInt32>

  init<Element>(_ rule: DropoutRule<Element>, row: Int) {
    var counters = Lanes()
    for i in 0..<8 {
      counters[2 * i] = UInt64(UInt32(truncatingIfNeeded: row)) << 32 | UInt64(i)
      counters[2 * i + 1] = UInt64(rule.stream) << 32 | UInt64(rule.step)
    }
    self.counters = counters
    key = rule.key
  }

  /// The words of the next columns.
  @inline(__always)
  mutating func next() -> SIMD32<UInt32> {
    var words = counters
    var key = key
    let factors = Lanes.pairs(UInt64(Philox.factors[0]), UInt64(Philox.factors[1]))
    let low = Lanes(repeating: 0xFFFF_FFFF)
    for _ in 0..<Philox.rounds {
      let products = ((words & low) &* factors).pairsExchanged
      words =
        ((products &<< Lanes(repeating: 32)) | (products &>> Lanes(repeating: 32)))
        ^ (words &>> Lanes(repeating: 32)) ^ Lanes.pairs(UInt64(key[0]), UInt64(key[1]))
      key = key &+ Philox.keySteps
    }
    // Eight counters further, modulo 2^32, which no row of columns comes near.
    counters = counters &+ Lanes.pairs(8, 0)
    return unsafeBitCast(words, to: SIMD32<UInt32>.self)
  }
}

extension SIMD16 where Scalar == UInt64 {
  /// `first` in the lanes of even number, `second` in the others.
  @inline(__always)
  fileprivate static func pairs(_ first: UInt64, _ second: UInt64) -> Self {
    let pair = SIMD2(first, second)
    let four = SIMD4(lowHalf: pair, highHalf: pair)
    let eight = SIMD8(lowHalf: four, highHalf: four)
    return Self(lowHalf: eight, highHalf: eight)
  }

  /// Lanes 1, 0, 3, 2, and so on.
  @inline(__always)
  fileprivate var pairsExchanged: Self {
    var exchanged = self
    exchanged.evenHalf = oddHalf
    exchanged.oddHalf = evenHalf
    return exchanged
  }
}
