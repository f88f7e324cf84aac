// How large the caches are, as the system tells it.

import Foundation

/// A place where data lies, from near to far.
public enum MemoryLevel: String, Sendable, CaseIterable, Comparable {
  case l1, l2, l3, memory

  /// Nearer is less.
  public static func < (a: MemoryLevel, b: MemoryLevel) -> Bool { a.rank < b.rank }

  private var rank: Int {
    switch self {
    case .l1: 1
    case .l2: 2
    case .l3: 3
    case .memory: 4
    }
  }
}

/// Bytes of each cache for data.
public struct CacheSizes: Sendable, Equatable {
  /// Of a core's first level.
  public var l1 = 32 << 10
  /// Of a core's second level.
  public var l2 = 512 << 10
  /// Of the third level, which cores share; as large as the second where there is none.
  public var l3 = 8 << 20

  /// Those of this machine; what the system does not tell keeps an ordinary value.
  public init() {
    #if os(Linux)
      let folder = "/sys/devices/system/cpu/cpu0/cache"
      for entry in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where entry.hasPrefix("index") {
        func text(_ name: String) -> String {
          let text = try? String(contentsOfFile: "\(folder)/\(entry)/\(name)", encoding: .utf8)
          return (text ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
        }
        guard text("type") != "Instruction", let bytes = Self.bytes(text("size")) else { continue }
        switch text("level") {
        case "1": l1 = bytes
        case "2": l2 = bytes
        case "3": l3 = bytes
        default: break
        }
      }
    #elseif canImport(Darwin)
      func size(_ name: String) -> Int? {
        var (value, length) = (Int64(0), MemoryLayout<Int64>.size)
        return sysctlbyname(name, &value, &length, nil, 0) == 0 && value > 0 ? Int(value) : nil
      }
      l1 = size("hw.perflevel0.l1dcachesize") ?? size("hw.l1dcachesize") ?? l1
      l2 = size("hw.perflevel0.l2cachesize") ?? size("hw.l2cachesize") ?? l2
      l3 = size("hw.l3cachesize") ?? l2
    #endif
    l2 = max(l1, l2)
    l3 = max(l2, l3)
  }

  /// `512K` or `32M`, as Linux writes it.
  static func bytes(_ text: String) -> Int? {
    let shifts: [Character: Int] = ["K": 10, "M": 20, "G": 30]
    guard let last = text.last else { return nil }
    guard let shift = shifts[last] else { return Int(text).flatMap { $0 > 0 ? $0 : nil } }
    return Int(text.dropLast()).flatMap { $0 > 0 ? $0 << shift : nil }
  }

  /// The nearest level that holds `bytes` bytes, on `threads` cores with a first and second level each.
  public func level(holding bytes: Double, threads: Int) -> MemoryLevel {
    if bytes <= Double(l1 * threads) { return .l1 }
    if bytes <= Double(l2 * threads) { return .l2 }
    return bytes <= Double(l3) ? .l3 : .memory
  }

  /// Bytes for each of `threads` threads to read from, to measure a level: well inside it and well beyond the one before.
  func bytesToRead(from level: MemoryLevel, threads: Int) -> Int {
    switch level {
    case .l1: l1 / 2
    case .l2: max(l1, l2 / 2)
    case .l3: min(max(4 * l2, l3 / 4 / threads), max(l3 / 2 / threads, l2))
    case .memory: max(min(4 * l3, 256 << 20), 2 * l3, 64 << 20) / threads
    }
  }
}
