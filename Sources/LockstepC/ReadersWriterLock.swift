// A lock that many may hold who read, or one who writes, and that a forked process finds free. Swift's own Mutex lets in one at
// a time, and ends a forked process where two of its threads ask for it at once.

import CLockstep

/// The C library's lock for readers and a writer. It does not lock again on a thread that holds it.
final class ReadersWriterLock: @unchecked Sendable {
  private let lock: OpaquePointer

  init() {
    guard let lock = lockstep_lock_make() else { fatalError("out of memory for a lock") }
    self.lock = lock
  }

  deinit { lockstep_lock_free(lock) }

  @inline(__always)
  func reading<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    lockstep_lock_to_read(lock)
    defer { lockstep_unlock(lock) }
    return try body()
  }

  @inline(__always)
  func writing<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    lockstep_lock_to_write(lock)
    defer { lockstep_unlock(lock) }
    return try body()
  }
}
