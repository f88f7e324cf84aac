// What a path stands for as a destination: a file to replace, or something to write into.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How the bytes for a path get there.
enum OutputRoute {
  /// Into a descriptor that the process holds already.
  case descriptor(Int32)
  /// Into a device or a named pipe, opened.
  case device(String)
  /// Into a file that replaces `path`, with these permissions where there is a file already.
  case file(path: String, permissions: mode_t?)

  /// Follows symbolic links, as many as Linux itself does, to what `named` stands for.
  init(to named: String) throws(FileError) {
    if named.isEmpty { throw FileError(path: "a file without a name", reason: "name one") }
    var path = named
    var links = 0
    while true {
      // Opening these anew would forget where the descriptor stands, as after `>> file`.
      if let number = descriptorNumber(path) {
        self = .descriptor(number)
        return
      }
      guard let link = target(ofLink: path) else { break }
      links += 1
      if links > 40 { throw FileError(path: named, code: ELOOP) }
      path = link.hasPrefix("/") ? link : "\(folder(of: path))/\(link)"
    }

    var status = stat()
    if stat(path, &status) != 0 {
      guard errno == ENOENT else { throw FileError(path: named, code: errno) }
      self = .file(path: path, permissions: nil)
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      if access(path, W_OK) != 0 { throw FileError(path: named, code: errno) }
      self = .file(path: path, permissions: status.st_mode & 0o777)
    case S_IFDIR: throw FileError(path: named, reason: "it is a folder", errorNumber: EISDIR)
    default: self = .device(path)
    }
  }
}

/// The folder that `path` lies in.
func folder(of path: String) -> String {
  guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

private func descriptorNumber(_ path: String) -> Int32? {
  switch path {
  case "/dev/stdout": return STDOUT_FILENO
  case "/dev/stderr": return STDERR_FILENO
  default:
    let folders = ["/dev/fd/", "/proc/self/fd/"]
    return folders.first(where: path.hasPrefix).flatMap { Int32(path.dropFirst($0.count)) }
  }
}

private func target(ofLink path: String) -> String? {
  let bytes = [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, count in
    count = buffer.withMemoryRebound(to: CChar.self) { max(readlink(path, $0.baseAddress!, $0.count), 0) }
  }
  return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
}
