// Fingerprints of results.

import ComputeBackend

/// Digests of result bits.
public enum Digest {
  /// 64-bit FNV-1a (Fowler, Noll and Vo) over the little-endian bytes of `elements`, every NaN as the one canonical NaN;
  /// 16 hexadecimal digits.
  public static func fnv1a<Element: KernelElement>(_ elements: some Sequence<Element>) -> String {
    var hash = FNV1a()
    for element in elements {
      let bits = element.canonicalBitPattern
      for place in stride(from: 0, to: Element.BitPattern.bitWidth, by: 8) {
        hash.add(UInt8(truncatingIfNeeded: bits >> place))
      }
    }
    return hash.digits
  }

  /// 64-bit FNV-1a over `bytes`; 16 hexadecimal digits.
  public static func fnv1a(bytes: some Sequence<UInt8>) -> String {
    var hash = FNV1a()
    for byte in bytes { hash.add(byte) }
    return hash.digits
  }

  /// 64-bit FNV-1a over the bytes of `parts`, one part after the other; 16 hexadecimal digits.
  static func fnv1a(parts: [ArraySlice<UInt8>]) -> String {
    var hash = FNV1a()
    for part in parts {
      for byte in part { hash.add(byte) }
    }
    return hash.digits
  }

  private struct FNV1a {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ byte: UInt8) {
      state = (state ^ UInt64(byte)) &* 0x100_0000_01B3
    }

    var digits: String {
      let digits = String(state, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }
  }
}
