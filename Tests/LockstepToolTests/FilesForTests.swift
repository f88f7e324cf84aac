// Files that the tool reads and writes in the tests. Running it lies in ToolProcess.swift.

import Foundation
import Testing

extension TemporaryFolder {
  /// Writes a file in the folder.
  ///
  /// - Returns: its path.
  @discardableResult
  func write(_ name: String, _ content: some Sequence<UInt8>) throws -> String {
    try Data(content).write(to: URL(fileURLWithPath: file(name)))
    return file(name)
  }

  /// Writes a text file in the folder.
  ///
  /// - Returns: its path.
  @discardableResult
  func write(_ name: String, _ content: String) throws -> String {
    try write(name, content.utf8)
  }
}

/// The path of a file in `Fixtures`.
func fixture(_ name: String) throws -> String {
  try #require(Bundle.module.path(forResource: "Fixtures/\(name)", ofType: nil))
}

/// The bytes of a file.
func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

extension ToolResult {
  /// The only JSON object on standard output of a run that must have gone well, but for those about epochs before it.
  func object() throws -> [String: Any] {
    #expect(exitCode == 0, "\(errors)")
    let objects = try objects()
    #expect(objects.count { $0["epoch"] == nil } == 1)
    return try #require(objects.last)
  }
}
