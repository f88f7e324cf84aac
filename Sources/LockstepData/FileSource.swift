// A file that is read once, from front to end, whatever it is: its first bytes, which tell the format, and the SHA-256 of the very
// bytes that were read. What they are read into lies in FileContent.swift.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// An open file.
final class FileSource {
  /// The path, as the caller named it.
  let path: String
  let stream: UnsafeMutablePointer<FILE>
  /// The first bytes: all of a file that is shorter than a page.
  private(set) var front: [UInt8] = []
  /// How many of them have been read again.
  private var frontRead = 0
  private let hash: SHA256?
  private let stamp: FileStamp?

  /// Opens the file at `path`.
  ///
  /// - Parameter hashes: whether its SHA-256 is taken.
  init(_ path: String, hashes: Bool) throws(FileProblem) {
    guard let stream = fopen(path, "r") else {
      throw FileProblem(errno == ENOENT ? .missing : .unreadable(reason: String(cString: strerror(errno))))
    }
    self.path = path
    self.stream = stream
    hash = hashes ? SHA256() : nil
    stamp = FileStamp(stream)
    if hashes, hash == nil { throw FileProblem(.unreadable(reason: "libcrypto refuses to compute its SHA-256")) }
    var front = [UInt8](repeating: 0, count: 1 << 12)
    let count = try readOn(into: &front)
    front.removeLast(front.count - count)
    self.front = front
  }

  deinit { fclose(stream) }

  /// How many bytes there are, as far as the system knows.
  var size: Int? { stamp?.size }

  /// Reads the next bytes, some of those that `buffer` has room for; none where the file has ended.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileProblem) -> Int {
    guard frontRead < front.count else { return try readOn(into: buffer) }
    let next = front[frontRead...].prefix(buffer.count)
    buffer.copyBytes(from: next)
    frontRead += next.count
    return next.count
  }

  private func readOn(into buffer: inout [UInt8]) throws(FileProblem) -> Int {
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(FileProblem) in
      try readOn(into: UnsafeMutableRawBufferPointer(buffer))
    }
  }

  private func readOn(into buffer: UnsafeMutableRawBufferPointer) throws(FileProblem) -> Int {
    // What has just been read is hashed while it is in the cache.
    let wanted = min(buffer.count, 1 << 18)
    let count = fread(buffer.baseAddress, 1, wanted, stream)
    if count < wanted, ferror(stream) != 0 {
      throw FileProblem(errno == EISDIR ? .folder : .unreadable(reason: String(cString: strerror(errno))))
    }
    hash?.add(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    return count
  }

  /// Says that nothing is left to be read, and gives the SHA-256 where it was asked for.
  ///
  /// - Throws: ``FileProblem`` for a file that has changed since it was opened.
  func finish() throws(FileProblem) -> String? {
    try checkUnchanged()
    return hash?.finished()
  }

  /// Reads the rest, which is hashed, and goes back to the front, for a format that is read in any order.
  ///
  /// - Throws: ``FileProblem`` for a pipe.
  func rewound() throws(FileProblem) -> String? {
    guard fseeko(stream, 0, SEEK_CUR) == 0 else { throw FileProblem(.archiveInPipe) }
    if hash != nil {
      var buffer = [UInt8](repeating: 0, count: 1 << 18)
      while try readOn(into: &buffer) > 0 {}
    }
    rewind(stream)
    return hash?.finished()
  }

  /// - Throws: ``FileProblem`` for a file that has changed since it was opened.
  func checkUnchanged() throws(FileProblem) {
    guard FileStamp(stream) == stamp else {
      throw FileProblem(.unreadable(reason: "it has changed while it was read"))
    }
  }
}

/// What tells that a regular file is as it was.
private struct FileStamp: Equatable {
  let size: Int
  private let seconds: Int
  private let nanoseconds: Int

  /// `nil` for pipes and devices, and for files of the system that tell no size.
  init?(_ stream: UnsafeMutablePointer<FILE>) {
    var status = stat()
    guard fstat(fileno(stream), &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else {
      return nil
    }
    #if canImport(Darwin)
      let time = status.st_mtimespec
    #else
      let time = status.st_mtim
    #endif
    (size, seconds, nanoseconds) = (Int(status.st_size), time.tv_sec, time.tv_nsec)
  }
}
