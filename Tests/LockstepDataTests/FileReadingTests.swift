// How bytes come from files: through pipes, from files that change meanwhile, and never more of them than may be taken.

import Foundation
import Testing

@testable import LockstepData

/// Gives `body` the path of a pipe that `bytes` come from.
func withPipe<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
  let path = NSTemporaryDirectory() + "lockstep-" + UUID().uuidString
  #expect(mkfifo(path, 0o600) == 0)
  defer { unlink(path) }
  // As a process of its own it may be left alone where nobody reads to the end.
  return try withFiles(["bytes": bytes]) { file in
    let writer = Process()
    writer.executableURL = URL(fileURLWithPath: "/bin/sh")
    writer.arguments = ["-c", "exec cat \"$1\" > \"$2\" 2> /dev/null", "sh", file, path]
    writer.standardError = FileHandle.nullDevice
    try writer.run()
    defer { writer.waitUntilExit() }
    return try body(path)
  }
}

@Suite struct FileReadingTests {
  @Test(arguments: ["table.csv", "table.csv.gz", "little-f4.npy", "packed.npy.gz", "type-0e.idx"])
  func aPipeIsReadLikeAFile(name: String) throws {
    let expected = try DataTable(contentsOf: fixture(name))
    let piped = try withPipe(fixtureBytes(name)) { try DataTable(contentsOf: $0) }
    #expect(piped.columnNames == expected.columnNames)
    #expect(piped.rowCount == expected.rowCount)
    for column in expected.columnNames {
      #expect(try piped.text(ofColumn: column) == expected.text(ofColumn: column))
    }
  }

  @Test func anArchiveNeedsAFile() throws {
    let bytes = try fixtureBytes("stored.npz")
    let error = try withPipe(bytes) { path in
      #expect(throws: DataError.self) { try DataTable(contentsOf: path) }
    }
    #expect(error?.problem == .archiveInPipe)
    #expect(error.map { "\($0)" }?.contains("name a file on the disk") == true)
  }

  /// What has been hashed is what is read, even where another file takes the name meanwhile.
  @Test func anArchiveIsReadFromTheFileThatWasHashed() throws {
    try withFiles(["a.npz": fixtureBytes("stored.npz"), "b": fixtureBytes("mnist-like.npz")]) { path in
      let memory = MemoryBudget(limit: 1 << 20)
      let content = try FileContent(of: path, memory: memory, takesSHA256: true)
      let other = path.dropLast("a.npz".count) + "b"
      #expect(rename(String(other), path) == 0)
      guard case .archive(let source) = content.body else { throw NotAnArchive() }
      let archive = try NPZFile(source)
      #expect(archive.names == ["x", "y"])
      #expect(try archive.array("x", memory: memory).array.rowCount == 5)
      #expect(try content.sha256 == sha256(fixtureBytes("stored.npz")))
      try source.checkUnchanged()
    }
  }

  struct NotAnArchive: Error {}

  @Test(arguments: [false, true]) func aFileThatChangesMeanwhileIsRefused(grows: Bool) throws {
    let text = Array("a,b\n".utf8) + [UInt8](repeating: UInt8(ascii: "1"), count: 100_000)
    try withFiles(["d.csv": text]) { path in
      let source = try FileSource(path, hashes: true)
      let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
      if grows {
        try file.seekToEnd()
        try file.write(contentsOf: Data("2\n".utf8))
      } else {
        try file.truncate(atOffset: 50_000)
      }
      try file.close()
      var content = try GrowingBytes(capacity: 1, memory: MemoryBudget(limit: 1 << 20))
      while try content.fill({ (buffer) throws(FileProblem) in try source.read(into: buffer) }) > 0 {}
      let error = #expect(throws: FileProblem.self) { try source.finish() }
      #expect(error?.problem == .unreadable(reason: "it has changed while it was read"))
    }
  }

