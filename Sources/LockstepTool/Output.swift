// Standard output and standard error, and what happens when they cannot be written. JSON lies in JSON.swift.

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

  /// Hands over what is still held back. Commands need not call it: it runs when they return.
  func flush() throws {
    defer { buffer.removeAll(keepingCapacity: true) }
    try writeAll(buffer, to: STDOUT_FILENO)
  }
}

/// What a user sees while waiting: on standard error, and only where that is a terminal.
struct Progress {
  private let isShown = isatty(STDERR_FILENO) == 1

  /// Replaces the line of progress.
  func show(_ text: String) {
    if isShown { writeToStandardError("\r\u{1B}[K\(text)") }
  }

  /// Takes the line of progress away.
  func clear() {
    if isShown { writeToStandardError("\r\u{1B}[K") }
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
