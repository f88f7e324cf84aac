// Which names lead to one file. How a file is written lies in OutputFile.swift.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the names of one file have in common: a path written in another way, a symbolic link, a hard link.
package enum FileIdentity: Hashable, Sendable {
  /// A file that is there.
  case file(device: UInt64, number: UInt64)
  /// A name in a folder for a file that is not there yet.
  case name(String, device: UInt64, folder: UInt64)

  /// The identity of what `path` leads to, whether it is there or not; `nil` for what cannot be overwritten, such as devices, pipes
  /// and folders, and for a path without a folder to write into.
  package init?(_ path: String) {
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFREG else { return nil }
      self = .file(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
      return
    }
    // A link that leads nowhere stands for the file that would be made there.
    guard case .file(let target, _)? = try? OutputRoute(to: path), stat(folder(of: target), &status) == 0 else {
      return nil
    }
    let name = target.utf8.lastIndex(of: UInt8(ascii: "/")).map { target[target.utf8.index(after: $0)...] }
    self = .name(String(name ?? target[...]), device: UInt64(status.st_dev), folder: UInt64(status.st_ino))
  }
}
