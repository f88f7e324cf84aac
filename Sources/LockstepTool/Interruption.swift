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
    clearsLine = !isDumbTerminal()
    for number in signals { handleUnlessIgnored(number, by: handle) }
  }

  /// Has such a signal end `lockstep benchmark` at once, with a sentence: what was measured has been written, and what is being
  /// measured is not worth waiting for.
  static func endBenchmark() {
    for number in signals { handleUnlessIgnored(number, by: end) }
  }

  private static let signals = [SIGINT, SIGTERM, SIGHUP]
}

/// Does only what a handler may do: `write` and `_exit` are safe there.
private func end(_ number: Int32) {
  // Off the line of progress.
  if isatty(STDERR_FILENO) == 1 { say("\n") }
  say("lockstep benchmark: interrupted\n")
  _exit(128 + number)
}

/// Written by the handler alone; C promises that a value of this type is never seen half-written.
nonisolated(unsafe) private var receivedSignal: sig_atomic_t = 0

/// Whether a line of progress may stand on the terminal.
nonisolated(unsafe) private var clearsLine = false

/// Does only what a handler may do, as ``end(_:)``.
private func handle(_ number: Int32) {
  receivedSignal = sig_atomic_t(number)
  signal(SIGINT, SIG_DFL)
  signal(SIGTERM, SIG_DFL)
  signal(SIGHUP, SIG_DFL)
  // A step may take a minute, in which a key without an answer would be pressed again.
  guard number == SIGINT, isatty(STDERR_FILENO) == 1 else { return }
  say(clearsLine ? "\r\u{1B}[K" : "\n")
  say("lockstep: ending after this step; Control-C again ends at once\n")
}

private func say(_ text: StaticString) { _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount) }

/// Shells start background jobs with interrupts ignored, and ignored they stay. A signal that is only blocked was blocked
/// by the thread that started this program, for itself: nobody meant the program never to hear of it.
private func handleUnlessIgnored(_ number: Int32, by handler: @convention(c) (Int32) -> Void) {
  if isIgnoring(signal(number, handler)) { signal(number, SIG_IGN) }
  var set = sigset_t()
  sigemptyset(&set)
  sigaddset(&set, number)
  pthread_sigmask(SIG_UNBLOCK, &set, nil)
}

private func isIgnoring(_ handler: (@convention(c) (Int32) -> Void)?) -> Bool {
  unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
}
