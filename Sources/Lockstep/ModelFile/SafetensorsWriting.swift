// From tensors to a safetensors file: the same bytes for the same content.

import FileWriting

extension SafetensorsFile {
  /// Writes the file, whole or not at all. The same content always gives the same bytes.
  ///
  /// - Throws: ``ModelFileError`` for two tensors of one name, a name that the format keeps for itself, a header longer
  ///   than ``maximumHeaderLength``, and where the file cannot be written.
  public func write(to path: String) throws(ModelFileError) {
    let parts = try parts(file: path)
    do {
      var file = try OutputFile(.path(path))
      for part in parts { try file.write(part) }
      try file.finish()
    } catch {
      throw ModelFileError(
        file: path, problem: .unwritable(reason: error.reason), errorNumber: error.errorNumber)
    }
  }

  /// The bytes of the file, in parts to be put one after the other: the header, then the data of each tensor.
  ///
  /// - Parameter file: what messages call it.
  /// - Throws: ``ModelFileError`` as for ``write(to:)``, but for writing.
  package func parts(file: String) throws(ModelFileError) -> [ArraySlice<UInt8>] {
    [try serializedHeader(file: file)[...]] + tensors.map(\.bytes)
  }

  /// The header with its length in front.
  private func serializedHeader(file: String) throws(ModelFileError) -> [UInt8] {
    var names: Set<String> = []
    var entries: [SafetensorsHeader.Entry] = []
    var end = 0
    for tensor in tensors {
      if tensor.name == SafetensorsHeader.metadataKey {
        throw ModelFileError(file: file, tensor: tensor.name, problem: .reservedName)
      }
      if !names.insert(tensor.name).inserted {
        throw ModelFileError(file: file, tensor: tensor.name, problem: .repeatedTensor)
      }
      let range = end..<(end + tensor.bytes.count)
      entries.append(.init(name: tensor.name, dataType: tensor.dataType, shape: tensor.shape, range: range))
      end = range.upperBound
    }
    let json = SafetensorsHeader(metadata: metadata, entries: entries).json()
    guard json.count <= Self.maximumHeaderLength else {
      throw ModelFileError(file: file, problem: .headerTooLong(length: UInt64(json.count)))
    }
    let length = (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) }
    return length + json
  }
}
