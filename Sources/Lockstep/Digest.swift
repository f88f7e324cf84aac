// Fingerprints of results.

import ComputeBackend

/// Digests of result bits.
public enum Digest {
  /// 64-bit FNV-1a (Fowler, Noll and Vo) over the little-endian bytes of `elements`, every NaN as the one canonical NaN;
  /// 16 hexadecimal digits.
  public static func fnv1a<Element: KernelElement>(_ elements: some Sequence<Element>) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(elements.underestimatedCount * MemoryLayout<Element>.size)
    for element in elements {
      withUnsafeBytes(of: element.canonicalBitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }
    return fnv1a(bytes: bytes)
  }

  /// 64-bit FNV-1a over `bytes`; 16 hexadecimal digits.
  public static func fnv1a(bytes: some Sequence<UInt8>) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
