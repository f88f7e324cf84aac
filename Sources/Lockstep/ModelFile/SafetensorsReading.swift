// From a safetensors file to tensors: the data, once the header has been checked.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension SafetensorsFile {
  /// Reads the file at `path`. No memory is taken for what the file only claims to hold.
  ///
  /// - Throws: ``ModelFileError`` for a file that cannot be read or breaks a rule of the format.
  public init(contentsOf path: String) throws(ModelFileError) {
    try self.init(contentsOf: path, onRead: { _ in })
  }

  /// Reads the file at `path`, all of it, and gives `onRead` its bytes in their order.
  package init(contentsOf path: String, onRead: ([UInt8]) -> Void) throws(ModelFileError) {
    guard let stream = fopen(path, "r") else {
      throw ModelFileError(file: path, readingFailedWith: errno)
    }
    defer { fclose(stream) }
    try self.init(file: path) { (count) throws(ModelFileError) in
      let bytes = try read(count, from: stream, file: path)
      onRead(bytes)
      return bytes
    }
  }

  /// Reads a file that is in memory already.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - file: what messages call it.
  /// - Throws: ``ModelFileError`` for bytes that break a rule of the format.
  public init(bytes: some Collection<UInt8>, file: String) throws(ModelFileError) {
    var rest = bytes[...]
    try self.init(file: file) { (count) throws(ModelFileError) in
      let part = rest.prefix(count)
      rest = rest[part.endIndex...]
      return Array(part)
    }
  }

  /// - Parameter next: gives the next bytes of the file, fewer than asked for only where it ends.
  private init(file: String, next: (Int) throws(ModelFileError) -> [UInt8]) throws(ModelFileError) {
    func error(_ problem: ModelFileError.Problem, _ tensor: String? = nil) -> ModelFileError {
      ModelFileError(file: file, tensor: tensor, problem: problem)
    }
    let prefix = try next(8)
    guard prefix.count == 8 else { throw error(.tooShort(size: prefix.count)) }
    let length = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= Self.maximumHeaderLength else { throw error(.headerTooLong(length: length)) }
    let json = try next(Int(length))
    guard json.count == length else { throw error(.headerBeyondFile(length: Int(length), size: json.count)) }
    let header = try SafetensorsHeader(json: json, file: file)

    let data = try next(header.dataSize)
    if let entry = header.entries.first(where: { $0.range.upperBound > data.count }) {
      throw error(.dataBeyondFile(end: entry.range.upperBound, available: data.count), entry.name)
    }
    guard try next(1).isEmpty else { throw error(.trailingBytes) }
    metadata = header.metadata
    tensors = header.entries.map { entry in
      Tensor(name: entry.name, dataType: entry.dataType, shape: entry.shape, bytes: data[entry.range], origin: file)
    }
  }
}

extension ModelFileError {
  /// The error that an `errno` of opening or reading `file` stands for.
  fileprivate init(file: String, readingFailedWith code: Int32) {
    let problem: Problem =
      switch code {
      case ENOENT: .missing
      case EISDIR: .folder
      default: .unreadable(reason: String(cString: strerror(code)))
      }
    self.init(file: file, problem: problem, errorNumber: code)
  }
}

/// The next `count` bytes of `stream`, or as many as there are. The memory grows with what has been read.
private func read(_ count: Int, from stream: UnsafeMutablePointer<FILE>, file: String) throws(ModelFileError) -> [UInt8]
{
  let step = 1 << 20
  var bytes: [UInt8] = []
  while bytes.count < count {
    let wanted = min(max(step, bytes.count), count - bytes.count)
    let part = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, read in
      read = fread(buffer.baseAddress, 1, wanted, stream)
    }
    if part.count < wanted, ferror(stream) != 0 {
      throw ModelFileError(file: file, readingFailedWith: errno)
    }
    bytes += part
    if part.count < wanted { break }
  }
  return bytes
}
