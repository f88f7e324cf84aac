// NPZ, the format of numpy.savez: a zip archive of NPY files. The archive is read by Debian's minizip, where it lies.

import CMinizip

/// The arrays of an NPZ archive.
struct NPZFile: ~Copyable {
  /// What is open while the archive is, for minizip reads it through the same descriptor.
  private let source: FileSource
  private let archive: unzFile
  /// Where in the archive each array is.
  private let places: [String: unz64_file_pos]
  /// The names of the arrays, those of their files without `.npy`, in the order of the archive.
  let names: [String]

  private var file: String { source.path }

  /// Takes an open file as an archive.
  ///
  /// - Throws: ``DataError`` where it is none, or has no arrays.
  init(_ source: FileSource) throws(DataError) {
    let path = source.path
    // What has been hashed is read: the file is not opened once more, as another might lie there by now.
    var functions = zlib_filefunc64_def()
    fill_fopen64_filefunc(&functions)
    functions.opaque = UnsafeMutableRawPointer(source.stream)
    functions.zopen64_file = { stream, _, _ in stream }
    functions.zclose_file = { _, _ in 0 }
    guard let archive = unzOpen2_64(path, &functions) else { throw DataError(file: path, problem: .archiveDamaged) }
    var names: [String] = []
    var others: [String] = []
    var places: [String: unz64_file_pos] = [:]
    var problem: DataError? = nil
    var status = unzGoToFirstFile(archive)
    while status == UNZ_OK, problem == nil {
      let member = Self.currentName(archive) ?? ""
      if !member.hasSuffix(".npy") {
        // The first few tell what else it is.
        if others.count < 100 { others.append(member) }
      } else {
        let name = String(member.dropLast(4))
        var place = unz64_file_pos()
        status = unzGetFilePos64(archive, &place)
        if places.updateValue(place, forKey: name) != nil {
          problem = DataError(file: path, array: name, problem: .duplicateArray)
        }
        names.append(name)
      }
      if status == UNZ_OK { status = unzGoToNextFile(archive) }
    }
    if problem == nil, status != UNZ_OK, status != UNZ_END_OF_LIST_OF_FILE {
      problem = DataError(file: path, problem: .archiveDamaged)
    }
    if problem == nil, names.isEmpty {
      let foreign = ForeignFormat(ofMembers: others)
      problem = DataError(
        file: path, problem: foreign.map { .foreignFormat(name: $0.name, advice: $0.advice) } ?? .noArrays)
    }
    if let problem {
      unzClose(archive)
      throw problem
    }
    self.source = source
    self.archive = archive
    self.places = places
    self.names = names
  }

  deinit { unzClose(archive) }

  /// The name of the member that the archive stands at.
  private static func currentName(_ archive: unzFile) -> String? {
    // Names have at most 65,535 bytes.
    var buffer = [CChar](repeating: 0, count: 1 << 16)
    guard unzGetCurrentFileInfo64(archive, nil, &buffer, UInt(buffer.count - 1), nil, 0, nil, 0) == UNZ_OK else {
      return nil
    }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Reads one of the arrays.
  ///
  /// - Throws: ``DataError`` where there is none of that name, it is damaged, or larger than `memory` allows.
  func array(_ name: String, memory: MemoryBudget) throws(DataError) -> (array: NumericArray, bytes: Int) {
    func failure(_ problem: DataError.Problem) -> DataError { DataError(file: file, array: name, problem: problem) }
    guard var place = places[name] else {
      throw DataError(
        file: file,
        problem: .unknownArray(name: name, nearest: nearestName(to: name, among: names), arrays: names))
    }
    var information = unz_file_info64()
    guard unzGoToFilePos64(archive, &place) == UNZ_OK,
      unzGetCurrentFileInfo64(archive, &information, nil, 0, nil, 0, nil, 0) == UNZ_OK,
      unzOpenCurrentFile(archive) == UNZ_OK
    else { throw failure(.archiveDamaged) }
    // What the archive claims is refused where it is too much, and never believed where it is not.
    if let problem = memory.problem(taking: Int(exactly: information.uncompressed_size)) {
      unzCloseCurrentFile(archive)
      throw failure(problem)
    }
    let bytes: FileBytes
    do throws(FileProblem) { bytes = try currentBytes(memory: memory) } catch { throw failure(error.problem) }
    guard bytes.starts(with: NPYHeader.mark) else { throw failure(.otherFormat(expected: .npy)) }
    return (try NumericArray(npy: bytes, file: file, array: name), bytes.count)
  }

  /// Reads the array that is open, and closes it.
  private func currentBytes(memory: MemoryBudget) throws(FileProblem) -> FileBytes {
    var isClosed = false
    defer { if !isClosed { unzCloseCurrentFile(archive) } }
    var content = try GrowingBytes(capacity: 1 << 16, memory: memory)
    while try content.fill({ (buffer) throws(FileProblem) in
      let count = unzReadCurrentFile(archive, buffer.baseAddress, UInt32(min(buffer.count, 1 << 30)))
      if count < 0 { throw FileProblem(.archiveDamaged) }
      return Int(count)
    }) > 0 {}
    isClosed = true
    // Closing compares the checksum.
    if unzCloseCurrentFile(archive) != UNZ_OK { throw FileProblem(.archiveDamaged) }
    return content.finished()
  }
}