  @Test(arguments: [0, 1, 2, 4095, 4096, 4097, 10_000]) func roomNeverExceedsTheLimit(limit: Int) throws {
    for count in [0, 1, limit - 1, limit, limit + 1, 3 * limit + 7] where count >= 0 {
      let memory = MemoryBudget(limit: limit)
      var refused: FileProblem?
      var left = count
      var content: FileBytes?
      do throws(FileProblem) {
        var bytes = try GrowingBytes(capacity: 1 << 20, memory: memory)
        var total = 0
        while left > 0 {
          left -= try bytes.fill { buffer in
            // One byte more shows that there are too many.
            #expect(!buffer.isEmpty && total + buffer.count <= limit + 1)
            let written = min(left, buffer.count, 3)
            for index in 0..<written { buffer[index] = UInt8(truncatingIfNeeded: total + index) }
            total += written
            return written
          }
        }
        content = bytes.finished()
      } catch {
        refused = error
      }
      #expect(refused?.problem == (count > limit ? .tooLarge(bytes: nil, limit: limit) : nil))
      if count <= limit { #expect(content.map { Array($0) } == (0..<count).map { UInt8(truncatingIfNeeded: $0) }) }
    }
  }

  /// Whether a file is packed, or how long it is, makes no difference to what it may take.
  @Test(arguments: ["table.csv", "table.csv.gz"]) func theLimitIsExact(name: String) throws {
    let size = try fixtureBytes("table.csv").count
    let header = "size,colour,month,species\n".utf8.count
    let least = size + 4 * 256 + header
    for (limit, fits) in [(least, true), (least - 1, false), (size, false), (size - 1, false)] {
      let options = DataOptions(memoryLimit: limit)
      for isPiped in [false, true] {
        func read(_ path: String) throws -> DataError? {
          do throws(DataError) { _ = try DataTable(contentsOf: path, options: options) } catch { return error }
          return nil
        }
        let error = try isPiped ? withPipe(fixtureBytes(name), read) : read(fixture(name))
        #expect((error == nil) == fits, "\(limit): \(String(describing: error))")
        if let error, case .tooLarge(_, limit) = error.problem {} else { #expect(fits) }
      }
    }
  }

  @Test func everythingThatIsHeldAtOnceCounts() throws {
    let rows = 1000
    let inHeap = 64 + "a long text, number 0".utf8.count
    let text = "a,b,c\n" + (0..<rows).map { "\($0),\(2 * $0),\"a long text, number \($0 % 7)\"\n" }.joined()
    let content = text.utf8.count + 3 * 256 + 6
    func isRefused(_ limit: Int, _ body: (DataTable) throws -> Void) throws -> Bool {
      try withFiles(["d.csv": Array(text.utf8)]) { path in
        let table = try DataTable(contentsOf: path, options: DataOptions(memoryLimit: limit))
        do { try body(table) } catch let error as DataError {
          guard case .tooLarge = error.problem else { throw error }
          return true
        }
        return false
      }
    }
    let scaling = try withFiles(["d.csv": Array(text.utf8)]) { path in
      try DataTable(contentsOf: path).encodings(of: ["a", "b", "c"], scaling: .standardized)
    }
    for (bytes, body) in [
      // Two columns in Float, and seven of categories; two in Double; the categories.
      (rows * (9 * 4 + 2 * 8), { _ = try $0.matrix(encodedBy: scaling, as: Float.self) }),
      (rows * 2 * 8, { _ = try $0.encodings(of: ["a", "b"], scaling: .standardized) }),
      (rows * (16 + inHeap), { _ = try $0.text(ofColumn: "c") }),
      (7 * (128 + inHeap), { _ = try $0.categories(ofColumn: "c") }),
      (
        rows * 2 * 4 + rows * 8,
        {
          let input = try $0.matrix(columns: ["a", "b"], as: Float.self)
          _ = try $0.holding(input).matrix(columns: ["a"], as: Double.self)
        }
      ),
    ] as [(Int, (DataTable) throws -> Void)] {
      #expect(try !isRefused(content + bytes, body), "\(bytes)")
      #expect(try isRefused(content + bytes - 1, body), "\(bytes)")
    }
  }

  @Test func anotherTableCounts() throws {
    let path = try fixture("table.csv")
    let content = 116 + 4 * 256 + 26
    let options = DataOptions(memoryLimit: content + 100)
    let table = try DataTable(contentsOf: path, options: options)
    let error = #expect(throws: DataError.self) { try DataTable(contentsOf: path, options: options, beside: table) }
    #expect(error?.problem == .tooLarge(bytes: content + 116, limit: options.memoryLimit))
    // Five numbers in Double.
    for (rest, fits) in [(39, false), (40, true)] {
      let options = DataOptions(memoryLimit: 2 * content + rest)
      let table = try DataTable(contentsOf: path, options: options)
      let later = try DataTable(contentsOf: path, options: options, beside: table)
      #expect(try table.matrix(columns: ["size"], as: Double.self).rows == 5)
      let numbers = try? table.holding(later).matrix(columns: ["size"], as: Double.self)
      #expect((numbers != nil) == fits)
    }
  }
}
