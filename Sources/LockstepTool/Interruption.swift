// Being asked to stop: a long computation ends at the next safe place instead of where it stands.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A signal that asked the program to stop, once its results have been kept; the exit code is 128 and its number.
struct Interruption: Error, CustomStringConvertible {
  let signal: Int32
  /// What was kept.
  let description: String

  /// The first signal that came since ``watch()``, or `nil`.
  static var received: Int32? {
    receivedSignal == 0 ? nil : Int32(receivedSignal)
  }

  /// Keeps Control-C, a polite `kill` and a terminal that closes from ending the process at once. A second one does.
  static func watch() {
    [SIGINT, SIGTERM, SIGHUP].forEach(handleUnlessIgnored)
  }
}

/// Written by the handler alone; C promises that a value of this type is never seen half-written.
nonisolated(unsafe) private var receivedSignal: sig_atomic_t = 0

private func handle(_ number: Int32) {
  receivedSignal = sig_atomic_t(number)
  signal(SIGINT, SIG_DFL)
  signal(SIGTERM, SIG_DFL)
  signal(SIGHUP, SIG_DFL)
}

/// Shells start background jobs with interrupts ignored, and ignored they stay. A signal that is only blocked was blocked
/// by the thread that started this program, for itself: nobody meant the program never to hear of it.
private func handleUnlessIgnored(_ number: Int32) {
  if isIgnoring(signal(number, handle)) { signal(number, SIG_IGN) }
  var set = sigset_t()
  sigemptyset(&set)
  sigaddset(&set, number)
  pthread_sigmask(SIG_UNBLOCK, &set, nil)
}

private func isIgnoring(_ handler: (@convention(c) (Int32) -> Void)?) -> Bool {
  unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
}
