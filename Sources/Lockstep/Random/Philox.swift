// Random bits: the counter-based generator Philox4x32-10. What is drawn from them lies in RandomStream.swift.

/// The generator Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (2011).
///
/// A pure function from counter and key to 128 bits: any draw can be had without those before it.
package enum Philox {
  /// Four 32-bit words.
  package typealias Words = SIMD4<UInt32>

  /// The random words of `counter` under `key`.
  package static func words(counter: Words, key: SIMD2<UInt32>) -> Words {
    var (counter, key) = (counter, key)
    for _ in 0..<10 {
      let a = counter[0].multipliedFullWidth(by: 0xD251_1F53)
      let b = counter[2].multipliedFullWidth(by: 0xCD9E_8D57)
      counter = Words(b.high ^ counter[1] ^ key[0], b.low, a.high ^ counter[3] ^ key[1], a.low)
      key = key &+ SIMD2(0x9E37_79B9, 0xBB67_AE85)
    }
    return counter
  }
}
