// Writing a file so that it is there whole or not at all. Where the bytes go is decided in OutputRoute.swift.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where output goes.
public enum OutputDestination: Sendable, Equatable {
  /// The standard output of the process.
  case standardOutput
  /// A file.
  case path(String)
}

/// A file while it is being written. It takes its name only in ``finish()``, when all of it has reached the disk.
///
/// The bytes go to a temporary file in the same folder, which `finish` renames; so a reader finds the old file or the
/// new one, never a part, and a failure leaves the old file as it was. An `OutputFile` that goes away unfinished
/// removes its temporary file. A process that is killed leaves it behind, under the name `.lockstep-….tmp`.
///
/// - A new file gets the permissions that the process's umask allows. One that replaces a file keeps that file's
///   permissions; a file without write permission is not replaced.
/// - A symbolic link stays a link: the file that it names is replaced, or made where there is none.
/// - Standard output, `/dev/stdout`, other devices and named pipes cannot be replaced and are written directly.
/// - A pipe that nobody reads any more is an error like any other; the process gets no `SIGPIPE` for it.
package struct OutputFile: ~Copyable {
  private let path: String
  private let descriptor: Int32
  private var isOpen = true
  /// The temporary file and what it becomes; `nil` once renamed, or where the destination is written directly.
  private var replacement: (temporary: String, target: String)?
  private var buffer: [UInt8] = []
  private var failure: FileError?

  private static var bufferSize: Int { 1 << 18 }

  /// Starts writing.
  ///
  /// - Throws: ``FileError`` where the destination is a folder, lies in a folder that is not there, or may not be
  ///   written.
  package init(_ destination: OutputDestination) throws(FileError) {
    let name: String
    let route: OutputRoute
    switch destination {
    case .standardOutput: (name, route) = ("the standard output", .descriptor(STDOUT_FILENO))
    case .path(let named): (name, route) = (named, try OutputRoute(to: named))
    }
    let opened = Self.open(route)
    if opened.descriptor < 0 { throw FileError(path: name, code: -opened.descriptor) }
    path = name
    descriptor = opened.descriptor
    replacement = opened.replacement
  }

  /// Finds out whether a file could be written at `path`, and leaves no trace. A device or a named pipe is not opened,
  /// as whoever reads it would notice.
  ///
  /// - Throws: ``FileError`` where the path is a folder, lies in a folder that is not there, or may not be written.
  package static func check(_ path: String) throws(FileError) {
    if case .file = try OutputRoute(to: path) { _ = try OutputFile(.path(path)) }
  }

  /// A descriptor to write to, or minus the `errno` of the failure.
  private static func open(
    _ route: OutputRoute
  ) -> (descriptor: Int32, replacement: (temporary: String, target: String)?) {
    switch route {
    case .descriptor(let number): return (orMinusErrno(fcntl(number, F_DUPFD_CLOEXEC, 0)), nil)
    case .device(let path): return (orMinusErrno(systemOpen(path, O_WRONLY | O_CLOEXEC, 0)), nil)
    case .file(let target, let permissions):
      let temporary = "\(folder(of: target))/.lockstep-\(String(UInt64.random(in: .min ... .max), radix: 36)).tmp"
      let descriptor = orMinusErrno(systemOpen(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666))
      // Best effort: a file system without permissions has none to keep.
      if descriptor >= 0, let permissions { _ = fchmod(descriptor, permissions) }
      return (descriptor, descriptor >= 0 ? (temporary, target) : nil)
    }
  }

  deinit {
    if isOpen { _ = close(descriptor) }
    if let replacement { _ = unlink(replacement.temporary) }
  }

  /// Appends `bytes`.
  package mutating func write(_ bytes: ArraySlice<UInt8>) throws(FileError) {
    var rest = bytes
    while !rest.isEmpty {
      let part = rest.prefix(Self.bufferSize - buffer.count)
      buffer.append(contentsOf: part)
      rest = rest.dropFirst(part.count)
      if buffer.count == Self.bufferSize { try flush() }
    }
  }

  /// Appends `text` in UTF-8.
  package mutating func write(_ text: String) throws(FileError) {
    buffer.append(contentsOf: text.utf8)
    if buffer.count >= Self.bufferSize { try flush() }
  }

  /// Writes what is left, waits until the disk has it, and gives the file its name.
  ///
  /// - Throws: ``FileError`` for this or an earlier failure; the destination is then as it was.
  package mutating func finish() throws(FileError) {
    try bringToDisk()
    guard let (temporary, target) = replacement else { return }
    try check(rename(temporary, target))
    replacement = nil
    try syncFolder(folder(of: target))
  }

  /// As ``finish()``, for a file that this process alone replaces, from now on.
  ///
  /// - Parameter claim: the claim to the file that is there; `nil` where there is to be none.
  /// - Returns: the claim to the file that is there now; `nil` where the destination cannot be replaced.
  /// - Throws: ``FileError`` as ``finish()``, and where there is a file that was not claimed, such as that of another process.
  package mutating func finish(replacing claim: FileClaim?) throws(FileError) -> FileClaim? {
    // Claimed before others know its name.
    let made = replacement.map { _ in FileClaim(made: descriptor) }
    try bringToDisk()
    guard let (temporary, target) = replacement else { return nil }
    if claim?.holds(target) == true {
      try check(rename(temporary, target))
    } else {
      try name(temporary, target)
    }
    replacement = nil
    try syncFolder(folder(of: target))
    return made
  }

  /// Gives the temporary file its name, unless there is a file by that name.
  private func name(_ temporary: String, _ target: String) throws(FileError) {
    if link(temporary, target) == 0 {
      _ = unlink(temporary)
    } else if errno == EEXIST {
      throw FileError(
        path: path, reason: "another file has appeared there, perhaps that of another run", errorNumber: EEXIST)
    } else if rename(temporary, target) != 0 {
      // There are file systems without links, but none without names.
      throw FileError(path: path, code: errno)
    }
  }

  /// Writes what is left and waits until the disk has it.
  private mutating func bringToDisk() throws(FileError) {
    precondition(isOpen, "The file is finished already")
    try flush()
    if replacement != nil { try check(fsync(descriptor)) }
    isOpen = false
    // Some file systems tell only now that they had no room.
    try check(close(descriptor))
  }

  /// Makes the new name itself survive a power cut, where the file system can.
  private mutating func syncFolder(_ path: String) throws(FileError) {
    let folder = systemOpen(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
    guard folder >= 0 else { return }
    let code = fsync(folder) == 0 ? 0 : errno
    _ = close(folder)
    if code == EIO || code == ENOSPC { throw fail(code) }
  }

  private mutating func flush() throws(FileError) {
    if let failure { throw failure }
    let code = buffer.withUnsafeBytes { writeAll($0, to: descriptor) }
    if code != 0 { throw fail(code) }
    buffer.removeAll(keepingCapacity: true)
  }

  private mutating func check(_ result: Int32) throws(FileError) {
    if result != 0 { throw fail(errno) }
  }

  private mutating func fail(_ code: Int32) -> FileError {
    let error = FileError(path: path, code: code)
    failure = error
    return error
  }
}

/// Writes all of `bytes`.
///
/// - Returns: 0, or the `errno` of the failure.
private func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
  var written = 0
  while written < bytes.count {
    let (count, code) = writeQuietly(UnsafeRawBufferPointer(rebasing: bytes[written...]), to: descriptor)
    switch code {
    case 0: written += count
    case EINTR: continue
    case EAGAIN:
      // Somebody else made the pipe non-blocking: wait for room.
      var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      _ = poll(&wanted, 1, -1)
    default: return code
    }
  }
  return 0
}

