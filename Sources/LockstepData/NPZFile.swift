// NPZ, the format of numpy.savez: a zip archive of NPY files. The archive is read by Debian's minizip.

import CMinizip

/// The arrays of an NPZ archive.
struct NPZFile: ~Copyable {
  private let file: String
  private let archive: unzFile
  /// Where in the archive each array is.
  private let places: [String: unz64_file_pos]
  /// The names of the arrays, in the order of the archive.
  let names: [String]

  /// Opens the archive at `path`.
  ///
  /// - Throws: ``DataError`` where it is none, or has no arrays.
  init(_ path: String) throws(DataError) {
    guard let archive = unzOpen64(path) else { throw DataError(file: path, problem: .archiveDamaged) }
    var names: [String] = []
    var places: [String: unz64_file_pos] = [:]
    var problem: DataError? = nil
    var status = unzGoToFirstFile(archive)
    while status == UNZ_OK, problem == nil {
      if let name = Self.currentName(archive) {
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
    if problem == nil, names.isEmpty { problem = DataError(file: path, problem: .noArrays) }
    if let problem {
      unzClose(archive)
      throw problem
    }
    self.file = path
    self.archive = archive
    self.places = places
    self.names = names
  }

  deinit { unzClose(archive) }

  /// The name of the array that the archive stands at: that of its file without `.npy`.
  private static func currentName(_ archive: unzFile) -> String? {
    // Names have at most 65,535 bytes.
    var buffer = [CChar](repeating: 0, count: 1 << 16)
    guard unzGetCurrentFileInfo64(archive, nil, &buffer, UInt(buffer.count - 1), nil, 0, nil, 0) == UNZ_OK else {
      return nil
    }
    let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let name = String(decoding: bytes, as: UTF8.self)
    return name.hasSuffix(".npy") ? String(name.dropLast(4)) : nil
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
    var content = GrowingBytes(capacity: 1 << 16)
    var problem: DataError.Problem?
    while problem == nil {
      var status: Int32 = 0
      let count = content.fill { buffer in
        status = unzReadCurrentFile(archive, buffer.baseAddress, UInt32(min(buffer.count, 1 << 30)))
        return Int(max(status, 0))
      }
      problem = status < 0 ? .archiveDamaged : memory.problem(taking: content.count)
      if count == 0 { break }
    }
    // Closing compares the checksum.
    if unzCloseCurrentFile(archive) != UNZ_OK, problem == nil { problem = .archiveDamaged }
    if let problem { throw failure(problem) }
    let bytes = content.finished()
    guard bytes.starts(with: NPYHeader.mark) else { throw failure(.otherFormat(expected: .npy)) }
    return (try NumericArray(npy: bytes, file: file, array: name), bytes.count)
  }
}
