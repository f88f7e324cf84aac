// The error of a file that could not be written. How files are written lies in OutputFile.swift.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file that could not be written: which, and why.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file, as the caller named it.
  public let path: String
  /// Why, as a clause without a full stop.
  public let reason: String
  /// The system's `errno`; `nil` where it gave none.
  public let errorNumber: Int32?

  /// An error for `path`.
  public init(path: String, reason: String, errorNumber: Int32? = nil) {
    self.path = path
    self.reason = reason
    self.errorNumber = errorNumber
  }

  /// The error for `path` that the C library's `errno` stands for.
  init(path: String, code: Int32) {
    // The system says "No such file or directory" of a file that is only about to be made.
    self.init(
      path: path, reason: code == ENOENT ? "its folder does not exist" : String(cString: strerror(code)),
      errorNumber: code)
  }

  public var description: String { "\(path) cannot be written: \(reason)." }
}