/// One `write` whose closed pipe is an error and no signal.
///
/// The signal is held back for this thread alone, and taken away if it came: the process's handling of `SIGPIPE`
/// belongs to the process.
private func writeQuietly(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> (count: Int, code: Int32) {
  var pipeSignal = sigset_t()
  var earlierMask = sigset_t()
  var earlierPending = sigset_t()
  sigemptyset(&pipeSignal)
  sigaddset(&pipeSignal, SIGPIPE)
  sigpending(&earlierPending)
  pthread_sigmask(SIG_BLOCK, &pipeSignal, &earlierMask)
  let count = write(descriptor, bytes.baseAddress, bytes.count)
  let code = count < 0 ? errno : 0
  if code == EPIPE, sigismember(&earlierPending, SIGPIPE) == 0 {
    var nowPending = sigset_t()
    sigpending(&nowPending)
    var signal: Int32 = 0
    if sigismember(&nowPending, SIGPIPE) == 1 { sigwait(&pipeSignal, &signal) }
  }
  pthread_sigmask(SIG_SETMASK, &earlierMask, nil)
  return (count, code)
}

/// The C library's `open`, under a name of its own.
func systemOpen(_ path: String, _ flags: Int32, _ permissions: mode_t) -> Int32 {
  open(path, flags, permissions)
}

private func orMinusErrno(_ descriptor: Int32) -> Int32 {
  descriptor < 0 ? -errno : descriptor
}
