// Files that are there whole or not at all: replacement, links, permissions, devices, pipes, failures.

import FileWriting
import Foundation
import Testing

/// A folder of its own for each test, removed afterwards.
final class TemporaryFolder {
  let path = NSTemporaryDirectory() + "lockstep-" + UUID().uuidString

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func file(_ name: String) -> String { "\(path)/\(name)" }
  func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}

private func write(_ text: String, to path: String) throws(FileError) {
  var file = try OutputFile(.path(path))
  try file.write(text)
  try file.finish()
}

private func read(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

private func permissions(_ path: String) throws -> Int {
  let value = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
  return try #require(value as? Int)
}

private func failure(writing text: String = "x", to path: String) -> FileError? {
  do throws(FileError) {
    try write(text, to: path)
    return nil
  } catch {
    return error
  }
}

@Suite struct OutputFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func theFileAppearsOnlyWhenFinished() throws {
    let path = folder.file("a")
    try write("old", to: path)
    var file = try OutputFile(.path(path))
    try file.write("new")
    #expect(try read(path) == "old")
    try file.finish()
    #expect(try read(path) == "new")
    #expect(try folder.names() == ["a"])
  }

  @Test func anUnfinishedFileLeavesNothingBehind() throws {
    func begin() throws {
      var file = try OutputFile(.path(folder.file("a")))
      try file.write("half")
    }
    try begin()
    #expect(try folder.names() == [])
  }

  @Test func bytesOfAnyNumberArriveInOrder() throws {
    let bytes = (0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
    var file = try OutputFile(.path(folder.file("a")))
    try file.write("start")
    try file.write(bytes[...])
    try file.write(bytes[5..<9])
    try file.finish()
    let read = try Data(contentsOf: URL(fileURLWithPath: folder.file("a")))
    #expect(Array(read) == Array("start".utf8) + bytes + bytes[5..<9])
  }

  @Test func aNewFileHasThePermissionsOfTheUmaskAndAReplacedOneKeepsItsOwn() throws {
    let path = folder.file("a")
    try write("1", to: path)
    #expect(FileManager.default.createFile(atPath: folder.file("b"), contents: nil))
    #expect(try permissions(path) == permissions(folder.file("b")))
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
    try write("2", to: path)
    #expect(try permissions(path) == 0o640)
  }

  @Test func aLinkStaysALinkAndItsTargetIsReplaced() throws {
    try write("old", to: folder.file("target"))
    try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: "target")
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("link2"), withDestinationPath: folder.file("link"))
    try write("new", to: folder.file("link2"))
    #expect(try read(folder.file("target")) == "new")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.file("link")) == "target")
    #expect(try folder.names() == ["link", "link2", "target"])
  }

  @Test func aDanglingLinkMakesItsTarget() throws {
    try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: "target")
    try write("new", to: folder.file("link"))
    #expect(try read(folder.file("target")) == "new")
  }

  @Test func aLinkToItselfIsAnError() throws {
    try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: "link")
    let error = try #require(failure(to: folder.file("link")))
    #expect(error.path == folder.file("link"))
  }

  @Test func aMissingFolderIsNamedAsTheReason() throws {
    let path = folder.file("none/a")
    let error = try #require(failure(to: path))
    #expect("\(error)" == "\(path) cannot be written: its folder does not exist.")
  }

  @Test func aFolderIsRefused() throws {
    let error = try #require(failure(to: folder.path))
    #expect("\(error)" == "\(folder.path) cannot be written: it is a folder.")
    #expect(failure(to: "") != nil)
    #expect(failure(to: folder.file("a") + "/") != nil)
  }

  @Test(.enabled(if: getuid() != 0, "the superuser may write everything"))
  func aFileWithoutWritePermissionIsNotReplaced() throws {
    let path = folder.file("a")
    try write("old", to: path)
    try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: path)
    #expect(failure(writing: "new", to: path)?.reason == "Permission denied")
    #expect(try read(path) == "old")
  }

  #if os(Linux)
    @Test func aFullDiskIsAnError() throws {
      let error = try #require(failure(to: "/dev/full"))
      #expect("\(error)" == "/dev/full cannot be written: No space left on device.")
    }

    @Test func aFullDiskIsAnErrorBeforeTheEndToo() throws {
      var file = try OutputFile(.path("/dev/full"))
      #expect(throws: FileError.self) { try file.write([UInt8](repeating: 0, count: 1 << 20)[...]) }
      #expect(throws: FileError.self) { try file.finish() }
    }
  #endif

  @Test func devicesAreWrittenIntoAndStay() throws {
    try write("x", to: "/dev/null")
    #expect(FileManager.default.fileExists(atPath: "/dev/null"))
    let type = try FileManager.default.attributesOfItem(atPath: "/dev/null")[.type] as? FileAttributeType
    #expect(type == .typeCharacterSpecial)
  }

  @Test func aNamedPipeIsWrittenInto() throws {
    let path = folder.file("pipe")
    #expect(mkfifo(path, 0o600) == 0)
    let reader = open(path, O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    try write("through", to: path)
    var bytes = [UInt8](repeating: 0, count: 100)
    let count = Foundation.read(reader, &bytes, bytes.count)
    #expect(String(decoding: bytes[..<max(count, 0)], as: UTF8.self) == "through")
    #expect(try folder.names() == ["pipe"])
  }

  @Test func aCheckLeavesNoTrace() throws {
    let (pipe, file) = (folder.file("pipe"), folder.file("file"))
    #expect(mkfifo(pipe, 0o600) == 0)
    // Without a reader, opening the pipe would wait for one.
    try OutputFile.check(pipe)
    try OutputFile.check(file)
    #expect(try folder.names() == ["pipe"])
    #expect(throws: FileError.self) { try OutputFile.check(folder.file("missing/file")) }
  }

  @Test func aDescriptorOfTheProcessIsContinuedNotReplaced() throws {
    let path = folder.file("log")
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    defer { close(descriptor) }
    #expect(Foundation.write(descriptor, "before ", 7) == 7)
    try write("after", to: "/dev/fd/\(descriptor)")
    #expect(try read(path) == "before after")
    // It is still open.
    #expect(Foundation.write(descriptor, "!", 1) == 1)
  }

  @Test func aClosedPipeIsAnErrorAndNoSignal() throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    close(ends[0])
    defer { close(ends[1]) }
    let error = try #require(failure(to: "/dev/fd/\(ends[1])"))
    #expect(error.reason == "Broken pipe")
    var pending = sigset_t()
    sigpending(&pending)
    #expect(sigismember(&pending, SIGPIPE) == 0)
  }

  @Test func aPipeThatDoesNotBlockIsWaitedFor() async throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let (reader, writer) = (ends[0], ends[1])
    #expect(fcntl(writer, F_SETFL, O_NONBLOCK) == 0)
    let size = 1 << 20
    async let total = Task.detached {
      var total = 0
      var bytes = [UInt8](repeating: 0, count: 1 << 16)
      while total < size {
        let count = Foundation.read(reader, &bytes, bytes.count)
        if count <= 0 { break }
        total += count
      }
      return total
    }.value
    var file = try OutputFile(.path("/dev/fd/\(writer)"))
    try file.write([UInt8](repeating: 7, count: size)[...])
    try file.finish()
    #expect(await total == size)
    close(reader)
    close(writer)
  }
}

