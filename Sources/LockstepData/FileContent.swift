// From a path to bytes in memory: reading, unpacking gzip, and never more memory than allowed. What the bytes mean is told apart
// in DataFormat.swift.

import CZlib

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How much memory data may take, and how much it takes.
struct MemoryBudget: Sendable {
  let limit: Int
  private(set) var used = 0

  init(limit: Int) { self.limit = limit }

  /// Half of the machine's memory, in bytes.
  static var halfOfMemory: Int {
    let (bytes, overflow) = sysconf(Int32(_SC_PHYS_PAGES)).multipliedReportingOverflow(
      by: sysconf(Int32(_SC_PAGESIZE)))
    return overflow || bytes <= 0 ? .max : bytes / 2
  }

  /// What is wrong with taking `bytes` more, if anything; `nil` bytes are more than can be counted.
  func problem(taking bytes: Int?) -> DataError.Problem? {
    guard let bytes else { return .tooLarge(bytes: nil, limit: limit) }
    let (sum, overflow) = used.addingReportingOverflow(bytes)
    return overflow || sum > limit ? .tooLarge(bytes: overflow ? nil : sum, limit: limit) : nil
  }

  /// Takes `bytes`, which must not be too many.
  mutating func take(_ bytes: Int) { used += bytes }
}

/// Bytes that come in portions of unknown number.
struct GrowingBytes {
  private var bytes: [UInt8]
  private(set) var count = 0

  init(capacity: Int) {
    bytes = [UInt8](repeating: 0, count: max(capacity, 1))
  }

  /// Lets `body` write to the room that is left, of which there is always some, and say how much it wrote.
  mutating func fill(_ body: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
    if count == bytes.count { bytes += [UInt8](repeating: 0, count: bytes.count) }
    let start = count
    let written = bytes.withUnsafeMutableBytes { body(UnsafeMutableRawBufferPointer(rebasing: $0[start...])) }
    count += written
    return written
  }

  /// What has been written.
  consuming func finished() -> [UInt8] {
    bytes.removeLast(bytes.count - count)
    return bytes
  }
}

/// What a path leads to.
enum FileContent {
  /// A zip archive, which is read where it lies.
  case archive
  /// The bytes, unpacked where they were packed.
  case bytes([UInt8])

  /// Reads the file at `path`.
  ///
  /// - Throws: ``DataError`` for a file that cannot be read or unpacked, or is larger than `memory` allows.
  init(of path: String, memory: MemoryBudget) throws(DataError) {
    func failure(_ problem: DataError.Problem) -> DataError { DataError(file: path, problem: problem) }
    guard let stream = fopen(path, "r") else {
      throw failure(errno == ENOENT ? .missing : .unreadable(reason: String(cString: strerror(errno))))
    }
    defer { fclose(stream) }
    var status = stat()
    let isRegular = fstat(fileno(stream), &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    let size = isRegular ? Int(status.st_size) : 0

    // Enough to tell the format; then either no more, or all.
    let firstPart = 1 << 12
    var content = GrowingBytes(capacity: firstPart)
    var isAtEnd = false
    func read() throws(DataError) {
      var room = 0
      let count = content.fill { buffer in
        room = buffer.count
        return fread(buffer.baseAddress, 1, room, stream)
      }
      isAtEnd = count < room
      if isAtEnd, ferror(stream) != 0 {
        throw failure(errno == EISDIR ? .folder : .unreadable(reason: String(cString: strerror(errno))))
      }
    }
    try read()
    let first = content.finished()
    if DataFormat(ofContent: first) == .npz {
      self = .archive
      return
    }
    if let problem = memory.problem(taking: max(size, first.count)) { throw failure(problem) }
    let bytes: [UInt8]
    if isAtEnd {
      bytes = first
    } else if isRegular, size > first.count {
      bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        _ = buffer.initialize(fromContentsOf: first)
        count = first.count
        count += fread(buffer.baseAddress! + count, 1, size - count, stream)
      }
      if bytes.count < size { throw failure(.unreadable(reason: "it became shorter meanwhile")) }
    } else {
      content = GrowingBytes(capacity: 2 * firstPart)
      _ = content.fill { buffer in
        buffer.copyBytes(from: first)
        return first.count
      }
      while !isAtEnd {
        try read()
        if let problem = memory.problem(taking: content.count) { throw failure(problem) }
      }
      bytes = content.finished()
    }
    guard bytes.starts(with: [0x1F, 0x8B]) else {
      if path.hasSuffix(".gz") { throw failure(.notCompressed) }
      self = .bytes(bytes)
      return
    }
    do throws(UnpackingError) {
      let unpacked = try gunzip(bytes, memory: memory)
      if DataFormat(ofContent: unpacked) == .npz { throw UnpackingError(problem: .archiveInsideCompression) }
      self = .bytes(unpacked)
    } catch {
      throw failure(error.problem)
    }
  }
}

private struct UnpackingError: Error {
  let problem: DataError.Problem
}

/// What `bytes`, a gzip file of one part or several, hold.
private func gunzip(_ bytes: [UInt8], memory: MemoryBudget) throws(UnpackingError) -> [UInt8] {
  var stream = z_stream()
  // 15 bits of window, the most there are, and 16 for a gzip header.
  let started = inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
  guard started == Z_OK else { throw UnpackingError(problem: .tooLarge(bytes: nil, limit: memory.limit)) }
  defer { inflateEnd(&stream) }

  // zlib counts in 32 bits.
  let most = 1 << 30
  var content = GrowingBytes(capacity: min(4 * bytes.count, most))
  var taken = 0
  while true {
    var status = Z_OK
    var room = 0
    let written = content.fill { output in
      bytes.withUnsafeBufferPointer { input in
        let available = min(input.count - taken, most)
        room = min(output.count, most)
        stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress! + taken)
        stream.avail_in = UInt32(available)
        stream.next_out = output.baseAddress!.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = UInt32(room)
        status = inflate(&stream, Z_NO_FLUSH)
        taken += available - Int(stream.avail_in)
        return room - Int(stream.avail_out)
      }
    }
    if let problem = memory.problem(taking: content.count) {
      guard case .tooLarge(_, let limit) = problem else { throw UnpackingError(problem: problem) }
      // How much more would come is not known.
      throw UnpackingError(problem: .tooLarge(bytes: nil, limit: limit))
    }
    switch status {
    case Z_OK, Z_BUF_ERROR:
      if taken == bytes.count, written < room { throw UnpackingError(problem: .compressionCutShort) }
    case Z_STREAM_END:
      let rest = bytes[taken...]
      // Tapes leave zeros behind.
      if rest.allSatisfy({ $0 == 0 }) { return content.finished() }
      guard rest.starts(with: [0x1F, 0x8B]), inflateReset(&stream) == Z_OK else {
        throw UnpackingError(problem: .bytesAfterCompression)
      }
    default:
      throw UnpackingError(
        problem: .compressionDamaged(reason: stream.msg.map { String(cString: $0) } ?? "error \(status)"))
    }
  }
}
