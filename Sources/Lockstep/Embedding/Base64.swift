// Bytes as text that a Swift string literal holds, and back. Which bytes are written and read lies in EmbeddedNetwork.swift
// and in the module LockstepEmbed.

/// Base64: three bytes in four characters, the last group filled up with `=`. Source: RFC 4648, section 4.
package enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static var padding: UInt8 { UInt8(ascii: "=") }

  /// What ``values`` has for bytes that are no character of the alphabet: no value has its highest bit.
  private static var invalid: UInt8 { 0x80 }

  /// For each byte the six bits that it stands for, or ``invalid``.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: invalid, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    return values
  }()

  /// How many characters stand for `count` bytes.
  package static func length(ofBytes count: Int) -> Int { (count + 2) / 3 * 4 }

  /// The characters, in ASCII, that stand for `bytes`.
  package static func encode(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    let length = length(ofBytes: bytes.count)
    return [UInt8](unsafeUninitializedCapacity: length) { text, written in
      alphabet.withUnsafeBufferPointer { alphabet in
        var place = 0
        for start in stride(from: 0, to: bytes.count, by: 3) {
          let count = min(3, bytes.count - start)
          var group: UInt32 = 0
          for offset in 0..<3 { group = group << 8 | (offset < count ? UInt32(bytes[start + offset]) : 0) }
          for digit in 0..<4 {
            let value = alphabet[Int(group >> UInt32(18 - 6 * digit) & 63)]
            text.initializeElement(at: place + digit, to: digit <= count ? value : padding)
          }
          place += 4
        }
      }
      written = length
    }
  }

  /// Writes the bytes that `text` stands for.
  ///
  /// - Parameters:
  ///   - text: characters in ASCII.
  ///   - bytes: as much memory as the text has bytes; all of it is written where the text is sound.
  /// - Returns: false where the text stands for another number of bytes, or holds what ``encode(_:)`` does not write.
  package static func decode(_ text: UnsafeBufferPointer<UInt8>, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
    guard text.count == length(ofBytes: bytes.count) else { return false }
    return values.withUnsafeBufferPointer { values in
      // Looked at once, after the last group.
      var seen: UInt8 = 0
      let whole = bytes.count / 3
      for group in 0..<whole {
        let a = values[Int(text[4 * group])]
        let b = values[Int(text[4 * group + 1])]
        let c = values[Int(text[4 * group + 2])]
        let d = values[Int(text[4 * group + 3])]
        seen |= a | b | c | d
        bytes[3 * group] = a << 2 | b >> 4
        bytes[3 * group + 1] = b << 4 | c >> 2
        bytes[3 * group + 2] = c << 6 | d
      }
      let rest = bytes.count - 3 * whole
      if rest > 0 {
        let last = text[(4 * whole)...]
        guard last.dropFirst(rest + 1).allSatisfy({ $0 == padding }) else { return false }
        let digits = last.prefix(rest + 1).map { values[Int($0)] }
        seen |= digits.reduce(0, |)
        let bits = digits.reduce(UInt32(0)) { $0 << 6 | UInt32($1) } << UInt32(6 * (3 - rest))
        // What the padding leaves over is zero.
        if bits & (rest == 1 ? 0xffff : 0xff) != 0 { return false }
        for offset in 0..<rest {
          bytes[3 * whole + offset] = UInt8(truncatingIfNeeded: bits >> UInt32(16 - 8 * offset))
        }
      }
      return seen & invalid == 0
    }
  }
}