@Suite struct FileClaimTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ text: String, to path: String, replacing claim: FileClaim?) throws(FileError) -> FileClaim? {
    var file = try OutputFile(.path(path))
    try file.write(text)
    return try file.finish(replacing: claim)
  }

  @Test func oneAtATimeReplacesAFile() throws {
    let path = folder.file("a")
    var claim = try #require(try write("1", to: path, replacing: nil))
    let error = #expect(throws: FileError.self) { try write("another's", to: path, replacing: nil) }
    #expect(error?.description.contains("another file has appeared there") == true)
    for text in ["2", "3"] {
      #expect(FileClaim(path) == nil)
      claim = try #require(try write(text, to: path, replacing: claim))
      #expect(try read(path) == text)
    }
    #expect(FileClaim(path) == nil)
    #expect(try folder.names() == ["a"])
    withExtendedLifetime(claim) {}
  }

  /// Whatever ends a process closes its descriptors.
  @Test func nothingIsLeftOfAClaimThatIsGone() throws {
    let path = folder.file("a")
    do { _ = try write("1", to: path, replacing: nil) }
    let claim = try #require(FileClaim(path))
    #expect(FileClaim(path) == nil)
    _ = try write("2", to: path, replacing: claim)
    #expect(try read(path) == "2")
    #expect(try folder.names() == ["a"])
  }

  @Test func aFileThatTookThePlaceIsLeftAlone() throws {
    let path = folder.file("a")
    let claim = try write("1", to: path, replacing: nil)
    try FileManager.default.removeItem(atPath: path)
    let other = try #require(try write("another's", to: path, replacing: nil))
    #expect(throws: FileError.self) { try write("2", to: path, replacing: claim) }
    #expect(try read(path) == "another's")
    // One that is gone is made again.
    try FileManager.default.removeItem(atPath: path)
    #expect(try write("3", to: path, replacing: other) != nil)
    #expect(try read(path) == "3")
  }

  @Test func whatIsNoFileHasNoClaim() throws {
    #expect(try write("x", to: "/dev/null", replacing: nil) == nil)
    #expect(FileClaim(folder.file("none")) != nil)
  }
}
