// Standard output and standard error, and what happens when they cannot be written. JSON lies in Lockstep/JSONValue.swift.

import FileWriting
import Lockstep

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Why standard output could not be written.
enum OutputError: Error, CustomStringConvertible {
  /// The reader has gone, as `head` does: nothing is wrong, nothing is left to do.
  case closed
  /// The system's reason.
  case failed(String)

  var description: String {
    switch self {
    case .closed: "standard output was closed"
    case .failed(let reason): "standard output could not be written: \(reason)"
    }
  }
}

extension OutputError {
  /// What the library says of standard output.
  init(_ error: FileError) {
    self = error.errorNumber == EPIPE ? .closed : .failed(error.reason)
  }
}

/// Standard output, buffered: results and nothing else.
final class Output {
  /// Whether the reader is a terminal.
  let isTerminal = isatty(STDOUT_FILENO) == 1
  private var buffer: [UInt8] = []
  private static let bufferBytes = 1 << 16

  /// Writes a line of text.
  func line(_ text: String = "") throws {
    try write(text + "\n")
  }

  /// Writes one JSON object of these members, in this order, as a line.
  func json(_ members: KeyValuePairs<String, JSONValue>...) throws {
    try line(JSONValue.object(members.flatMap(Array.init)).text)
  }

  /// Writes text as it is.
  func write(_ text: String) throws {
    buffer.append(contentsOf: text.utf8)
    if isTerminal || buffer.count >= Self.bufferBytes { try flush() }
  }

  /// Has the library write to standard output, below what has been written so far.
  func handOver(_ write: (OutputDestination) throws -> Void) throws {
    try flush()
    do {
      try write(.standardOutput)
    } catch let error as FileError {
      throw OutputError(error)
    }
  }

  /// Hands over what is still held back. Commands need not call it: it runs when they return.
  func flush() throws {
    defer { buffer.removeAll(keepingCapacity: true) }
    try writeAll(buffer, to: STDOUT_FILENO)
  }
}

/// How many letters a line of the terminal on standard output holds, or `nil` where nobody says. COLUMNS asks for a width.
func terminalColumns() -> Int? { columnsOfEnvironment() ?? columns(ofTerminal: STDOUT_FILENO) }

private func columnsOfEnvironment() -> Int? {
  getenv("COLUMNS").flatMap { Int(String(cString: $0)) }.flatMap { $0 > 0 ? $0 : nil }
}

/// How wide a terminal is now, as it says itself; `nil` where it does not.
private func columns(ofTerminal descriptor: Int32) -> Int? {
  var size = winsize()
  guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
  return Int(size.ws_col)
}

/// Whether a terminal is to show colours: not where NO_COLOR (no-color.org) says otherwise, or where it has none.
func takesColours() -> Bool {
  let isAsked = getenv("NO_COLOR").map { $0.pointee == 0 } ?? true
  return isAsked && !isDumbTerminal()
}

/// Whether the terminal cannot move its cursor.
func isDumbTerminal() -> Bool { getenv("TERM").map { String(cString: $0) } == "dumb" }

/// What a user sees while waiting: on standard error, and only where that is a terminal.
final class Progress {
  private let isTerminal = isatty(STDERR_FILENO) == 1 && !isDumbTerminal()
  private var lastShown: ContinuousClock.Instant?

  /// Replaces the line of progress, more seldom than anyone could read.
  func show(_ text: @autoclosure () -> String) { show { _ in text() } }

  /// Replaces the line of progress by one that is made for the room that there is.
  ///
  /// - Parameter line: the text for so many letters; what is longer is cut off.
  func show(_ line: (Int) -> String) {
    guard isTerminal else { return }
    let now = ContinuousClock.now
    if let lastShown, now - lastShown < .milliseconds(50) { return }
    lastShown = now
    // A line that is broken in two could not be taken away, and some terminals break one that is full.
    let room = max((columns(ofTerminal: STDERR_FILENO) ?? columnsOfEnvironment() ?? 80) - 1, 0)
    writeToStandardError("\r\u{1B}[K\(line(room).prefix(room))")
  }

  /// Takes the line of progress away.
  func clear() {
    guard lastShown != nil else { return }
    lastShown = nil
    writeToStandardError("\r\u{1B}[K")
  }
}

/// Writes text to standard error. Where even that fails, nobody is left to be told.
func writeToStandardError(_ text: String) {
  try? writeAll(text.utf8, to: STDERR_FILENO)
}

private func writeAll(_ bytes: some Sequence<UInt8>, to descriptor: Int32) throws(OutputError) {
  var rest = Array(bytes)[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count >= 0 {
      rest = rest.dropFirst(count)
    } else if errno == EPIPE {
      throw .closed
    } else if errno != EINTR {
      throw .failed(String(cString: strerror(errno)))
    }
  }
}
