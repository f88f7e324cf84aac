// Random bits: the counter-based generator Philox4x32-10. Dropout draws from it in the kernels; what else is drawn lies in the
// module Lockstep.

/// The generator Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (2011).
///
/// A pure function from counter and key to 128 bits: any draw can be had without those before it.
public enum Philox {
  /// Four 32-bit words.
  public typealias Words = SIMD4<UInt32>

  /// The factors of words 0 and 2 in each round.
  @inlinable public static var factors: SIMD2<UInt32> { SIMD2(0xD251_1F53, 0xCD9E_8D57) }
  /// What is added to the key after each round.
  @inlinable public static var keySteps: SIMD2<UInt32> { SIMD2(0x9E37_79B9, 0xBB67_AE85) }
  /// How many rounds there are.
  @inlinable public static var rounds: Int { 10 }

  /// The random words of `counter` under `key`.
  @inlinable
  public static func words(counter: Words, key: SIMD2<UInt32>) -> Words {
    // Word by word: taking vectors apart in every round takes twice as long.
    var (c0, c1, c2, c3) = (counter[0], counter[1], counter[2], counter[3])
    var (k0, k1) = (key[0], key[1])
    for _ in 0..<rounds {
      let a = c0.multipliedFullWidth(by: factors[0])
      let b = c2.multipliedFullWidth(by: factors[1])
      (c0, c1, c2, c3) = (b.high ^ c1 ^ k0, b.low, a.high ^ c3 ^ k1, a.low)
      k0 &+= keySteps[0]
      k1 &+= keySteps[1]
    }
    return Words(c0, c1, c2, c3)
  }
}
