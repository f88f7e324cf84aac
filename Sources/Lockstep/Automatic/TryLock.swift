// A value that one thread at a time uses and that none waits for. What is done without it is the user's business.

import Synchronization

/// A value that one thread at a time may use. Who finds it in use goes without.
///
/// Nobody waits, so a process that was forked while another thread used the value goes without for ever instead of
/// hanging. The standard library's `Mutex` would not do: on Linux a thread that waits for one tells the kernel its id,
/// which the library keeps from before the fork.
final class TryLock<Value>: @unchecked Sendable {
  private let isUsed = Atomic(false)
  private var value: Value

  init(_ value: sending Value) { self.value = value }

  /// Calls `body` with the value, where it is free.
  ///
  /// - Parameters:
  ///   - attempts: how often to look, one or more. More than one suits a rare caller that others disturb for a moment.
  ///   - body: what to do.
  /// - Returns: what `body` returns; `nil` where the value was in use.
  func withValueIfFree<Result>(attempts: Int = 1, _ body: (inout Value) -> Result) -> Result? {
    for _ in 0..<attempts where !isUsed.exchange(true, ordering: .acquiring) {
      defer { isUsed.store(false, ordering: .releasing) }
      return body(&value)
    }
    return nil
  }
}
