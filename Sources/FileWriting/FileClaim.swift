// The right to replace a file again and again, which one process at a time has. How a file is written lies in
// OutputFile.swift.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The right to replace a file, until the claim goes away or the process ends, however it ends.
///
/// It is an advisory lock on the file itself (`flock`): nothing lies beside the file, and a crash leaves nothing that would have
/// to be removed. A file system without such locks gives the right to anyone.
package final class FileClaim: Sendable {
  private let descriptor: Int32

  /// Claims a file; `nil` where another claim holds it. One that is not there, or cannot be read, is held by nobody.
  package init?(_ path: String) {
    while true {
      // A named pipe would wait for its writer. NFS locks only what is open for writing.
      let flags = O_NONBLOCK | O_CLOEXEC
      let writable = systemOpen(path, O_RDWR | flags, 0)
      let opened = writable >= 0 ? writable : systemOpen(path, O_RDONLY | flags, 0)
      let isTaken = opened >= 0 && flock(opened, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
      // Another file may have taken its place before it was locked.
      if isTaken || opened < 0 || isOpen(opened, at: path) {
        descriptor = opened
        if isTaken { return nil }
        return
      }
      _ = close(opened)
    }
  }

  /// Claims a file that this process has just made, and whose name nobody else knows.
  init(made file: Int32) {
    descriptor = fcntl(file, F_DUPFD_CLOEXEC, 0)
    if descriptor >= 0 { _ = flock(descriptor, LOCK_EX | LOCK_NB) }
  }

  deinit {
    if descriptor >= 0 { _ = close(descriptor) }
  }

  /// Whether the file at `path` is the one that was claimed.
  func holds(_ path: String) -> Bool { descriptor >= 0 && isOpen(descriptor, at: path) }
}

/// Whether `path` names the file that `descriptor` is open for.
private func isOpen(_ descriptor: Int32, at path: String) -> Bool {
  var (held, named) = (stat(), stat())
  return fstat(descriptor, &held) == 0 && stat(path, &named) == 0 && held.st_dev == named.st_dev
    && held.st_ino == named.st_ino
}
