// From a path to bytes in memory: reading, and unpacking gzip. What the bytes mean is told apart in DataFormat.swift.

import CZlib

/// What a path leads to.
struct FileContent {
  /// What was read.
  enum Body {
    /// A zip archive, which is read where it lies.
    case archive(FileSource)
    /// The bytes, unpacked where they were packed.
    case bytes(FileBytes)
  }

  let body: Body
  /// The SHA-256 of the file as it lies, where it was asked for.
  let sha256: String?

  /// Reads the file at `path`.
  ///
  /// - Throws: ``FileProblem`` for a file that cannot be read or unpacked, changes meanwhile, or is larger than `memory` allows.
  init(of path: String, memory: MemoryBudget, takesSHA256: Bool) throws(FileProblem) {
    let source = try FileSource(path, hashes: takesSHA256)
    if DataFormat(ofContent: source.front) == .npz {
      sha256 = try source.rewound()
      body = .archive(source)
      return
    }
    if source.front.starts(with: gzipMark) {
      let bytes = try gunzip(source, memory: memory)
      if DataFormat(ofContent: bytes) == .npz { throw FileProblem(.archiveInsideCompression) }
      body = .bytes(bytes)
    } else {
      if path.hasSuffix(".gz") { throw FileProblem(.notCompressed) }
      body = .bytes(try plainBytes(source, memory: memory))
    }
    sha256 = try source.finish()
  }
}

/// All bytes of a file.
private func plainBytes(_ source: FileSource, memory: MemoryBudget) throws(FileProblem) -> FileBytes {
  if let size = source.size, let problem = memory.problem(taking: size) { throw FileProblem(problem) }
  // A byte more, for the end shows only there.
  var content = try GrowingBytes(capacity: (source.size ?? 1 << 16) + 1, memory: memory)
  while try content.fill({ (buffer) throws(FileProblem) in try source.read(into: buffer) }) > 0 {}
  return content.finished()
}

/// What each gzip file begins with.
private let gzipMark: [UInt8] = [0x1F, 0x8B]

/// Packed bytes that have been read and not yet been unpacked.
private struct PackedBytes {
  private var buffer = [UInt8](repeating: 0, count: 1 << 18)
  private var range = 0..<0

  var bytes: ArraySlice<UInt8> { buffer[range] }

  /// Reads on until there are `count` bytes, or fewer where the file ends.
  mutating func load(_ count: Int, from source: FileSource) throws(FileProblem) {
    if range.count >= count { return }
    buffer.replaceSubrange(0..<range.count, with: Array(bytes))
    range = 0..<range.count
    while range.count < count {
      let end = range.upperBound
      let read = try buffer.withUnsafeMutableBufferPointer { (buffer) throws(FileProblem) in
        try source.read(into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[end...])))
      }
      if read == 0 { return }
      range = 0..<end + read
    }
  }

  mutating func removeAll() { range = 0..<0 }

  /// Unpacks into `output` as far as both last.
  ///
  /// - Returns: zlib's status, and how many bytes were written.
  mutating func unpack(_ stream: inout z_stream, into output: UnsafeMutableRawBufferPointer) -> (Int32, written: Int) {
    // zlib counts in 32 bits.
    let room = min(output.count, 1 << 30)
    let available = range
    let status = buffer.withUnsafeMutableBufferPointer { input in
      stream.next_in = input.baseAddress! + available.lowerBound
      stream.avail_in = UInt32(available.count)
      stream.next_out = output.baseAddress!.assumingMemoryBound(to: UInt8.self)
      stream.avail_out = UInt32(room)
      return inflate(&stream, Z_NO_FLUSH)
    }
    range = available.upperBound - Int(stream.avail_in)..<available.upperBound
    return (status, room - Int(stream.avail_out))
  }
}

/// What a gzip file of one part or several holds.
private func gunzip(_ source: FileSource, memory: MemoryBudget) throws(FileProblem) -> FileBytes {
  var stream = z_stream()
  // 15 bits of window, the most there are, and 16 for a gzip header.
  let started = inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
  guard started == Z_OK else { throw FileProblem(.tooLarge(bytes: nil, limit: memory.limit)) }
  defer { inflateEnd(&stream) }

  var packed = PackedBytes()
  var content = try GrowingBytes(capacity: 1 << 16, memory: memory)
  while true {
    try packed.load(1, from: source)
    let isCutShort = packed.bytes.isEmpty
    var status = Z_OK
    let written = try content.fill { output in
      let (result, written) = packed.unpack(&stream, into: output)
      status = result
      return written
    }
    switch status {
    case Z_OK, Z_BUF_ERROR:
      // At the end, something may still wait for room.
      if isCutShort, written == 0 { throw FileProblem(.compressionCutShort) }
    case Z_STREAM_END:
      try packed.load(gzipMark.count, from: source)
      guard packed.bytes.starts(with: gzipMark), inflateReset(&stream) == Z_OK else {
        // Tapes leave zeros behind.
        while !packed.bytes.isEmpty {
          guard packed.bytes.allSatisfy({ $0 == 0 }) else { throw FileProblem(.bytesAfterCompression) }
          packed.removeAll()
          try packed.load(1, from: source)
        }
        return content.finished()
      }
    default:
      throw FileProblem(.compressionDamaged(reason: stream.msg.map { String(cString: $0) } ?? "error \(status)"))
    }
  }
}
