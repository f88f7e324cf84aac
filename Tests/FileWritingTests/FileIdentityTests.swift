// Which names lead to one file, whether it is there or not.

import FileWriting
import Foundation
import Testing

@Suite struct FileIdentityTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: [true, false]) func namesOfOneFileAreAlike(isThere: Bool) throws {
    try FileManager.default.createDirectory(atPath: folder.file("sub"), withIntermediateDirectories: false)
    if isThere { try Data("x".utf8).write(to: URL(fileURLWithPath: folder.file("a"))) }
    try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: "a")
    try FileManager.default.createSymbolicLink(atPath: folder.file("chain"), withDestinationPath: "sub/../link")
    try FileManager.default.createSymbolicLink(atPath: folder.file("here"), withDestinationPath: ".")
    let identity = try #require(FileIdentity(folder.file("a")))
    for name in ["./a", "sub/../a", ".//a", "link", "chain", "here/a", "here/here/link"] {
      #expect(FileIdentity(folder.file(name)) == identity, "\(name)")
    }
    for name in ["b", "sub/a", "A"] { #expect(FileIdentity(folder.file(name)) != identity, "\(name)") }
    if isThere {
      try FileManager.default.linkItem(atPath: folder.file("a"), toPath: folder.file("hard"))
      #expect(FileIdentity(folder.file("hard")) == identity)
    }
  }

  @Test func whatCannotBeOverwrittenHasNone() throws {
    for path in ["/dev/null", folder.path, folder.file("none/a"), ""] {
      #expect(FileIdentity(path) == nil, "\(path)")
    }
    try FileManager.default.createSymbolicLink(atPath: folder.file("loop"), withDestinationPath: "loop")
    #expect(FileIdentity(folder.file("loop")) == nil)
  }
}
